//! Catalog metadata for Flight SQL clients: catalogs, schemas, tables, kinds of tables and keys, as record batches.

use super::encode::schema_bytes;
use super::error::{internal, status};
use super::state::ServerState;
use super::types::{sent_schema, sql_name};
use crate::engine::{TableFacts, TableKind};
use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::compute::kernels::comparison::like;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::GetCatalogsBuilder;
use arrow_flight::sql::{CommandGetCatalogs, CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetTables};
use arrow_flight::{FlightDescriptor, FlightInfo};
use std::collections::HashMap;
use std::sync::Arc;
use tonic::Status;

/// What the schema of a table tells of a column, beside its type.
const CATALOG_NAME: &str = "ARROW:FLIGHT:SQL:CATALOG_NAME";
const SCHEMA_NAME: &str = "ARROW:FLIGHT:SQL:SCHEMA_NAME";
const TABLE_NAME: &str = "ARROW:FLIGHT:SQL:TABLE_NAME";
const TYPE_NAME: &str = "ARROW:FLIGHT:SQL:TYPE_NAME";
const PRECISION: &str = "ARROW:FLIGHT:SQL:PRECISION";
const SCALE: &str = "ARROW:FLIGHT:SQL:SCALE";
const IS_AUTO_INCREMENT: &str = "ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT";
const IS_CASE_SENSITIVE: &str = "ARROW:FLIGHT:SQL:IS_CASE_SENSITIVE";
const IS_READ_ONLY: &str = "ARROW:FLIGHT:SQL:IS_READ_ONLY";
const IS_SEARCHABLE: &str = "ARROW:FLIGHT:SQL:IS_SEARCHABLE";
const REMARKS: &str = "ARROW:FLIGHT:SQL:REMARKS";

fn kind_name(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Table => "TABLE",
        TableKind::View => "VIEW",
        TableKind::System => "SYSTEM TABLE",
    }
}

fn failed(error: FlightError) -> Status {
    internal("list the catalog", error)
}

/// The one catalog.
pub(super) fn catalogs(shared: &ServerState, _: CommandGetCatalogs) -> Result<RecordBatch, Status> {
    let mut builder = GetCatalogsBuilder::new();
    builder.append(shared.engine.catalog_name());
    builder.build().map_err(failed)
}

/// Schemas by catalog and pattern.
pub(super) fn schemas(shared: &ServerState, command: CommandGetDbSchemas) -> Result<RecordBatch, Status> {
    let mut builder = command.into_builder();
    let catalog = shared.engine.catalog_name();
    for schema in shared.engine.schema_names() {
        builder.append(&catalog, schema);
    }
    builder.build().map_err(failed)
}

/// Tables by catalog, patterns and kinds.
pub(super) async fn tables(shared: &ServerState, command: CommandGetTables) -> Result<RecordBatch, Status> {
    let catalog = shared.engine.catalog_name();
    let (in_schema, named) = (command.db_schema_filter_pattern.clone(), command.table_name_filter_pattern.clone());
    let mut builder = command.into_builder();
    for schema in shared.engine.schema_names().iter().filter(|schema| fits(schema, in_schema.as_deref())) {
        let tables = shared.engine.tables_of(schema, |name| fits(name, named.as_deref())).await.map_err(status)?;
        for table in tables {
            let columns = columns(&catalog, &table);
            builder.append(&catalog, schema, &table.name, kind_name(table.kind), &columns).map_err(failed)?;
        }
    }
    builder.build().map_err(failed)
}

/// Whether a name fits a pattern of `%` and `_`; any fits none.
fn fits(name: &str, pattern: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    let (name, pattern) = (StringArray::new_scalar(name), StringArray::new_scalar(pattern));
    // A pattern that does not read is left to the filter over the result, which says so.
    like(&name, &pattern).map_or(true, |fits| fits.value(0))
}

