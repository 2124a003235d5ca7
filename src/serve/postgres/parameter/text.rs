//! The text form of parameters, as PostgreSQL reads it.

use super::{invalid_text, list};
use crate::engine::ScalarValue;
use crate::serve::postgres::error::Failure;
use crate::serve::postgres::types::arrow_type;
use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;
use postgres_types::{Kind, Type};

/// Digits a decimal of 128 bits holds.
const DECIMAL_DIGITS: usize = 38;

/// Reads the text form.
pub(super) fn read_text(text: &str, described: &Type, zone: Tz) -> Result<ScalarValue, Failure> {
    if let Kind::Array(element) = described.kind() {
        let elements = elements(text).ok_or_else(|| invalid_text(text, described))?;
        let read = |text: &Option<String>| match text {
            Some(text) => read_text(text, element, zone),
            None => ScalarValue::try_from(&arrow_type(element)).map_err(|_| invalid_text("NULL", element)),
        };
        let values: Vec<ScalarValue> = elements.iter().map(read).collect::<Result<_, _>>()?;
        return list(&values, element);
    }
    let invalid = || invalid_text(text, described);
    let trimmed = text.trim();
    Ok(match *described {
        Type::BOOL => ScalarValue::Boolean(Some(boolean(trimmed).ok_or_else(invalid)?)),
        Type::INT2 => ScalarValue::Int16(Some(integer(trimmed, described)?)),
        Type::INT4 => ScalarValue::Int32(Some(integer(trimmed, described)?)),
        Type::INT8 | Type::OID | Type::XID | Type::CID => ScalarValue::Int64(Some(integer(trimmed, described)?)),
        Type::FLOAT4 => ScalarValue::Float32(Some(trimmed.parse().map_err(|_| invalid())?)),
        Type::FLOAT8 => ScalarValue::Float64(Some(trimmed.parse().map_err(|_| invalid())?)),
        Type::NUMERIC => numeric(trimmed).ok_or_else(invalid)?,
        Type::BYTEA => ScalarValue::Binary(Some(bytea(text).ok_or_else(invalid)?)),
        Type::DATE => {
            ScalarValue::Date32(Some(days(date(trimmed).or_else(|| zoned_date(trimmed)).ok_or_else(invalid)?)))
        }
        Type::TIME => ScalarValue::Time64Microsecond(Some(time_us(time(trimmed).ok_or_else(invalid)?))),
        Type::TIMESTAMP => {
            let (local, _) = timestamp(trimmed).ok_or_else(invalid)?;
            ScalarValue::TimestampMicrosecond(Some(local.and_utc().timestamp_micros()), None)
        }
        Type::TIMESTAMPTZ => {
            let (local, offset) = timestamp(trimmed).ok_or_else(invalid)?;
            let offset_s = offset.map_or_else(|| local_offset(local, zone), i64::from);
            instant(local.and_utc().timestamp_micros() - offset_s * 1_000_000)
        }
        Type::INTERVAL => interval(trimmed).ok_or_else(invalid)?,
        _ => ScalarValue::Utf8(Some(text.to_owned())),
    })
}

pub(super) fn instant(us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(us), Some("+00:00".into()))
}

/// Seconds east of Greenwich at a local time. Of two, the first; in a gap, as before it.
fn local_offset(local: NaiveDateTime, zone: Tz) -> i64 {
    let offset = match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => offset,
        LocalResult::None => zone.offset_from_utc_datetime(&local),
    };
    i64::from(offset.fix().local_minus_utc())
}

fn boolean(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if begins("true", 1) || begins("yes", 1) || text == "on" || text == "1" {
        return Some(true);
    }
    (begins("false", 1) || begins("no", 1) || begins("off", 2) || text == "0").then_some(false)
}

fn integer<I: std::str::FromStr<Err = std::num::ParseIntError>>(text: &str, described: &Type) -> Result<I, Failure> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        PosOverflow | NegOverflow => {
            Failure::new("22003", format!("value \"{text}\" is out of range for type {}", described.name()))
        }
        _ => invalid_text(text, described),
    })
}

