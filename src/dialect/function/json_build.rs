//! Functions that make JSON of other values, spelled as PostgreSQL spells each of them.

use super::arguments::{Kind, Values};
use super::failure::{fails, invalid_json, no_such_call};
use super::json_type::{JSON, JSONB};
use super::result_size::sum;
use super::section::Section;
use super::typed::{Routine, call, routine};
use crate::error::ErrorKind;
use crate::text::json::{normal, plain, quote};
use crate::text::style::Style;
use crate::text::to_json::append_value;
use arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};

use Kind::{Any, Bool, Texts};

/// The definitions of this file.
pub(super) const ROUTINES: &[Routine] = &[
    routine(
        "array_to_json",
        Section::Other,
        "JSON array of an array.",
        &[call(&[Any], JSON, array_to_json), call(&[Any, Bool], JSON, array_to_json)],
    )
    .stable()
    .sized(sum),
    routine(
        "json_agg_list",
        Section::Other,
        "JSON array of the values that json_agg has gathered.",
        &[call(&[Any], JSON, gathered)],
    )
    .stable()
    .sized(sum),
    routine(
        "json_build_array",
        Section::Other,
        "JSON array of values.",
        &[call(&[Any], JSON, build_array).variadic().with_nulls()],
    )
    .stable()
    .sized(sum),
    routine(
        "json_build_object",
        Section::Other,
        "JSON object of names and values that follow each other.",
        &[call(&[Any], JSON, |values| build_object(values).map(ScalarValue::from)).variadic().with_nulls()],
    )
    .stable()
    .sized(sum),
    routine(
        "json_object",
        Section::Other,
        "JSON object of names and texts.",
        &[
            call(&[Texts], JSON, |values| object(values).map(ScalarValue::from)),
            call(&[Texts, Texts], JSON, |values| object(values).map(ScalarValue::from)),
        ],
    )
    .sized(sum),
    routine(
        "json_object_agg_list",
        Section::Other,
        "JSON object of what json_object_agg has gathered.",
        &[call(&[Any], JSON, |values| gathered_object(values).map(ScalarValue::from))],
    )
    .stable()
    .sized(sum),
    routine(
        "jsonb_agg_list",
        Section::Other,
        "JSON array of the values that jsonb_agg has gathered.",
        &[call(&[Any], JSONB, |values| as_jsonb(gathered(values)?))],
    )
    .stable()
    .sized(sum),
    routine(
        "jsonb_build_array",
        Section::Other,
        "JSON array of values.",
        &[call(&[Any], JSONB, |values| as_jsonb(build_array(values)?)).variadic().with_nulls()],
    )
    .stable()
    .sized(sum),
    routine(
        "jsonb_build_object",
        Section::Other,
        "JSON object of names and values that follow each other.",
        &[call(&[Any], JSONB, |values| as_jsonb(ScalarValue::from(build_object(values)?))).variadic().with_nulls()],
    )
    .stable()
    .sized(sum),
    routine(
        "jsonb_object",
        Section::Other,
        "JSON object of names and texts.",
        &[
            call(&[Texts], JSONB, |values| as_jsonb(ScalarValue::from(object(values)?))),
            call(&[Texts, Texts], JSONB, |values| as_jsonb(ScalarValue::from(object(values)?))),
        ],
    )
    .sized(sum),
    routine(
        "jsonb_object_agg_list",
        Section::Other,
        "JSON object of what jsonb_object_agg has gathered.",
        &[call(&[Any], JSONB, |values| as_jsonb(ScalarValue::from(gathered_object(values)?)))],
    )
    .stable()
    .sized(sum),
    routine(
        "row_to_json",
        Section::Other,
        "JSON object of a row.",
        &[call(&[Any], JSON, row_to_json), call(&[Any, Bool], JSON, row_to_json)],
    )
    .stable()
    .sized(sum),
    routine("to_json", Section::Other, "Value as JSON.", &[call(&[Any], JSON, to_json)]).stable().sized(sum),
    routine("to_jsonb", Section::Other, "Value as JSON.", &[call(&[Any], JSONB, |values| as_jsonb(to_json(values)?))])
        .stable()
        .sized(sum),
];

/// The style in which instants and spans of time are written.
fn style<'a>(values: &Values<'a>) -> &'a Style {
    crate::dialect::moment::session_style::of(values.config)
}

/// A text of JSON in the normal form of `jsonb`.
fn as_jsonb(json: ScalarValue) -> Result<ScalarValue> {
    match json {
        ScalarValue::Utf8(Some(text)) => Ok(ScalarValue::from(normal(&text).map_err(invalid_json)?)),
        other => Ok(other),
    }
}

fn to_json(values: &Values<'_>) -> Result<ScalarValue> {
    let (array, row) = values.any(0)?;
    let mut out = String::new();
    append_value(array, row, style(values), &mut out)?;
    Ok(ScalarValue::from(out))
}

fn row_to_json(values: &Values<'_>) -> Result<ScalarValue> {
    let (array, row) = values.any(0)?;
    let DataType::Struct(fields) = array.data_type() else {
        return Err(no_such_call("row_to_json", &[array.data_type().clone()]));
    };
    let line = if values.try_boolean(1) == Some(true) { ",\n " } else { "," };
    let mut out = String::from("{");
    for (index, (field, column)) in fields.iter().zip(array.as_struct().columns()).enumerate() {
        if index > 0 {
            out.push_str(line);
        }
        quote(field.name(), &mut out);
        out.push(':');
        append_value(column, row, style(values), &mut out)?;
    }
    out.push('}');
    Ok(ScalarValue::from(out))
}

