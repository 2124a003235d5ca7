//! Whether rows may be in a temporary table: NOT NULL, the length of texts, and keys.

use super::contents::{Table, Unique};
use super::rows::{Rows, failed};
use crate::error::{ErrorKind, QueryError};
use crate::text::uuid::is_uuid;
use crate::work;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Schema};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use std::collections::HashSet;
use std::sync::Arc;

/// Checks each row for itself.
///
/// # Errors
/// 23502 for a NULL where none may be, 22001 for a text that is too long.
pub(crate) fn check(name: &str, table: &Table, rows: &Rows) -> Result<(), QueryError> {
    for (place, column) in table.columns.iter().enumerate() {
        for values in rows.batches().filter_map(|batch| batch.columns().get(place)) {
            if column.required && values.logical_null_count() > 0 {
                let message = format!(
                    "null value in column \"{}\" of relation \"{name}\" violates not-null constraint",
                    column.name
                );
                return Err(QueryError::new(ErrorKind::NotNull, message));
            }
            if let Some(most) = column.length
                && has_longer(values, most)?
            {
                let message = format!("value too long for type character varying({most})");
                return Err(QueryError::new(ErrorKind::TextTooLong, message));
            }
        }
    }
    Ok(())
}

/// Whether a text has more characters than it may; blanks beyond count like others, where PostgreSQL cuts them.
fn has_longer(values: &ArrayRef, most: u64) -> Result<bool, QueryError> {
    let texts = cast(values, &DataType::LargeUtf8).map_err(failed)?;
    let longer = |text: &str| text.chars().count() as u64 > most;
    Ok(texts.as_string::<i64>().iter().flatten().any(longer))
}

/// Checks that no two of all rows are alike in the columns of a key.
///
/// # Errors
/// 23505 with the name of the key.
pub(crate) fn check_keys(table: &Table, rows: &Rows) -> Result<(), QueryError> {
    table.unique.iter().try_for_each(|key| check_key(key, table, rows))
}

/// Checks that values of a key's types can be compared by their bytes, as [`check_keys`] does.
///
/// # Errors
/// 0A000 for a type of which equal values may have other bytes.
pub(crate) fn check_types(key: &Unique, schema: &Schema) -> Result<(), QueryError> {
    let wrong = key.columns.iter().filter_map(|place| schema.fields().get(*place)).find(|field| {
        let data_type = field.data_type();
        !(data_type.is_numeric()
            || data_type.is_string()
            || data_type.is_temporal() && !matches!(data_type, DataType::Interval(_) | DataType::Duration(_))
            || matches!(data_type, DataType::Boolean | DataType::Binary | DataType::FixedSizeBinary(_))
            || is_uuid(data_type))
    });
    match wrong {
        None => Ok(()),
        Some(field) => Err(QueryError::new(
            ErrorKind::NotSupported,
            format!(
                "a key with the column \"{}\" is not supported: its type is not compared by its bytes",
                field.name()
            ),
        )),
    }
}

/// Values of which equal ones have the same bytes: zero has no sign.
fn comparable(values: ArrayRef) -> ArrayRef {
    let whole = |zero: bool, value: f64| if zero { 0.0 } else { value };
    match values.data_type() {
        DataType::Float64 => {
            Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(|value| whole(value == 0.0, value)))
        }
        DataType::Float32 => Arc::new(
            values
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|value| if value == 0.0 { 0.0 } else { value }),
        ),
        _ => values,
    }
}

fn check_key(key: &Unique, table: &Table, rows: &Rows) -> Result<(), QueryError> {
    let fields = key.columns.iter().filter_map(|place| table.schema.fields().get(*place));
    let converter = RowConverter::new(fields.map(|field| SortField::new(field.data_type().clone())).collect());
    let converter = converter.map_err(|_| {
        QueryError::new(ErrorKind::NotSupported, format!("key \"{}\" is of a type that is not compared", key.name))
    })?;
    let mut seen = HashSet::with_capacity(rows.count());
    for batch in rows.batches() {
        if work::is_over_now() {
            return Err(QueryError::new(ErrorKind::Cancelled, "canceling statement due to user request"));
        }
        let columns = columns_of(key, batch);
        let values = converter.convert_columns(&columns).map_err(failed)?;
        for (row, value) in values.iter().enumerate() {
            if columns.iter().all(|column| column.is_valid(row)) && !seen.insert(value.as_ref().to_vec()) {
                let message = format!("duplicate key value violates unique constraint \"{}\"", key.name);
                return Err(QueryError::new(ErrorKind::Unique, message));
            }
        }
    }
    Ok(())
}

fn columns_of(key: &Unique, batch: &RecordBatch) -> Vec<ArrayRef> {
    key.columns.iter().filter_map(|place| batch.columns().get(*place).cloned().map(comparable)).collect()
}
