//! `to_char` of dates, times, moments and spans, by PostgreSQL's patterns.

use super::fault::external;
use super::pattern::{Action, Case, DAYS, MONTHS, Node, ROMAN, Word, nodes};
use super::types::Kind;
use crate::error::{ErrorKind, QueryError};
use crate::text::calendar::{
    HOUR_US, SECOND_US, civil, days_of, is_infinite, iso_week, iso_year_start, julian, split, weekday,
};
use crate::text::zone::{Reading, Zone};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err};
use std::fmt::Write;
use std::sync::Arc;

/// The texts of a column by a column of patterns, or by one for all.
pub(crate) fn column(values: &ArrayRef, patterns: &ArrayRef, zone: &Zone) -> Result<ArrayRef> {
    let patterns = cast(patterns, &DataType::Utf8)?;
    let patterns = patterns.as_string::<i32>();
    let mut texts = StringBuilder::with_capacity(values.len(), values.len() * 12);
    let mut known: Option<(String, Vec<Node>)> = None;
    for row in 0..values.len() {
        let place = if patterns.len() == 1 { 0 } else { row };
        // An empty pattern gives NULL, as in PostgreSQL.
        if values.is_null(row) || patterns.is_null(place) || patterns.value(place).is_empty() {
            texts.append_null();
            continue;
        }
        let pattern = patterns.value(place);
        if known.as_ref().is_none_or(|(text, _)| text != pattern) {
            known = Some((pattern.to_owned(), nodes(pattern)));
        }
        let Some(clock) = clock(values, row, zone)? else {
            texts.append_null();
            continue;
        };
        let mut text = String::new();
        for node in known.iter().flat_map(|(_, nodes)| nodes) {
            match node {
                Node::Action(action) => write_action(&mut text, action, &clock)?,
                Node::Blank(letter) | Node::Separator(letter) | Node::Text(letter) => text.push(*letter),
            }
        }
        texts.append_value(text);
    }
    Ok(Arc::new(texts.finish()))
}

/// What is written: the parts of a clock, or of a span.
struct Clock {
    /// Days since 1970 of a clock; of a span as many as its months and days are.
    days: i64,
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    us: i64,
    span: bool,
    zone: Option<Reading>,
}

/// The clock of a row; `None` for infinity, which has no parts.
fn clock(values: &ArrayRef, row: usize, zone: &Zone) -> Result<Option<Clock>> {
    let of = |us: i64, zone: Option<Reading>| {
        let (days, time) = split(us);
        let (year, month, day) = civil(days);
        let (hour, minute) = (time / HOUR_US, time / (60 * SECOND_US) % 60);
        Clock {
            days,
            year,
            month,
            day,
            hour,
            minute,
            second: time / SECOND_US % 60,
            us: time % SECOND_US,
            span: false,
            zone,
        }
    };
    Ok(match Kind::of(values.data_type()) {
        Some(Kind::Timestamp) => {
            let us = values.as_primitive::<TimestampMicrosecondType>().value(row);
            (!is_infinite(us)).then(|| of(us, None))
        }
        Some(Kind::Timestamptz) => {
            let us = values.as_primitive::<TimestampMicrosecondType>().value(row);
            (!is_infinite(us)).then(|| {
                let reading = zone.reading(us);
                of(us.saturating_add(i64::from(reading.east) * SECOND_US), Some(reading))
            })
        }
        Some(Kind::Interval) => {
            let span = values.as_primitive::<IntervalMonthDayNanoType>().value(row);
            Some(of_span(span.months.into(), span.days.into(), super::arithmetic::time_us(span)))
        }
        Some(Kind::Time) => Some(of_span(0, 0, values.as_primitive::<Time64MicrosecondType>().value(row))),
        _ => return exec_err!("to_char does not show {}", values.data_type()),
    })
}

/// The parts of a span; each has the sign of its own.
fn of_span(months: i64, days: i64, us: i64) -> Clock {
    Clock {
        days: months * 30 + days,
        year: months / 12,
        month: months % 12,
        day: days,
        hour: us / HOUR_US,
        minute: us / (60 * SECOND_US) % 60,
        second: us / SECOND_US % 60,
        us: us % SECOND_US,
        span: true,
        zone: None,
    }
}

