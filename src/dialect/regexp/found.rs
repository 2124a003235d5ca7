//! What reading and matching an expression give: a match, or the reason why there can be none.

use std::ops::Range;

/// Why a text is no regular expression, in PostgreSQL's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invalid(pub(crate) &'static str);

/// One match: its place in letters, and that of each group, `None` for a group that took no part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// The place of the whole match.
    pub(crate) whole: Range<usize>,
    /// The places of the groups, the first at index 0.
    pub(crate) groups: Vec<Option<Range<usize>>>,
}
