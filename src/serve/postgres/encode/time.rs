//! Dates, times, instants and intervals. Text is DateStyle `ISO`, of intervals the session's style; PostgreSQL knows
//! microseconds, so nanoseconds are cut off (towards the past).

use super::write::{Write, values};
use crate::serve::postgres::error::Failure;
use crate::serve::postgres::types::Format;
use crate::text::calendar::{DAY_US, FIRST_DAY, FIRST_US, LAST_DAY, LAST_US};
use crate::text::moment::{put_day, put_time, put_timestamp, put_timestamptz};
use crate::text::span::SpanStyle;
use crate::text::style::Style;
use crate::text::zone::{Offsets, Zone};
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit,
    IntervalYearMonthType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use bytes::BufMut;

/// Days from 1970 to 2000, where PostgreSQL's binary dates begin.
const EPOCH_DAYS: i32 = 10_957;
/// Microseconds from 1970 to 2000.
const EPOCH_US: i64 = EPOCH_DAYS as i64 * DAY_US;

type Written = Result<(), Failure>;

/// A writer for an array of times of any kind; none when it holds something else.
pub(super) fn writer(array: &ArrayRef, format: Format, style: &Style) -> Option<Write> {
    Some(match array.data_type() {
        DataType::Date32 => {
            let put = dates(format);
            values::<Date32Type, _>(array, put)
        }
        DataType::Date64 => {
            let put = dates(format);
            values::<Date64Type, _>(array, move |ms, out| {
                put(i32::try_from(ms.div_euclid(86_400_000)).map_err(|_| out_of_range())?, out)
            })
        }
        DataType::Time32(TimeUnit::Second) => micros::<Time32SecondType>(array, times(format)),
        DataType::Time32(TimeUnit::Millisecond) => micros::<Time32MillisecondType>(array, times(format)),
        DataType::Time64(TimeUnit::Microsecond) => micros::<Time64MicrosecondType>(array, times(format)),
        DataType::Time64(TimeUnit::Nanosecond) => micros::<Time64NanosecondType>(array, times(format)),
        DataType::Timestamp(unit, zone) => {
            let put = instants(format, zone.is_some().then(|| style.zone.clone()));
            match unit {
                TimeUnit::Second => micros::<TimestampSecondType>(array, put),
                TimeUnit::Millisecond => micros::<TimestampMillisecondType>(array, put),
                TimeUnit::Microsecond => micros::<TimestampMicrosecondType>(array, put),
                TimeUnit::Nanosecond => micros::<TimestampNanosecondType>(array, put),
            }
        }
        DataType::Duration(unit) => {
            let intervals = intervals(format, style.spans);
            let put: Put = Box::new(move |us, out| intervals(0, 0, us, out));
            match unit {
                TimeUnit::Second => micros::<DurationSecondType>(array, put),
                TimeUnit::Millisecond => micros::<DurationMillisecondType>(array, put),
                TimeUnit::Microsecond => micros::<DurationMicrosecondType>(array, put),
                TimeUnit::Nanosecond => micros::<DurationNanosecondType>(array, put),
            }
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            let put = intervals(format, style.spans);
            values::<IntervalYearMonthType, _>(array, move |months, out| put(months, 0, 0, out))
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let put = intervals(format, style.spans);
            values::<IntervalDayTimeType, _>(array, move |value, out| {
                put(0, value.days, i64::from(value.milliseconds) * 1_000, out)
            })
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let put = intervals(format, style.spans);
            values::<IntervalMonthDayNanoType, _>(array, move |value, out| {
                put(value.months, value.days, value.nanoseconds.div_euclid(1_000), out)
            })
        }
        _ => return None,
    })
}

/// Writes a number of microseconds.
type Put = Box<dyn FnMut(i64, &mut Vec<u8>) -> Written + Send>;

