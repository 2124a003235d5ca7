//! `date_trunc(unit, value)` and `date_trunc(unit, value, zone)`: a moment or a span without what is smaller than a unit,
//! and `date_bin(stride, value, origin)`: the beginning of the bin of a moment.
//!
//! DataFusion 55: `date_trunc` takes two arguments and no span, keeps the type of a date, and knows neither decades nor
//! centuries. Not needed once it takes a zone and `date_trunc('day', date '2026-01-01')` is a `timestamptz`.

use super::convert::nanoseconds;
use super::fault::{external, invalid, not_supported, out_of_range, overflow};
use super::field::{Field, unrecognized, unsupported};
use super::function::{Call, Texts, named};
use super::recent::Recent;
use super::types::{INTERVAL, Kind, TIMESTAMP, TIMESTAMPTZ};
use crate::error::{ErrorKind, QueryError};
use crate::text::calendar::{
    DAY_US, HOUR_US, SECOND_US, civil, days_of, is_infinite, is_moment, moment, split, weekday,
};
use crate::text::interval::Unit;
use crate::text::zone::Zone;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ScalarUDF, Volatility};

/// The function `date_trunc`, in a zone or in the session's.
pub(crate) fn date_trunc() -> ScalarUDF {
    let doc = "A moment or a span without what is smaller than a unit, on the clock of a zone.";
    named(
        "date_trunc",
        doc,
        Volatility::Stable,
        |given| {
            let kind = match given {
                [_, DataType::Null] => Kind::Timestamptz,
                [_, value] => Kind::of(value)?,
                [_, value, _] => {
                    Kind::of(value).filter(|kind| kind.is_moment())?;
                    return Some((vec![DataType::Utf8, TIMESTAMPTZ.clone(), DataType::Utf8], TIMESTAMPTZ.clone()));
                }
                _ => return None,
            };
            let kind = match kind {
                // A time is a span since midnight.
                Kind::Time => Kind::Interval,
                Kind::Date => Kind::Timestamptz,
                kind => kind,
            };
            Some((vec![DataType::Utf8, kind.data_type()], kind.data_type()))
        },
        truncated,
    )
}

/// Cuts each value of a column.
fn truncated(call: &Call<'_>) -> Result<ArrayRef> {
    let names = call.texts(0)?;
    let Some(kind) = Kind::of(call.returns) else { return plan_err!("a moment or a span is wanted") };
    let mut last: Option<(String, Field)> = None;
    let mut unit = |row: usize| -> Result<Option<Field>> {
        let Some(name) = names.at(row) else { return Ok(None) };
        if let Some((known, unit)) = &last
            && known == name
        {
            return Ok(Some(*unit));
        }
        let field = match Field::named(name) {
            Some(field @ (Field::Of(_) | Field::Quarter)) => field,
            Some(Field::Timezone | Field::TimezoneHour | Field::TimezoneMinute) => return Err(unsupported(name, kind)),
            _ => return Err(unrecognized(name, kind)),
        };
        if kind == Kind::Interval && field == Field::Of(Unit::Week) {
            return Err(unsupported(name, kind));
        }
        last = Some((name.to_owned(), field));
        Ok(Some(field))
    };
    if kind == Kind::Interval {
        let spans = call.column::<IntervalMonthDayNanoType>(1)?;
        return call.rows::<IntervalMonthDayNanoType>(|row| match (unit(row)?, spans.at(row)) {
            (Some(unit), Some(span)) => span_cut(span, unit).map(Some),
            _ => Ok(None),
        });
    }
    let zones = if call.args.len() == 3 { Some(call.texts(2)?) } else { None };
    let own = if kind == Kind::Timestamptz { call.zone().clone() } else { Zone::UTC };
    let mut other: Option<(String, Zone)> = None;
    let moments = call.column::<TimestampMicrosecondType>(1)?;
    if let (Texts::One(Some(_)), None) = (&names, &zones)
        && call.rows > 0
        && let Some(unit) = unit(0)?
    {
        let mut recent = Recent::of_moments();
        return call.rows::<TimestampMicrosecondType>(|row| match moments.at(row) {
            Some(us) => recent.get(us, || cut(us, unit, &own)).map(Some),
            None => Ok(None),
        });
    }
    call.rows::<TimestampMicrosecondType>(|row| {
        let (Some(unit), Some(us)) = (unit(row)?, moments.at(row)) else { return Ok(None) };
        let Some(zones) = &zones else { return cut(us, unit, &own).map(Some) };
        let Some(name) = zones.at(row) else { return Ok(None) };
        if other.as_ref().is_none_or(|(known, _)| known != name) {
            let zone = Zone::of_text(name).ok_or_else(|| invalid(format!("time zone \"{name}\" not recognized")))?;
            other = Some((name.to_owned(), zone));
        }
        other.as_ref().map(|(_, zone)| cut(us, unit, zone)).transpose()
    })
}

