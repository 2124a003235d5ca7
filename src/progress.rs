//! How far long work is: counters that a source or an import writes and a display reads. A leaf, so that neither knows
//! the other.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far one refresh or import is. The work counts in it; the console reads it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Items that the refresh is to fetch in all.
    pub total: AtomicU64,
    /// Items done, failed ones included.
    pub done: AtomicU64,
    /// Items that have failed so far.
    pub failed: AtomicU64,
    /// Rows that were fetched so far.
    pub rows: AtomicU64,
}

impl Progress {
    /// Says how many items there are, of which none is done yet: at the start, and when work begins anew.
    pub fn begin(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        [&self.done, &self.failed, &self.rows].into_iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }

    /// Counts one finished item.
    pub fn finish(&self, rows: u64, failed: bool) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
        if failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
