//! The function `to_char(value, pattern)` writes dates, times, intervals and numbers by PostgreSQL's
//! patterns.
//!
//! DataFusion 55: its `to_char` takes patterns of `strftime`, no numbers, and gives a PostgreSQL
//! pattern such as `YYYY-MM-DD` back as it stands. Not needed once `to_char(date '2026-11-26',
//! 'YYYY-MM-DD')` is `2026-11-26` there.

use chrono::{DateTime, Datelike, NaiveDateTime, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;
use datafusion::arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::fmt::Write;

/// The function, which takes the place of DataFusion's; it is stable, because an instant's text
/// depends on the session's zone.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToChar {
    signature: Signature,
}

impl Default for ToChar {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Stable) }
    }
}

/// A timestamp without a zone, in microseconds.
const LOCAL: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        "to_char"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Dates are midnights; numbers stay integers, decimals or floats.
    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, _] = arguments else { return plan_err!("to_char takes a value and a pattern") };
        let value = match value {
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, None) => LOCAL,
            DataType::Timestamp(_, Some(zone)) => DataType::Timestamp(TimeUnit::Microsecond, Some(zone.clone())),
            DataType::Interval(_) | DataType::Duration(_) => DataType::Interval(IntervalUnit::MonthDayNano),
            DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
            DataType::Null => LOCAL,
            DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16 => DataType::Int32,
            DataType::UInt32 => DataType::Int64,
            DataType::UInt64 => DataType::Decimal128(20, 0),
            DataType::Float16 => DataType::Float32,
            number if number.is_numeric() => number.clone(),
            other => return plan_err!("function to_char({other}, text) does not exist"),
        };
        Ok(vec![value, DataType::Utf8])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [values, patterns] = arguments.args.as_slice() else {
            return plan_err!("to_char takes a value and a pattern");
        };
        let constant = [values, patterns].iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let at = |argument: &ColumnarValue, row: usize| match argument {
            ColumnarValue::Scalar(value) => Ok(value.clone()),
            ColumnarValue::Array(array) => ScalarValue::try_from_array(array, row),
        };
        let mut results = Vec::with_capacity(rows);
        for row in 0..rows {
            let text = match at(patterns, row)? {
                ScalarValue::Utf8(Some(pattern)) => shown(&at(values, row)?, &pattern)?,
                _ => None,
            };
            results.push(ScalarValue::Utf8(text));
        }
        match results.pop() {
            Some(only) if constant => Ok(ColumnarValue::Scalar(only)),
            Some(last) => {
                results.push(last);
                Ok(ColumnarValue::Array(ScalarValue::iter_to_array(results)?))
            }
            None => Ok(ColumnarValue::Array(datafusion::arrow::array::new_empty_array(&DataType::Utf8))),
        }
    }
}

/// The text of one value by a pattern; `None` of NULL and of an instant outside of the calendar.
fn shown(value: &ScalarValue, pattern: &str) -> Result<Option<String>> {
    let moment = |at: NaiveDateTime, zone: Option<(String, i32)>| Some(date_time(at, zone, pattern));
    Ok(match value {
        ScalarValue::TimestampMicrosecond(Some(micros), None) => {
            DateTime::<Utc>::from_timestamp_micros(*micros).and_then(|at| moment(at.naive_utc(), None))
        }
        ScalarValue::TimestampMicrosecond(Some(micros), Some(zone)) => DateTime::<Utc>::from_timestamp_micros(*micros)
            .and_then(|at| {
                // The rule `session_zone` has cast the instant to the session's zone, where that is
                // not UTC.
                let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
                let at = at.with_timezone(&zone);
                let offset = chrono::Offset::fix(at.offset()).local_minus_utc();
                moment(at.naive_local(), Some((at.format("%Z").to_string(), offset)))
            }),
        ScalarValue::Time64Microsecond(Some(micros)) => {
            let seconds = u32::try_from(micros / 1_000_000).unwrap_or(0);
            let nanos = u32::try_from(micros % 1_000_000).unwrap_or(0) * 1_000;
            let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos).unwrap_or_default();
            moment(chrono::NaiveDate::default().and_time(time), None)
        }
        ScalarValue::IntervalMonthDayNano(Some(span)) => {
            let seconds = span.nanoseconds / 1_000_000_000;
            let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
            let mut text = String::new();
            for piece in pieces(pattern) {
                let number = match piece.word.to_ascii_uppercase().as_str() {
                    "YYYY" => i64::from(span.months / 12),
                    "MM" => i64::from(span.months % 12),
                    "DD" => i64::from(span.days),
                    "HH24" | "HH" | "HH12" => hours,
                    "MI" => minutes,
                    "SS" => seconds,
                    _ => {
                        text.push_str(piece.word);
                        continue;
                    }
                };
                push_number(&mut text, number, if piece.word.eq_ignore_ascii_case("YYYY") { 4 } else { 2 }, piece.fill);
            }
            Some(text)
        }
        value if value.is_null() => None,
        number if number.data_type().is_numeric() => super::to_char_number::shown(number, pattern)?,
        other => return exec_err!("to_char does not show {}", other.data_type()),
    })
}

