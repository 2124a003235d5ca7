//! The function `with_precision` rounds moments, times and spans to the digits of a second that their type has:
//! `timestamp(0)`, `time(2)`, `interval(3)`.
//!
//! DataFusion 55: `timestamp(0)` and `timestamp(3)` are other types, which cut, and `time(2)` is refused. Not needed
//! once a cast rounds to the digits of its type.

use super::convert::nanoseconds;
use super::fault::out_of_range;
use super::function::{Call, Column, named};
use super::types::Kind;
use crate::text::calendar::is_infinite;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    DataType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Volatility};

/// Microseconds from 1970 to 2000, from where PostgreSQL counts when it rounds.
const EPOCH_US: i64 = 946_684_800_000_000;

/// The function, of a value and a number of digits from 0 to 6.
pub(crate) fn function() -> ScalarUDF {
    named(
        "with_precision",
        "A moment, a time or a span, rounded to so many digits of a second.",
        Volatility::Immutable,
        |given| match given {
            [value, _] => match Kind::of(value)? {
                Kind::Date => None,
                kind => Some((vec![kind.data_type(), DataType::Int64], kind.data_type())),
            },
            _ => None,
        },
        rounded,
    )
}

fn rounded(call: &Call<'_>) -> Result<ArrayRef> {
    let digits = call.column::<Int64Type>(1)?;
    let step = |row: usize| step(&digits, row);
    match Kind::of(call.returns) {
        Some(Kind::Interval) => {
            let spans = call.column::<IntervalMonthDayNanoType>(0)?;
            call.rows::<IntervalMonthDayNanoType>(|row| match (spans.at(row), step(row)) {
                (Some(span), Some(step)) => {
                    let us = nearest(super::arithmetic::time_us(span), step);
                    Ok(Some(IntervalMonthDayNano::new(span.months, span.days, nanoseconds(us)?)))
                }
                _ => Ok(None),
            })
        }
        Some(Kind::Time) => {
            let times = call.column::<Time64MicrosecondType>(0)?;
            call.rows::<Time64MicrosecondType>(|row| match (times.at(row), step(row)) {
                (Some(us), Some(step)) => Ok(Some(nearest(us, step))),
                _ => Ok(None),
            })
        }
        _ => {
            let moments = call.column::<TimestampMicrosecondType>(0)?;
            call.rows::<TimestampMicrosecondType>(|row| match (moments.at(row), step(row)) {
                (Some(us), Some(_)) if is_infinite(us) => Ok(Some(us)),
                (Some(us), Some(step)) => {
                    let since = us.checked_sub(EPOCH_US).ok_or_else(|| out_of_range("timestamp"))?;
                    Ok(Some(nearest(since, step).saturating_add(EPOCH_US)))
                }
                _ => Ok(None),
            })
        }
    }
}

/// Microseconds of the last digit.
fn step(digits: &Column<Int64Type>, row: usize) -> Option<i64> {
    digits.at(row).map(|digits| 10_i64.pow(6 - u32::try_from(digits.clamp(0, 6)).unwrap_or(6)))
}

/// The nearest whole number of steps; a half goes away from zero.
fn nearest(us: i64, step: i64) -> i64 {
    let half = step / 2;
    let whole = if us >= 0 { us.saturating_add(half) } else { us.saturating_sub(half) };
    whole / step * step
}
