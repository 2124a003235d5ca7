//! Literals: whole numbers are `integer` where they fit, then `bigint`, then `numeric`; numbers with a point or an
//! exponent are `numeric`; a text in quotes is read as the type it stands for.
//!
//! DataFusion 55: a whole number is an `Int64` or a `UInt64`. Not needed once `arrow_typeof(1)` is `Int32`.

use super::kind::{Kind, UNBOUND, decimal, too_many_digits};
use super::operand::Operand;
use crate::dialect::arithmetic::decimal::Number;
use crate::dialect::arithmetic::number_text;
use crate::dialect::function::routine;
use crate::dialect::moment::fault;
use crate::error::{ErrorKind, QueryError};
use crate::text::{array, boolean, bytea, interval, json, tid, uuid};
use arrow::datatypes::{DataType, i256};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, ScalarUDF, cast};
use std::sync::Arc;

/// The value that PostgreSQL gives a number that is written out.
pub(super) fn written(value: ScalarValue) -> ScalarValue {
    match value {
        ScalarValue::Int64(Some(number)) => {
            i32::try_from(number).map_or(value, |small| ScalarValue::Int32(Some(small)))
        }
        ScalarValue::UInt64(Some(number)) => ScalarValue::Decimal128(Some(number.into()), 20, 0),
        // `1e3` is 1000; what has more zeros than there is room for may still become a double.
        ScalarValue::Decimal128(Some(_), _, ..0) | ScalarValue::Decimal256(Some(_), _, ..0) => {
            Number::of(&value).and_then(Number::tight).unwrap_or(value)
        }
        other => other,
    }
}

/// Whether an expression is a number that is written out and may be that of an object.
pub(super) fn is_object(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Int32(Some(0..)), _))
}

/// A whole number as a `numeric` of its digits.
pub(super) fn whole_numeric(value: &ScalarValue) -> Result<Operand> {
    let number = match value {
        ScalarValue::Int16(Some(number)) => i64::from(*number),
        ScalarValue::Int32(Some(number)) => i64::from(*number),
        ScalarValue::Int64(Some(number)) => *number,
        _ => {
            let data_type = DataType::Decimal128(19, 0);
            return Ok(Operand { expr: Expr::Literal(ScalarValue::try_from(&data_type)?, None), data_type });
        }
    };
    let data_type = decimal(i16::from(digits_of(number.unsigned_abs())), 0);
    let DataType::Decimal128(precision, scale) = data_type else { return Err(too_many_digits()) };
    let value = ScalarValue::Decimal128(Some(number.into()), precision, scale);
    Ok(Operand { expr: Expr::Literal(value, None), data_type })
}

fn digits_of(number: u64) -> u8 {
    number.checked_ilog10().map_or(1, |power| u8::try_from(power + 1).unwrap_or(20))
}

/// A numeric literal without zeros that stand for its exponent alone: `1e3` is 1000.
pub(super) fn trimmed(value: &ScalarValue) -> Result<Operand> {
    let data_type = value.data_type();
    let (DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale)) = data_type else {
        return Ok(Operand { expr: Expr::Literal(value.clone(), None), data_type });
    };
    if scale >= 0 {
        return Ok(Operand { expr: Expr::Literal(value.clone(), None), data_type });
    }
    let Some(number) = Number::of(value) else { return Err(too_many_digits()) };
    let value = number.tight().ok_or_else(too_many_digits)?;
    Ok(Operand { data_type: value.data_type(), expr: Expr::Literal(value, None) })
}

