//! Functions that read JSON: members, elements, kinds. They serve `json` and `jsonb` alike, since a part
//! of a normal text is a normal text.

use super::arguments::{Kind, Values};
use super::define::Returns;
use super::failure::{fails, invalid_json};
use super::json_type::{JSON, JSONB};
use super::section::Section;
use super::typed::{Routine, call, routine, texts_value};
use crate::error::ErrorKind;
use crate::text::json::{self, Parts, kind, parts, plain};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};

use Kind::{Int, Json, Jsonb, Text as T, Texts};

/// Elements of JSON, as a list that is unnested.
const LIST: Returns = Returns::From(|_| DataType::new_list(json::json_type(), true));
/// Elements of `jsonb`, as a list that is unnested.
const LISTB: Returns = Returns::From(|_| DataType::new_list(json::jsonb_type(), true));

/// The definitions of this file.
pub(super) const ROUTINES: &[Routine] = &[
    routine(
        "json_array_element",
        Section::Other,
        "Element of a JSON array: the operator ->.",
        &[call(&[Json, Int], JSON, element)],
    ),
    routine(
        "json_array_element_text",
        Section::Other,
        "Element of a JSON array as text: the operator ->>.",
        &[call(&[Json, Int], Returns::Text, element_text)],
    ),
    routine(
        "json_array_elements",
        Section::Other,
        "Elements of a JSON array, a row for each.",
        &[call(&[Json], LIST, elements)],
    ),
    routine(
        "json_array_elements_text",
        Section::Other,
        "Elements of a JSON array as texts, a row for each.",
        &[call(&[Json], Returns::Texts, elements_text)],
    ),
    routine(
        "json_array_length",
        Section::Other,
        "How many elements a JSON array has.",
        &[call(&[Json], Returns::Int, array_length)],
    ),
    routine(
        "json_each_keys",
        Section::Other,
        "Names of the members of a JSON object.",
        &[call(&[Json], Returns::Texts, each_keys)],
    ),
    routine(
        "json_each_texts",
        Section::Other,
        "Values of the members of a JSON object, as texts.",
        &[call(&[Json], Returns::Texts, each_texts)],
    ),
    routine(
        "json_each_values",
        Section::Other,
        "Values of the members of a JSON object.",
        &[call(&[Json], LIST, each_values)],
    ),
    routine(
        "json_extract_path",
        Section::Other,
        "Part of JSON at a path: the operator #>.",
        &[call(&[Json, Texts], JSON, path), call(&[Json, T], JSON, path).variadic()],
    ),
    routine(
        "json_extract_path_text",
        Section::Other,
        "Part of JSON at a path, as text: the operator #>>.",
        &[call(&[Json, Texts], Returns::Text, path_text), call(&[Json, T], Returns::Text, path_text).variadic()],
    ),
    routine(
        "json_object_field",
        Section::Other,
        "Member of a JSON object: the operator ->.",
        &[call(&[Json, T], JSON, field)],
    ),
    routine(
        "json_object_field_text",
        Section::Other,
        "Member of a JSON object as text: the operator ->>.",
        &[call(&[Json, T], Returns::Text, field_text)],
    ),
    routine(
        "json_object_keys",
        Section::Other,
        "Names of the members of a JSON object, a row for each.",
        &[call(&[Json], Returns::Texts, object_keys)],
    ),
    routine(
        "json_typeof",
        Section::Other,
        "Kind of a JSON value: object, array, string, number, boolean or null.",
        &[call(&[Json], Returns::Text, type_of)],
    ),
    routine(
        "jsonb_array_element",
        Section::Other,
        "Element of a JSON array: the operator ->.",
        &[call(&[Jsonb, Int], JSONB, elementb)],
    ),
    routine(
        "jsonb_array_element_text",
        Section::Other,
        "Element of a JSON array as text: the operator ->>.",
        &[call(&[Jsonb, Int], Returns::Text, elementb_text)],
    ),
    routine(
        "jsonb_array_elements",
        Section::Other,
        "Elements of a JSON array, a row for each.",
        &[call(&[Jsonb], LISTB, elements)],
    ),
    routine(
        "jsonb_array_elements_text",
        Section::Other,
        "Elements of a JSON array as texts, a row for each.",
        &[call(&[Jsonb], Returns::Texts, elements_text)],
    ),
    routine(
        "jsonb_array_length",
        Section::Other,
        "How many elements a JSON array has.",
        &[call(&[Jsonb], Returns::Int, array_length)],
    ),
    routine(
        "jsonb_each_keys",
        Section::Other,
        "Names of the members of a JSON object.",
        &[call(&[Jsonb], Returns::Texts, each_keys)],
    ),
    routine(
        "jsonb_each_texts",
        Section::Other,
        "Values of the members of a JSON object, as texts.",
        &[call(&[Jsonb], Returns::Texts, each_texts)],
    ),
    routine(
        "jsonb_each_values",
        Section::Other,
        "Values of the members of a JSON object.",
        &[call(&[Jsonb], LISTB, each_values)],
    ),
    routine(
        "jsonb_extract_path",
        Section::Other,
        "Part of JSON at a path: the operator #>.",
        &[call(&[Jsonb, Texts], JSONB, path), call(&[Jsonb, T], JSONB, path).variadic()],
    ),
    routine(
        "jsonb_extract_path_text",
        Section::Other,
        "Part of JSON at a path, as text: the operator #>>.",
        &[call(&[Jsonb, Texts], Returns::Text, path_text), call(&[Jsonb, T], Returns::Text, path_text).variadic()],
    ),
    routine(
        "jsonb_object_field",
        Section::Other,
        "Member of a JSON object: the operator ->.",
        &[call(&[Jsonb, T], JSONB, field)],
    ),
    routine(
        "jsonb_object_field_text",
        Section::Other,
        "Member of a JSON object as text: the operator ->>.",
        &[call(&[Jsonb, T], Returns::Text, field_text)],
    ),
    routine(
        "jsonb_object_keys",
        Section::Other,
        "Names of the members of a JSON object, a row for each.",
        &[call(&[Jsonb], Returns::Texts, object_keys)],
    ),
    routine(
        "jsonb_typeof",
        Section::Other,
        "Kind of a JSON value: object, array, string, number, boolean or null.",
        &[call(&[Jsonb], Returns::Text, type_of)],
    ),
];

