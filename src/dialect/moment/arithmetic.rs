//! Arithmetic of days, moments, times and spans, on single values, with PostgreSQL's results and errors.

use super::convert::nanoseconds;
use super::fault::{out_of_range, overflow};
use crate::error::{ErrorKind, QueryError};
use crate::text::calendar::{
    DAY_US, FIRST_DAY, FIRST_US, LAST_DAY, LAST_US, civil, date, days_of, days_of_month, is_infinite, moment, split,
};
use crate::text::zone::Zone;
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::Result;

/// Whole microseconds of a span's time.
pub(crate) fn time_us(span: IntervalMonthDayNano) -> i64 {
    span.nanoseconds.div_euclid(1_000)
}

/// A day so many days later; infinity stays.
pub(crate) fn day_plus(day: i32, days: i64) -> Result<i32> {
    if matches!(day, LAST_DAY | FIRST_DAY) {
        return Ok(day);
    }
    date(i64::from(day) + days).ok_or_else(|| out_of_range("date"))
}

/// Days from one day to another.
pub(crate) fn day_difference(later: i32, earlier: i32) -> Result<i32> {
    let infinite = |day| matches!(day, LAST_DAY | FIRST_DAY);
    if infinite(later) || infinite(earlier) {
        return Err(overflow("cannot subtract infinite dates"));
    }
    later.checked_sub(earlier).ok_or_else(|| out_of_range("integer"))
}

/// A timestamp without a zone, and a span later: months first, then days, then time. A day that the month does not
/// have is its last one.
pub(crate) fn timestamp_plus(us: i64, span: IntervalMonthDayNano) -> Result<i64> {
    if is_infinite(us) {
        return Ok(us);
    }
    let failed = || out_of_range("timestamp");
    let us = with_months(us, span.months).ok_or_else(failed)?;
    let (days, time) = split(us);
    let us = moment(days + i64::from(span.days), time).ok_or_else(failed)?;
    let us = us.checked_add(time_us(span)).ok_or_else(failed)?;
    if crate::text::calendar::is_moment(us) { Ok(us) } else { Err(failed()) }
}

/// A moment, and a span later: months and days on the zone's clock, time on everybody's.
pub(crate) fn timestamptz_plus(us: i64, span: IntervalMonthDayNano, zone: &Zone) -> Result<i64> {
    if is_infinite(us) {
        return Ok(us);
    }
    let failed = || out_of_range("timestamp");
    let mut us = us;
    if span.months != 0 {
        let local = with_months(zone.local(us).ok_or_else(failed)?, span.months).ok_or_else(failed)?;
        us = zone.moment(local).ok_or_else(failed)?;
    }
    if span.days != 0 {
        let (days, time) = split(zone.local(us).ok_or_else(failed)?);
        let local = moment(days + i64::from(span.days), time).ok_or_else(failed)?;
        us = zone.moment(local).ok_or_else(failed)?;
    }
    let us = us.checked_add(time_us(span)).ok_or_else(failed)?;
    if crate::text::calendar::is_moment(us) { Ok(us) } else { Err(failed()) }
}

/// A moment so many months later, at the month's last day where it has no such day.
fn with_months(us: i64, months: i32) -> Option<i64> {
    if months == 0 {
        return Some(us);
    }
    let (days, time) = split(us);
    let (year, month, day) = civil(days);
    let months = year * 12 + month - 1 + i64::from(months);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    moment(days_of(year, month, day.min(days_of_month(year, month))), time)
}

/// The span from one moment to another: days of 24 hours, and time.
pub(crate) fn difference(later: i64, earlier: i64) -> Result<IntervalMonthDayNano> {
    if is_infinite(later) || is_infinite(earlier) {
        return Err(overflow("cannot subtract infinite timestamps"));
    }
    let us = later.checked_sub(earlier).ok_or_else(|| out_of_range("interval"))?;
    let days = i32::try_from(us / DAY_US).map_err(|_| out_of_range("interval"))?;
    Ok(IntervalMonthDayNano::new(0, days, nanoseconds(us % DAY_US)?))
}

/// A time of day and a span later, around the clock; days and months of the span do not count.
pub(crate) fn time_plus(us: i64, span: IntervalMonthDayNano) -> i64 {
    us.saturating_add(time_us(span)).rem_euclid(DAY_US)
}

