//! What requests are sent for. The rate budget of a source puts them in order by it, request by request.

use chrono::{DateTime, Utc};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// One run of one dataset, as its requests show it. Shared between the scheduler, which knows who waits, and the budget.
#[derive(Debug, Default)]
pub struct Purpose {
    /// The dataset; empty for what is no dataset's, such as the live feed.
    pub dataset: &'static str,
    awaited: AtomicBool,
    /// Microseconds since 1970 at which its last request is expected to be sent; 0 is unknown.
    sent_at: AtomicI64,
}

impl Purpose {
    /// Requests for a dataset, for which nobody waits yet.
    pub fn of(dataset: &'static str) -> Self {
        Self { dataset, ..Self::default() }
    }

    /// Whether a query or a command waits for it.
    pub fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Relaxed)
    }

    /// Says whether somebody waits for it.
    pub fn set_awaited(&self, awaited: bool) {
        self.awaited.store(awaited, Ordering::Relaxed);
    }

    /// When the last of its requests that are known now is expected to be sent; `None` when none waits.
    pub fn sent_at(&self) -> Option<DateTime<Utc>> {
        let micros = Some(self.sent_at.load(Ordering::Relaxed)).filter(|micros| *micros != 0);
        micros.and_then(DateTime::from_timestamp_micros)
    }

    /// Says when that is.
    pub(super) fn set_sent_at(&self, at: Option<DateTime<Utc>>) {
        self.sent_at.store(at.map_or(0, |at| at.timestamp_micros()), Ordering::Relaxed);
    }
}