/// A number that is written out as a value of another type of number; `None` when it is none, or does not fit.
pub(super) fn number_as(value: &ScalarValue, to: &DataType) -> Result<Option<ScalarValue>> {
    if value.is_null() {
        let numbers = Kind::of(&value.data_type()).is_number() && Kind::of(to).is_number();
        return if numbers { ScalarValue::try_from(to).map(Some) } else { Ok(None) };
    }
    let whole = match value {
        ScalarValue::Int16(Some(number)) => Some(i64::from(*number)),
        ScalarValue::Int32(Some(number)) => Some(i64::from(*number)),
        ScalarValue::Int64(Some(number)) => Some(*number),
        _ => None,
    };
    let number = match (whole, value) {
        (Some(number), _) => Number { digits: i256::from_i128(number.into()), scale: 0 },
        (None, ScalarValue::Decimal128(..) | ScalarValue::Decimal256(..)) => match Number::of(value) {
            Some(number) => number,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(match (to, whole) {
        (DataType::Int16, Some(number)) => i16::try_from(number).ok().map(|number| ScalarValue::Int16(Some(number))),
        (DataType::Int32, Some(number)) => i32::try_from(number).ok().map(|number| ScalarValue::Int32(Some(number))),
        (DataType::Int64, Some(number)) => Some(ScalarValue::Int64(Some(number))),
        (DataType::UInt32, Some(number)) => u32::try_from(number).ok().map(|number| ScalarValue::UInt32(Some(number))),
        (DataType::Float64, _) => Some(ScalarValue::Float64(Some(number.to_f64()))),
        (DataType::Float32, _) => Some(ScalarValue::Float32(Some(number.to_f32()))),
        (DataType::Decimal128(..) | DataType::Decimal256(..), _) => number.exactly(to),
        _ => None,
    })
}

/// A text that stands for a value of a type, as PostgreSQL's input function of the type reads it. Dates and moments are
/// left in a cast, which is read where the session's zone is known.
///
/// # Errors
/// 22P02 for a text that does not read, 22003 for a number out of range, 22007 for a span of time.
pub(super) fn read(text: &str, to: &DataType) -> Result<Expr> {
    let invalid = |kind: ErrorKind| {
        let name = Kind::of(to).name();
        DataFusionError::External(Box::new(QueryError::new(
            kind,
            format!("invalid input syntax for type {name}: \"{text}\""),
        )))
    };
    let literal = |value: ScalarValue| Ok(Expr::Literal(value, None));
    match Kind::of(to) {
        Kind::Bool => match boolean::parse(text.trim()) {
            Some(value) => literal(ScalarValue::Boolean(Some(value))),
            None => Err(invalid(ErrorKind::InvalidText)),
        },
        Kind::Numeric if *to == UNBOUND => {
            let number = number_text::numeric(text)?;
            literal(number.tight().ok_or_else(too_many_digits)?)
        }
        Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Oid | Kind::Numeric | Kind::Float4 | Kind::Float8 => {
            literal(number_text::value(text, to)?)
        }
        Kind::Interval => match interval::parse(text) {
            Ok(span) => literal(ScalarValue::IntervalMonthDayNano(Some(span))),
            Err(fault) => Err(fault::external(fault::error(fault, text, "interval"))),
        },
        Kind::Bytea => match bytea::parse(text) {
            Some(bytes) => literal(ScalarValue::Binary(Some(bytes))),
            None => Err(invalid(ErrorKind::InvalidText)),
        },
        Kind::Array(_) => match (to, array::parse(text)) {
            (DataType::List(element), Some(elements)) if !element.data_type().is_nested() => {
                let of = element.data_type();
                let parts = elements.iter().map(|part| match part {
                    Some(part) if matches!(Kind::of(of), Kind::Text) => literal(ScalarValue::Utf8(Some(part.clone()))),
                    Some(part) => read(part, of),
                    None => literal(ScalarValue::try_from(of)?),
                });
                let parts = parts.collect::<Result<Vec<_>>>()?;
                if parts.is_empty() {
                    return literal(ScalarValue::List(ScalarValue::new_list_nullable(&[], of)));
                }
                let make = datafusion::functions_nested::make_array::make_array_udf();
                Ok(cast(make.call(parts), DataType::List(Arc::new(element.as_ref().clone()))))
            }
            (_, None) => Err(DataFusionError::External(Box::new(QueryError::new(
                ErrorKind::InvalidText,
                format!("malformed array literal: \"{text}\""),
            )))),
            _ => Ok(cast(Expr::Literal(ScalarValue::Utf8(Some(text.to_owned())), None), to.clone())),
        },
        _ => {
            let text = Expr::Literal(ScalarValue::Utf8(Some(text.to_owned())), None);
            Ok(match own_cast(to) {
                Some(function) => function.call(vec![text]),
                None => cast(text, to.clone()),
            })
        }
    }
}

/// The function that reads a text as one of the types that only this dialect has.
fn own_cast(to: &DataType) -> Option<Arc<ScalarUDF>> {
    routine(match to {
        own if json::is_json(own) => "json",
        own if json::is_jsonb(own) => "jsonb",
        own if uuid::is_uuid(own) => "uuid_cast",
        own if tid::is_tid(own) => "tid_cast",
        _ => return None,
    })
}
