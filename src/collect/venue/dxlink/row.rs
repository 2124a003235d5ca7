//! One event's values as a frame has them, read by the place of a field in the list we ask for.

use super::wire::Scalar;
use crate::collect::venue::number::whole_number;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::sync::Arc;

/// The bit of an event that says: more events of this transaction follow.
pub(super) const TX_PENDING: i64 = 0x01;
/// The bit of an event that takes the event of its index away.
pub(super) const REMOVE_EVENT: i64 = 0x02;
/// The bit of the first event of a snapshot.
pub(super) const SNAPSHOT_BEGIN: i64 = 0x04;
/// The bit of the last event of a snapshot.
pub(super) const SNAPSHOT_END: i64 = 0x08;
/// The bit of the last event of a snapshot that is cut off.
pub(super) const SNAPSHOT_SNIP: i64 = 0x10;

/// One event's values, read by their place in the fields of its type.
pub(super) struct Row<'r, 'a> {
    pub(super) values: &'r [Scalar<'a>],
    pub(super) positions: &'r [Option<usize>],
}

impl Row<'_, '_> {
    pub(super) fn at(&self, field: usize) -> &Scalar<'_> {
        let position = self.positions.get(field).copied().flatten();
        position.and_then(|position| self.values.get(position)).unwrap_or(&Scalar::Missing)
    }

    pub(super) fn number(&self, field: usize) -> Option<f64> {
        self.at(field).number()
    }

    pub(super) fn integer(&self, field: usize) -> Option<i64> {
        self.at(field).integer()
    }

    /// A size, rounded to a whole number.
    pub(super) fn size(&self, field: usize) -> Option<i64> {
        self.number(field).and_then(whole_number)
    }

    /// A moment in epoch milliseconds; 0 is unknown.
    pub(super) fn moment(&self, field: usize) -> Option<DateTime<Utc>> {
        self.integer(field).filter(|millis| *millis > 0).and_then(DateTime::from_timestamp_millis)
    }

    /// Text that says something: not empty, and not the venue's word for not knowing.
    pub(super) fn word(&self, field: usize) -> Option<Arc<str>> {
        self.at(field).text().filter(|text| !matches!(*text, "" | "\0" | "UNDEFINED")).map(Arc::from)
    }

    /// A truth value of the row; `None` where it is missing.
    pub(super) fn flag(&self, field: usize) -> Option<bool> {
        match self.at(field) {
            Scalar::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// A date in days since 1970-01-01; 0 is unknown.
    pub(super) fn date(&self, field: usize) -> Option<NaiveDate> {
        let days = self.integer(field).filter(|days| *days > 0).and_then(TimeDelta::try_days)?;
        NaiveDate::default().checked_add_signed(days)
    }

    /// Whether the event takes another away rather than tell something, as its flags in `field` say.
    pub(super) fn removes(&self, field: usize) -> bool {
        self.integer(field).unwrap_or_default() & REMOVE_EVENT != 0
    }
}
