//! Functions about spans: `age` counts years, months, days and time from one moment to another as people do, and
//! `justify_hours`, `justify_days` and `justify_interval` carry full units upward.

use super::convert::nanoseconds;
use super::fault::{out_of_range, overflow};
use super::function::{Body, Call, named};
use super::types::{INTERVAL, Kind, TIMESTAMP, TIMESTAMPTZ};
use crate::text::calendar::{DAY_US, civil, days_of_month, is_infinite, moment, split};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    DataType, Int32Type, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType, UInt32Type,
};
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Volatility};

/// Nanoseconds of a day, which in an interval has 24 hours.
const DAY_NS: i64 = DAY_US * 1_000;
/// Days of a month in an interval.
const DAYS_OF_MONTH: i64 = 30;

/// The functions `age` and `justify_*`.
pub(crate) fn functions() -> Vec<ScalarUDF> {
    let justify = |name: &'static str, doc: &str, body: Body| {
        named(name, doc, Volatility::Immutable, |given| (given.len() == 1).then(|| (vec![INTERVAL], INTERVAL)), body)
    };
    vec![
        age(),
        justify("justify_days", "An interval with each 30 days as a month.", |call| {
            justified(call, Carry { hours: false, days: true })
        }),
        justify("justify_hours", "An interval with each 24 hours as a day.", |call| {
            justified(call, Carry { hours: true, days: false })
        }),
        justify(
            "justify_interval",
            "An interval with each 24 hours as a day, each 30 days as a month, and one sign throughout.",
            |call| justified(call, Carry { hours: true, days: true }),
        ),
    ]
}

fn age() -> ScalarUDF {
    named(
        "age",
        "Years, months, days and time from the second moment to the first, or from a moment to today.",
        Volatility::Stable,
        |given| {
            if given == [DataType::UInt32] {
                return Some((vec![DataType::UInt32], DataType::Int32));
            }
            let mut zoned = true;
            for value in given {
                zoned &= match value {
                    DataType::Null | DataType::Utf8 | DataType::Utf8View => true,
                    value => Kind::of(value).filter(|kind| kind.is_moment())? != Kind::Timestamp,
                };
            }
            let plain = given.iter().all(|value| Kind::of(value) != Some(Kind::Timestamptz));
            let kind = if zoned || !plain { TIMESTAMPTZ.clone() } else { TIMESTAMP };
            (1..=2).contains(&given.len()).then(|| (vec![kind; given.len()], INTERVAL))
        },
        |call| {
            if call.argument(0)?.data_type() == DataType::UInt32 {
                // Of a transaction: here all were before any that run, as PostgreSQL's frozen ones are.
                return call.map::<UInt32Type, Int32Type>(|_| Ok(i32::MAX));
            }
            let zone = call.zone();
            let zoned = matches!(call.argument(0)?.data_type(), DataType::Timestamp(_, Some(_)));
            let local = |us: i64| match zoned {
                true => zone.local(us).ok_or_else(|| out_of_range("timestamp")),
                false => Ok(us),
            };
            if call.args.len() == 2 {
                return call.map2::<TimestampMicrosecondType, TimestampMicrosecondType, IntervalMonthDayNanoType>(
                    |later, earlier| between(local(later)?, local(earlier)?),
                );
            }
            let now = call.context().now_us;
            let today = split(zone.local(now).unwrap_or(now)).0;
            let today = moment(today, 0).ok_or_else(|| out_of_range("timestamp"))?;
            call.map::<TimestampMicrosecondType, IntervalMonthDayNanoType>(|us| between(today, local(us)?))
        },
    )
}

/// The span from one clock to another: the differences of their parts, the negative ones borrowing from the next, with
/// the days of the earlier clock's month.
fn between(later: i64, earlier: i64) -> Result<IntervalMonthDayNano> {
    if is_infinite(later) || is_infinite(earlier) {
        return Err(overflow("interval out of range"));
    }
    let negative = later < earlier;
    let (first, second) = if negative { (earlier, later) } else { (later, earlier) };
    let ((days, time), (from_days, from_time)) = (split(first), split(second));
    let ((year, month, day), (from_year, from_month, from_day)) = (civil(days), civil(from_days));
    let mut time = time - from_time;
    let mut day = day - from_day;
    let mut months = (year - from_year) * 12 + month - from_month;
    if time < 0 {
        (time, day) = (time + DAY_US, day - 1);
    }
    if day < 0 {
        day += days_of_month(from_year, from_month);
        months -= 1;
    }
    let sign = if negative { -1 } else { 1 };
    let narrow = |value: i64| i32::try_from(value * sign).map_err(|_| out_of_range("interval"));
    Ok(IntervalMonthDayNano::new(narrow(months)?, narrow(day)?, nanoseconds(time * sign)?))
}

/// What an interval is brought to: hours to days, days to months, or both.
#[derive(Debug, Clone, Copy)]
struct Carry {
    hours: bool,
    days: bool,
}

/// Each interval of a column after carrying.
fn justified(call: &Call<'_>, carry: Carry) -> Result<ArrayRef> {
    call.map::<IntervalMonthDayNanoType, IntervalMonthDayNanoType>(|span| {
        carried(span, carry).ok_or_else(|| out_of_range("interval"))
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::datetime::{Context, timestamp};
    use crate::text::span::SpanStyle;
    use crate::text::zone::Zone;

    #[track_caller]
    fn check(later: &str, earlier: &str, months: i32, days: i32, hours: i64) {
        let at = |text| timestamp(text, Context { zone: &Zone::UTC, spans: SpanStyle::Postgres, now_us: 0 }).unwrap();
        let expected = IntervalMonthDayNano::new(months, days, hours * 3_600_000_000_000);
        assert_eq!(between(at(later), at(earlier)).unwrap(), expected, "{later} {earlier}");
    }

    #[test]
    fn ages_are_counted_as_people_count() {
        check("2024-02-29", "2023-01-01", 13, 28, 0);
        check("2024-03-01 06:00", "2024-02-29 12:00", 0, 0, 18);
        check("2024-03-31", "2024-02-29", 1, 2, 0);
        check("2024-02-29", "2024-03-31", -1, -2, 0);
    }
}
