//! Older versions of one table that readers asked for, and when each was committed.

use super::snapshot::Snapshot;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Older versions kept in memory per table.
pub(super) const SNAPSHOTS_KEPT: usize = 16;
/// Commit times kept in memory per table; a search over a million versions reads twenty.
pub(super) const TIMES_KEPT: usize = 4096;

/// Older versions that were asked for. Neither a version nor its time ever changes, so nothing here goes stale.
#[derive(Debug, Default)]
pub(super) struct VersionCache {
    /// Held for a few instructions, never across an await.
    known: Mutex<Known>,
}

/// What a [`VersionCache`] holds.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Commit times by version.
    pub(super) times: BTreeMap<u64, DateTime<Utc>>,
    /// Versions that were asked for, the oldest request first.
    pub(super) snapshots: VecDeque<Arc<Snapshot>>,
    /// The oldest version that the log told of when it was last listed for it.
    pub(super) oldest: Option<u64>,
}

impl VersionCache {
    /// What is held. For a few instructions, never across an await.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
