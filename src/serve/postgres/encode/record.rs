//! Composite values, in the text and the binary form of PostgreSQL's `record`.

use super::write::Write;
use crate::serve::postgres::error::Failure;
use crate::serve::postgres::types::postgres_type;
use crate::text::record::{is_missing, put_record};
use crate::text::style::Style;
use arrow::array::{Array, ArrayRef, AsArray};
use bytes::BufMut;

/// A writer for an array of records, each field by the writer of its own type.
///
/// # Errors
/// 0A000 for a field of a type that has no form on the wire.
pub(super) fn writer(array: &ArrayRef, format: super::Format, style: &Style) -> Result<Write, Failure> {
    let record = array.as_struct().clone();
    let mut writers = Vec::with_capacity(record.num_columns());
    for column in record.columns() {
        writers.push((column.clone(), postgres_type(column.data_type()).oid(), super::writer(column, format, style)?));
    }
    let mut field = Vec::new();
    Ok(match format {
        super::Format::Text => Box::new(move |row, out| {
            put_record(writers.len(), &mut field, out, |place, out| {
                let (column, _, write) = &mut writers[place];
                let there = !is_missing(column, row);
                if there {
                    write(row, out)?;
                }
                Ok(there)
            })
        }),
        super::Format::Binary => Box::new(move |row, out| {
            out.put_i32(i32::try_from(writers.len()).unwrap_or(i32::MAX));
            for (column, oid, write) in &mut writers {
                out.put_u32(*oid);
                if is_missing(column, row) {
                    out.put_i32(-1);
                    continue;
                }
                field.clear();
                write(row, &mut field)?;
                out.put_i32(i32::try_from(field.len()).unwrap_or(i32::MAX));
                out.put_slice(&field);
            }
            Ok(())
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_text;
    use arrow::array::{ArrayRef, Float64Array, StringArray, StructArray};
    use arrow::buffer::NullBuffer;
    use arrow::datatypes::{DataType, Field};
    use std::sync::Arc;

    #[test]
    fn records_go_as_postgres_writes_them() {
        let symbol: ArrayRef = Arc::new(StringArray::from(vec![Some("A\"B"), None, None]));
        let bid: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None, None]));
        let fields = vec![Field::new("symbol", DataType::Utf8, true), Field::new("bid", DataType::Float64, true)];
        let nulls = NullBuffer::from(vec![true, true, false]);
        let array = StructArray::new(fields.into(), vec![symbol, bid], Some(nulls));
        check_text(Arc::new(array), &[Some(r#"("A""B",1.5)"#), Some("(,)"), None]);
    }
}