/// A writer for an array of counts of its unit, handed on as microseconds.
fn micros<T>(array: &ArrayRef, mut put: Put) -> Write
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64>,
{
    let (times, per) = match T::DATA_TYPE {
        DataType::Time32(unit) | DataType::Time64(unit) | DataType::Timestamp(unit, _) | DataType::Duration(unit) => {
            match unit {
                TimeUnit::Second => (1_000_000, 1),
                TimeUnit::Millisecond => (1_000, 1),
                TimeUnit::Microsecond => (1, 1),
                TimeUnit::Nanosecond => (1, 1_000),
            }
        }
        _ => (1, 1),
    };
    let array = array.as_primitive::<T>().clone();
    Box::new(move |row, out| {
        let count: i64 = array.value(row).into();
        let us = count.div_euclid(per).checked_mul(times).ok_or_else(out_of_range)?;
        put(us, out)
    })
}

fn out_of_range() -> Failure {
    Failure::new("22008", "date/time field value out of range")
}

fn dates(format: Format) -> impl Fn(i32, &mut Vec<u8>) -> Written + Send {
    move |days, out| {
        match format {
            Format::Text => put_day(days, out),
            Format::Binary => out.put_i32(match days {
                LAST_DAY | FIRST_DAY => days,
                days => days.checked_sub(EPOCH_DAYS).ok_or_else(out_of_range)?,
            }),
        }
        Ok(())
    }
}

fn times(format: Format) -> Put {
    Box::new(move |us, out| {
        match format {
            Format::Text if !(0..=DAY_US).contains(&us) => return Err(out_of_range()),
            Format::Text => put_time(us, out),
            Format::Binary => out.put_i64(us),
        }
        Ok(())
    })
}

/// Writes instants: in the zone and with its offset when they have one, as they are when not.
fn instants(format: Format, zone: Option<Zone>) -> Put {
    match (format, zone) {
        (Format::Binary, _) => Box::new(|us, out| {
            out.put_i64(match us {
                LAST_US | FIRST_US => us,
                us => us.checked_sub(EPOCH_US).ok_or_else(out_of_range)?,
            });
            Ok(())
        }),
        (Format::Text, None) => repeated(|us, out| {
            put_timestamp(us, out);
            Ok(())
        }),
        (Format::Text, Some(zone)) => {
            let mut offsets = Offsets::of(zone);
            repeated(move |us, out| {
                put_timestamptz(us, offsets.east_us(us), out);
                Ok(())
            })
        }
    }
}

/// Neighbouring rows often share the instant itself, such as that of the fetch that brought them: its text is copied.
fn repeated(mut put: impl FnMut(i64, &mut Vec<u8>) -> Written + Send + 'static) -> Put {
    let (mut last, mut text) = (0, Vec::new());
    Box::new(move |us, out| {
        if us != last || text.is_empty() {
            text.clear();
            last = us;
            if let Err(error) = put(us, &mut text) {
                text.clear();
                return Err(error);
            }
        }
        out.extend_from_slice(&text);
        Ok(())
    })
}

