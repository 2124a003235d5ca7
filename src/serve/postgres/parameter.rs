//! Values of parameters, from text and binary to scalars of the type the statement expects.

use super::error::Failure;
use super::types::{Format, arrow_type};
use crate::engine::ScalarValue;
use arrow::datatypes::{DataType, IntervalMonthDayNano};
use bytes::{Buf, Bytes};
use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;
use postgres_types::{Kind, Type};

/// Microseconds from 1970 to 2000, where PostgreSQL's binary instants begin.
const EPOCH_US: i64 = 946_684_800_000_000;
const EPOCH_DAYS: i32 = 10_957;
/// Elements of an array, at most.
const ELEMENTS_MAX: usize = 1 << 20;
/// Digits a decimal of 128 bits holds.
const DECIMAL_DIGITS: usize = 38;

/// What a parameter is said to be, and what the statement wants.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameter {
    /// Type the client was told, or told us.
    pub(super) described: Type,
    /// Type the plan found out, if any.
    pub(super) wanted: Option<DataType>,
}

impl Parameter {
    /// The type its value should have.
    pub(super) fn wanted_type(&self) -> DataType {
        self.wanted.clone().unwrap_or_else(|| arrow_type(&self.described))
    }

    /// Reads a value, `None` being NULL.
    ///
    /// # Errors
    /// 22P02 for a text that does not read, 22P03 for bytes of the wrong length, 22008 and 22003 for what is out of
    /// range; `number` (from 1) and the value are named.
    pub(super) fn read(
        &self,
        number: usize,
        value: Option<&Bytes>,
        format: Format,
        zone: Tz,
    ) -> Result<ScalarValue, Failure> {
        let wanted = &self.wanted_type();
        let Some(bytes) = value else {
            return ScalarValue::try_from(wanted).map_err(|error| Failure::new("0A000", error.to_string()));
        };
        let scalar = match format {
            Format::Text => read_text(utf8(bytes)?, &self.described, zone)?,
            Format::Binary => read_binary(&mut bytes.clone(), &self.described)
                .ok_or_else(|| malformed(number))
                .and_then(|scalar| scalar)?,
        };
        if scalar.data_type() == *wanted || self.wanted.is_none() {
            return Ok(scalar);
        }
        fitted(scalar, wanted, zone)
    }
}

/// A scalar as the type the plan wants, when nothing is lost. Otherwise as it is: the engine then compares in a type
/// that holds both, so that `2.5` is never compared as `2`.
pub(super) fn fitted(scalar: ScalarValue, wanted: &DataType, zone: Tz) -> Result<ScalarValue, Failure> {
    if let (ScalarValue::Utf8(Some(text)), false) = (&scalar, is_text(wanted)) {
        // A text where something else is wanted reads as that.
        let plain = super::types::postgres_type(wanted);
        let read = read_text(text, &plain, zone)?;
        return read.cast_to(wanted).map_err(|_| invalid_text(text, &plain));
    }
    match scalar.cast_to(wanted) {
        Ok(cast) if is_text(wanted) || cast.cast_to(&scalar.data_type()).is_ok_and(|back| back == scalar) => Ok(cast),
        _ => Ok(scalar),
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

fn malformed(number: usize) -> Failure {
    Failure::new("22P03", format!("incorrect binary data format in bind parameter {number}"))
}

fn utf8(bytes: &[u8]) -> Result<&str, Failure> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Failure::new("22021", "invalid byte sequence for encoding \"UTF8\"")),
    }
}

fn invalid_text(text: &str, described: &Type) -> Failure {
    let name = match *described {
        Type::FLOAT8 => "double precision",
        Type::FLOAT4 => "real",
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        _ => described.name(),
    };
    Failure::new("22P02", format!("invalid input syntax for type {name}: \"{text}\""))
}

