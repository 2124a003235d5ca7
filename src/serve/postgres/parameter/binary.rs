//! The binary form of parameters that a Postgres client binds: big-endian values as PostgreSQL's receive functions take
//! them become DataFusion scalars.
//!
//! Counts and lengths are the client's and are not believed: nothing is reserved for bytes that did not come.

use super::convert::{list, utf8};
use super::text::{instant, numeric, own};
use crate::engine::ScalarValue;
use crate::serve::postgres::error::Failure;
use crate::serve::postgres::types::arrow_type;
use crate::text::calendar::{DAY_US, FIRST_DAY, FIRST_US, LAST_DAY, LAST_US, date, is_moment};
use arrow::datatypes::IntervalMonthDayNano;
use bytes::{Buf, Bytes};
use postgres_types::{Kind, Type};

/// Microseconds from 1970 to 2000, where PostgreSQL's binary instants begin.
pub(super) const EPOCH_US: i64 = 946_684_800_000_000;
/// Elements of an array, at most.
const ELEMENTS_MAX: usize = 1 << 20;
const EPOCH_DAYS: i32 = 10_957;

/// Reads the binary form; none when the bytes are too few or too many.
pub(super) fn read_binary(bytes: &mut Bytes, described: &Type) -> Option<Result<ScalarValue, Failure>> {
    if let Kind::Array(element) = described.kind() {
        return read_array(bytes, element);
    }
    let scalar = match *described {
        Type::BOOL => ScalarValue::Boolean(Some(bytes.try_get_u8().ok()? != 0)),
        Type::INT2 => ScalarValue::Int16(Some(bytes.try_get_i16().ok()?)),
        Type::INT4 => ScalarValue::Int32(Some(bytes.try_get_i32().ok()?)),
        Type::INT8 => ScalarValue::Int64(Some(bytes.try_get_i64().ok()?)),
        Type::OID | Type::XID | Type::CID => ScalarValue::UInt32(Some(bytes.try_get_u32().ok()?)),
        Type::FLOAT4 => ScalarValue::Float32(Some(bytes.try_get_f32().ok()?)),
        Type::FLOAT8 => ScalarValue::Float64(Some(bytes.try_get_f64().ok()?)),
        Type::NUMERIC => {
            let text = numeric_text(bytes)?;
            match numeric(&text) {
                Ok(value) => value,
                Err(failure) => return Some(Err(failure)),
            }
        }
        Type::BYTEA => ScalarValue::Binary(Some(std::mem::take(bytes).to_vec())),
        Type::DATE => match bytes.try_get_i32().ok()? {
            days @ (LAST_DAY | FIRST_DAY) => ScalarValue::Date32(Some(days)),
            days => match days.checked_add(EPOCH_DAYS).and_then(|days| date(days.into())) {
                Some(days) => ScalarValue::Date32(Some(days)),
                None => return Some(Err(out_of_range())),
            },
        },
        Type::TIME => match bytes.try_get_i64().ok()? {
            us @ 0..=DAY_US => ScalarValue::Time64Microsecond(Some(us)),
            _ => return Some(Err(out_of_range())),
        },
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            let us = match bytes.try_get_i64().ok()? {
                us @ (LAST_US | FIRST_US) => us,
                us => match us.checked_add(EPOCH_US).filter(|us| is_moment(*us)) {
                    Some(us) => us,
                    None => return Some(Err(out_of_range())),
                },
            };
            if *described == Type::TIMESTAMPTZ {
                instant(us)
            } else {
                ScalarValue::TimestampMicrosecond(Some(us), None)
            }
        }
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
            ScalarValue::FixedSizeBinary(16, Some(id.as_bytes().to_vec()))
        }
        Type::TID if bytes.len() == 6 => ScalarValue::FixedSizeBinary(6, Some(std::mem::take(bytes).to_vec())),
        Type::TID => return None,
        _ => {
            let mut bytes = std::mem::take(bytes);
            if *described == Type::JSONB && bytes.try_get_u8().ok()? != 1 {
                return None;
            }
            let read = |text: &str| match *described {
                Type::JSON | Type::JSONB => own(text, described),
                _ => Ok(ScalarValue::Utf8(Some(text.to_owned()))),
            };
            return Some(utf8(&bytes).and_then(read));
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
