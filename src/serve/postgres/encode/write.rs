//! The writer of one column: what every kind of value is encoded through.

use crate::serve::postgres::error::Failure;
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::ArrowPrimitiveType;

/// Writes the cell of a row that is not NULL.
pub(crate) type Write = Box<dyn FnMut(usize, &mut Vec<u8>) -> Result<(), Failure> + Send>;

/// A writer for an array of plain values.
pub(super) fn values<T, F>(array: &ArrayRef, mut write: F) -> Write
where
    T: ArrowPrimitiveType,
    F: FnMut(T::Native, &mut Vec<u8>) -> Result<(), Failure> + Send + 'static,
{
    let array = array.as_primitive::<T>().clone();
    Box::new(move |row, out| write(array.value(row), out))
}
