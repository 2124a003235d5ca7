//! History on disk: Delta Lake tables, written atomically, read as snapshots.

pub mod dataset;
