//! Sizes of values: what the largest one of a column takes, for operators that may repeat it.

use arrow::array::{Array, AsArray, OffsetSizeTrait};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowNativeType, BinaryViewType, ByteViewType, DataType, StringViewType};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;

/// Whether values of a type take as many bytes as they need, and not always the same.
pub(crate) fn varies(data_type: &DataType) -> bool {
    data_type.primitive_width().is_none() && !matches!(data_type, DataType::Boolean | DataType::Null)
}

/// Bytes of a row that has the largest value of each column whose values vary in size. An upper bound: no row need have
/// them all.
pub(crate) fn largest_row(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter().filter(|column| varies(column.data_type()));
    columns.map(|column| largest(column)).fold(0, usize::saturating_add)
}

/// Bytes of the largest value of a column, 0 without rows; of nested values an upper bound.
pub(crate) fn largest(array: &dyn Array) -> usize {
    match array.data_type() {
        DataType::Utf8 => longest(array.as_string::<i32>().offsets()),
        DataType::LargeUtf8 => longest(array.as_string::<i64>().offsets()),
        DataType::Binary => longest(array.as_binary::<i32>().offsets()),
        DataType::LargeBinary => longest(array.as_binary::<i64>().offsets()),
        DataType::Utf8View => longest_view::<StringViewType>(array),
        DataType::BinaryView => longest_view::<BinaryViewType>(array),
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            elements(lists.offsets(), lists.values())
        }
        DataType::LargeList(_) => {
            let lists = array.as_list::<i64>();
            elements(lists.offsets(), lists.values())
        }
        DataType::Struct(_) => {
            array.as_struct().columns().iter().map(|field| largest(field)).fold(0, usize::saturating_add)
        }
        DataType::Dictionary(..) => largest(array.as_any_dictionary().values()),
        // Of what is rare, the mean.
        other => other.primitive_width().unwrap_or_else(|| array.get_array_memory_size() / array.len().max(1)),
    }
}

/// Bytes of a constant once it stands in a column.
pub(crate) fn of_constant(value: &ScalarValue) -> usize {
    match value {
        ScalarValue::List(list) => list.get_array_memory_size(),
        ScalarValue::LargeList(list) => list.get_array_memory_size(),
        ScalarValue::Struct(record) => record.get_array_memory_size(),
        // What holds anything else holds its own bytes.
        other => other.size(),
    }
}

fn longest<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> usize {
    offsets.lengths().max().unwrap_or(0)
}

fn longest_view<T: ByteViewType>(array: &dyn Array) -> usize {
    // The lower half of a view is the length of its value.
    array.as_byte_view::<T>().views().iter().map(|view| *view as u32 as usize).max().unwrap_or(0)
}

/// The longest list, in bytes of its elements: exactly where they are of one size or texts, else as if each were the
/// largest.
fn elements<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, values: &dyn Array) -> usize {
    match values.data_type() {
        DataType::Utf8 => {
            let ends = values.as_string::<i32>().value_offsets();
            let end = |at: &O| ends.get(at.as_usize()).map_or(0, |end| end.as_usize());
            offsets.windows(2).map(|list| end(&list[1]).saturating_sub(end(&list[0]))).max().unwrap_or(0)
        }
        _ => longest(offsets).saturating_mul(largest(values)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray, StringViewArray};
    use arrow::datatypes::Int64Type;
    use std::sync::Arc;

    #[test]
    fn the_largest_value_is_found() {
        let texts = StringArray::from(vec![Some("a"), None, Some("abcd"), Some("ab")]);
        assert_eq!(largest(&texts), 4);
        assert_eq!(largest(&texts.slice(3, 1)), 2);
        assert_eq!(largest(&StringViewArray::from(vec!["a", "a text that is longer than a view"])), 33);
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)]), None, Some(vec![None; 3])]);
        assert_eq!(largest(&lists), 24);
        assert_eq!(largest(&StringArray::from(Vec::<&str>::new())), 0);
    }

    #[test]
    fn a_row_is_as_large_as_its_columns_that_vary() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["abc", "d"]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("a", texts.clone()), ("b", numbers), ("c", texts)]).unwrap();
        assert_eq!(largest_row(&batch), 6);
    }
}