fn read_text(text: &str, described: &Type, zone: Tz) -> Result<ScalarValue, Failure> {
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
        Type::DATE => ScalarValue::Date32(Some(days(date(trimmed).ok_or_else(invalid)?))),
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

fn instant(us: i64) -> ScalarValue {
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
fn numeric(text: &str) -> Option<ScalarValue> {
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

/// `1 year 2 mons -3 days 04:05:06.7`, the form PostgreSQL writes.
fn interval(text: &str) -> Option<ScalarValue> {
    let (mut months, mut days, mut ns) = (0_i32, 0_i32, 0_i64);
    let mut words = text.split_whitespace().peekable();
    words.peek()?;
    while let Some(word) = words.next() {
        if word.contains(':') {
            let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
            let mut parts = unsigned.split(':');
            let hours: i64 = parts.next()?.parse().ok()?;
            let minutes: i64 = parts.next()?.parse().ok()?;
            let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
            if parts.next().is_some() || !(0..60).contains(&minutes) || !(0.0..61.0).contains(&seconds) {
                return None;
            }
            let clock = hours.checked_mul(3_600)?.checked_add(minutes * 60)?.checked_mul(1_000_000_000)?;
            let clock = clock.checked_add((seconds * 1e9).round() as i64)?;
            ns = ns.checked_add(if word.starts_with('-') { -clock } else { clock })?;
            continue;
        }
        let number: i32 = word.parse().ok()?;
        let ns_per = match words.next()?.trim_end_matches('s') {
            "year" | "yr" | "y" => {
                months = months.checked_add(number.checked_mul(12)?)?;
                continue;
            }
            "mon" | "month" => {
                months = months.checked_add(number)?;
                continue;
            }
            "week" => {
                days = days.checked_add(number.checked_mul(7)?)?;
                continue;
            }
            "day" | "d" => {
                days = days.checked_add(number)?;
                continue;
            }
            "hour" | "hr" | "h" => 3_600_000_000_000,
            "minute" | "min" | "m" => 60_000_000_000,
            "second" | "sec" | "" => 1_000_000_000,
            _ => return None,
        };
        ns = ns.checked_add(i64::from(number).checked_mul(ns_per)?)?;
    }
    Some(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(months, days, ns))))
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

fn list(values: &[ScalarValue], element: &Type) -> Result<ScalarValue, Failure> {
    let wanted = arrow_type(element);
    // Decimals come with a scale each; an array has one.
    let same = |value: &ScalarValue| match value.data_type() == wanted {
        true => Ok(value.clone()),
        false => value.cast_to(&wanted).map_err(|_| invalid_text(&value.to_string(), element)),
    };
    let values = values.iter().map(same).collect::<Result<Vec<_>, _>>()?;
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, &wanted)))
}

/// Reads the binary form; none when the bytes are too few or too many.
fn read_binary(bytes: &mut Bytes, described: &Type) -> Option<Result<ScalarValue, Failure>> {
    if let Kind::Array(element) = described.kind() {
        return read_array(bytes, element);
    }
    let scalar = match *described {
        Type::BOOL => ScalarValue::Boolean(Some(bytes.try_get_u8().ok()? != 0)),
        Type::INT2 => ScalarValue::Int16(Some(bytes.try_get_i16().ok()?)),
        Type::INT4 => ScalarValue::Int32(Some(bytes.try_get_i32().ok()?)),
        Type::INT8 => ScalarValue::Int64(Some(bytes.try_get_i64().ok()?)),
        Type::OID | Type::XID | Type::CID => ScalarValue::Int64(Some(bytes.try_get_u32().ok()?.into())),
        Type::FLOAT4 => ScalarValue::Float32(Some(bytes.try_get_f32().ok()?)),
        Type::FLOAT8 => ScalarValue::Float64(Some(bytes.try_get_f64().ok()?)),
        Type::NUMERIC => {
            let text = numeric_text(bytes)?;
            numeric(&text)?
        }
        Type::BYTEA => ScalarValue::Binary(Some(std::mem::take(bytes).to_vec())),
        Type::DATE => match bytes.try_get_i32().ok()?.checked_add(EPOCH_DAYS) {
            Some(days) => ScalarValue::Date32(Some(days)),
            None => return Some(Err(out_of_range())),
        },
        Type::TIME => ScalarValue::Time64Microsecond(Some(bytes.try_get_i64().ok()?)),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => match bytes.try_get_i64().ok()?.checked_add(EPOCH_US) {
            Some(us) if *described == Type::TIMESTAMPTZ => instant(us),
            Some(us) => ScalarValue::TimestampMicrosecond(Some(us), None),
            None => return Some(Err(out_of_range())),
        },
        Type::INTERVAL => {
            let us = bytes.try_get_i64().ok()?;
            let days = bytes.try_get_i32().ok()?;
            let months = bytes.try_get_i32().ok()?;
            match us.checked_mul(1_000) {
                Some(ns) => ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(months, days, ns))),
                None => return Some(Err(out_of_range())),
            }
        }
        Type::UUID => {
            let id = uuid::Uuid::from_slice(bytes).ok()?;
            bytes.clear();
            ScalarValue::Utf8(Some(id.to_string()))
        }
        _ => {
            let mut bytes = std::mem::take(bytes);
            if *described == Type::JSONB && bytes.try_get_u8().ok()? != 1 {
                return None;
            }
            return Some(utf8(&bytes).map(|text| ScalarValue::Utf8(Some(text.to_owned()))));
        }
    };
    bytes.is_empty().then_some(Ok(scalar))
}

