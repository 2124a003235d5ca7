//! A `Value` is one value of a catalog row; rows of named values become Arrow columns here.

use super::definition::Definition;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, Int64Builder, IntervalMonthDayNanoArray, ListArray, ListBuilder,
    RecordBatch, RecordBatchOptions, StringArray, StringBuilder, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::common::{Result, exec_err};
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
    /// An array of texts, none of them NULL.
    Texts(Vec<String>),
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
        "oid" | "regproc" | "xid" | "int2" | "int4" | "int8" | "numeric" => Value::Int(0),
        "float4" | "float8" => Value::Float(0.0),
        "char" | "name" => Value::Text(String::new()),
        _ => Value::Null,
    }
}

/// All rows of a table as one batch, of the columns with these places or of all; `missing` gives the value of a column that
/// a row does not name, by its type's name.
///
/// # Errors
/// A value that cannot be cast to its column's type, which is a mistake in this room.
pub(crate) fn batch(
    definition: &Definition,
    rows: &[Row],
    missing: fn(&str) -> Value,
    places: Option<&Vec<usize>>,
) -> Result<RecordBatch> {
    let schema = definition.schema();
    let schema = match places {
        Some(places) => Arc::new(schema.project(places)?),
        None => schema,
    };
    let declared: Vec<(&str, &str)> = definition.columns().collect();
    let place = |nth: usize| places.map_or(Some(nth), |places| places.get(nth).copied());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for (nth, field) in schema.fields().iter().enumerate() {
        let Some((name, kind)) = place(nth).and_then(|place| declared.get(place)) else { continue };
        let missing = missing(kind);
        let named = |row: &Row| row.iter().position(|(column, _)| column == name);
        let values = rows.iter().map(|row| named(row).map_or(&missing, |place| &row[place].1));
        columns.push(column(&values.collect::<Vec<_>>(), field.data_type())?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

/// The values of one column, which are of one kind, as an array of the column's type.
fn column(values: &[&Value], data_type: &DataType) -> Result<ArrayRef> {
    let Some(first) = values.iter().find(|value| !matches!(value, Value::Null)) else {
        return Ok(new_null_array(data_type, values.len()));
    };
    // An array of the values of one kind.
    macro_rules! of {
        ($array:ty, $kind:path, $read:expr) => {{
            let read = values.iter().map(|value| match value {
                Value::Null => Ok(None),
                $kind(value) => Ok(Some($read(value))),
                other => exec_err!("{other:?} stands among values of another kind"),
            });
            read.collect::<Result<$array>>()?
        }};
    }
    let natural: ArrayRef = match first {
        Value::Null | Value::Bool(_) => Arc::new(of!(BooleanArray, Value::Bool, bool::clone)),
        Value::Int(_) => Arc::new(of!(Int64Array, Value::Int, i64::clone)),
        Value::Float(_) => Arc::new(of!(Float64Array, Value::Float, f64::clone)),
        Value::Text(_) => Arc::new(of!(StringArray, Value::Text, String::as_str)),
        Value::Instant(_) => Arc::new(of!(TimestampMicrosecondArray, Value::Instant, i64::clone).with_timezone("UTC")),
        Value::Seconds(_) => {
            let span = |seconds: &i64| IntervalMonthDayNano::new(0, 0, seconds.saturating_mul(1_000_000_000));
            Arc::new(of!(IntervalMonthDayNanoArray, Value::Seconds, span))
        }
        Value::Ints(_) => Arc::new(lists(values)?),
        Value::Texts(_) => Arc::new(text_lists(values)?),
    };
    Ok(cast(&natural, data_type)?)
}

/// A column of arrays of integers.
fn lists(values: &[&Value]) -> Result<ListArray> {
    let mut lists = ListBuilder::new(Int64Builder::new());
    for value in values {
        match value {
            Value::Null => lists.append_null(),
            Value::Ints(numbers) => lists.append_value(numbers.iter().copied().map(Some)),
            other => return exec_err!("{other:?} stands among arrays"),
        }
    }
    Ok(lists.finish())
}

/// A column of arrays of texts.
fn text_lists(values: &[&Value]) -> Result<ListArray> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for value in values {
        match value {
            Value::Null => lists.append_null(),
            Value::Texts(texts) => lists.append_value(texts.iter().map(Some)),
            other => return exec_err!("{other:?} stands among arrays"),
        }
    }
    Ok(lists.finish())
}
