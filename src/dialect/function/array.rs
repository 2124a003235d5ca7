//! Functions on arrays that PostgreSQL clients call: bounds, elements with their numbers, and names
//! of types.

use super::define::{Context, Definition, Returns, integer, null, stable};
use super::section::Section;
use crate::dialect::array::value::PgArray;
use crate::dialect::catalog::types;
use crate::text::array::VECTOR;
use datafusion::arrow::array::{Array, Int32Array, ListArray, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue};
use std::sync::Arc;

/// The definitions of this file.
pub(crate) const FUNCTIONS: &[Definition] = &[
    stable(
        "_pg_expandarray",
        "Elements of an array with their places, from 1.",
        &[1],
        Returns::From(expanded_type),
        expanded,
    )
    .about(Section::Other),
    stable(
        "array_lower",
        "First place of a dimension of an array; NULL for an empty array.",
        &[2],
        Returns::Int,
        |_, values| Ok(bounds(values)?.map_or_else(null, |(first, _)| ScalarValue::from(first))),
    )
    .about(Section::Other),
    stable(
        "array_subscripts",
        "Places of a dimension of an array, or those in reverse.",
        &[2, 3],
        Returns::From(|_| DataType::new_list(DataType::Int32, true)),
        subscripts,
    )
    .about(Section::Other),
    stable(
        "array_upper",
        "Last place of a dimension of an array; NULL for an empty array.",
        &[2],
        Returns::Int,
        |_, values| Ok(bounds(values)?.map_or_else(null, |(_, last)| ScalarValue::from(last))),
    )
    .about(Section::Other),
    stable(
        "pg_blocking_pids",
        "Sessions that block a session: none, since nothing here is locked.",
        &[1],
        Returns::From(|_| DataType::new_list(DataType::Int32, true)),
        |_, _| Ok(ScalarValue::List(ScalarValue::new_list_nullable(&[], &DataType::Int32))),
    )
    .about(Section::Other),
    stable("regtype_names", "Names of types, for their numbers.", &[1], Returns::Texts, type_names)
        .about(Section::Other),
    stable("pg_typeof", "Name of the type of a value.", &[1], Returns::Text, type_of).about(Section::Other),
];

/// The places of a dimension, backwards where a third argument says so.
fn subscripts(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    if values.iter().any(ScalarValue::is_null) {
        return Ok(null());
    }
    let places = bounds(values)?.map(|(first, last)| first..=last);
    let mut places: Vec<ScalarValue> = places.into_iter().flatten().map(ScalarValue::from).collect();
    if values.get(2) == Some(&ScalarValue::Boolean(Some(true))) {
        places.reverse();
    }
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&places, &DataType::Int32)))
}

/// First and last place of a dimension of an array, which are counted from 1, and those of a vector of the catalog from 0;
/// `None` where [`length`] is.
fn bounds(values: &[ScalarValue]) -> Result<Option<(i32, i32)>> {
    let is_vector = |value: &ScalarValue| matches!(value.data_type(), DataType::List(of) if of.name() == VECTOR);
    let first = i32::from(!values.first().is_some_and(is_vector));
    Ok(length(values)?.map(|length| (first, first + length - 1)))
}

/// Length of a dimension of an array; `None` for NULL, an empty array, or a dimension it does not have.
fn length(values: &[ScalarValue]) -> Result<Option<i32>> {
    let array = values.first().map_or(Ok(None), PgArray::of)?;
    let dimension = integer(values, 1)?.and_then(|dimension| usize::try_from(dimension).ok());
    let (Some(array), Some(at)) = (array, dimension.and_then(|dimension| dimension.checked_sub(1))) else {
        return Ok(None);
    };
    Ok(array.lengths.get(at).and_then(|length| i32::try_from(*length).ok()))
}

/// The names of types for `oids::regtype[]`; NULL elements stay NULL, an unknown number is `???`.
fn type_names(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(ScalarValue::List(list)) = values.first().filter(|value| !value.is_null()) else { return Ok(null()) };
    let numbers = datafusion::arrow::compute::cast(&list.value(0), &DataType::Int64)?;
    let mut names = Vec::with_capacity(numbers.len());
    for row in 0..numbers.len() {
        let number =
            integer(&[ScalarValue::try_from_array(&numbers, row)?], 0)?.and_then(|oid| u32::try_from(oid).ok());
        names.push(ScalarValue::Utf8(number.map(|oid| types::display(oid, None))));
    }
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&names, &DataType::Utf8)))
}

/// The PostgreSQL name of an argument's Arrow type; `unknown` for NULL without a type.
fn type_of(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(value) = values.first() else { return Ok(null()) };
    let data_type = value.data_type();
    if data_type.is_null() {
        return Ok(ScalarValue::from("unknown"));
    }
    Ok(ScalarValue::from(types::display(types::of_arrow(&data_type).0, None)))
}

/// The type of `_pg_expandarray(a)`: one list of its elements `x` with their numbers `n`; its rows
/// are what `unnest` makes of it.
fn expanded_type(arguments: &[DataType]) -> DataType {
    let element = match arguments.first() {
        Some(DataType::List(element)) => element.data_type().clone(),
        _ => DataType::Int16,
    };
    let fields = vec![Field::new("x", element, true), Field::new("n", DataType::Int32, true)];
    DataType::new_list(DataType::Struct(fields.into()), true)
}

/// The elements of an array with their numbers from 1, as one list of pairs; NULL of NULL.
fn expanded(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(ScalarValue::List(list)) = values.first() else { return Ok(null()) };
    if list.is_empty() || list.is_null(0) {
        return Ok(null());
    }
    let elements = list.value(0);
    let DataType::List(field) = expanded_type(&[list.data_type().clone()]) else { return Ok(null()) };
    let DataType::Struct(fields) = field.data_type() else { return Ok(null()) };
    let numbers = Int32Array::from_iter_values((1..).take(elements.len()));
    let length = elements.len();
    let rows = StructArray::try_new(fields.clone(), vec![elements, Arc::new(numbers)], None)?;
    let list = ListArray::try_new(field, OffsetBuffer::from_lengths([length]), Arc::new(rows), None)?;
    Ok(ScalarValue::List(Arc::new(list)))
}
