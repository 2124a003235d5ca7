//! Functions that make a moment or a span of its parts, and tell whether one is finite: `make_date`, `make_time`,
//! `make_timestamp`, `make_timestamptz`, `make_interval`, `to_timestamp(seconds)`, `isfinite`.

use super::fault::{invalid, out_of_range, overflow};
use super::function::{Call, Column, named};
use super::types::{DATE, INTERVAL, Kind, TIME, TIMESTAMP, TIMESTAMPTZ};
use crate::text::calendar::{
    DAY_US, FIRST_DAY, FIRST_US, HOUR_US, LAST_DAY, LAST_US, SECOND_US, date, days_of, days_of_month, is_infinite,
    is_moment, moment,
};
use crate::text::zone::Zone;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Volatility};
use std::sync::Arc;

/// The type of years, months, days, hours and minutes.
const WHOLE: DataType = DataType::Int32;
/// The type of seconds.
const SECONDS: DataType = DataType::Float64;

/// The functions of this file.
pub(crate) fn functions() -> Vec<ScalarUDF> {
    vec![make_date(), make_time(), make_timestamp(), make_timestamptz(), make_interval(), to_timestamp(), isfinite()]
}

/// Whether arguments are numbers, or may be read as such. Numbers too wide are refused by the typing of the call.
fn numbers(given: &[DataType]) -> bool {
    let text = |given: &DataType| matches!(given, DataType::Null | DataType::Utf8 | DataType::Utf8View);
    given.iter().all(|given| given.is_numeric() || text(given))
}

fn make_date() -> ScalarUDF {
    let doc = "The date of a year, a month and a day; a negative year is before Christ.";
    named(
        "make_date",
        doc,
        Volatility::Immutable,
        |given| (given.len() == 3 && numbers(given)).then(|| (vec![WHOLE, WHOLE, WHOLE], DATE)),
        |call| {
            let parts = wholes::<3>(call)?;
            call.rows::<Date32Type>(|row| match at(&parts, row) {
                Some([year, month, day]) => Ok(Some(date_of(year, month, day)?)),
                None => Ok(None),
            })
        },
    )
}

fn make_time() -> ScalarUDF {
    named(
        "make_time",
        "The time of an hour, a minute and seconds.",
        Volatility::Immutable,
        |given| (given.len() == 3 && numbers(given)).then(|| (vec![WHOLE, WHOLE, SECONDS], TIME)),
        |call| {
            let (hours, minutes) = (call.column::<Int32Type>(0)?, call.column::<Int32Type>(1)?);
            let seconds = call.column::<Float64Type>(2)?;
            call.rows::<Time64MicrosecondType>(|row| match (hours.at(row), minutes.at(row), seconds.at(row)) {
                (Some(hour), Some(minute), Some(seconds)) => time_of(hour, minute, seconds).map(Some),
                _ => Ok(None),
            })
        },
    )
}

/// The types of year, month, day, hour, minute and seconds.
fn six() -> Vec<DataType> {
    vec![WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, SECONDS]
}

fn make_timestamp() -> ScalarUDF {
    named(
        "make_timestamp",
        "The timestamp of a year, a month, a day, an hour, a minute and seconds.",
        Volatility::Immutable,
        |given| (given.len() == 6 && numbers(given)).then(|| (six(), TIMESTAMP)),
        |call| clocks(call, Ok),
    )
}

fn make_timestamptz() -> ScalarUDF {
    named(
        "make_timestamptz",
        "The moment of a year, a month, a day, an hour, a minute and seconds, in the session's zone or in another.",
        Volatility::Stable,
        |given| {
            let mut types = six();
            let parts = given.get(..6).filter(|parts| numbers(parts))?;
            match given.get(parts.len()..) {
                Some([]) => {}
                Some([_]) => types.push(DataType::Utf8),
                _ => return None,
            }
            Some((types, TIMESTAMPTZ.clone()))
        },
        |call| {
            let zones = if call.args.len() == 7 { Some(call.texts(6)?) } else { None };
            let failed = || out_of_range("timestamp");
            let Some(zones) = zones else {
                let zone = call.zone();
                return clocks(call, |us| zone.moment(us).ok_or_else(failed));
            };
            let parts = Clocks::of(call)?;
            call.rows::<TimestampMicrosecondType>(|row| {
                let (Some(us), Some(name)) = (parts.at(row)?, zones.at(row)) else { return Ok(None) };
                let zone = written_zone(name).ok_or_else(|| invalid(format!("time zone \"{name}\" not recognized")))?;
                zone.moment(us).map(Some).ok_or_else(failed)
            })
        },
    )
}

