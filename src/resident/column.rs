//! One column of one file, decoded.

use arrow::array::{Array, ArrayRef};

/// All values of a column of a file, in the order of its rows.
#[derive(Debug)]
pub(super) struct Column {
    values: ArrayRef,
    bytes: usize,
}

impl Column {
    /// A column of these values; it counts what they take.
    pub(super) fn new(values: ArrayRef) -> Self {
        let bytes = values.get_array_memory_size();
        Self { values, bytes }
    }

    pub(super) fn values(&self) -> &ArrayRef {
        &self.values
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