/// Writes the part that a word stands for.
///
/// # Errors
/// 22007 for a word that a span has no part for.
fn write_action(text: &mut String, action: &Action, clock: &Clock) -> Result<()> {
    let named = matches!(
        action.word,
        Word::Era { .. }
            | Word::DayName
            | Word::DayShort
            | Word::Weekday
            | Word::IsoWeekday
            | Word::MonthName
            | Word::MonthShort
            | Word::Offset
            | Word::Zone
            | Word::ZoneHour
            | Word::ZoneMinute
    );
    if clock.span && named {
        let error = QueryError::new(ErrorKind::InvalidDatetime, "invalid format specification for an interval value");
        return Err(external(error.with_hint("Intervals are not tied to specific calendar dates.")));
    }
    let before = text.len();
    let ordinal = part(text, action, clock);
    if let (true, Some(case)) = (ordinal, action.ordinal) {
        let ending = ending(&text[before..]);
        text.push_str(&if case == Case::Upper { ending.to_uppercase() } else { ending.to_owned() });
    }
    Ok(())
}

/// The ending of an ordinal number by its last digits.
fn ending(number: &str) -> &'static str {
    let mut digits = number.bytes().rev();
    let (last, before) = (digits.next(), digits.next());
    match (last, before) {
        (_, Some(b'1')) => "th",
        (Some(b'1'), _) => "st",
        (Some(b'2'), _) => "nd",
        (Some(b'3'), _) => "rd",
        _ => "th",
    }
}

