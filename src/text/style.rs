//! How values look as texts where that is a matter of the session: the zone of instants, the style of spans of time.

use super::span::SpanStyle;
use super::zone::Zone;

/// What a session says about how values look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Style {
    /// Zone in which instants are shown as text.
    pub(crate) zone: Zone,
    /// Style in which spans of time are shown, and read where they could be meant in two ways.
    pub(crate) spans: SpanStyle,
}

impl Style {
    /// That of a session which has set nothing.
    pub(crate) const DEFAULT: Self = Self { zone: Zone::UTC, spans: SpanStyle::Postgres };
}
