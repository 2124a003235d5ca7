//! What may be wrong with a text of a date, a time or a span.

/// What is wrong with a text of a date, a time or a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text does not read at all.
    Syntax,
    /// A part is outside of what it may be, as in `2024-02-30`.
    Field,
    /// A part of a span is outside of what it may be.
    Span,
    /// An offset from Greenwich is too large.
    Offset,
    /// A zone that is not known.
    Zone,
    /// All parts are right, but the whole is outside of its type.
    Range,
}
