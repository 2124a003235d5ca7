//! What texts of moments are read with.

use crate::text::calendar::split;
use crate::text::span::SpanStyle;
use crate::text::zone::Zone;

/// What texts are read with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The zone of texts that name none.
    pub(crate) zone: &'a Zone,
    /// The style that spans of time are meant in where they could be meant in two ways.
    pub(crate) spans: SpanStyle,
    /// The moment that `now` and `today` are of.
    pub(crate) now_us: i64,
}

impl Context<'_> {
    /// The wall clock in the zone, as a day and microseconds of it.
    pub(super) fn today(&self) -> (i64, i64) {
        split(self.zone.local(self.now_us).unwrap_or(self.now_us))
    }
}
