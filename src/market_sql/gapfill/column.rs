//! Columns that are filled: by the last value before, or by the line between the values around.

/// How a column is filled, by the places of columns of the input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd)]
pub(super) struct Fill {
    /// The column with the values that there are.
    pub(super) value: usize,
    /// What comes before all of them, of a group's first row.
    pub(super) before: Option<usize>,
    /// What comes behind all of them.
    pub(super) after: Option<usize>,
    /// What a bucket without a value has.
    pub(super) rule: Rule,
}

/// What a bucket without a value has instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub(super) enum Rule {
    /// The last value before it.
    Last {
        /// Whether a row whose value is NULL has none.
        null_is_missing: bool,
    },
    /// The value on the line between those around it.
    Line,
}