fn out_of_range() -> Failure {
    Failure::new("22008", "date/time field value out of range")
}

fn read_array(bytes: &mut Bytes, element: &Type) -> Option<Result<ScalarValue, Failure>> {
    let dimensions = bytes.try_get_i32().ok()?;
    let _has_nulls = bytes.try_get_i32().ok()?;
    let oid = bytes.try_get_u32().ok()?;
    if oid != element.oid() {
        return None;
    }
    if dimensions == 0 {
        return bytes.is_empty().then(|| list(&[], element));
    }
    if dimensions != 1 {
        return Some(Err(Failure::new("0A000", "arrays of more than one dimension are not supported")));
    }
    let count = usize::try_from(bytes.try_get_i32().ok()?).ok()?;
    let _lower_bound = bytes.try_get_i32().ok()?;
    if count > ELEMENTS_MAX {
        return Some(Err(Failure::new("54000", format!("an array has at most {ELEMENTS_MAX} elements"))));
    }
    let mut values = Vec::new();
    for _ in 0..count {
        let value = match bytes.try_get_i32().ok()? {
            -1 => ScalarValue::try_from(&arrow_type(element)).ok()?,
            length => {
                let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len())?;
                match read_binary(&mut bytes.split_to(length), element)? {
                    Ok(value) => value,
                    Err(failure) => return Some(Err(failure)),
                }
            }
        };
        values.push(value);
    }
    bytes.is_empty().then(|| list(&values, element))
}

