//! Functions on `jsonb` that compare values and make changed ones.

use super::arguments::{Kind, Values};
use super::define::Returns;
use super::failure::{fails, invalid_json};
use super::json_build::scalar_text;
use super::json_type::{JSON, JSONB};
use super::result_size::sum;
use super::section::Section;
use super::typed::{Routine, call, routine};
use crate::error::ErrorKind;
use crate::text::json::{Value, order_key, parse};
use datafusion::common::{Result, ScalarValue};
use std::cmp::Ordering;

use Kind::{Bool, Int, Json, Jsonb, Text as T, Texts};

/// Their definitions. Most are the functions behind operators, under PostgreSQL's names for them.
pub(super) const ROUTINES: &[Routine] = &[
    routine(
        "json_strip_nulls",
        Section::Other,
        "JSON without members that are null.",
        &[call(&[Json], JSON, |values| {
            let mut out = String::new();
            parse(values.text(0)).map_err(invalid_json)?.without_nulls().write_compact(&mut out);
            Ok(ScalarValue::from(out))
        })],
    ),
    routine(
        "jsonb_bool",
        Section::Other,
        "Word of a JSON boolean, for casts.",
        &[call(&[Jsonb], Returns::Text, |values| scalar_text(values, "boolean", "boolean"))],
    ),
    routine(
        "jsonb_number",
        Section::Other,
        "Digits of a JSON number, for casts.",
        &[call(&[Jsonb, T], Returns::Text, |values| scalar_text(values, "number", values.text(1)))],
    ),
    routine(
        "jsonb_cmp",
        Section::Other,
        "Less than, equal to or greater than another: -1, 0 or 1.",
        &[call(&[Jsonb, Jsonb], Returns::Int, |values| Ok(ScalarValue::from(order(values)? as i32)))],
    ),
    routine(
        "jsonb_concat",
        Section::Other,
        "Two JSON values as one: the operator ||.",
        &[call(&[Jsonb, Jsonb], JSONB, concat)],
    )
    .sized(sum),
    routine(
        "jsonb_contained",
        Section::Other,
        "Whether JSON is contained in other JSON: the operator <@.",
        &[call(&[Jsonb, Jsonb], Returns::Bool, |values| {
            Ok(ScalarValue::from(value(values, 1)?.contains(&value(values, 0)?)))
        })],
    ),
    routine(
        "jsonb_contains",
        Section::Other,
        "Whether JSON contains other JSON: the operator @>.",
        &[call(&[Jsonb, Jsonb], Returns::Bool, |values| {
            Ok(ScalarValue::from(value(values, 0)?.contains(&value(values, 1)?)))
        })],
    ),
    routine(
        "jsonb_delete",
        Section::Other,
        "JSON without a member or an element: the operator -.",
        &[
            call(&[Jsonb, T], JSONB, |values| without(values, &[Some(values.text(1).to_owned())])),
            call(&[Jsonb, Texts], JSONB, |values| without(values, &values.texts(1))),
            call(&[Jsonb, Int], JSONB, without_element),
        ],
    ),
    routine(
        "jsonb_delete_path",
        Section::Other,
        "JSON without what is at a path: the operator #-.",
        &[call(&[Jsonb, Texts], JSONB, |values| changed(values, values.texts(1), &Change::Delete))],
    ),
    routine(
        "jsonb_eq",
        Section::Other,
        "Whether two JSON values are equal.",
        &[call(&[Jsonb, Jsonb], Returns::Bool, |values| Ok(ScalarValue::from(order(values)?.is_eq())))],
    ),
    routine(
        "jsonb_exists",
        Section::Other,
        "Whether JSON has a member, or a text as an element: the operator ?.",
        &[call(&[Jsonb, T], Returns::Bool, |values| Ok(ScalarValue::from(has(&value(values, 0)?, values.text(1)))))],
    ),
    routine(
        "jsonb_exists_all",
        Section::Other,
        "Whether JSON has all of some members: the operator ?&.",
        &[call(&[Jsonb, Texts], Returns::Bool, |values| {
            let own = value(values, 0)?;
            Ok(ScalarValue::from(values.texts(1).iter().flatten().all(|name| has(&own, name))))
        })],
    ),
    routine(
        "jsonb_exists_any",
        Section::Other,
        "Whether JSON has one of some members: the operator ?|.",
        &[call(&[Jsonb, Texts], Returns::Bool, |values| {
            let own = value(values, 0)?;
            Ok(ScalarValue::from(values.texts(1).iter().flatten().any(|name| has(&own, name))))
        })],
    ),
    routine(
        "jsonb_ge",
        Section::Other,
        "Whether JSON comes not before other JSON.",
        &[call(&[Jsonb, Jsonb], Returns::Bool, |values| Ok(ScalarValue::from(order(values)?.is_ge())))],
    ),
    routine(
        "jsonb_gt",
        Section::Other,
        "Whether JSON comes behind other JSON.",
        &[call(&[Jsonb, Jsonb], Returns::Bool, |values| Ok(ScalarValue::from(order(values)?.is_gt())))],
    ),
    routine(
        "jsonb_insert",
        Section::Other,
        "JSON with a value put in at a path.",
        &[call(&[Jsonb, Texts, Jsonb], JSONB, insert), call(&[Jsonb, Texts, Jsonb, Bool], JSONB, insert)],
    )
    .sized(sum),
    routine(
        "jsonb_le",
        Section::Other,
        "Whether JSON comes not behind other JSON.",
        &[call(&[Jsonb, Jsonb], Returns::Bool, |values| Ok(ScalarValue::from(order(values)?.is_le())))],
    ),
    routine(
        "jsonb_lt",
        Section::Other,
        "Whether JSON comes before other JSON.",
        &[call(&[Jsonb, Jsonb], Returns::Bool, |values| Ok(ScalarValue::from(order(values)?.is_lt())))],
    ),
    routine(
        "jsonb_ne",
        Section::Other,
        "Whether two JSON values differ.",
        &[call(&[Jsonb, Jsonb], Returns::Bool, |values| Ok(ScalarValue::from(order(values)?.is_ne())))],
    ),
    routine(
        "jsonb_pretty",
        Section::Text,
        "JSON on several lines, for reading.",
        &[call(&[Jsonb], Returns::Text, |values| {
            let mut out = String::new();
            value(values, 0)?.write_pretty(0, &mut out);
            Ok(ScalarValue::from(out))
        })],
    ),
    routine(
        "jsonb_set",
        Section::Other,
        "JSON with the value at a path replaced, or added.",
        &[call(&[Jsonb, Texts, Jsonb], JSONB, set), call(&[Jsonb, Texts, Jsonb, Bool], JSONB, set)],
    )
    .sized(sum),
    routine(
        "jsonb_strip_nulls",
        Section::Other,
        "JSON without members that are null.",
        &[call(&[Jsonb], JSONB, |values| Ok(written(&value(values, 0)?.without_nulls())))],
    ),
];

