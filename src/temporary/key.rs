//! The values of a key as bytes: equal values have the same.

use super::contents::{Table, Unique};
use super::rows::{Rows, failed};
use crate::error::{ErrorKind, QueryError};
use crate::text::uuid::is_uuid;
use crate::work;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Schema};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use std::sync::Arc;

/// What makes bytes of the values of one key.
pub(crate) struct KeyValues<'a> {
    key: &'a Unique,
    converter: RowConverter,
}

impl<'a> KeyValues<'a> {
    /// That of a key of a table.
    ///
    /// # Errors
    /// 0A000 for types that are not compared.
    pub(crate) fn of(key: &'a Unique, table: &Table) -> Result<Self, QueryError> {
        let fields = key.columns.iter().filter_map(|place| table.schema.fields().get(*place));
        let converter = RowConverter::new(fields.map(|field| SortField::new(field.data_type().clone())).collect());
        let converter = converter.map_err(|_| {
            QueryError::new(ErrorKind::NotSupported, format!("key \"{}\" is of a type that is not compared", key.name))
        })?;
        Ok(Self { key, converter })
    }

    /// Shows the number of each row and its value, `None` where a part is NULL; ends when told so.
    ///
    /// # Errors
    /// 57014 when the statement is over.
    pub(crate) fn each(
        &self,
        rows: &Rows,
        mut show: impl FnMut(usize, Option<&[u8]>) -> bool,
    ) -> Result<(), QueryError> {
        let mut before = 0;
        for batch in rows.batches() {
            if work::is_over_now() {
                return Err(QueryError::new(ErrorKind::Cancelled, "canceling statement due to user request"));
            }
            let columns = self.columns_of(batch);
            let values = self.converter.convert_columns(&columns).map_err(failed)?;
            for (row, value) in values.iter().enumerate() {
                let whole = columns.iter().all(|column| column.is_valid(row));
                if !show(before + row, whole.then_some(value.as_ref())) {
                    return Ok(());
                }
            }
            before += batch.num_rows();
        }
        Ok(())
    }

    fn columns_of(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        self.key.columns.iter().filter_map(|place| batch.columns().get(*place).cloned().map(comparable)).collect()
    }
}

/// Checks that values of a key's types can be compared by their bytes.
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
