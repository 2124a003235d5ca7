//! The text form of parameters that a Postgres client binds, read as PostgreSQL reads it: [`crate::text`] reads the
//! values, and here they become DataFusion scalars, or failures with PostgreSQL's SQLSTATEs.

use super::convert::{invalid_text, list};
use crate::clock::Clock;
use crate::dialect::moment::fault;
use crate::engine::ScalarValue;
use crate::serve::postgres::error::Failure;
use crate::serve::postgres::types::arrow_type;
use crate::text::datetime::{self, Context};
use crate::text::decimal::UNBOUND;
use crate::text::style::Style;
use crate::text::{array, boolean, bytea, interval, json, tid, uuid};
use arrow::array::StringArray;
use postgres_types::{Kind, Type};

/// Reads the text form.
pub(super) fn read_text(text: &str, described: &Type, style: &Style) -> Result<ScalarValue, Failure> {
    if let Kind::Array(element) = described.kind() {
        let elements = array::parse(text).ok_or_else(|| match array::rows(text) {
            Some(_) => Failure::new("0A000", "arrays of several dimensions are not supported as parameters"),
            None => invalid_text(text, described),
        })?;
        let read = |text: &Option<String>| match text {
            Some(text) => read_text(text, element, style),
            None => ScalarValue::try_from(&arrow_type(element)).map_err(|_| invalid_text("NULL", element)),
        };
        let values: Vec<ScalarValue> = elements.iter().map(read).collect::<Result<_, _>>()?;
        return list(&values, element);
    }
    let invalid = || invalid_text(text, described);
    let trimmed = text.trim();
    let context = || Context { zone: &style.zone, spans: style.spans, now_us: Clock::System.now().timestamp_micros() };
    let at = |wanted: &'static str| move |found: datetime::Fault| Failure::from(fault::error(found, text, wanted));
    Ok(match *described {
        Type::BOOL => ScalarValue::Boolean(Some(boolean::parse(trimmed).ok_or_else(invalid)?)),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::XID | Type::CID | Type::FLOAT4 | Type::FLOAT8 => {
            crate::engine::number(text, &arrow_type(described))?
        }
        Type::NUMERIC => numeric(text)?,
        Type::BYTEA => ScalarValue::Binary(Some(bytea::parse(text).ok_or_else(invalid)?)),
        Type::DATE => ScalarValue::Date32(Some(datetime::date(text, context()).map_err(at("date"))?)),
        Type::TIME => ScalarValue::Time64Microsecond(Some(datetime::time(text, context()).map_err(at("time"))?)),
        Type::TIMESTAMP => {
            let local = datetime::timestamp(text, context()).map_err(at("timestamp"))?;
            ScalarValue::TimestampMicrosecond(Some(local), None)
        }
        Type::TIMESTAMPTZ => instant(datetime::timestamptz(text, context()).map_err(at("timestamp with time zone"))?),
        Type::INTERVAL => {
            ScalarValue::IntervalMonthDayNano(Some(interval::parse_as(text, style.spans).map_err(at("interval"))?))
        }
        Type::UUID | Type::TID | Type::JSON | Type::JSONB => own(text, described)?,
        _ => ScalarValue::Utf8(Some(text.to_owned())),
    })
}

/// A UUID, the address of a row or JSON, in the type that stands for it.
///
/// # Errors
/// 22P02 for a text that does not read.
pub(super) fn own(text: &str, described: &Type) -> Result<ScalarValue, Failure> {
    if *described == Type::UUID {
        let bytes = uuid::parse(text.trim()).ok_or_else(|| invalid_text(text, described))?;
        return Ok(ScalarValue::FixedSizeBinary(16, Some(bytes.to_vec())));
    }
    if *described == Type::TID {
        let bytes = tid::parse(text).ok_or_else(|| invalid_text(text, described))?;
        return Ok(ScalarValue::FixedSizeBinary(6, Some(bytes.to_vec())));
    }
    let invalid = || Failure::new("22P02", "invalid input syntax for type json");
    let read = json::read(&StringArray::from(vec![text]), &arrow_type(described)).map_err(|_| invalid())?;
    ScalarValue::try_from_array(&read, 0).map_err(|_| invalid())
}

/// A `timestamp with time zone` of microseconds since 1970.
pub(super) fn instant(us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into()))
}

/// A `numeric` with all its digits.
///
/// # Errors
/// 22P02 for what is no number; 0A000 for NaN, infinities, and digits that there is no room for.
pub(super) fn numeric(text: &str) -> Result<ScalarValue, Failure> {
    crate::engine::number(text, &UNBOUND).map_err(Failure::from)
}