/// The value of an argument, which is normal.
fn value(values: &Values<'_>, index: usize) -> Result<Value> {
    parse(values.text(index)).map_err(invalid_json)
}

/// A value as a result.
fn written(value: &Value) -> ScalarValue {
    let mut out = String::new();
    value.write(&mut out);
    ScalarValue::from(out)
}

fn order(values: &Values<'_>) -> Result<Ordering> {
    Ok(order_key(&value(values, 0)?).cmp(&order_key(&value(values, 1)?)))
}

/// Whether a value has a member of that name, or is or holds that text.
fn has(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(_) => value.member(name).is_some(),
        Value::Array(elements) => elements.iter().any(|element| matches!(element, Value::Text(text) if text == name)),
        Value::Text(text) => text == name,
        _ => false,
    }
}

/// Two objects or two arrays as one; beside an array anything is an element.
fn concat(values: &Values<'_>) -> Result<ScalarValue> {
    let elements = |value| match value {
        Value::Array(elements) => elements,
        other => vec![other],
    };
    Ok(written(&match (value(values, 0)?, value(values, 1)?) {
        (Value::Object(mut left), Value::Object(right)) => {
            left.extend(right);
            Value::object(left)
        }
        (left, right) => Value::Array(elements(left).into_iter().chain(elements(right)).collect()),
    }))
}

/// The value without members of some names, or without elements that are these texts.
fn without(values: &Values<'_>, names: &[Option<String>]) -> Result<ScalarValue> {
    let gone = |name: &str| names.iter().flatten().any(|gone| gone == name);
    Ok(written(&match value(values, 0)? {
        Value::Object(members) => Value::Object(members.into_iter().filter(|(name, _)| !gone(name)).collect()),
        Value::Array(elements) => Value::Array(
            elements.into_iter().filter(|element| !matches!(element, Value::Text(text) if gone(text))).collect(),
        ),
        _ => return fails(ErrorKind::InvalidParameter, "cannot delete from scalar"),
    }))
}