/// The elements of the list in the first argument.
fn list(values: &Values<'_>, function: &str) -> Result<ArrayRef> {
    let (array, row) = values.any(0)?;
    match array.data_type() {
        DataType::List(_) => Ok(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Ok(array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Ok(array.as_fixed_size_list().value(row)),
        other => Err(no_such_call(function, std::slice::from_ref(other))),
    }
}

fn array_to_json(values: &Values<'_>) -> Result<ScalarValue> {
    let elements = list(values, "array_to_json")?;
    let line = if values.try_boolean(1) == Some(true) { ",\n " } else { "," };
    joined(&elements, line, style(values))
}

/// `[1, 2]`, and rows and arrays on lines of their own.
fn gathered(values: &Values<'_>) -> Result<ScalarValue> {
    let elements = list(values, "json_agg")?;
    let of = elements.data_type();
    let json = crate::text::json::is_json(of) || crate::text::json::is_jsonb(of);
    joined(&elements, if of.is_nested() && !json { ", \n " } else { ", " }, style(values))
}

fn joined(elements: &ArrayRef, between: &str, style: &Style) -> Result<ScalarValue> {
    let mut out = String::from("[");
    for index in 0..elements.len() {
        if index > 0 {
            out.push_str(between);
        }
        append_value(elements, index, style, &mut out)?;
    }
    out.push(']');
    Ok(ScalarValue::from(out))
}

fn build_array(values: &Values<'_>) -> Result<ScalarValue> {
    let mut out = String::from("[");
    for index in 0..values.len() {
        if index > 0 {
            out.push_str(", ");
        }
        let (array, row) = values.any(index)?;
        append_value(array, row, style(values), &mut out)?;
    }
    out.push(']');
    Ok(ScalarValue::from(out))
}

/// `{"a" : 1, "b" : null}`.
fn build_object(values: &Values<'_>) -> Result<String> {
    if values.len() % 2 == 1 {
        return fails(ErrorKind::InvalidParameter, "argument list must have even number of elements");
    }
    let mut out = String::from("{");
    for index in (0..values.len()).step_by(2) {
        if index > 0 {
            out.push_str(", ");
        }
        if values.is_null(index) {
            return fails(ErrorKind::InvalidParameter, format!("argument {} cannot be null", index + 1));
        }
        let (array, row) = values.any(index)?;
        append_name(array, row, style(values), &mut out)?;
        out.push_str(" : ");
        let (array, row) = values.any(index + 1)?;
        append_value(array, row, style(values), &mut out)?;
    }
    out.push('}');
    Ok(out)
}

/// The name of a member: the text of a plain value.
fn append_name(array: &ArrayRef, row: usize, style: &Style, out: &mut String) -> Result<()> {
    if array.data_type().is_nested() {
        return fails(ErrorKind::InvalidParameter, "key value must be scalar, not array, composite, or json");
    }
    let mut written = String::new();
    append_value(array, row, style, &mut written)?;
    match written.starts_with('"') {
        true => out.push_str(&written),
        false => quote(&written, out),
    }
    Ok(())
}

/// `{ "a" : 1, "b" : 2 }`.
fn gathered_object(values: &Values<'_>) -> Result<String> {
    let pairs = list(values, "json_object_agg")?;
    let pairs = pairs.as_struct();
    let mut out = String::from("{ ");
    if let [names, members] = pairs.columns() {
        for row in 0..pairs.len() {
            if row > 0 {
                out.push_str(", ");
            }
            if names.data_type().is_null() || names.is_null(row) {
                return fails(ErrorKind::InvalidParameter, "field name must not be null");
            }
            append_name(names, row, style(values), &mut out)?;
            out.push_str(" : ");
            append_value(members, row, style(values), &mut out)?;
        }
    }
    out.push_str(" }");
    Ok(out)
}

/// An object of names and texts: in one array after each other, or in two side by side.
fn object(values: &Values<'_>) -> Result<String> {
    let first = values.texts(0);
    let pairs: Vec<(Option<String>, Option<String>)> = if values.len() == 1 {
        if first.len() % 2 == 1 {
            return fails(ErrorKind::ArraySubscript, "array must have even number of elements");
        }
        let mut rest = first.into_iter();
        let mut pairs = Vec::new();
        while let (Some(name), Some(value)) = (rest.next(), rest.next()) {
            pairs.push((name, value));
        }
        pairs
    } else {
        let second = values.texts(1);
        if first.len() != second.len() {
            return fails(ErrorKind::ArraySubscript, "mismatched array dimensions");
        }
        first.into_iter().zip(second).collect()
    };
    let mut out = String::from("{");
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        let Some(name) = name else {
            return fails(ErrorKind::NullNotAllowed, "null value not allowed for object key");
        };
        quote(&name, &mut out);
        out.push_str(" : ");
        match value {
            Some(value) => quote(&value, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push('}');
    Ok(out)
}

/// The text of a JSON number or boolean, from which a cast to another type goes on.
pub(super) fn scalar_text(values: &Values<'_>, wanted: &str, name: &str) -> Result<ScalarValue> {
    let text = values.text(0);
    match crate::text::json::kind(text) {
        found if found == wanted => Ok(ScalarValue::Utf8(plain(text).map_err(invalid_json)?)),
        "array" => fails(ErrorKind::InvalidParameter, format!("cannot cast jsonb array to type {name}")),
        "object" => fails(ErrorKind::InvalidParameter, format!("cannot cast jsonb object to type {name}")),
        "number" => fails(ErrorKind::InvalidParameter, format!("cannot cast jsonb numeric to type {name}")),
        other => fails(ErrorKind::InvalidParameter, format!("cannot cast jsonb {other} to type {name}")),
    }
}
