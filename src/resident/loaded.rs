//! What was read of a file: whole columns, and where its row groups are.

use super::column::Column;
use std::ops::Range;

/// A row group of a file: which bytes it is found by, and its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Offset of its first page, by which DataFusion deals row groups to readers of ranges of bytes.
    pub offset: u64,
    /// Its rows, counted from the file's first.
    pub rows: Range<usize>,
}

/// Columns of a file, by their places in the dataset's schema, and all its row groups.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) columns: Vec<(usize, Column)>,
    pub(super) parts: Vec<Part>,
}
