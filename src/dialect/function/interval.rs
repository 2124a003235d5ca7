//! Functions that make and carry intervals: `age(later, earlier)` gives the years, months, days and time between two
//! moments as a person counts them; `justify_hours`, `justify_days` and `justify_interval` carry full units upward.
//!
//! DataFusion 55: it has none of them; a difference of timestamps is a duration without months. Not
//! needed once it has PostgreSQL's.

use super::define::{Context, Definition, Returns, null, stable};
use super::section::Section;
use crate::error::{ErrorKind, QueryError};
use chrono::{DateTime, Datelike, Months, NaiveDateTime, Utc};
use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;

/// Nanoseconds of a day, which in an interval has 24 hours.
const DAY_NS: i64 = 86_400_000_000_000;
/// Days of a month in an interval.
const DAYS_OF_MONTH: i64 = 30;

/// The function, with one argument or two.
pub(crate) const FUNCTIONS: &[Definition] = &[
    stable(
        "age",
        "Years, months, days and time from the second moment to the first, or from a moment to today.",
        &[1, 2],
        Returns::Span,
        age,
    )
    .about(Section::DateTime),
    stable("justify_days", "An interval with each 30 days as a month.", &[1], Returns::Span, |_, values| {
        justified(values, Carry { hours: false, days: true })
    })
    .about(Section::DateTime),
    stable("justify_hours", "An interval with each 24 hours as a day.", &[1], Returns::Span, |_, values| {
        justified(values, Carry { hours: true, days: false })
    })
    .about(Section::DateTime),
    stable(
        "justify_interval",
        "An interval with each 24 hours as a day, each 30 days as a month, and one sign throughout.",
        &[1],
        Returns::Span,
        |_, values| justified(values, Carry { hours: true, days: true }),
    )
    .about(Section::DateTime),
];

/// The interval between two moments, or from a moment to the beginning of today in UTC; negative when
/// the first is earlier, NULL when either is.
fn age(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let today = || crate::clock::Clock::System.now().date_naive().into();
    let (later, earlier) = match values {
        [earlier] => (Some(today()), moment(earlier)?),
        [later, earlier] => (moment(later)?, moment(earlier)?),
        _ => return Ok(null()),
    };
    let (Some(later), Some(earlier)) = (later, earlier) else { return Ok(null()) };
    let span = if later < earlier { negated(between(earlier, later)) } else { between(later, earlier) };
    Ok(ScalarValue::IntervalMonthDayNano(Some(span)))
}

/// What an interval is brought to: hours to days, days to months, or both.
#[derive(Debug, Clone, Copy)]
struct Carry {
    hours: bool,
    days: bool,
}

/// The interval of the first argument after carrying; NULL for NULL.
///
/// # Errors
/// 22008 when the days or months leave their type; what does not read as an interval fails in its cast.
fn justified(values: &[ScalarValue], carry: Carry) -> Result<ScalarValue> {
    let Some(value) = values.first().filter(|value| !value.is_null()) else { return Ok(null()) };
    let span = match value.cast_to(&DataType::Interval(IntervalUnit::MonthDayNano))? {
        ScalarValue::IntervalMonthDayNano(Some(span)) => span,
        _ => return Ok(null()),
    };
    match carried(span, carry) {
        Some(span) => Ok(ScalarValue::IntervalMonthDayNano(Some(span))),
        None => {
            let error = QueryError::new(ErrorKind::InvalidDatetime, "interval out of range");
            Err(DataFusionError::External(Box::new(error)))
        }
    }
}

/// Carries as PostgreSQL does: whole units first, toward zero; then what is left takes the sign of the unit above it.
fn carried(span: IntervalMonthDayNano, carry: Carry) -> Option<IntervalMonthDayNano> {
    let (mut months, mut days, mut time) = (i64::from(span.months), i64::from(span.days), span.nanoseconds);
    if carry.hours {
        days += time / DAY_NS;
        time %= DAY_NS;
    }
    if carry.days {
        months += days / DAYS_OF_MONTH;
        days %= DAYS_OF_MONTH;
        // Alone, the days know nothing of the time below them.
        let below = if carry.hours { time } else { 0 };
        if months > 0 && (days < 0 || (days == 0 && below < 0)) {
            (months, days) = (months - 1, days + DAYS_OF_MONTH);
        } else if months < 0 && (days > 0 || (days == 0 && below > 0)) {
            (months, days) = (months + 1, days - DAYS_OF_MONTH);
        }
    }
    if carry.hours {
        if days > 0 && time < 0 {
            (days, time) = (days - 1, time + DAY_NS);
        } else if days < 0 && time > 0 {
            (days, time) = (days + 1, time - DAY_NS);
        }
    }
    Some(IntervalMonthDayNano::new(i32::try_from(months).ok()?, i32::try_from(days).ok()?, time))
}

/// A date or timestamp as a wall clock; instants are taken in UTC.
fn moment(value: &ScalarValue) -> Result<Option<NaiveDateTime>> {
    if value.is_null() {
        return Ok(None);
    }
    let micros = match value.cast_to(&DataType::Timestamp(TimeUnit::Microsecond, None))? {
        ScalarValue::TimestampMicrosecond(micros, _) => micros,
        _ => None,
    };
    Ok(micros.and_then(DateTime::<Utc>::from_timestamp_micros).map(|at| at.naive_utc()))
}

/// The interval with each of its parts negated.
fn negated(span: IntervalMonthDayNano) -> IntervalMonthDayNano {
    IntervalMonthDayNano::new(-span.months, -span.days, -span.nanoseconds)
}

/// Whole months first, then what is left in days and time.
fn between(later: NaiveDateTime, earlier: NaiveDateTime) -> IntervalMonthDayNano {
    let mut months = (later.year() - earlier.year()) * 12 + later.month().cast_signed() - earlier.month().cast_signed();
    let after =
        |months: i32| u32::try_from(months).ok().and_then(|months| earlier.checked_add_months(Months::new(months)));
    let mut from = after(months).unwrap_or(earlier);
    if from > later {
        months -= 1;
        from = after(months).unwrap_or(earlier);
    }
    let rest = later.signed_duration_since(from);
    let days = i32::try_from(rest.num_days()).unwrap_or(i32::MAX);
    let ns = (rest - chrono::TimeDelta::days(rest.num_days())).num_nanoseconds().unwrap_or(0);
    IntervalMonthDayNano::new(months, days, ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(later: &str, earlier: &str, months: i32, days: i32, hours: i64) {
        let expected = IntervalMonthDayNano::new(months, days, hours * 3_600_000_000_000);
        assert_eq!(between(later.parse().unwrap(), earlier.parse().unwrap()), expected, "{later} {earlier}");
    }

    #[test]
    fn ages_are_counted_as_people_count() {
        check("2024-02-29T00:00:00", "2023-01-01T00:00:00", 13, 28, 0);
        check("2024-03-01T06:00:00", "2024-02-29T12:00:00", 0, 0, 18);
        check("2024-03-31T00:00:00", "2024-02-29T00:00:00", 1, 2, 0);
    }
}