/// A zone as the last argument of `make_timestamptz` names it: an offset counts east of Greenwich here.
fn written_zone(name: &str) -> Option<Zone> {
    let digits = name.strip_prefix(['+', '-']).filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    match digits {
        Some(digits) => {
            let mut parts = digits.splitn(3, ':').map(|part| part.parse::<i32>().ok().filter(|part| *part < 100));
            let (hours, minutes) = (parts.next()??, parts.next().unwrap_or(Some(0))?);
            let seconds = parts.next().unwrap_or(Some(0))?;
            let east = hours * 3_600 + minutes * 60 + seconds;
            (hours < 16 && minutes < 60 && seconds < 60)
                .then(|| Zone::of_offset(if name.starts_with('-') { -east } else { east }))
        }
        None => Zone::of_text(name),
    }
}

/// Columns of year, month, day, hour, minute and seconds.
struct Clocks {
    wholes: [Column<Int32Type>; 5],
    seconds: Column<Float64Type>,
}

impl Clocks {
    fn of(call: &Call<'_>) -> Result<Self> {
        Ok(Self { wholes: wholes::<5>(call)?, seconds: call.column::<Float64Type>(5)? })
    }

    /// The clock of a row; `None` where a part is NULL.
    fn at(&self, row: usize) -> Result<Option<i64>> {
        let (Some([year, month, day, hour, minute]), Some(seconds)) = (at(&self.wholes, row), self.seconds.at(row))
        else {
            return Ok(None);
        };
        let days = date_of(year, month, day)?;
        let us = moment(days.into(), time_of(hour, minute, seconds)?);
        us.map(Some).ok_or_else(|| out_of_range("timestamp"))
    }
}

/// Clocks of six columns, each handed on.
fn clocks(call: &Call<'_>, finish: impl Fn(i64) -> Result<i64>) -> Result<ArrayRef> {
    let parts = Clocks::of(call)?;
    call.rows::<TimestampMicrosecondType>(|row| parts.at(row)?.map(&finish).transpose())
}

/// The first columns of a call, of whole numbers.
fn wholes<const N: usize>(call: &Call<'_>) -> Result<[Column<Int32Type>; N]> {
    let columns = (0..N).map(|place| call.column::<Int32Type>(place)).collect::<Result<Vec<_>>>()?;
    columns.try_into().map_err(|_| invalid("an argument is missing".to_owned()))
}

/// The values of a row; `None` where one is NULL.
fn at<const N: usize>(columns: &[Column<Int32Type>; N], row: usize) -> Option<[i32; N]> {
    let values: Vec<i32> = columns.iter().map(|column| column.at(row)).collect::<Option<_>>()?;
    values.try_into().ok()
}

fn date_of(year: i32, month: i32, day: i32) -> Result<i32> {
    let failed = || overflow(&format!("date field value out of range: {year}-{month:02}-{day:02}"));
    // There is no year 0, and -1 is 1 BC.
    let counted = i64::from(if year < 0 { year.saturating_add(1) } else { year });
    let (wide_month, wide_day) = (i64::from(month), i64::from(day));
    if year == 0 || !(1..=12).contains(&month) || day < 1 || wide_day > days_of_month(counted, wide_month) {
        return Err(failed());
    }
    date(days_of(counted, wide_month, wide_day)).ok_or_else(failed)
}

fn time_of(hour: i32, minute: i32, seconds: f64) -> Result<i64> {
    let us = (seconds * 1e6).round_ties_even();
    let whole = (i64::from(hour) * 60 + i64::from(minute)) * 60 * SECOND_US;
    let fits = (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60e6).contains(&us);
    match whole.saturating_add(us as i64) {
        us if fits && us <= DAY_US => Ok(us),
        _ => Err(overflow(&format!("time field value out of range: {hour}:{minute:02}:{seconds:02}"))),
    }
}

