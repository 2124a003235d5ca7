//! What is told of the columns in memory: how much is here, and how often it was what a reader wanted.

use std::sync::atomic::{AtomicU64, Ordering};

/// The columns in memory of one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetFigures {
    /// Name of the dataset.
    pub dataset: &'static str,
    /// Files of which a column is here.
    pub files: usize,
    /// Columns here, each counted once for each file.
    pub columns: usize,
    /// Bytes that they take.
    pub bytes: usize,
    /// Reads of a file that found all columns here, since the start.
    pub hits: u64,
    /// Reads of a file that did not.
    pub misses: u64,
}

/// How often readers found what they wanted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Counters {
    pub(super) fn count(&self, hit: bool) {
        let counter = if hit { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn figures(&self, dataset: &'static str, files: usize, columns: usize, bytes: usize) -> DatasetFigures {
        let (hits, misses) = (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed));
        DatasetFigures { dataset, files, columns, bytes, hits, misses }
    }
}