/// One level of the JSON in the first argument.
fn level<'a>(values: &Values<'a>) -> Result<Parts<'a>> {
    parts(values.text(0)).map_err(invalid_json)
}

/// A part as JSON, NULL when there is none.
fn part(found: Option<&str>) -> Result<ScalarValue> {
    Ok(ScalarValue::Utf8(found.map(str::to_owned)))
}

/// A part as text, NULL when there is none or it is null.
fn part_text(found: Option<&str>) -> Result<ScalarValue> {
    Ok(ScalarValue::Utf8(found.map(plain).transpose().map_err(invalid_json)?.flatten()))
}

fn element(values: &Values<'_>) -> Result<ScalarValue> {
    part(level(values)?.element(values.int(1)))
}

fn element_text(values: &Values<'_>) -> Result<ScalarValue> {
    part_text(level(values)?.element(values.int(1)))
}

/// An element of `jsonb`, in which a plain value counts as an array of itself.
fn elementb(values: &Values<'_>) -> Result<ScalarValue> {
    match level(values)? {
        Parts::Plain if matches!(values.int(1), 0 | -1) => part(Some(values.text(0))),
        level => part(level.element(values.int(1))),
    }
}

fn elementb_text(values: &Values<'_>) -> Result<ScalarValue> {
    match level(values)? {
        Parts::Plain if matches!(values.int(1), 0 | -1) => part_text(Some(values.text(0))),
        level => part_text(level.element(values.int(1))),
    }
}

fn field(values: &Values<'_>) -> Result<ScalarValue> {
    part(level(values)?.member(values.text(1)))
}

