//! Maps and lists of lists, for which PostgreSQL has no type: the client gets them as json text.

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
    use super::super::tests::check_text;
    use arrow::array::{Array, Int32Array, ListBuilder};
    use std::sync::Arc;

    #[test]
    fn nested_lists_go_as_arrays() {
        let mut nested = ListBuilder::new(ListBuilder::new(Int32Array::builder(3)));
        nested.values().values().append_slice(&[1, 2]);
        nested.values().append(true);
        nested.append(true);
        let nested = nested.finish();
        assert_eq!(nested.len(), 1);
        check_text(Arc::new(nested), &[Some("{{1,2}}")]);
    }
}