/// Columns of a table with what is told of them.
fn columns(catalog: &str, table: &TableFacts) -> SchemaRef {
    let described = |field: &Arc<Field>| {
        let text = |value: &str| value.to_owned();
        let mut metadata: HashMap<String, String> = [
            (CATALOG_NAME, text(catalog)),
            (SCHEMA_NAME, text(&table.schema)),
            (TABLE_NAME, text(&table.name)),
            (TYPE_NAME, text(sql_name(field.data_type()))),
            (IS_AUTO_INCREMENT, text("0")),
            (IS_CASE_SENSITIVE, text(if matches!(sql_name(field.data_type()), "text") { "1" } else { "0" })),
            (IS_READ_ONLY, text("1")),
            (IS_SEARCHABLE, text("1")),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
        if let Some((precision, scale)) = digits(field.data_type()) {
            metadata.insert(PRECISION.to_owned(), precision.to_string());
            metadata.insert(SCALE.to_owned(), scale.to_string());
        }
        metadata
    };
    let sent = sent_schema(&table.columns);
    let fields =
        table.columns.fields().iter().zip(sent.fields()).map(|(field, sent)| {
            sent.as_ref().clone().with_nullable(field.is_nullable()).with_metadata(described(field))
        });
    let mut metadata = HashMap::new();
    if let Some(comment) = &table.comment {
        metadata.insert(REMARKS.to_owned(), comment.clone());
    }
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), metadata))
}

/// Decimal digits of a number, and those behind the point.
fn digits(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Int16 => Some((5, 0)),
        DataType::Int32 => Some((10, 0)),
        DataType::Int64 => Some((19, 0)),
        DataType::Float32 => Some((8, 0)),
        DataType::Float64 => Some((17, 0)),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => Some((*precision, *scale)),
        _ => None,
    }
}

/// The kinds of tables there are.
pub(super) fn table_types() -> Result<RecordBatch, Status> {
    let kinds = [TableKind::System, TableKind::Table, TableKind::View].map(kind_name);
    let kinds: ArrayRef = Arc::new(StringArray::from(kinds.to_vec()));
    RecordBatch::try_new(table_types_schema(), vec![kinds]).map_err(|error| internal("list kinds of tables", error))
}

pub(super) fn table_types_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("table_type", DataType::Utf8, false)]))
}

/// Columns that identify a row of a table, where that is known.
pub(super) async fn primary_keys(shared: &ServerState, command: CommandGetPrimaryKeys) -> Result<RecordBatch, Status> {
    let catalog = shared.engine.catalog_name();
    let mut found: Vec<(String, String, &str, i32)> = Vec::new();
    if command.catalog.as_ref().is_none_or(|wanted| *wanted == catalog) {
        let schemas = shared.engine.schema_names();
        for schema in schemas.iter().filter(|schema| command.db_schema.as_ref().is_none_or(|wanted| wanted == *schema))
        {
            let tables = shared.engine.tables_of(schema, |name| name == command.table).await.map_err(status)?;
            for table in tables {
                let keys = table.key.iter().zip(1..);
                found.extend(keys.map(|(column, place)| (schema.clone(), table.name.clone(), *column, place)));
            }
        }
    }
    let texts = |values: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let columns: Vec<ArrayRef> = vec![
        texts(vec![catalog; found.len()]),
        texts(found.iter().map(|(schema, ..)| schema.clone()).collect()),
        texts(found.iter().map(|(_, table, ..)| table.clone()).collect()),
        texts(found.iter().map(|(_, _, column, _)| (*column).to_owned()).collect()),
        texts(found.iter().map(|(_, table, ..)| format!("{table}_pkey")).collect()),
        Arc::new(found.iter().map(|(.., place)| *place).collect::<Int32Array>()),
    ];
    RecordBatch::try_new(primary_keys_schema(), columns).map_err(|error| internal("list keys", error))
}

pub(super) fn primary_keys_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

/// No table refers to another: exported and imported keys, and cross references, are none.
pub(super) fn no_foreign_keys() -> RecordBatch {
    let texts = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    RecordBatch::new_empty(Arc::new(Schema::new(vec![
        texts("pk_catalog_name", true),
        texts("pk_db_schema_name", true),
        texts("pk_table_name", false),
        texts("pk_column_name", false),
        texts("fk_catalog_name", true),
        texts("fk_db_schema_name", true),
        texts("fk_table_name", false),
        texts("fk_column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        texts("fk_key_name", true),
        texts("pk_key_name", true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ])))
}

/// Every table as a flight: its path is its schema and name.
pub(super) async fn flights(shared: &ServerState) -> Result<Vec<FlightInfo>, Status> {
    let mut flights = Vec::new();
    for schema in shared.engine.schema_names() {
        for table in shared.engine.tables_of(&schema, |_| true).await.map_err(status)? {
            let path = FlightDescriptor::new_path(vec![schema.clone(), table.name]);
            let columns = schema_bytes(&sent_schema(&table.columns))?;
            flights.push(FlightInfo { schema: columns, ..FlightInfo::new().with_descriptor(path) });
        }
    }
    Ok(flights)
}
