//! One column of one file, decoded.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringArray, downcast_primitive_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::concat;
use arrow::datatypes::{ArrowNativeType, DataType};
use arrow::error::ArrowError;
use std::ops::Range;
use std::sync::Arc;

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
    downcast_primitive_array!(
        column => return Ok(Arc::new(copied_values(column, rows))),
        DataType::Utf8 => return Ok(copied_texts(column.as_string(), rows)),
        _ => {}
    );
    // Two pieces, for one is handed on as it is.
    let half = rows.len() / 2;
    let (first, second) = (column.slice(rows.start, half), column.slice(rows.start + half, rows.len() - half));
    concat(&[first.as_ref(), second.as_ref()])
}

/// Values of one size, without the detour of building them: a lookup copies a few rows of each column.
fn copied_values<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, rows: &Range<usize>) -> PrimitiveArray<T> {
    let slice = column.slice(rows.start, rows.len());
    let values = ScalarBuffer::from(slice.values().to_vec());
    PrimitiveArray::new(values, copied_nulls(&slice)).with_data_type(column.data_type().clone())
}

fn copied_texts(column: &StringArray, rows: &Range<usize>) -> ArrayRef {
    let slice = column.slice(rows.start, rows.len());
    let (offsets, nulls) = (slice.value_offsets(), copied_nulls(&slice));
    let first = offsets.first().copied().unwrap_or_default();
    let last = offsets.last().copied().unwrap_or_default();
    let bytes = slice.value_data().get(first.as_usize()..last.as_usize()).unwrap_or_default();
    let lengths = OffsetBuffer::from_lengths(slice.offsets().lengths());
    match StringArray::try_new(lengths, Buffer::from(bytes.to_vec()), nulls) {
        Ok(texts) => Arc::new(texts),
        // What was a column of texts is one in any part.
        Err(_) => Arc::new(slice),
    }
}

/// Which values are NULL, where any is.
fn copied_nulls(slice: &dyn Array) -> Option<NullBuffer> {
    let nulls = slice.nulls().filter(|nulls| nulls.null_count() > 0)?;
    Some(nulls.iter().collect::<Vec<_>>().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BooleanArray, Decimal128Array, Float64Array, StringArray, TimestampMicrosecondArray};

    #[test]
    fn what_is_copied_takes_no_more_than_it_is() {
        let numbers: ArrayRef =
            Arc::new((0..100_000).map(|row| (row % 7 > 0).then_some(f64::from(row))).collect::<Float64Array>());
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..100_000).map(|row| format!("S{row}"))));
        let some: ArrayRef =
            Arc::new((0..100_000).map(|row| (row % 3 > 0).then(|| format!("T{row}"))).collect::<StringArray>());
        let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(0..100_000).with_timezone("UTC"));
        let amounts = Decimal128Array::from_iter_values(0..100_000).with_precision_and_scale(20, 2).unwrap();
        let flags: ArrayRef = Arc::new((0..100_000).map(|row| Some(row % 2 > 0)).collect::<BooleanArray>());
        for column in [&numbers, &texts, &some, &moments, &(Arc::new(amounts) as ArrayRef), &flags] {
            for rows in [0..0, 5..6, 99_000..100_000] {
                let copy = copied(column, &rows).unwrap();
                assert_eq!(copy.to_data(), column.slice(rows.start, rows.len()).to_data());
                assert!(copy.get_array_memory_size() < 1_000 + rows.len() * 32, "{}", copy.get_array_memory_size());
            }
        }
    }
}
