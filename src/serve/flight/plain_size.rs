//! What columns of parameters take once each value stands for itself.
//!
//! In a dictionary, a view or a union, one value may stand in a million places. Casts to plain columns repeat it there,
//! so its size is asked for first.

use super::error::malformed;
use super::ipc_check::{COLUMN_BYTES, UNPACKED_BYTES_MAX, unpacked_too_large};
use arrow::array::{AnyDictionaryArray, Array, ArrayRef, AsArray, UnionArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use tonic::Status;

/// What a value takes at least, whatever it is cast to.
const VALUE_BYTES: usize = 64;

/// What a value of a union takes: a column of its own, and another one of the type that is wanted.
const CHOSEN_BYTES: usize = 640;

/// Bytes of all columns of batches as plain ones. INVALID_ARGUMENT when they are more than one call may bring, or when
/// there is a column whose size cannot be told.
pub(super) fn plain_size(batches: &[RecordBatch]) -> Result<usize, Status> {
    let mut bytes = 0_usize;
    for batch in batches {
        bytes = bytes.saturating_add(columns_bytes(batch.columns())?);
        if bytes > UNPACKED_BYTES_MAX {
            return Err(unpacked_too_large());
        }
    }
    Ok(bytes)
}

fn columns_bytes(columns: &[ArrayRef]) -> Result<usize, Status> {
    columns.iter().try_fold(0_usize, |bytes, column| Ok(bytes.saturating_add(column_bytes(column)?)))
}

/// Bytes of a column as a plain one.
fn column_bytes(column: &dyn Array) -> Result<usize, Status> {
    let values = match column.data_type() {
        DataType::Utf8View => column.as_string_view().lengths().map(|length| length as usize).sum::<usize>(),
        DataType::BinaryView => column.as_binary_view().lengths().map(|length| length as usize).sum::<usize>(),
        DataType::Dictionary(..) => dictionary_bytes(column.as_any_dictionary())?,
        DataType::List(_) => column_bytes(column.as_list::<i32>().values())?,
        DataType::LargeList(_) => column_bytes(column.as_list::<i64>().values())?,
        DataType::FixedSizeList(..) => column_bytes(column.as_fixed_size_list().values())?,
        DataType::Struct(_) => columns_bytes(column.as_struct().columns())?,
        DataType::Map(..) => columns_bytes(column.as_map().entries().columns())?,
        DataType::Union(..) => union_bytes(column.as_union())?,
        // Runs and lists that may lie over each other: nobody sends them as parameters.
        other @ (DataType::RunEndEncoded(..) | DataType::ListView(_) | DataType::LargeListView(_)) => {
            return Err(malformed(format!("columns of {other} are not taken as parameters; send plain ones")));
        }
        _ => column.to_data().get_slice_memory_size().unwrap_or(usize::MAX),
    };
    Ok(values.saturating_add(column.len().saturating_mul(VALUE_BYTES)).saturating_add(COLUMN_BYTES))
}

/// Bytes of the values that the keys of a dictionary stand for, and of the dictionary.
fn dictionary_bytes(column: &dyn AnyDictionaryArray) -> Result<usize, Status> {
    let (keys, values) = (column.keys(), column.values());
    let dictionary = flat_bytes(values)?;
    if values.is_empty() {
        return Ok(dictionary);
    }
    let set = column.normalized_keys().into_iter().enumerate().filter(|(row, _)| keys.is_valid(*row));
    Ok(set.fold(dictionary, |bytes, (_, key)| bytes.saturating_add(value_bytes(values, key))))
}

/// Bytes of the values that the rows of a union have chosen, and of those they could choose from.
fn union_bytes(column: &UnionArray) -> Result<usize, Status> {
    let mut bytes = column.len().saturating_mul(CHOSEN_BYTES);
    for (kind, _) in column.fields().iter() {
        bytes = bytes.saturating_add(flat_bytes(column.child(kind))?);
    }
    let chosen = |row| value_bytes(column.child(column.type_id(row)), column.value_offset(row));
    Ok((0..column.len()).fold(bytes, |bytes, row| bytes.saturating_add(chosen(row))))
}

/// Bytes of a column that others refer to value by value: one without columns within it, or without values.
fn flat_bytes(values: &ArrayRef) -> Result<usize, Status> {
    let kind = values.data_type();
    let nested = kind.is_nested() || matches!(kind, DataType::Dictionary(..) | DataType::RunEndEncoded(..));
    match nested {
        true if values.is_empty() => Ok(0),
        true => Err(malformed(format!(
            "dictionaries and unions with values of {kind} are not taken as parameters; send plain columns"
        ))),
        false => column_bytes(values),
    }
}

/// Bytes of one value of a flat column, beyond what every value takes.
fn value_bytes(values: &dyn Array, place: usize) -> usize {
    let viewed = |views: &[u128]| views.get(place).map_or(0, |view| i64::from(*view as u32));
    let bytes = match values.data_type() {
        DataType::Utf8 => i64::from(values.as_string::<i32>().value_length(place)),
        DataType::LargeUtf8 => values.as_string::<i64>().value_length(place),
        DataType::Utf8View => viewed(values.as_string_view().views()),
        DataType::Binary => i64::from(values.as_binary::<i32>().value_length(place)),
        DataType::LargeBinary => values.as_binary::<i64>().value_length(place),
        DataType::BinaryView => viewed(values.as_binary_view().views()),
        DataType::FixedSizeBinary(width) => i64::from(*width),
        _ => 0,
    };
    usize::try_from(bytes).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BinaryArray, BooleanArray, DictionaryArray, Int32Array, Int64Array, ListArray, NullArray, RunArray,
        StringArray, StringViewBuilder, StructArray,
    };
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Field, Int32Type, UnionFields};
    use std::sync::Arc;

    /// As many places as wanted that show the same text of so many bytes.
    fn repeated(rows: usize, bytes: usize) -> ArrayRef {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(bytes)]));
        Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from(vec![0; rows]), text))
    }

    fn list(values: ArrayRef) -> ArrayRef {
        let field = Arc::new(Field::new("item", values.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        Arc::new(ListArray::new(field, offsets, values, None))
    }

    /// A union all of whose rows have chosen its first text.
    fn union(rows: usize, bytes: usize) -> ArrayRef {
        let fields = [Field::new("n", DataType::Int64, true), Field::new("t", DataType::Utf8, true)];
        let fields = UnionFields::try_new([0, 5], fields).unwrap();
        let children: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![1])),
            Arc::new(StringArray::from(vec!["x".repeat(bytes), String::new()])),
        ];
        let (kinds, offsets) = (vec![5_i8; rows], vec![0_i32; rows]);
        Arc::new(UnionArray::try_new(fields, kinds.into(), Some(offsets.into()), children).unwrap())
    }

    fn size(column: ArrayRef) -> Result<usize, Status> {
        plain_size(&[RecordBatch::try_from_iter_with_nullable([("c", column, true)]).unwrap()])
    }

    #[track_caller]
    fn refused(column: ArrayRef, words: &str) {
        let status = size(column).unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status}");
        assert!(status.message().contains(words), "{status}");
    }

    #[test]
    fn plain_columns_take_what_they_are() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1; 1_000]));
        assert_eq!(size(numbers).unwrap(), 1_000 * (8 + VALUE_BYTES) + COLUMN_BYTES);
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(1_000); 100]));
        assert!((100_000..110_000).contains(&size(texts).unwrap()));
        let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values([[7_u8; 1_000]; 100]));
        assert!((100_000..110_000).contains(&size(bytes).unwrap()));
        assert_eq!(size(Arc::new(BooleanArray::from(Vec::<bool>::new()))).unwrap(), COLUMN_BYTES);
    }

    #[test]
    fn a_value_counts_wherever_it_is_shown() {
        let mut views = StringViewBuilder::new().with_deduplicate_strings();
        (0..100).for_each(|_| views.append_value("x".repeat(1_000)));
        let views: ArrayRef = Arc::new(views.finish());
        let whole: ArrayRef = Arc::new(StructArray::from(vec![(
            Arc::new(Field::new("word", repeated(100, 1_000).data_type().clone(), true)),
            repeated(100, 1_000),
        )]));
        for column in [repeated(100, 1_000), views, list(repeated(100, 1_000)), whole] {
            let bytes = size(column.clone()).unwrap();
            assert!((100_000..120_000).contains(&bytes), "{}: {bytes}", column.data_type());
        }
        assert!((100_000..180_000).contains(&size(union(100, 1_000)).unwrap()));
        // Keys of nothing show nothing.
        let keys = Int32Array::from(vec![None::<i32>; 100]);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(1_000)]));
        let nothing = DictionaryArray::<Int32Type>::new(keys.clone(), text);
        assert!(size(Arc::new(nothing)).unwrap() < 20_000);
        let empty: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
        assert!(size(Arc::new(DictionaryArray::<Int32Type>::new(keys, empty))).unwrap() < 20_000);
    }

    #[test]
    fn what_would_fill_the_memory_is_refused() {
        for column in [
            repeated(1_000_000, 500_000),
            list(repeated(1_000, 100_000)),
            union(1_000, 100_000),
            union(200_000, 1),
            list(Arc::new(NullArray::new(1 << 30))),
        ] {
            refused(column, "unpacked");
        }
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let text = StringArray::from(vec!["x"]);
        let run = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![i32::MAX]), &text).unwrap();
        refused(Arc::new(run), "not taken");
        let lists = DictionaryArray::<Int32Type>::new(Int32Array::from(vec![0; 9]), list(Arc::new(text)));
        refused(Arc::new(lists), "not taken");
    }
}