fn intervals(format: Format, style: SpanStyle) -> impl Fn(i32, i32, i64, &mut Vec<u8>) -> Written + Send {
    move |months, days, us, out| {
        match format {
            Format::Text => style.put(months, days, us, out),
            Format::Binary => {
                out.put_i64(us);
                out.put_i32(days);
                out.put_i32(months);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cells, check_binary, check_text};
    use super::*;
    use arrow::array::{
        Date32Array, Date64Array, DurationSecondArray, IntervalDayTimeArray, IntervalMonthDayNanoArray,
        IntervalYearMonthArray, Time32SecondArray, Time64MicrosecondArray, TimestampMicrosecondArray,
        TimestampNanosecondArray,
    };
    use arrow::datatypes::{IntervalDayTime, IntervalMonthDayNano};
    use std::sync::Arc;

    #[test]
    fn dates_of_all_ages() {
        check_text(
            Arc::new(Date32Array::from(vec![Some(0), None, Some(19_782), Some(-1)])),
            &[Some("1970-01-01"), None, Some("2024-02-29"), Some("1969-12-31")],
        );
        check_text(
            Arc::new(Date32Array::from(vec![-719_163, 2_932_897])),
            &[Some("0001-12-31 BC"), Some("10000-01-01")],
        );
        check_text(Arc::new(Date64Array::from(vec![-1])), &[Some("1969-12-31")]);
        check_binary(Arc::new(Date32Array::from(vec![10_958])), &[Some(&[0, 0, 0, 1])]);
    }

    #[test]
    fn times_of_day() {
        check_text(
            Arc::new(Time64MicrosecondArray::from(vec![Some(34_200_000_000), None, Some(1)])),
            &[Some("09:30:00"), None, Some("00:00:00.000001")],
        );
        check_binary(Arc::new(Time32SecondArray::from(vec![1])), &[Some(&1_000_000_i64.to_be_bytes())]);
    }

    #[test]
    fn instants_without_zone() {
        check_text(
            Arc::new(TimestampNanosecondArray::from(vec![Some(1_500_000_000), None, Some(-1)])),
            &[Some("1970-01-01 00:00:01.5"), None, Some("1969-12-31 23:59:59.999999")],
        );
    }

    #[test]
    fn instants_are_shown_in_the_sessions_zone() {
        let summer = 1_719_835_200_000_000;
        let winter = 1_704_110_400_000_000;
        let array = TimestampMicrosecondArray::from(vec![Some(summer), None, Some(winter)]).with_timezone("+03:00");
        let array: ArrayRef = Arc::new(array);
        let text = |zone: Zone| {
            cells(array.clone(), Format::Text, zone)
                .into_iter()
                .map(|cell| cell.map(|text| String::from_utf8(text).unwrap()))
        };
        assert!(text(Zone::UTC).eq([
            Some("2024-07-01 12:00:00+00".into()),
            None,
            Some("2024-01-01 12:00:00+00".into())
        ]));
        assert!(text(Zone::named("America/New_York").unwrap()).eq([
            Some("2024-07-01 08:00:00-04".into()),
            None,
            Some("2024-01-01 07:00:00-05".into())
        ]));
        assert!(text(Zone::named("Asia/Kolkata").unwrap()).eq([
            Some("2024-07-01 17:30:00+05:30".into()),
            None,
            Some("2024-01-01 17:30:00+05:30".into())
        ]));
        check_binary(
            array,
            &[
                Some(&(summer - 946_684_800_000_000).to_be_bytes()),
                None,
                Some(&(winter - 946_684_800_000_000).to_be_bytes()),
            ],
        );
    }

    #[test]
    fn an_instant_out_of_range_is_an_error_and_not_a_panic() {
        let array: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX, i64::MIN]).with_timezone("UTC"));
        for (format, zone) in [
            (Format::Text, Zone::named("Asia/Kolkata").unwrap()),
            (Format::Binary, Zone::UTC),
            (Format::Text, Zone::UTC),
        ] {
            let mut cells = super::super::Cells::new(&array, format, &Style { zone, ..Style::DEFAULT }).unwrap();
            for row in 0..2 {
                let _ = cells.write(row, &mut Vec::new());
            }
        }
    }

    #[track_caller]
    fn check_interval(months: i32, days: i32, us: i64, expected: &str) {
        let value = IntervalMonthDayNano::new(months, days, us * 1_000);
        check_text(Arc::new(IntervalMonthDayNanoArray::from(vec![Some(value), None])), &[Some(expected), None]);
    }

    #[test]
    fn intervals_read_as_in_postgres() {
        check_interval(0, 0, 0, "00:00:00");
        check_interval(14, 3, 14_706_789_000, "1 year 2 mons 3 days 04:05:06.789");
        check_interval(-14, 3, 0, "-1 years -2 mons +3 days");
        check_interval(0, -1, 3_600_000_000, "-1 days +01:00:00");
        check_interval(1, 0, -1_000_000, "1 mon -00:00:01");
        check_interval(0, 0, 90_000_000_000, "25:00:00");
        check_text(Arc::new(IntervalYearMonthArray::from(vec![13])), &[Some("1 year 1 mon")]);
        check_text(
            Arc::new(IntervalDayTimeArray::from(vec![IntervalDayTime::new(2, 1_500)])),
            &[Some("2 days 00:00:01.5")],
        );
        check_text(Arc::new(DurationSecondArray::from(vec![Some(-90), None])), &[Some("-00:01:30"), None]);
        let mut binary = 5_i64.to_be_bytes().to_vec();
        binary.extend([0, 0, 0, 3, 0, 0, 0, 14]);
        let value = IntervalMonthDayNano::new(14, 3, 5_000);
        check_binary(Arc::new(IntervalMonthDayNanoArray::from(vec![value])), &[Some(&binary)]);
    }
}