/// PostgreSQL's binary numeric as text.
fn numeric_text(bytes: &mut Bytes) -> Option<String> {
    let count = bytes.try_get_u16().ok()?;
    let weight = bytes.try_get_i16().ok()?;
    let sign = bytes.try_get_u16().ok()?;
    let scale = bytes.try_get_u16().ok()?;
    let mut groups = Vec::new();
    for _ in 0..count {
        groups.push(bytes.try_get_u16().ok().filter(|group| *group < 10_000)?);
    }
    match sign {
        0 | 0x4000 => {}
        0xc000 => return Some("NaN".to_owned()),
        0xd000 => return Some("Infinity".to_owned()),
        0xf000 => return Some("-Infinity".to_owned()),
        _ => return None,
    }
    let group = |at: i32| {
        usize::try_from(i32::from(weight) - at).ok().and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    let mut text = if sign == 0 { String::new() } else { "-".to_owned() };
    for at in (0..=i32::from(weight).max(0)).rev() {
        text.push_str(&format!("{:04}", group(at)));
    }
    let fraction: String = (1..=i32::from(scale.div_ceil(4))).map(|at| format!("{:04}", group(-at))).collect();
    if scale > 0 {
        text.push('.');
        text.push_str(fraction.get(..usize::from(scale))?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(described: Type, wanted: Option<DataType>, bytes: &[u8], format: Format) -> Result<ScalarValue, Failure> {
        let value = Bytes::copy_from_slice(bytes);
        Parameter { described, wanted }.read(1, Some(&value), format, chrono_tz::America::New_York)
    }

    #[track_caller]
    fn check_text(described: Type, text: &str, expected: ScalarValue) {
        assert_eq!(read(described, None, text.as_bytes(), Format::Text).unwrap(), expected);
    }

    #[track_caller]
    fn check_binary(described: Type, bytes: &[u8], expected: ScalarValue) {
        assert_eq!(read(described.clone(), None, bytes, Format::Binary).unwrap(), expected);
        let longer = [bytes, &[0]].concat();
        for wrong in [bytes.get(1..).unwrap(), &longer] {
            assert_eq!(read(described.clone(), None, wrong, Format::Binary).unwrap_err().code, "22P03");
        }
    }

    #[test]
    fn text_of_every_type() {
        check_text(Type::BOOL, " t ", ScalarValue::Boolean(Some(true)));
        check_text(Type::BOOL, "off", ScalarValue::Boolean(Some(false)));
        check_text(Type::INT2, "-7", ScalarValue::Int16(Some(-7)));
        check_text(Type::INT8, "9223372036854775807", ScalarValue::Int64(Some(i64::MAX)));
        check_text(Type::FLOAT8, "1e3", ScalarValue::Float64(Some(1000.0)));
        check_text(Type::FLOAT8, "-Infinity", ScalarValue::Float64(Some(f64::NEG_INFINITY)));
        check_text(Type::NUMERIC, "-12.340", ScalarValue::Decimal128(Some(-12_340), 38, 3));
        check_text(Type::NUMERIC, "1.5e3", ScalarValue::Decimal128(Some(1_500), 38, 0));
        check_text(Type::VARCHAR, " a ", ScalarValue::from(" a "));
        check_text(Type::BYTEA, "\\x00Ff", ScalarValue::Binary(Some(vec![0, 255])));
        check_text(Type::BYTEA, "a\\\\\\377", ScalarValue::Binary(Some(vec![b'a', b'\\', 255])));
        check_text(Type::DATE, "2024-02-29", ScalarValue::Date32(Some(19_782)));
        check_text(Type::TIME, "09:30", ScalarValue::Time64Microsecond(Some(34_200_000_000)));
        check_text(Type::UUID, "not checked", ScalarValue::from("not checked"));
        let interval = IntervalMonthDayNano::new(14, -3, 14_706_700_000_000);
        check_text(
            Type::INTERVAL,
            "1 year 2 mons -3 days 04:05:06.7",
            ScalarValue::IntervalMonthDayNano(Some(interval)),
        );
    }

    #[test]
    fn instants_in_text() {
        let local = |us| ScalarValue::TimestampMicrosecond(Some(us), None);
        check_text(Type::TIMESTAMP, "1970-01-02", local(86_400_000_000));
        check_text(Type::TIMESTAMP, "1970-01-01T00:00:01.5", local(1_500_000));
        check_text(Type::TIMESTAMPTZ, "1970-01-01 00:00:00+00", instant(0));
        check_text(Type::TIMESTAMPTZ, "1970-01-01 05:30:00+05:30", instant(0));
        check_text(Type::TIMESTAMPTZ, "1970-01-01T00:00:00Z", instant(0));
        // Without an offset it is the session's.
        check_text(Type::TIMESTAMPTZ, "2024-07-01 08:00:00", instant(1_719_835_200_000_000));
    }

    #[test]
    fn arrays_in_text() {
        let list =
            |values: &[ScalarValue], of: &DataType| ScalarValue::List(ScalarValue::new_list_nullable(values, of));
        let numbers = [ScalarValue::Int32(Some(1)), ScalarValue::Int32(None)];
        check_text(Type::INT4_ARRAY, "{1, NULL}", list(&numbers, &DataType::Int32));
        check_text(Type::INT4_ARRAY, "{}", list(&[], &DataType::Int32));
        let texts = ["a b", "null", "q\"\\", ","].map(ScalarValue::from);
        check_text(Type::TEXT_ARRAY, r#"{a b,"null","q\"\\",","}"#, list(&texts, &DataType::Utf8));
    }

    #[test]
    fn text_that_does_not_read_is_refused() {
        let refused = |described: Type, text: &str, code: &str| {
            assert_eq!(read(described, None, text.as_bytes(), Format::Text).unwrap_err().code, code, "{text}");
        };
        refused(Type::INT4, "abc", "22P02");
        refused(Type::INT4, "3000000000", "22003");
        refused(Type::BOOL, "maybe", "22P02");
        refused(Type::FLOAT8, "", "22P02");
        refused(Type::NUMERIC, "1.2.3", "22P02");
        refused(Type::DATE, "2024-02-30", "22P02");
        refused(Type::TIMESTAMPTZ, "yesterday-ish", "22P02");
        refused(Type::TIMESTAMPTZ, "2024-01-01 00:00:00+99", "22P02");
        refused(Type::INTERVAL, "soon", "22P02");
        refused(Type::BYTEA, "\\xabc", "22P02");
        refused(Type::INT4_ARRAY, "{1,{2}}", "22P02");
        refused(Type::INT4_ARRAY, "{1,}", "22P02");
        refused(Type::TEXT_ARRAY, "{\"a}", "22P02");
        refused(Type::TEXT, "a\0b", "22021");
    }

    #[test]
    fn binary_of_every_type() {
        check_binary(Type::BOOL, &[1], ScalarValue::Boolean(Some(true)));
        check_binary(Type::INT4, &[255, 255, 255, 254], ScalarValue::Int32(Some(-2)));
        check_binary(Type::FLOAT8, &1.5_f64.to_be_bytes(), ScalarValue::Float64(Some(1.5)));
        check_binary(Type::DATE, &1_i32.to_be_bytes(), ScalarValue::Date32(Some(10_958)));
        check_binary(Type::TIMESTAMPTZ, &1_i64.to_be_bytes(), instant(EPOCH_US + 1));
        check_binary(Type::UUID, &[0; 16], ScalarValue::from("00000000-0000-0000-0000-000000000000"));
        let numeric = [0, 2, 0, 0, 0x40, 0, 0, 2, 0, 123, 17, 148];
        check_binary(Type::NUMERIC, &numeric, ScalarValue::Decimal128(Some(-12_345), 38, 2));
        let small = [0, 1, 255, 255, 0, 0, 0, 2, 1, 244];
        check_binary(Type::NUMERIC, &small, ScalarValue::Decimal128(Some(5), 38, 2));
        let array = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7];
        let seven = ScalarValue::new_list_nullable(&[ScalarValue::Int32(Some(7))], &DataType::Int32);
        check_binary(Type::INT4_ARRAY, &array, ScalarValue::List(seven));
    }

    #[test]
    fn a_huge_count_allocates_nothing() {
        let array = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 15, 255, 255, 0, 0, 0, 1];
        assert_eq!(read(Type::INT4_ARRAY, None, &array, Format::Binary).unwrap_err().code, "22P03");
    }

    #[test]
    fn a_value_takes_the_wanted_type_only_when_it_fits() {
        let fit = |described, wanted, text: &str| read(described, Some(wanted), text.as_bytes(), Format::Text);
        assert_eq!(fit(Type::INT2, DataType::Float64, "5").unwrap(), ScalarValue::Float64(Some(5.0)));
        assert_eq!(fit(Type::FLOAT8, DataType::Int64, "5").unwrap(), ScalarValue::Int64(Some(5)));
        assert_eq!(fit(Type::FLOAT8, DataType::Int64, "2.5").unwrap(), ScalarValue::Float64(Some(2.5)));
        assert_eq!(fit(Type::INT8, DataType::Int32, "3000000000").unwrap(), ScalarValue::Int64(Some(3_000_000_000)));
        assert_eq!(fit(Type::TEXT, DataType::Date32, "1970-01-02").unwrap(), ScalarValue::Date32(Some(1)));
        assert_eq!(fit(Type::TEXT, DataType::Date32, "x").unwrap_err().code, "22P02");
        let view = fit(Type::TEXT, DataType::Utf8View, "a").unwrap();
        assert_eq!(view, ScalarValue::Utf8View(Some("a".to_owned())));
        let null = Parameter { described: Type::INT4, wanted: Some(DataType::Int64) };
        assert_eq!(null.read(1, None, Format::Text, Tz::UTC).unwrap(), ScalarValue::Int64(None));
    }
}