fn field_text(values: &Values<'_>) -> Result<ScalarValue> {
    part_text(level(values)?.member(values.text(1)))
}

/// The part at a path of names and numbers.
fn at_path<'a>(values: &Values<'a>) -> Result<Option<&'a str>> {
    let path: Vec<Option<String>> = match values.is_list(1) {
        true => values.texts(1),
        false => (1..values.len()).map(|index| values.try_text(index).map(str::to_owned)).collect(),
    };
    let mut found = values.text(0).trim_matches([' ', '\t', '\n', '\r']);
    for step in path {
        let Some(step) = step else { return Ok(None) };
        let level = parts(found).map_err(invalid_json)?;
        let next = match &level {
            Parts::Members(_) => level.member(&step),
            Parts::Elements(_) => step.trim().parse().ok().and_then(|number| level.element(number)),
            Parts::Plain => None,
        };
        match next {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

fn path(values: &Values<'_>) -> Result<ScalarValue> {
    part(at_path(values)?)
}

fn path_text(values: &Values<'_>) -> Result<ScalarValue> {
    part_text(at_path(values)?)
}

fn type_of(values: &Values<'_>) -> Result<ScalarValue> {
    Ok(ScalarValue::from(kind(values.text(0))))
}

fn array_length(values: &Values<'_>) -> Result<ScalarValue> {
    match level(values)? {
        Parts::Elements(elements) => Ok(ScalarValue::Int32(i32::try_from(elements.len()).ok())),
        Parts::Members(_) => fails(ErrorKind::InvalidParameter, "cannot get array length of a non-array"),
        Parts::Plain => fails(ErrorKind::InvalidParameter, "cannot get array length of a scalar"),
    }
}

/// The elements of an array.
fn all_elements<'a>(values: &Values<'a>) -> Result<Vec<&'a str>> {
    match level(values)? {
        Parts::Elements(elements) => Ok(elements),
        Parts::Members(_) => fails(ErrorKind::InvalidParameter, "cannot extract elements from an object"),
        Parts::Plain => fails(ErrorKind::InvalidParameter, "cannot extract elements from a scalar"),
    }
}

fn elements(values: &Values<'_>) -> Result<ScalarValue> {
    Ok(texts_value(all_elements(values)?.into_iter().map(Some)))
}

fn elements_text(values: &Values<'_>) -> Result<ScalarValue> {
    let texts: Vec<Option<String>> =
        all_elements(values)?.into_iter().map(plain).collect::<Result<_, _>>().map_err(invalid_json)?;
    Ok(texts_value(texts))
}

/// The members of an object.
fn members<'a>(values: &Values<'a>) -> Result<Vec<(String, &'a str)>> {
    match level(values)? {
        Parts::Members(members) => Ok(members),
        Parts::Elements(_) | Parts::Plain => {
            fails(ErrorKind::InvalidParameter, "cannot deconstruct a scalar or an array")
        }
    }
}

fn each_keys(values: &Values<'_>) -> Result<ScalarValue> {
    Ok(texts_value(members(values)?.into_iter().map(|(name, _)| Some(name))))
}

fn each_values(values: &Values<'_>) -> Result<ScalarValue> {
    Ok(texts_value(members(values)?.into_iter().map(|(_, value)| Some(value))))
}

fn each_texts(values: &Values<'_>) -> Result<ScalarValue> {
    let texts: Vec<Option<String>> =
        members(values)?.into_iter().map(|(_, value)| plain(value)).collect::<Result<_, _>>().map_err(invalid_json)?;
    Ok(texts_value(texts))
}

fn object_keys(values: &Values<'_>) -> Result<ScalarValue> {
    match level(values)? {
        Parts::Members(members) => Ok(texts_value(members.into_iter().map(|(name, _)| Some(name)))),
        Parts::Elements(_) => fails(ErrorKind::InvalidParameter, "cannot call json_object_keys on an array"),
        Parts::Plain => fails(ErrorKind::InvalidParameter, "cannot call json_object_keys on a scalar"),
    }
}