/// A decimal of as many places as are written; a double when it has too many digits, is not a number or infinite.
pub(super) fn numeric(text: &str) -> Option<ScalarValue> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return matches!(text.to_ascii_lowercase().as_str(), "nan" | "infinity" | "-infinity" | "inf" | "-inf")
            .then(|| ScalarValue::Float64(text.parse().ok()));
    }
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let zeros = usize::try_from(scale.min(0).unsigned_abs()).ok()?;
    let significant = digits.trim_start_matches('0').len();
    let scale = usize::try_from(scale.max(0)).ok()?;
    if significant + zeros > DECIMAL_DIGITS || scale > DECIMAL_DIGITS {
        return text.parse().ok().map(|value| ScalarValue::Float64(Some(value)));
    }
    let magnitude: i128 = format!("{digits}{:0<zeros$}", "").parse().ok()?;
    let value = if mantissa.starts_with('-') { -magnitude } else { magnitude };
    Some(ScalarValue::Decimal128(Some(value), DECIMAL_DIGITS as u8, i8::try_from(scale).ok()?))
}

/// `\x00ff`, or bytes as they are with `\\` and `\123`.
fn bytea(text: &str) -> Option<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        let digits: Vec<u8> = hex
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| c.to_digit(16).map(|d| d as u8))
            .collect::<Option<_>>()?;
        return digits
            .chunks(2)
            .map(|pair| matches!(pair, [_, _]).then(|| pair.iter().fold(0, |sum, digit| sum << 4 | digit)))
            .collect();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        (bytes, rest) = match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => (with(bytes, b'\\'), tail),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                (with(bytes, ((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0')), tail)
            }
            (b'\\', _) => return None,
            (other, tail) => (with(bytes, *other), tail),
        };
    }
    Some(bytes)
}

fn with(mut bytes: Vec<u8>, byte: u8) -> Vec<u8> {
    bytes.push(byte);
    bytes
}

/// `2024-02-29` or `20240229`
fn date(text: &str) -> Option<NaiveDate> {
    // The reader of the calendar crate takes signs and blanks; PostgreSQL's dates begin with a digit.
    text.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
    NaiveDate::parse_from_str(text, "%Y-%m-%d").or_else(|_| NaiveDate::parse_from_str(text, "%Y%m%d")).ok()
}

/// `2026-01-02 -05`, as drivers write a date that has the client's zone: PostgreSQL leaves the zone out of account.
fn zoned_date(text: &str) -> Option<NaiveDate> {
    let (day, zone) = text.split_once(' ')?;
    offset(zone.trim()).and(date(day))
}

/// `09:30`, `09:30:00` or `09:30:00.5`
fn time(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M:%S%.f").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M")).ok()
}

/// A date, a time if there is one, and the seconds east of Greenwich if it says so.
fn timestamp(text: &str) -> Option<(NaiveDateTime, Option<i32>)> {
    let Some(end) = text.find(['T', ' ', 't']) else {
        return Some((date(text)?.and_time(NaiveTime::MIN), None));
    };
    let day = date(text.get(..end)?)?;
    let rest = text.get(end + 1..)?.trim();
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (rest.get(..at)?.trim_end(), Some(offset(rest.get(at..)?)?)),
        None => (rest, None),
    };
    Some((day.and_time(time(clock)?), offset))
}

/// `Z`, `+05`, `-05:30`, `+0530` or `+00:19:32`
fn offset(text: &str) -> Option<i32> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    (hours < 16 && minutes < 60 && seconds < 60).then_some(sign * (hours * 3_600 + minutes * 60 + seconds))
}

fn days(date: NaiveDate) -> i32 {
    date.signed_duration_since(NaiveDate::default()).num_days() as i32
}

fn time_us(time: NaiveTime) -> i64 {
    i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1_000)
}

fn interval(text: &str) -> Option<ScalarValue> {
    crate::text::interval::parse(text).map(|span| ScalarValue::IntervalMonthDayNano(Some(span)))
}

/// The elements of `{a,NULL,"b \" c"}`, without their quotes.
fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    let mut chars = inner.chars().peekable();
    if inner.trim().is_empty() {
        return Some(elements);
    }
    loop {
        let (mut element, mut quoted, mut open) = (String::new(), false, false);
        loop {
            match chars.peek().copied() {
                None if open => return None,
                None => break,
                Some(',') if !open => break,
                Some('{' | '}') if !open => return None,
                Some('"') => (quoted, open) = (true, !open),
                Some('\\') => {
                    chars.next();
                    element.push(*chars.peek()?);
                }
                // Blanks around an element are none of it.
                Some(blank) if blank.is_whitespace() && !open && (quoted || element.is_empty()) => {}
                Some(other) => element.push(other),
            }
            chars.next();
        }
        let plain = if quoted { element } else { element.trim().to_owned() };
        if !quoted && plain.is_empty() {
            return None;
        }
        elements.push((quoted || !plain.eq_ignore_ascii_case("null")).then_some(plain));
        if chars.next().is_none() {
            return Some(elements);
        }
    }
}