/// Writes a part, and tells whether it is a number that may have an ending.
fn part(text: &mut String, action: &Action, clock: &Clock) -> bool {
    let signed = |text: &mut String, number: i64, width: usize| {
        let width = match (action.plain, number < 0) {
            (true, _) => 0,
            (false, true) => width + 1,
            (false, false) => width,
        };
        let _ = write!(text, "{number:0width$}");
        true
    };
    let padded = |text: &mut String, number: i64, width: usize| {
        let width = if action.plain { 0 } else { width };
        let _ = write!(text, "{number:0width$}");
        true
    };
    // Years before Christ are counted back from 1.
    let year_of = |year: i64| if clock.span || year > 0 { year } else { 1 - year };
    let digits = |year: i64, digits: usize| year_of(year) % 10_i64.pow(digits as u32);
    let from_january = clock.days - days_of(clock.year, 1, 1);
    match action.word {
        Word::HalfDay { dots } => {
            let half = match (clock.hour % 24 >= 12, dots) {
                (true, true) => "P.M.",
                (true, false) => "PM",
                (false, true) => "A.M.",
                (false, false) => "AM",
            };
            cased(text, half, action.case);
            false
        }
        Word::Era { dots } => {
            let era = match (clock.year <= 0, dots) {
                (true, true) => "B.C.",
                (true, false) => "BC",
                (false, true) => "A.D.",
                (false, false) => "AD",
            };
            cased(text, era, action.case);
            false
        }
        Word::Hour24 => signed(text, clock.hour, 2),
        Word::Hour12 => signed(text, if clock.hour % 12 == 0 { 12 } else { clock.hour % 12 }, 2),
        Word::Minute => signed(text, clock.minute, 2),
        Word::Second => signed(text, clock.second, 2),
        Word::Milliseconds => fraction(text, clock.us / 1_000, 3),
        Word::Microseconds => fraction(text, clock.us, 6),
        Word::Fraction(places) => fraction(text, clock.us / 10_i64.pow(6 - places), places as usize),
        Word::SecondsOfDay => {
            let _ = write!(text, "{}", (clock.hour * 60 + clock.minute) * 60 + clock.second);
            true
        }
        Word::Zone => {
            let name = clock.zone.as_ref().map_or("", |zone| zone.name.as_str());
            text.push_str(&if action.case == Case::Lower { name.to_lowercase() } else { name.to_owned() });
            false
        }
        Word::ZoneHour => {
            let east = clock.zone.as_ref().map_or(0, |zone| zone.east);
            let _ = write!(text, "{}{:02}", if east < 0 { '-' } else { '+' }, east.abs() / 3_600);
            false
        }
        Word::ZoneMinute => {
            let east = clock.zone.as_ref().map_or(0, |zone| zone.east);
            let _ = write!(text, "{:02}", east.abs() / 60 % 60);
            false
        }
        Word::Offset => {
            let east = clock.zone.as_ref().map_or(0, |zone| zone.east);
            let width = if action.plain { 0 } else { 2 };
            let _ = write!(text, "{}{:0width$}", if east < 0 { '-' } else { '+' }, east.abs() / 3_600);
            if east.abs() / 60 % 60 != 0 {
                let _ = write!(text, ":{:02}", east.abs() / 60 % 60);
            }
            false
        }
        Word::MonthName | Word::MonthShort => {
            let Some(name) = usize::try_from(clock.month - 1).ok().and_then(|month| MONTHS.get(month)) else {
                return false;
            };
            let long = action.word == Word::MonthName;
            name_padded(text, if long { name } else { &name[..3] }, action, if long { 9 } else { 0 });
            false
        }
        Word::DayName | Word::DayShort => {
            let day = usize::try_from(weekday(clock.days)).ok().and_then(|day| DAYS.get(day)).copied().unwrap_or("");
            let long = action.word == Word::DayName;
            name_padded(text, if long { day } else { &day[..3] }, action, if long { 9 } else { 0 });
            false
        }
        Word::Month => signed(text, clock.month, 2),
        Word::Day => padded(text, clock.day, 2),
        Word::DayOfYear if clock.span => padded(text, clock.days, 3),
        Word::DayOfYear => padded(text, from_january + 1, 3),
        Word::IsoDayOfYear if clock.span => padded(text, span_iso(clock).2, 3),
        Word::IsoDayOfYear => padded(text, clock.days - iso_year_start(iso_week(clock.days).0) + 1, 3),
        Word::Weekday => padded(text, weekday(clock.days) + 1, 0),
        Word::IsoWeekday => padded(text, (weekday(clock.days) + 6) % 7 + 1, 0),
        Word::Week => padded(text, (if clock.span { clock.days - 1 } else { from_january }) / 7 + 1, 2),
        Word::IsoWeek if clock.span => padded(text, span_iso(clock).1, 2),
        Word::IsoWeek => padded(text, iso_week(clock.days).1, 2),
        Word::WeekOfMonth => padded(text, (clock.day - 1) / 7 + 1, 0),
        Word::Quarter if clock.month == 0 => false,
        Word::Quarter => padded(text, (clock.month - 1) / 3 + 1, 0),
        Word::Century => {
            let century = match (clock.span, clock.year) {
                (true, year) => year / 100,
                (false, year @ 1..) => (year - 1) / 100 + 1,
                (false, year) => year / 100 - 1,
            };
            if (-99..=99).contains(&century) { signed(text, century, 2) } else { padded(text, century, 0) }
        }
        Word::YearWithComma => {
            let year = year_of(clock.year);
            let _ = write!(text, "{},{:03}", year / 1_000, year % 1_000);
            true
        }
        Word::Year(4) => signed(text, year_of(clock.year), 4),
        Word::Year(count) => signed(text, digits(clock.year, count), count),
        // The sign takes no place of its own where the year of the span has none.
        Word::IsoYear(4) if clock.span => padded(text, span_iso(clock).0, if clock.year < 0 { 5 } else { 4 }),
        Word::IsoYear(count) if clock.span => signed(text, span_iso(clock).0 % 10_i64.pow(count as u32), count),
        Word::IsoYear(4) => signed(text, year_of(iso_week(clock.days).0), 4),
        Word::IsoYear(count) => signed(text, digits(iso_week(clock.days).0, count), count),
        Word::Roman => {
            if clock.month == 0 && clock.year == 0 {
                return false;
            }
            let month = match (clock.month, clock.year) {
                (0, 0..) => 11,
                (0, _) => 0,
                (month @ 1.., _) => month - 1,
                (month, _) => 12 + month,
            };
            let name = usize::try_from(month).ok().and_then(|month| ROMAN.get(month)).copied().unwrap_or("");
            name_padded(text, name, action, 4);
            false
        }
        Word::Julian if clock.span => padded(text, span_day(clock.year, clock.month, clock.day), 0),
        Word::Julian => padded(text, julian(clock.days), 0),
        Word::Exact => false,
    }
}

