//! When the files of a version were seen to be there.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The version whose files were all there, and when. Held for a look or a change, never across an await.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Option<(u64, Instant)>>);

impl Seen {
    /// Whether those of a version were seen no longer ago than that.
    pub(super) fn within(&self, version: u64, age: Duration) -> bool {
        let seen = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_some_and(|(of, at)| of == version && at.elapsed() < age)
    }

    /// Notes that those of a version were there.
    pub(super) fn set(&self, version: u64, at: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, at));
    }
}
