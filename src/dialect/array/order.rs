//! The function `array_order`: which of two arrays comes first, as -1, 0 or 1. Comparison operators over
//! arrays compare it with 0.

use super::value::{PgArray, compare};
use datafusion::common::{Result, ScalarValue};
use std::cmp::Ordering;

/// The order of two arrays; NULL of NULL.
pub(crate) fn order(values: &[ScalarValue]) -> Result<ScalarValue> {
    let [one, other] = values else { return Ok(ScalarValue::Int32(None)) };
    let (Some(one), Some(other)) = (PgArray::of(one)?, PgArray::of(other)?) else {
        return Ok(ScalarValue::Int32(None));
    };
    Ok(ScalarValue::Int32(Some(between(&one, &other) as i32)))
}

/// By the first elements that differ, then by the number of elements, then by the dimensions.
fn between(one: &PgArray, other: &PgArray) -> Ordering {
    let pairs = one.items.iter().zip(&other.items);
    let differing = pairs.map(|(one, other)| compare(one, other)).find(|order| order.is_ne());
    differing
        .unwrap_or(Ordering::Equal)
        .then(one.items.len().cmp(&other.items.len()))
        .then(one.lengths.len().cmp(&other.lengths.len()))
        .then_with(|| one.lengths.cmp(&other.lengths))
}
