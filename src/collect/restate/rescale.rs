//! Bars that are held and that a restated history no longer has: they are brought to its scale, so that no scales are mixed.

use super::compare::Scale;
use crate::lake::dataset::FETCHED_AT;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, TimestampMicrosecondArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// The columns of prices.
const PRICES: [&str; 4] = ["open", "high", "low", "close"];

/// Rows of one symbol and source whose days `is_left` says, none where there are none.
pub(super) fn left(
    rows: &RecordBatch,
    symbol: &str,
    source: &str,
    is_left: impl Fn(i32) -> bool,
) -> Result<Option<RecordBatch>, ArrowError> {
    let text = |name: &str| rows.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let dates = rows.column_by_name("date").and_then(|column| column.as_primitive_opt::<Date32Type>());
    let (Some(symbols), Some(sources), Some(dates)) = (text("symbol"), text("source"), dates) else { return Ok(None) };
    let keep: BooleanArray = (0..rows.num_rows())
        .map(|row| {
            let is_own = symbols.value(row) == symbol && sources.is_valid(row) && sources.value(row) == source;
            Some(is_own && is_left(dates.value(row)))
        })
        .collect();
    let left = filter_record_batch(rows, &keep)?;
    Ok((left.num_rows() > 0).then_some(left))
}

/// The rows in another scale.
pub(super) fn rescaled(rows: &RecordBatch, scale: Scale, now: DateTime<Utc>) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| match field.name().as_str() {
        name if PRICES.contains(&name) => Ok(priced(column, scale.price)),
        "volume" => Ok(traded(column, scale.split.unwrap_or(1.0))),
        FETCHED_AT => {
            let now = TimestampMicrosecondArray::from_value(now.timestamp_micros(), rows.num_rows());
            cast(&now.with_timezone("UTC"), field.data_type())
        }
        _ => Ok(column.clone()),
    });
    RecordBatch::try_new(schema.clone(), columns.collect::<Result<Vec<_>, _>>()?)
}

fn priced(prices: &ArrayRef, ratio: f64) -> ArrayRef {
    match prices.as_primitive_opt::<Float64Type>() {
        Some(prices) => Arc::new(prices.iter().map(|price| price.map(|price| price * ratio)).collect::<Float64Array>()),
        None => prices.clone(),
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn traded(volumes: &ArrayRef, shares: f64) -> ArrayRef {
    match volumes.as_primitive_opt::<Int64Type>() {
        Some(volumes) => {
            let times = |volume: i64| (volume as f64 * shares).round() as i64;
            Arc::new(volumes.iter().map(|volume| volume.map(times)).collect::<Int64Array>())
        }
        None => volumes.clone(),
    }
}
