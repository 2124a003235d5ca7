//! Status of a spool: how often it writes and syncs, and the counts that metrics and `system.spools` read.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Longest time an event waits in the intake while the disk keeps up.
pub const FLUSH: Duration = Duration::from_millis(100);
/// Events that are written without waiting for [`FLUSH`].
pub const FLUSH_EVENTS: usize = 16 * 1024;
/// Longest time written events wait to be forced to the disk. With [`FLUSH`] before, as long after and the disk's own
/// time, no event is a second old and not on the disk.
pub const SYNC: Duration = Duration::from_millis(700);

/// What a spool tells of itself. Its thread writes it; anyone reads it.
#[derive(Debug, Default)]
pub struct SpoolStatus {
    pub(super) written: AtomicU64,
    pub(super) missed: AtomicU64,
    pub(super) disk_bytes: AtomicU64,
    pub(super) at_risk: AtomicBool,
    /// Microseconds since 1970; 0 is none.
    pub(super) last_received_at: AtomicI64,
    /// Held for a copy, never across an await.
    last_error: Mutex<Option<String>>,
}

impl SpoolStatus {
    /// Events written since the start.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Events lost since the start: the disk did not keep up, or was full; or, found at the start, a file was damaged.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Bytes of the spool's files.
    pub fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }

    /// Arrival of the newest event written, in microseconds since 1970.
    pub fn last_received_at(&self) -> Option<i64> {
        Some(self.last_received_at.load(Ordering::Relaxed)).filter(|micros| *micros != 0)
    }

    /// Whether the disk refused to keep events that the lake does not have yet.
    pub fn at_risk(&self) -> bool {
        self.at_risk.load(Ordering::Relaxed)
    }

    /// Why events cannot be written now, or were not forced to the disk and are not in the lake yet; `None` when all is well.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_error(&self, error: Option<String>) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}