/// A part of a pattern: a word that stands for something, or text.
struct Piece<'a> {
    /// The word as it is written, since its case may tell how a name is written.
    word: &'a str,
    /// Whether it is filled with zeros or blanks: not after FM.
    fill: bool,
    /// Whether `TH` or `th` follows.
    ordinal: Option<&'a str>,
    /// Whether it is text, in quotes or because no word begins here.
    literal: bool,
}

/// The words of patterns, longest first, so that `MONTH` is not `MON` and `TH`.
const WORDS: &[&str] = &[
    "MONTH", "Month", "month", "HH12", "HH24", "YYYY", "Y,YYY", "SSSS", "IYYY", "IDDD", "A.M.", "P.M.", "a.m.", "p.m.",
    "MON", "Mon", "mon", "DAY", "Day", "day", "DDD", "YYY", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "TZH", "TZM",
    "DY", "Dy", "dy", "DD", "ID", "IW", "WW", "MM", "MI", "MS", "US", "SS", "HH", "YY", "CC", "AM", "PM", "am", "pm",
    "TZ", "tz", "OF", "RM", "BC", "AD", "bc", "ad", "Y", "D", "W", "Q", "J",
];

/// A pattern in its pieces; `FM` belongs to the word behind it, `TH` to the one before, text in
/// quotes is one piece.
fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = pattern;
    let mut fill = true;
    while let Some(first) = rest.chars().next() {
        if let Some(inside) = rest.strip_prefix('"') {
            let end = inside.find('"').unwrap_or(inside.len());
            found.push(Piece { word: &inside[..end], fill: true, ordinal: None, literal: true });
            rest = inside.get(end + 1..).unwrap_or("");
            continue;
        }
        if let Some(after) = rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
            fill = false;
            rest = after;
            continue;
        }
        // Only names of months and days tell upper from lower case.
        let word = WORDS.iter().find(|word| rest.starts_with(**word)).copied().or_else(|| {
            let upper = WORDS.iter().filter(|word| word.chars().all(|letter| !letter.is_ascii_lowercase()));
            upper.copied().find(|word| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
        });
        let length = word.map_or(first.len_utf8(), str::len);
        let (taken, after) = rest.split_at(length);
        rest = after;
        let ordinal = word.and_then(|_| rest.get(..2)).filter(|next| matches!(*next, "TH" | "th"));
        if ordinal.is_some() {
            rest = &rest[2..];
        }
        found.push(Piece { word: taken, fill: std::mem::replace(&mut fill, true), ordinal, literal: word.is_none() });
    }
    found
}

/// Writes a number, filled with zeros to a width unless FM is before it.
fn push_number(text: &mut String, number: i64, width: usize, fill: bool) {
    let _ = if fill { write!(text, "{number:0width$}") } else { write!(text, "{number}") };
}

/// The text of a wall clock by a pattern; `zone` has the zone's abbreviation and its offset in
/// seconds east of UTC.
fn date_time(at: NaiveDateTime, zone: Option<(String, i32)>, pattern: &str) -> String {
    let mut text = String::new();
    for piece in pieces(pattern) {
        if piece.literal {
            text.push_str(piece.word);
            continue;
        }
        let before = text.len();
        part(&mut text, &piece, at, zone.as_ref());
        if let Some(ordinal) = piece.ordinal
            && let Ok(number) = text[before..].trim().parse::<i64>()
        {
            let ending = match (number.abs() % 100, number.abs() % 10) {
                (11..=13, _) => "th",
                (_, 1) => "st",
                (_, 2) => "nd",
                (_, 3) => "rd",
                _ => "th",
            };
            text.push_str(&if ordinal == "TH" { ending.to_uppercase() } else { ending.to_owned() });
        }
    }
    text
}

