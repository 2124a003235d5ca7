//! Functions on arrays that clients ask for.

use super::define::{Context, Definition, Returns, integer, null, stable};
use crate::table::pg_catalog::types;
use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue};
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("_pg_expandarray", &[1], Returns::From(expanded), |_, _| Ok(null())),
    stable("array_lower", &[2], Returns::Int, |_, values| bound(values).map(|length| one_if(length.is_some()))),
    stable("array_upper", &[2], Returns::Int, |_, values| bound(values).map(ScalarValue::Int32)),
    stable("pg_typeof", &[1], Returns::Text, type_of),
];

fn one_if(some: bool) -> ScalarValue {
    ScalarValue::Int32(some.then_some(1))
}

/// Length of a one-dimensional array; `None` for NULL, an empty array, or another dimension.
fn bound(values: &[ScalarValue]) -> Result<Option<i32>> {
    if integer(values, 1)? != Some(1) {
        return Ok(None);
    }
    let length = match values.first() {
        Some(ScalarValue::List(list)) if !list.is_empty() && !list.is_null(0) => list.value(0).len(),
        Some(ScalarValue::LargeList(list)) if !list.is_empty() && !list.is_null(0) => list.value(0).len(),
        Some(ScalarValue::FixedSizeList(list)) if !list.is_empty() && !list.is_null(0) => list.value(0).len(),
        _ => 0,
    };
    Ok(i32::try_from(length).ok().filter(|length| *length > 0))
}

fn type_of(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(value) = values.first() else { return Ok(null()) };
    let data_type = value.data_type();
    if data_type.is_null() {
        return Ok(ScalarValue::from("unknown"));
    }
    Ok(ScalarValue::from(types::display(types::of_arrow(&data_type).0, None)))
}

/// Drivers expand index columns by it; there are no indexes, so it only has to have the right shape.
fn expanded(arguments: &[DataType]) -> DataType {
    let element = match arguments.first() {
        Some(DataType::List(element)) => element.data_type().clone(),
        _ => DataType::Int16,
    };
    let fields = vec![Field::new("x", element, true), Field::new("n", DataType::Int32, true)];
    DataType::Struct(fields.into_iter().map(Arc::new).collect())
}