fn without_element(values: &Values<'_>) -> Result<ScalarValue> {
    match value(values, 0)? {
        Value::Array(mut elements) => {
            if let Some(place) = place(values.int(1), elements.len()) {
                elements.remove(place);
            }
            Ok(written(&Value::Array(elements)))
        }
        Value::Object(_) => fails(ErrorKind::InvalidParameter, "cannot delete from object using integer index"),
        _ => fails(ErrorKind::InvalidParameter, "cannot delete from scalar"),
    }
}

/// The place of an element by its number, from the end when it is negative; `None` outside.
fn place(number: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if number < 0 { length.checked_add(number)? } else { number };
    (place < length).then(|| usize::try_from(place).ok()).flatten()
}

/// What happens at the end of a path.
enum Change {
    /// What is there goes.
    Delete,
    /// The value takes its place; where nothing is, it is added when that is wanted.
    Set { value: Value, add: bool },
    /// The value is put before it, or behind it.
    Insert { value: Value, behind: bool },
}

fn set(values: &Values<'_>) -> Result<ScalarValue> {
    let add = values.try_boolean(3).unwrap_or(true);
    changed(values, values.texts(1), &Change::Set { value: value(values, 2)?, add })
}

fn insert(values: &Values<'_>) -> Result<ScalarValue> {
    let behind = values.try_boolean(3).unwrap_or(false);
    changed(values, values.texts(1), &Change::Insert { value: value(values, 2)?, behind })
}

/// The value in the first argument, changed at a path.
fn changed(values: &Values<'_>, path: Vec<Option<String>>, change: &Change) -> Result<ScalarValue> {
    let mut whole = value(values, 0)?;
    let scalar = !matches!(whole, Value::Array(_) | Value::Object(_));
    if scalar {
        let message = match change {
            Change::Delete => "cannot delete path in scalar",
            _ => "cannot set path in scalar",
        };
        return fails(ErrorKind::InvalidParameter, message);
    }
    let path: Option<Vec<String>> = path.iter().cloned().collect();
    match path {
        Some(path) => change_at(&mut whole, &path, 1, change)?,
        None => return fails(ErrorKind::NullNotAllowed, "path element at position 1 is null"),
    }
    Ok(written(&whole))
}

fn change_at(value: &mut Value, path: &[String], depth: usize, change: &Change) -> Result<()> {
    let Some((step, rest)) = path.split_first() else { return Ok(()) };
    match value {
        Value::Object(members) => {
            let found = members.iter().position(|(name, _)| name == step);
            if !rest.is_empty() {
                if let Some((_, value)) = found.and_then(|place| members.get_mut(place)) {
                    change_at(value, rest, depth + 1, change)?;
                }
                return Ok(());
            }
            match (found, change) {
                (Some(place), Change::Delete) => {
                    members.remove(place);
                }
                (Some(place), Change::Set { value, .. }) => {
                    if let Some((_, old)) = members.get_mut(place) {
                        *old = value.clone();
                    }
                }
                (Some(_), Change::Insert { .. }) => {
                    return fails(ErrorKind::InvalidParameter, "cannot replace existing key");
                }
                (None, Change::Set { value, add: true } | Change::Insert { value, .. }) => {
                    members.push((step.clone(), value.clone()));
                    *members = match Value::object(std::mem::take(members)) {
                        Value::Object(sorted) => sorted,
                        _ => Vec::new(),
                    };
                }
                (None, _) => {}
            }
        }
        Value::Array(elements) => {
            let Ok(number) = step.parse::<i64>() else {
                let message = format!("path element at position {depth} is not an integer: \"{step}\"");
                return fails(ErrorKind::InvalidText, message);
            };
            let found = place(number, elements.len());
            if !rest.is_empty() {
                if let Some(value) = found.and_then(|place| elements.get_mut(place)) {
                    change_at(value, rest, depth + 1, change)?;
                }
                return Ok(());
            }
            // Outside, a value is added at the end that is nearer.
            let outside = if number < 0 { 0 } else { elements.len() };
            match (found, change) {
                (Some(place), Change::Delete) => {
                    elements.remove(place);
                }
                (Some(place), Change::Set { value, .. }) => {
                    if let Some(old) = elements.get_mut(place) {
                        *old = value.clone();
                    }
                }
                (Some(place), Change::Insert { value, behind }) => {
                    elements.insert(place + usize::from(*behind), value.clone());
                }
                (None, Change::Set { value, add: true } | Change::Insert { value, .. }) => {
                    elements.insert(outside, value.clone());
                }
                (None, _) => {}
            }
        }
        _ => {}
    }
    Ok(())
}
