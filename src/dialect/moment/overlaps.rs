//! The function `overlaps(start, end, start, end)`, which `(start, end) OVERLAPS (start, end)` calls: whether two periods
//! have a moment in common. An end may be a span, counted from its start.
//!
//! DataFusion 55: OVERLAPS is refused, as rows beside an operator are. Not needed once `(date '2026-01-01', date
//! '2026-02-01') OVERLAPS (date '2026-01-31', interval '1 day')` is true.

use super::arithmetic::{time_plus, timestamp_plus, timestamptz_plus};
use super::function::{Call, Column, named};
use super::types::{INTERVAL, Kind, TIME, TIMESTAMP};
use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Volatility};
use std::cmp::Ordering;
use std::sync::Arc;

/// The function `overlaps` of four arguments.
pub(crate) fn function() -> ScalarUDF {
    named(
        "overlaps",
        "Whether two periods have a moment in common, each by its start and its end or length.",
        Volatility::Stable,
        |given| {
            let [start, end, other_start, other_end] = given else { return None };
            let mut kind: Option<Kind> = None;
            for (place, data_type) in [start, end, other_start, other_end].into_iter().enumerate() {
                let own = match (Kind::of(data_type), data_type) {
                    (Some(Kind::Interval), _) if place % 2 == 1 => continue,
                    (Some(Kind::Interval), _) => return None,
                    (Some(own), _) => own,
                    (None, DataType::Null | DataType::Utf8 | DataType::Utf8View) => continue,
                    _ => return None,
                };
                kind = Some(kind.map_or(Some(own), |kind| kind.common(own))?);
            }
            let moment = match kind? {
                Kind::Time => TIME,
                Kind::Timestamp => TIMESTAMP,
                _ => Kind::Timestamptz.data_type(),
            };
            let types = given.iter().map(|data_type| match Kind::of(data_type) {
                Some(Kind::Interval) => INTERVAL,
                _ => moment.clone(),
            });
            Some((types.collect(), DataType::Boolean))
        },
        |call| match call.argument(0)?.data_type() {
            DataType::Time64(_) => overlapping::<Time64MicrosecondType>(call, |us, span| Ok(time_plus(us, span))),
            DataType::Timestamp(_, None) => overlapping::<TimestampMicrosecondType>(call, timestamp_plus),
            _ => {
                let zone = call.zone();
                overlapping::<TimestampMicrosecondType>(call, |us, span| timestamptz_plus(us, span, zone))
            }
        },
    )
}

/// The ends of periods: moments, or spans from their start.
enum Ends<T: ArrowPrimitiveType> {
    Moments(Column<T>),
    Spans(Column<IntervalMonthDayNanoType>),
}

/// Whether the periods of each row overlap.
fn overlapping<T: ArrowPrimitiveType<Native = i64>>(
    call: &Call<'_>,
    plus: impl Fn(i64, IntervalMonthDayNano) -> Result<i64>,
) -> Result<ArrayRef> {
    let ends = |place: usize| {
        Ok::<_, datafusion::error::DataFusionError>(match call.argument(place)?.data_type() == INTERVAL {
            true => Ends::Spans(call.column(place)?),
            false => Ends::<T>::Moments(call.column(place)?),
        })
    };
    let (starts, other_starts) = (call.column::<T>(0)?, call.column::<T>(2)?);
    let (ends, other_ends) = (ends(1)?, ends(3)?);
    let period = |starts: &Column<T>, ends: &Ends<T>, row: usize| -> Result<Option<(i64, Option<i64>)>> {
        let start = starts.at(row);
        let end = match ends {
            Ends::Moments(moments) => moments.at(row),
            Ends::Spans(spans) => match (start, spans.at(row)) {
                (Some(start), Some(span)) => Some(plus(start, span)?),
                _ => None,
            },
        };
        Ok(match (start, end) {
            (Some(start), Some(end)) => Some((start.min(end), Some(start.max(end)))),
            // What is known of a period that is half known is where it begins.
            (Some(only), None) | (None, Some(only)) => Some((only, None)),
            (None, None) => None,
        })
    };
    let mut found = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let (one, other) = (period(&starts, &ends, row)?, period(&other_starts, &other_ends, row)?);
        found.push(match (one, other) {
            (Some(one), Some(other)) => overlap(one, other),
            _ => None,
        });
    }
    Ok(Arc::new(BooleanArray::from(found)))
}

/// Whether two periods overlap; `None` where an end that is not known decides.
fn overlap((start, end): (i64, Option<i64>), (other_start, other_end): (i64, Option<i64>)) -> Option<bool> {
    match start.cmp(&other_start) {
        Ordering::Equal => end.and(other_end).map(|_| true),
        Ordering::Greater => later(start, end, other_end),
        Ordering::Less => later(other_start, other_end, end),
    }
}

/// Whether a period that begins later begins before the end of the earlier one.
fn later(start: i64, end: Option<i64>, earlier_end: Option<i64>) -> Option<bool> {
    match earlier_end? {
        earlier_end if start < earlier_end => Some(true),
        _ => end.map(|_| false),
    }
}
