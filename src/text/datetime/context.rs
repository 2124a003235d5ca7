//! What texts of moments are read with.

use crate::text::calendar::split;
use crate::text::zone::Zone;

/// What texts are read with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The zone of texts that name none.
    pub(crate) zone: &'a Zone,
    /// The moment that `now` and `today` are of.
    pub(crate) now_us: i64,
}

impl Context<'_> {
    /// The wall clock in the zone, as a day and microseconds of it.
    pub(super) fn today(&self) -> (i64, i64) {
        split(self.zone.local(self.now_us).unwrap_or(self.now_us))
    }
}
