//! A `Value` is one value of a catalog row; rows of named values become Arrow columns here.

use super::definition::Definition;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::common::{Result, ScalarValue};
use std::sync::Arc;

/// One value of a catalog row, before it takes its column's type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// NULL of whatever type its column has.
    Null,
    /// A truth value, true or false.
    Bool(bool),
    /// An integer of any width, or an object identifier.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text, a name or a letter.
    Text(String),
    /// An instant, in microseconds since 1970 in UTC.
    Instant(i64),
    /// A span of time, in seconds.
    Seconds(i64),
    /// An array of object identifiers or small integers.
    Ints(Vec<i64>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<char> for Value {
    fn from(value: char) -> Self {
        Self::Text(value.to_string())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row: the columns that have something to say, by name. The others take what the table's schema
/// has for their type.
pub(crate) type Row = Vec<(&'static str, Value)>;

/// What PostgreSQL has in columns that hold nothing, by the type's name: 0, false and the empty name,
/// and NULL where it allows NULL.
pub(crate) fn default_of(kind: &str) -> Value {
    match kind {
        "bool" => Value::Bool(false),
        "oid" | "regproc" | "xid" | "int2" | "int4" | "int8" => Value::Int(0),
        "float4" | "float8" => Value::Float(0.0),
        "char" | "name" => Value::Text(String::new()),
        _ => Value::Null,
    }
}

/// All rows of a table as one batch; `missing` gives the value of a column that a row does not name,
/// by its type's name.
///
/// # Errors
/// A value that cannot be cast to its column's type, which is a mistake in this room.
pub(crate) fn batch(definition: &Definition, rows: &[Row], missing: fn(&str) -> Value) -> Result<RecordBatch> {
    let schema = definition.schema();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for ((name, kind), field) in definition.columns().zip(schema.fields()) {
        let values = rows.iter().map(|row| {
            let value = row.iter().find(|(column, _)| *column == name).map(|(_, value)| value.clone());
            scalar(value.unwrap_or_else(|| missing(kind)), field.data_type())
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        columns.push(match values.is_empty() {
            true => arrow::array::new_empty_array(field.data_type()),
            false => ScalarValue::iter_to_array(values)?,
        });
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// A value of the types that most columns have; `None` where it takes a cast to get there.
fn plain(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    Some(match (value, data_type) {
        (Value::Bool(value), DataType::Boolean) => ScalarValue::from(*value),
        (Value::Text(value), DataType::Utf8) => ScalarValue::from(value.as_str()),
        (Value::Int(value), DataType::UInt32) => ScalarValue::from(u32::try_from(*value).ok()?),
        (Value::Int(value), DataType::Int16) => ScalarValue::from(i16::try_from(*value).ok()?),
        (Value::Int(value), DataType::Int32) => ScalarValue::from(i32::try_from(*value).ok()?),
        _ => return None,
    })
}

/// A value as DataFusion's scalar of the column's type.
fn scalar(value: Value, data_type: &DataType) -> Result<ScalarValue> {
    if let Some(own) = plain(&value, data_type) {
        return Ok(own);
    }
    let natural: ArrayRef = match value {
        Value::Null => return ScalarValue::try_from(data_type),
        Value::Bool(value) => ScalarValue::from(value).to_array()?,
        Value::Int(value) => ScalarValue::from(value).to_array()?,
        Value::Float(value) => ScalarValue::from(value).to_array()?,
        Value::Text(value) => ScalarValue::from(value).to_array()?,
        Value::Instant(value) => ScalarValue::TimestampMicrosecond(Some(value), Some("UTC".into())).to_array()?,
        Value::Seconds(value) => {
            let span = IntervalMonthDayNano::new(0, 0, value.saturating_mul(1_000_000_000));
            ScalarValue::IntervalMonthDayNano(Some(span)).to_array()?
        }
        Value::Ints(values) => {
            let values: Vec<ScalarValue> = values.into_iter().map(ScalarValue::from).collect();
            ScalarValue::new_list_nullable(&values, &DataType::Int64) as ArrayRef
        }
    };
    let typed = cast(&Arc::clone(&natural), data_type)?;
    ScalarValue::try_from_array(&typed, 0)
}