fn make_interval() -> ScalarUDF {
    named(
        "make_interval",
        "The span of years, months, weeks, days, hours, minutes and seconds, each 0 unless it is given.",
        Volatility::Immutable,
        |given| {
            let types = vec![WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, SECONDS];
            (given.len() == types.len() && numbers(given)).then_some((types, INTERVAL))
        },
        |call| {
            let parts = wholes::<6>(call)?;
            let seconds = call.column::<Float64Type>(6)?;
            call.rows::<IntervalMonthDayNanoType>(|row| match (at(&parts, row), seconds.at(row)) {
                (Some(parts), Some(seconds)) => {
                    span_of(parts, seconds).map(Some).ok_or_else(|| out_of_range("interval"))
                }
                _ => Ok(None),
            })
        },
    )
}

fn span_of([years, months, weeks, days, hours, minutes]: [i32; 6], seconds: f64) -> Option<IntervalMonthDayNano> {
    let months = i32::try_from(i64::from(years) * 12 + i64::from(months)).ok()?;
    let days = i32::try_from(i64::from(weeks) * 7 + i64::from(days)).ok()?;
    let us = (seconds * 1e6).round_ties_even();
    let us = (us.abs() < 9.2e18).then_some(us as i64)?;
    let us = us.checked_add(i64::from(hours) * HOUR_US + i64::from(minutes) * 60 * SECOND_US)?;
    Some(IntervalMonthDayNano::new(months, days, us.checked_mul(1_000)?))
}

fn to_timestamp() -> ScalarUDF {
    named(
        "to_timestamp",
        "The moment of so many seconds since 1970, or of a text by a pattern.",
        Volatility::Stable,
        |given| match given {
            [_] if numbers(given) => Some((vec![SECONDS], TIMESTAMPTZ.clone())),
            [_, _] => Some((vec![DataType::Utf8, DataType::Utf8], TIMESTAMPTZ.clone())),
            _ => None,
        },
        |call| match call.args {
            [_] => call.map::<Float64Type, TimestampMicrosecondType>(moment_of),
            _ => super::read_pattern::timestamps(call),
        },
    )
}

/// The moment of so many seconds since 1970, rounded as PostgreSQL does, from the year 2000.
fn moment_of(seconds: f64) -> Result<i64> {
    const EPOCH_SECONDS: f64 = 946_684_800.0;
    const EPOCH_US: i64 = 946_684_800_000_000;
    match seconds {
        seconds if seconds.is_nan() => return Err(overflow("timestamp cannot be NaN")),
        f64::INFINITY => return Ok(LAST_US),
        f64::NEG_INFINITY => return Ok(FIRST_US),
        _ => {}
    }
    let failed = || overflow(&format!("timestamp out of range: \"{seconds}\""));
    let us = ((seconds - EPOCH_SECONDS) * 1e6).round_ties_even();
    if us.abs() >= 9.223_372_036_854_775e18 {
        return Err(failed());
    }
    (us as i64).checked_add(EPOCH_US).filter(|us| is_moment(*us)).ok_or_else(failed)
}

fn isfinite() -> ScalarUDF {
    named(
        "isfinite",
        "Whether a date, a moment or a span is not infinite.",
        Volatility::Immutable,
        |given| match given {
            [value] => match Kind::of(value)? {
                Kind::Time => Some((vec![INTERVAL], DataType::Boolean)),
                kind => Some((vec![kind.data_type()], DataType::Boolean)),
            },
            _ => None,
        },
        |call| {
            let value = call.argument(0)?.to_array(call.rows)?;
            let finite = |row: usize| match value.data_type() {
                DataType::Date32 => !matches!(value.as_primitive::<Date32Type>().value(row), LAST_DAY | FIRST_DAY),
                DataType::Timestamp(..) => !is_infinite(value.as_primitive::<TimestampMicrosecondType>().value(row)),
                _ => true,
            };
            let finite = (0..value.len()).map(|row| value.is_valid(row).then(|| finite(row)));
            Ok(Arc::new(finite.collect::<BooleanArray>()))
        },
    )
}