/// A moment without what is smaller than a unit, on a zone's clock. From the day on, the offset is that of the result;
/// below, it is that of the moment, so that an hour that comes twice stays the one it is.
fn cut(us: i64, unit: Field, zone: &Zone) -> Result<i64> {
    if is_infinite(us) {
        return Ok(us);
    }
    let failed = || out_of_range("timestamp");
    let local = zone.local(us).ok_or_else(failed)?;
    let (days, time) = split(local);
    let fine = match unit {
        Field::Of(Unit::Microsecond) => Some(1),
        Field::Of(Unit::Millisecond) => Some(1_000),
        Field::Of(Unit::Second) => Some(SECOND_US),
        Field::Of(Unit::Minute) => Some(60 * SECOND_US),
        Field::Of(Unit::Hour) => Some(HOUR_US),
        _ => None,
    };
    if let Some(size) = fine {
        return us.checked_sub(time % size).filter(|us| is_moment(*us)).ok_or_else(failed);
    }
    let (year, month, _) = civil(days);
    let ages = |years: i64| match year {
        1.. => (year + years - 1) / years * years - (years - 1),
        _ => -((years - 1 - (year - 1)) / years) * years + 1,
    };
    let day = match unit {
        Field::Of(Unit::Day) => days,
        Field::Of(Unit::Week) => days - (weekday(days) + 6) % 7,
        Field::Of(Unit::Month) => days_of(year, month, 1),
        Field::Quarter => days_of(year, (month - 1) / 3 * 3 + 1, 1),
        Field::Of(Unit::Decade) => days_of(year.div_euclid(10) * 10, 1, 1),
        Field::Of(Unit::Century) => days_of(ages(100), 1, 1),
        Field::Of(Unit::Millennium) => days_of(ages(1_000), 1, 1),
        _ => days_of(year, 1, 1),
    };
    moment(day, 0).and_then(|local| zone.moment(local)).ok_or_else(failed)
}

/// A span without what is smaller than a unit.
fn span_cut(span: IntervalMonthDayNano, unit: Field) -> Result<IntervalMonthDayNano> {
    let us = super::arithmetic::time_us(span);
    let months = |size: i32| Ok(IntervalMonthDayNano::new(span.months / size * size, 0, 0));
    let time = |size: i64| Ok(IntervalMonthDayNano::new(span.months, span.days, nanoseconds(us / size * size)?));
    match unit {
        Field::Of(Unit::Millennium) => months(12_000),
        Field::Of(Unit::Century) => months(1_200),
        Field::Of(Unit::Decade) => months(120),
        Field::Of(Unit::Year) => months(12),
        Field::Quarter => months(3),
        Field::Of(Unit::Month) => months(1),
        Field::Of(Unit::Day) => Ok(IntervalMonthDayNano::new(span.months, span.days, 0)),
        Field::Of(Unit::Hour) => time(HOUR_US),
        Field::Of(Unit::Minute) => time(60 * SECOND_US),
        Field::Of(Unit::Second) => time(SECOND_US),
        Field::Of(Unit::Millisecond) => time(1_000),
        _ => time(1),
    }
}

/// The function `date_bin` of moments.
pub(crate) fn date_bin() -> ScalarUDF {
    let doc = "The beginning of the bin that a moment is in, by the width of bins and the beginning of one.";
    named(
        "date_bin",
        doc,
        Volatility::Immutable,
        |given| {
            let [_, value, origin] = given else { return None };
            let moment = |data_type: &DataType| match data_type {
                DataType::Null | DataType::Utf8 | DataType::Utf8View => Some(None),
                data_type => Kind::of(data_type).filter(|kind| kind.is_moment()).map(Some),
            };
            let kind = match (moment(value)?, moment(origin)?) {
                (Some(Kind::Timestamp), Some(Kind::Timestamp | Kind::Date) | None)
                | (Some(Kind::Date) | None, Some(Kind::Timestamp)) => TIMESTAMP,
                _ => TIMESTAMPTZ.clone(),
            };
            Some((vec![INTERVAL, kind.clone(), kind.clone()], kind))
        },
        |call| {
            let strides = call.column::<IntervalMonthDayNanoType>(0)?;
            let moments = call.column::<TimestampMicrosecondType>(1)?;
            let origins = call.column::<TimestampMicrosecondType>(2)?;
            call.rows::<TimestampMicrosecondType>(|row| match (strides.at(row), moments.at(row), origins.at(row)) {
                (Some(stride), Some(us), Some(origin)) => bin(stride, us, origin).map(Some),
                _ => Ok(None),
            })
        },
    )
}

/// The beginning of a moment's bin.
fn bin(stride: IntervalMonthDayNano, us: i64, origin: i64) -> Result<i64> {
    if is_infinite(us) {
        return Ok(us);
    }
    if is_infinite(origin) {
        return Err(external(QueryError::new(ErrorKind::DatetimeOverflow, "origin out of range")));
    }
    if stride.months != 0 {
        let message = "timestamps cannot be binned into intervals containing months or years";
        return Err(not_supported(message.to_owned()));
    }
    let failed = || out_of_range("interval");
    let days = i64::from(stride.days).checked_mul(DAY_US).ok_or_else(failed)?;
    let stride = days.checked_add(super::arithmetic::time_us(stride)).ok_or_else(failed)?;
    if stride <= 0 {
        return Err(overflow("stride must be greater than zero"));
    }
    let difference = us.checked_sub(origin).ok_or_else(failed)?;
    let bins = difference.div_euclid(stride);
    origin.checked_add(bins.saturating_mul(stride)).filter(|us| is_moment(*us)).ok_or_else(|| out_of_range("timestamp"))
}
