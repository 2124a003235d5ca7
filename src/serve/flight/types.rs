//! Arrow types that every Flight client reads: columns with dictionaries, views or run-ends are cast to plain ones.
//!
//! Results are described as columns that may be NULL: what the planner proves of a result says nothing of use to a
//! client, and clients compare the schema of a description with that of its rows to the last flag.

use crate::text::{json, tid, uuid};
use arrow::array::{Array, ArrayRef};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use std::sync::Arc;

/// The key of a field's metadata under which Arrow names an extension type.
const EXTENSION_TYPE_NAME_KEY: &str = "ARROW:extension:name";

/// The schema rows of a result are sent in.
pub(super) fn sent_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let mut metadata = field.metadata().clone();
        if let Some(name) = extension(field.data_type()) {
            metadata.insert(EXTENSION_TYPE_NAME_KEY.to_owned(), name.to_owned());
        }
        Field::new(field.name(), sent_type(field.data_type()), true).with_metadata(metadata)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Arrow's own name for what a type stands for, which tells a client how to show it.
fn extension(data_type: &DataType) -> Option<&'static str> {
    if json::is_json(data_type) || json::is_jsonb(data_type) {
        return Some("arrow.json");
    }
    uuid::is_uuid(data_type).then_some("arrow.uuid")
}

/// The type values of a type are sent in.
pub(super) fn sent_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => sent_type(values),
        DataType::RunEndEncoded(_, values) => sent_type(values.data_type()),
        DataType::Utf8View => DataType::Utf8,
        own if json::is_json(own) || json::is_jsonb(own) => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::List(element) | DataType::ListView(element) => DataType::List(sent_field(element)),
        DataType::LargeList(element) | DataType::LargeListView(element) => DataType::LargeList(sent_field(element)),
        DataType::FixedSizeList(element, size) => DataType::FixedSizeList(sent_field(element), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(sent_field).collect()),
        other => other.clone(),
    }
}

/// The name SQL has for a type.
pub(super) fn sql_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => "smallint",
        DataType::UInt16 | DataType::Int32 => "integer",
        DataType::UInt32 | DataType::Int64 => "bigint",
        DataType::Float16 | DataType::Float32 => "real",
        DataType::Float64 => "double precision",
        DataType::UInt64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "numeric",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        own if uuid::is_uuid(own) => "uuid",
        own if tid::is_tid(own) => "tid",
        own if json::is_json(own) => "json",
        own if json::is_jsonb(own) => "jsonb",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytea",
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..) => "array",
        DataType::Struct(_) | DataType::Map(..) | DataType::Union(..) => "record",
        DataType::Dictionary(_, values) => sql_name(values),
        DataType::RunEndEncoded(_, values) => sql_name(values.data_type()),
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
    }
}

/// The field with the type its values are sent in; name, nullability and metadata stay.
fn sent_field(field: &FieldRef) -> FieldRef {
    match sent_type(field.data_type()) {
        same if same == *field.data_type() => field.clone(),
        other => Arc::new(field.as_ref().clone().with_data_type(other)),
    }
}

/// A batch of a result in the schema it is sent in.
pub(super) fn sent_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| sent_column(column, field.data_type()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<Vec<_>, _>>()?, &options)
}

/// The column in the given type: itself where it has that type already, else a cast copy.
///
/// # Errors
/// A value that does not fit the type.
fn sent_column(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let column = &json::unwrapped(column);
    if column.data_type() == data_type {
        return Ok(column.clone());
    }
    cast_with_options(column, data_type, &CastOptions { safe: false, ..CastOptions::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{DictionaryArray, ListArray};
    use arrow::array::{Int64Array, StringArray, StringViewArray, types::Int32Type};

    #[test]
    fn what_clients_cannot_read_is_sent_as_what_they_can() {
        let words: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
        let views = StringViewArray::from(vec![Some("a string longer than twelve bytes"), None, Some("")]);
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None, Some(vec![])]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("word", Arc::new(words)),
            ("view", Arc::new(views)),
            ("list", Arc::new(lists.clone())),
            ("number", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let sent = sent_batch(&batch, &sent_schema(&batch.schema())).unwrap();
        assert_eq!(sent.column(0).as_ref(), &StringArray::from(vec![Some("a"), None, Some("a")]) as &dyn Array);
        let texts = StringArray::from(vec![Some("a string longer than twelve bytes"), None, Some("")]);
        assert_eq!(sent.column(1).as_ref(), &texts as &dyn Array);
        assert_eq!(sent.column(2).as_ref(), &lists as &dyn Array);
        assert!(sent.schema().fields().iter().all(|field| field.is_nullable()));
        let nested =
            DataType::new_list(DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8View)), true);
        assert_eq!(sent_type(&nested), DataType::new_list(DataType::Utf8, true));
    }
}