/// The sum of two spans, part by part.
pub(crate) fn span_plus(left: IntervalMonthDayNano, right: IntervalMonthDayNano) -> Result<IntervalMonthDayNano> {
    let sum = || {
        Some(IntervalMonthDayNano::new(
            left.months.checked_add(right.months)?,
            left.days.checked_add(right.days)?,
            left.nanoseconds.checked_add(right.nanoseconds)?,
        ))
    };
    sum().ok_or_else(|| out_of_range("interval"))
}

/// A span with the sign of each part turned.
pub(crate) fn span_negated(span: IntervalMonthDayNano) -> Result<IntervalMonthDayNano> {
    let turned = || {
        Some(IntervalMonthDayNano::new(
            span.months.checked_neg()?,
            span.days.checked_neg()?,
            span.nanoseconds.checked_neg()?,
        ))
    };
    turned().ok_or_else(|| out_of_range("interval"))
}

/// A span times a factor. What is left of months goes to days, of which a month has 30, and what is left of days to time.
pub(crate) fn span_times(span: IntervalMonthDayNano, factor: f64) -> Result<IntervalMonthDayNano> {
    scaled(span, |part| part * factor)
}

/// A span divided by a number, with the same cascade.
///
/// # Errors
/// 22012 for zero.
pub(crate) fn span_over(span: IntervalMonthDayNano, divisor: f64) -> Result<IntervalMonthDayNano> {
    if divisor == 0.0 {
        let error = QueryError::new(ErrorKind::DivisionByZero, "division by zero");
        return Err(super::fault::external(error));
    }
    scaled(span, |part| part / divisor)
}

/// A span with each part scaled, in PostgreSQL's order of steps and roundings.
fn scaled(span: IntervalMonthDayNano, scale: impl Fn(f64) -> f64) -> Result<IntervalMonthDayNano> {
    const DAY_SECONDS: f64 = 86_400.0;
    let failed = || out_of_range("interval");
    let narrow = |value: f64| match value {
        value if (-2_147_483_648.0..2_147_483_648.0).contains(&value) => Ok(value as i32),
        _ => Err(failed()),
    };
    let rounded = |value: f64| (value * 1e6).round_ties_even() / 1e6;
    let (of_months, of_days) = (scale(span.months.into()), scale(span.days.into()));
    let (months, mut days) = (narrow(of_months)?, narrow(of_days)?);
    let more_days = rounded((of_months - f64::from(months)) * 30.0);
    let mut seconds = rounded((of_days - f64::from(days) + more_days - more_days.trunc()) * DAY_SECONDS);
    if seconds.abs() >= DAY_SECONDS {
        days = days.checked_add((seconds / DAY_SECONDS) as i32).ok_or_else(failed)?;
        seconds -= (seconds / DAY_SECONDS).trunc() * DAY_SECONDS;
    }
    days = days.checked_add(more_days as i32).ok_or_else(failed)?;
    let us = (scale(time_us(span) as f64) + seconds * 1e6).round_ties_even();
    // Not a number is no time either.
    if us.is_nan() || us.abs() >= 9.2e15 {
        return Err(failed());
    }
    Ok(IntervalMonthDayNano::new(months, days, nanoseconds(us as i64)?))
}

/// A day and a time of day; infinity stays.
pub(crate) fn day_at(day: i32, time: i64) -> Result<i64> {
    match day {
        LAST_DAY => Ok(LAST_US),
        FIRST_DAY => Ok(FIRST_US),
        day => moment(day.into(), time).ok_or_else(|| out_of_range("timestamp")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_go_to_the_smaller_unit() {
        let span = IntervalMonthDayNano::new;
        let times = |span, factor| span_times(span, factor).unwrap();
        assert_eq!(times(span(1, 0, 0), 1.5), span(1, 15, 0));
        assert_eq!(times(span(0, 1, 0), 2.0), span(0, 2, 0));
        assert_eq!(times(span(0, 1, 0), 0.5), span(0, 0, 43_200_000_000_000));
        assert_eq!(times(span(0, 0, 3_600_000_000_000), -2.0), span(0, 0, -7_200_000_000_000));
        assert!(span_times(span(1, 0, 0), f64::NAN).is_err());
    }
}
