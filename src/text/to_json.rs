//! Values of Arrow as JSON, the way PostgreSQL's `to_json` writes them.

use super::style::Style;
use super::{column, json};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, TimeUnit};
use arrow::error::ArrowError;

/// Writes one value of an array: numbers and booleans as they are, NULL as null, arrays and records
/// with their parts, instants in the zone of the style as ISO 8601, all else as a text.
///
/// # Errors
/// A value that has no text.
pub(crate) fn append_value(array: &ArrayRef, row: usize, style: &Style, out: &mut String) -> Result<(), ArrowError> {
    if array.data_type().is_null() || array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    if let Some(texts) = json::texts(&array.slice(row, 1)) {
        out.push_str(texts.value(0));
        return Ok(());
    }
    let finite = match array.data_type() {
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).is_finite(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).is_finite(),
        _ => true,
    };
    match array.data_type() {
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        data_type if data_type.is_numeric() && finite => out.push_str(&text(array, row, style)?),
        DataType::List(_) => append_list(&array.as_list::<i32>().value(row), style, out)?,
        DataType::LargeList(_) => append_list(&array.as_list::<i64>().value(row), style, out)?,
        DataType::FixedSizeList(..) => append_list(&array.as_fixed_size_list().value(row), style, out)?,
        DataType::Struct(fields) => {
            out.push('{');
            for (index, (field, column)) in fields.iter().zip(array.as_struct().columns()).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json::quote(field.name(), out);
                out.push(':');
                append_value(column, row, style, out)?;
            }
            out.push('}');
        }
        _ => json::quote(&text(array, row, style)?, out),
    }
    Ok(())
}

fn append_list(values: &ArrayRef, style: &Style, out: &mut String) -> Result<(), ArrowError> {
    out.push('[');
    for index in 0..values.len() {
        if index > 0 {
            out.push(',');
        }
        append_value(values, index, style, out)?;
    }
    out.push(']');
    Ok(())
}

/// The text of a value; of an instant that of ISO 8601.
fn text(array: &ArrayRef, row: usize, style: &Style) -> Result<String, ArrowError> {
    let one = array.slice(row, 1);
    let (one, is_instant) = match one.data_type() {
        DataType::Timestamp(_, None) => (cast(&one, &DataType::Timestamp(TimeUnit::Microsecond, None))?, true),
        DataType::Timestamp(_, Some(_)) => {
            (cast(&one, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?, true)
        }
        _ => (one, false),
    };
    let text = column::texts(&one, style)?.as_string::<i32>().value(0).to_owned();
    if !is_instant {
        return Ok(text);
    }
    let mut iso = text.replacen(' ', "T", 1);
    if let Some(sign) = iso.rfind(['+', '-'])
        && sign > iso.find('T').unwrap_or(0)
        && iso.len() - sign == 3
    {
        iso.push_str(":00");
    }
    Ok(iso)
}
