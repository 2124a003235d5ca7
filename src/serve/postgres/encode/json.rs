//! Structs, maps and lists of lists, for which PostgreSQL has no type: the client gets them as json text.

use super::write::Write;
use crate::serve::postgres::error::Failure;
use arrow::array::{Array, ArrayRef};
use arrow::datatypes::Field;
use arrow::json::writer::{EncoderOptions, make_encoder};
use bytes::BufMut;
use std::sync::Arc;

/// A writer for an array of anything: its json is made at once for the batch. Text and binary are the same bytes.
///
/// # Errors
/// 0A000 for a type within that has no json.
pub(super) fn writer(array: &ArrayRef) -> Result<Write, Failure> {
    let field = Arc::new(Field::new("", array.data_type().clone(), true));
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, array.as_ref(), &options)
        .map_err(|error| Failure::new("0A000", format!("cannot encode a column: {error}")))?;
    let mut text = Vec::new();
    let mut ends = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if !array.is_null(row) {
            encoder.encode(row, &mut text);
        }
        ends.push(text.len());
    }
    Ok(Box::new(move |row, out| {
        let start = row.checked_sub(1).map_or(0, |before| ends[before]);
        out.put_slice(&text[start..ends[row]]);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_binary, check_text};
    use arrow::array::{Array, ArrayRef, Float64Array, Int32Array, ListBuilder, StringArray, StructArray};
    use arrow::buffer::NullBuffer;
    use arrow::datatypes::{DataType, Field};
    use std::sync::Arc;

    #[test]
    fn structs_and_nested_lists_go_as_json() {
        let symbol: ArrayRef = Arc::new(StringArray::from(vec![Some("A\"B"), None, None]));
        let bid: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None, None]));
        let fields = vec![Field::new("symbol", DataType::Utf8, true), Field::new("bid", DataType::Float64, true)];
        let nulls = NullBuffer::from(vec![true, true, false]);
        let array = StructArray::new(fields.into(), vec![symbol, bid], Some(nulls));
        let expected = [Some(r#"{"symbol":"A\"B","bid":1.5}"#), Some(r#"{"symbol":null,"bid":null}"#), None];
        check_text(Arc::new(array.clone()), &expected);
        check_binary(Arc::new(array), &expected.map(|cell| cell.map(str::as_bytes)));

        let mut nested = ListBuilder::new(ListBuilder::new(Int32Array::builder(3)));
        nested.values().values().append_slice(&[1, 2]);
        nested.values().append(true);
        nested.append(true);
        let nested = nested.finish();
        assert_eq!(nested.len(), 1);
        check_text(Arc::new(nested), &[Some("[[1,2]]")]);
    }
}