/// Writes one word's part of a moment; a word that stands for nothing here is written as it is.
fn part(text: &mut String, piece: &Piece<'_>, at: NaiveDateTime, zone: Option<&(String, i32)>) {
    let mut number = |number: i64, width: usize| push_number(text, number, width, piece.fill);
    let year = i64::from(at.year());
    let hour_12 = i64::from(at.hour12().1);
    let micros = i64::from(at.nanosecond() % 1_000_000_000 / 1_000);
    let offset = zone.map_or(0, |(_, offset)| *offset);
    match piece.word.to_ascii_uppercase().as_str() {
        "YYYY" => number(year, 4),
        "Y,YYY" => {
            let _ = write!(text, "{},{:03}", year / 1_000, year % 1_000);
        }
        "YYY" => number(year % 1_000, 3),
        "YY" => number(year % 100, 2),
        "Y" => number(year % 10, 1),
        "IYYY" => number(i64::from(at.iso_week().year()), 4),
        "CC" => number((year + 99) / 100, 2),
        "Q" => number(i64::from(at.month0() / 3 + 1), 1),
        "MM" => number(at.month().into(), 2),
        "DD" => number(at.day().into(), 2),
        "DDD" => number(at.ordinal().into(), 3),
        "D" => number(i64::from(at.weekday().num_days_from_sunday() + 1), 1),
        "ID" => number(i64::from(at.weekday().num_days_from_monday() + 1), 1),
        "W" => number(i64::from(at.day0() / 7 + 1), 1),
        "WW" => number(i64::from(at.ordinal0() / 7 + 1), 2),
        "IW" => number(at.iso_week().week().into(), 2),
        "HH" | "HH12" => number(hour_12, 2),
        "HH24" => number(at.hour().into(), 2),
        "MI" => number(at.minute().into(), 2),
        "SS" => number(at.second().into(), 2),
        "SSSS" => number(at.num_seconds_from_midnight().into(), 1),
        "MS" | "FF3" => number(micros / 1_000, 3),
        "US" | "FF6" => number(micros, 6),
        "FF1" => number(micros / 100_000, 1),
        "FF2" => number(micros / 10_000, 2),
        "FF4" => number(micros / 100, 4),
        "FF5" => number(micros / 10, 5),
        "J" => number(i64::from(at.num_days_from_ce()) + 1_721_425, 1),
        "MONTH" => name(text, piece, at.format("%B").to_string(), 9),
        "MON" => name(text, piece, at.format("%b").to_string(), 0),
        "DAY" => name(text, piece, at.format("%A").to_string(), 9),
        "DY" => name(text, piece, at.format("%a").to_string(), 0),
        "RM" => {
            const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
            name(text, piece, ROMAN.get(at.month0() as usize).copied().unwrap_or_default().to_owned(), 4);
        }
        "AM" | "PM" => half_day(text, piece.word, if at.hour12().0 { "PM" } else { "AM" }),
        "A.M." | "P.M." => half_day(text, piece.word, if at.hour12().0 { "P.M." } else { "A.M." }),
        "BC" | "AD" => half_day(text, piece.word, if year > 0 { "AD" } else { "BC" }),
        "TZ" => {
            let zone = zone.map_or("", |(name, _)| name.as_str());
            text.push_str(&if piece.word == "tz" { zone.to_lowercase() } else { zone.to_owned() });
        }
        "TZH" => {
            let _ = write!(text, "{}{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 3_600);
        }
        "TZM" => number(i64::from(offset.abs() / 60 % 60), 2),
        "OF" => {
            let _ = write!(text, "{}{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 3_600);
            if offset.abs() / 60 % 60 != 0 {
                let _ = write!(text, ":{:02}", offset.abs() / 60 % 60);
            }
        }
        _ => text.push_str(piece.word),
    }
}

/// Writes a name in the case of its word (`MONTH`, `Month`, `month`), filled with blanks to a width
/// unless FM is before it.
fn name(text: &mut String, piece: &Piece<'_>, name: String, width: usize) {
    let mut letters = piece.word.chars();
    let first_upper = letters.next().is_some_and(char::is_uppercase);
    let cased = match (first_upper, letters.next().is_some_and(char::is_uppercase)) {
        (true, true) => name.to_uppercase(),
        (true, false) => name,
        _ => name.to_lowercase(),
    };
    let width = if piece.fill { width } else { 0 };
    let _ = write!(text, "{cased:width$}");
}

/// Writes a mark such as AM, in lower case when the word is.
fn half_day(text: &mut String, word: &str, half: &str) {
    text.push_str(&if word.chars().any(|letter| letter.is_ascii_lowercase()) {
        half.to_lowercase()
    } else {
        half.to_owned()
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    #[track_caller]
    fn check(pattern: &str, expected: &str) {
        let at = NaiveDate::from_ymd_opt(2024, 2, 9).unwrap().and_hms_micro_opt(13, 4, 5, 67_890).unwrap();
        assert_eq!(date_time(at, Some(("EST".to_owned(), -18_000)), pattern), expected, "{pattern}");
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
