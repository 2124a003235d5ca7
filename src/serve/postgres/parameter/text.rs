//! The text form of parameters that a Postgres client binds, read as PostgreSQL reads it: [`crate::text`] reads the
//! values, and here they become DataFusion scalars, or failures with PostgreSQL's SQLSTATEs.

use super::convert::{invalid_text, list};
use crate::clock::Clock;
use crate::dialect::moment::fault;
use crate::engine::ScalarValue;
use crate::serve::postgres::error::Failure;
use crate::serve::postgres::types::arrow_type;
use crate::text::datetime::{self, Context};
use crate::text::zone::Zone;
use crate::text::{array, boolean, bytea, interval, json, uuid};
use arrow::array::StringArray;
use postgres_types::{Kind, Type};

/// Digits a decimal of 128 bits holds.
const DECIMAL_DIGITS: usize = 38;

/// Reads the text form.
pub(super) fn read_text(text: &str, described: &Type, zone: &Zone) -> Result<ScalarValue, Failure> {
    if let Kind::Array(element) = described.kind() {
        let elements = array::parse(text).ok_or_else(|| invalid_text(text, described))?;
        let read = |text: &Option<String>| match text {
            Some(text) => read_text(text, element, zone),
            None => ScalarValue::try_from(&arrow_type(element)).map_err(|_| invalid_text("NULL", element)),
        };
        let values: Vec<ScalarValue> = elements.iter().map(read).collect::<Result<_, _>>()?;
        return list(&values, element);
    }
    let invalid = || invalid_text(text, described);
    let trimmed = text.trim();
    let context = || Context { zone, now_us: Clock::System.now().timestamp_micros() };
    let at = |wanted: &'static str| move |found: datetime::Fault| Failure::from(fault::error(found, text, wanted));
    Ok(match *described {
        Type::BOOL => ScalarValue::Boolean(Some(boolean::parse(trimmed).ok_or_else(invalid)?)),
        Type::INT2 => ScalarValue::Int16(Some(integer(trimmed, described)?)),
        Type::INT4 => ScalarValue::Int32(Some(integer(trimmed, described)?)),
        Type::INT8 | Type::OID | Type::XID | Type::CID => ScalarValue::Int64(Some(integer(trimmed, described)?)),
        Type::FLOAT4 => ScalarValue::Float32(Some(trimmed.parse().map_err(|_| invalid())?)),
        Type::FLOAT8 => ScalarValue::Float64(Some(trimmed.parse().map_err(|_| invalid())?)),
        Type::NUMERIC => numeric(trimmed).ok_or_else(invalid)?,
        Type::BYTEA => ScalarValue::Binary(Some(bytea::parse(text).ok_or_else(invalid)?)),
        Type::DATE => ScalarValue::Date32(Some(datetime::date(text, context()).map_err(at("date"))?)),
        Type::TIME => ScalarValue::Time64Microsecond(Some(datetime::time(text, context()).map_err(at("time"))?)),
        Type::TIMESTAMP => {
            let local = datetime::timestamp(text, context()).map_err(at("timestamp"))?;
            ScalarValue::TimestampMicrosecond(Some(local), None)
        }
        Type::TIMESTAMPTZ => instant(datetime::timestamptz(text, context()).map_err(at("timestamp with time zone"))?),
        Type::INTERVAL => ScalarValue::IntervalMonthDayNano(Some(interval::parse(text).map_err(at("interval"))?)),
        Type::UUID | Type::JSON | Type::JSONB => own(text, described)?,
        _ => ScalarValue::Utf8(Some(text.to_owned())),
    })
}

/// A UUID or JSON, in the type that stands for it.
///
/// # Errors
/// 22P02 for a text that does not read.
pub(super) fn own(text: &str, described: &Type) -> Result<ScalarValue, Failure> {
    if *described == Type::UUID {
        let bytes = uuid::parse(text.trim()).ok_or_else(|| invalid_text(text, described))?;
        return Ok(ScalarValue::FixedSizeBinary(16, Some(bytes.to_vec())));
    }
    let invalid = || Failure::new("22P02", "invalid input syntax for type json");
    let read = json::read(&StringArray::from(vec![text]), &arrow_type(described)).map_err(|_| invalid())?;
    ScalarValue::try_from_array(&read, 0).map_err(|_| invalid())
}

/// A `timestamp with time zone` of microseconds since 1970.
pub(super) fn instant(us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into()))
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
