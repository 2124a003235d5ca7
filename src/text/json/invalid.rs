//! What can be wrong with a JSON text.

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// The text is no JSON.
    Syntax,
    /// A text in it has a letter that no text can hold: a zero, or half of a pair.
    Letter,
    /// A number in it has no room in `numeric`.
    OutOfRange,
    /// It is nested too deeply.
    TooDeep,
}