/// The Julian day of a year, a month and a day, none of which needs to be one of a calendar: as PostgreSQL counts on for
/// the parts of a span.
fn span_day(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year + 4800, month + 1) } else { (year + 4799, month + 13) };
    let century = year / 100;
    year * 365 - 32_167 + year / 4 - century + century / 4 + 7_834 * month / 256 + day
}

/// The year, the week and the day of the year of a span, by weeks, as PostgreSQL finds them from the parts.
fn span_iso(clock: &Clock) -> (i64, i64, i64) {
    // The Monday of the week with the fourth of January.
    let first = |year: i64| {
        let fourth = span_day(year, 1, 4);
        fourth - fourth.rem_euclid(7)
    };
    let day = span_day(clock.year, clock.month, clock.day);
    let mut year = clock.year;
    if day < first(year) {
        year -= 1;
    }
    let mut week = (day - first(year)) / 7 + 1;
    if week >= 52 && day >= first(year + 1) {
        year += 1;
        week = (day - first(year)) / 7 + 1;
    }
    (year, week, day - first(year) + 1)
}

/// Writes a fraction of a second, with zeros in front whatever `FM` says.
fn fraction(text: &mut String, number: i64, width: usize) -> bool {
    let width = if number < 0 { width + 1 } else { width };
    let _ = write!(text, "{number:0width$}");
    true
}

/// Writes a mark in the case of its word.
fn cased(text: &mut String, mark: &str, case: Case) {
    text.push_str(&if case == Case::Lower { mark.to_lowercase() } else { mark.to_owned() });
}

/// Writes a name in the case of its word, filled with blanks to a width unless FM is before it.
fn name_padded(text: &mut String, name: &str, action: &Action, width: usize) {
    let width = if action.plain { 0 } else { width };
    let name = match action.case {
        Case::Upper => name.to_uppercase(),
        Case::Capital => name.to_owned(),
        Case::Lower => name.to_lowercase(),
    };
    let _ = write!(text, "{name:width$}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::datetime::{Context, timestamptz};
    use crate::text::span::SpanStyle;
    use datafusion::arrow::array::{StringArray, TimestampMicrosecondArray};

    #[track_caller]
    fn check(pattern: &str, expected: &str) {
        let zone = Zone::named("America/New_York").unwrap();
        let us =
            timestamptz("2024-02-09 13:04:05.067890", Context { zone: &zone, spans: SpanStyle::Postgres, now_us: 0 })
                .unwrap();
        let values: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![us]).with_timezone("UTC"));
        let patterns: ArrayRef = Arc::new(StringArray::from(vec![pattern]));
        assert_eq!(column(&values, &patterns, &zone).unwrap().as_string::<i32>().value(0), expected, "{pattern}");
    }

    /// As PostgreSQL 15 answers.
    #[test]
    fn patterns_read_as_in_postgres() {
        check("YYYY-MM-DD HH24:MI:SS", "2024-02-09 13:04:05");
        check("yyyy-mm-dd hh24:mi:ss.us", "2024-02-09 13:04:05.067890");
        check("Mon DD, YYYY", "Feb 09, 2024");
        check("FMMonth FMDDth, YYYY", "February 9th, 2024");
        check("Month|MONTH|month|", "February |FEBRUARY |february |");
        check("Day Dy DY dy", "Friday    Fri FRI fri");
        check("HH12:MI AM hh:mi a.m.", "01:04 PM 01:04 p.m.");
        check("Q WW IW DDD D ID W J", "1 06 06 040 6 5 2 2460350");
        check("YY Y MS FF1 SSSS TZ OF", "24 4 067 0 47045 EST -05");
        check("\"Year\" YYYY \"at\" TZH:TZM", "Year 2024 at -05:00");
        check("IYYY-IW", "2024-06");
    }
}
