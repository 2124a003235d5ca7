//! One column of one file, decoded.

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::error::ArrowError;
use std::ops::Range;

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

/// Some rows of a column as an array of their own. A slice would count as the whole column wherever an operator asks what
/// a batch takes: sorts would spill, and statements end for memory that nobody has taken.
///
/// # Errors
/// Texts of more than two gigabytes.
pub fn copied(column: &dyn Array, rows: &Range<usize>) -> Result<ArrayRef, ArrowError> {
    // Two pieces, for one is handed on as it is.
    let half = rows.len() / 2;
    let (first, second) = (column.slice(rows.start, half), column.slice(rows.start + half, rows.len() - half));
    concat(&[first.as_ref(), second.as_ref()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn what_is_copied_takes_no_more_than_it_is() {
        let numbers: ArrayRef =
            Arc::new((0..100_000).map(|row| (row % 7 > 0).then_some(f64::from(row))).collect::<Float64Array>());
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..100_000).map(|row| format!("S{row}"))));
        for column in [&numbers, &texts] {
            for rows in [0..0, 5..6, 99_000..100_000] {
                let copy = copied(column, &rows).unwrap();
                assert_eq!(copy.to_data(), column.slice(rows.start, rows.len()).to_data());
                assert!(copy.get_array_memory_size() < 1_000 + rows.len() * 32, "{}", copy.get_array_memory_size());
            }
        }
    }
}
