//! Texts as numbers, by the rules of PostgreSQL's input functions: `'1.5'` is no integer (22P02), `'3000000000'` none of 32
//! bits (22003), `'1e400'` no double (22003).
//!
//! DataFusion 55: its casts are Arrow's, which cut `1.5`, take `1e400` for infinity and give no reason. Not needed once
//! `'1.5'::int` fails with "invalid input syntax".

use super::decimal::{Number, UNBOUND, too_many_digits, unbound};
use crate::error::{ErrorKind, QueryError};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, i256};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// A text as a number of a type.
pub(crate) fn read(text: Expr, to: &DataType) -> Expr {
    let function = ScalarUDF::from(Read { to: to.clone(), signature: Signature::any(1, Volatility::Immutable) });
    Expr::ScalarFunction(ScalarFunction { func: Arc::new(function), args: vec![text] })
}

/// A text as a scalar of a type of number, for a front end.
///
/// # Errors
/// As PostgreSQL's input function of the type: 22P02, 22003, or 0A000 for a numeric that has no place here.
pub fn scalar(text: &str, to: &DataType) -> Result<ScalarValue, QueryError> {
    value(text, to).map_err(QueryError::from)
}

fn name(to: &DataType) -> &'static str {
    match to {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => "smallint",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Int64 | DataType::UInt64 => "bigint",
        DataType::UInt32 => "oid",
        DataType::Float32 => "real",
        DataType::Float64 => "double precision",
        _ => "numeric",
    }
}

fn failed(kind: ErrorKind, message: String) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(kind, message)))
}

fn invalid(text: &str, to: &DataType) -> DataFusionError {
    failed(ErrorKind::InvalidText, format!("invalid input syntax for type {}: \"{text}\"", name(to)))
}

/// A text as a scalar of a type of number.
///
/// # Errors
/// 22P02 for a text that is no number of the kind, 22003 for one out of range, 0A000 for a numeric that has no place here.
pub(crate) fn value(text: &str, to: &DataType) -> Result<ScalarValue> {
    let out = || {
        let name = name(to);
        failed(ErrorKind::OutOfRange, format!("value \"{text}\" is out of range for type {name}"))
    };
    Ok(match to {
        DataType::Int16 => ScalarValue::Int16(Some(integer(text, to)?.try_into().map_err(|_| out())?)),
        DataType::Int32 => ScalarValue::Int32(Some(integer(text, to)?.try_into().map_err(|_| out())?)),
        DataType::Int64 => ScalarValue::Int64(Some(integer(text, to)?.try_into().map_err(|_| out())?)),
        DataType::UInt32 => {
            let number = integer(text, to)?;
            // PostgreSQL takes negative numbers for those modulo 2^32.
            let number = i32::try_from(number).map(i32::cast_unsigned).or_else(|_| u32::try_from(number));
            ScalarValue::UInt32(Some(number.map_err(|_| out())?))
        }
        DataType::Float32 => ScalarValue::Float32(Some(float(text, to, f32::is_infinite, |value| value == 0.0)?)),
        DataType::Float64 => ScalarValue::Float64(Some(float(text, to, f64::is_infinite, |value| value == 0.0)?)),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            let number = numeric(text)?;
            if *to == UNBOUND {
                return Ok(ScalarValue::Decimal256(Some(unbound(number)?), 76, 38));
            }
            let overflow = || failed(ErrorKind::OutOfRange, "numeric field overflow".to_owned());
            let digits = number.rounded(i16::from(*scale)).ok_or_else(overflow)?;
            let rounded = Number { digits, scale: i16::from(*scale) };
            let _ = precision;
            rounded.exactly(to).ok_or_else(overflow)?
        }
        other => return plan_err!("a text is not read as {other}"),
    })
}

/// A whole number: decimal, or with `0x`, `0o` or `0b` in front; `_` may stand between digits.
fn integer(text: &str, to: &DataType) -> Result<i128> {
    let trimmed = text.trim_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\u{b}');
    let (negative, unsigned) = match trimmed.as_bytes() {
        [b'-', ..] => (true, &trimmed[1..]),
        [b'+', ..] => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let (radix, digits) = match unsigned.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, &unsigned[2..]),
        Some("0o") => (8, &unsigned[2..]),
        Some("0b") => (2, &unsigned[2..]),
        _ => (10, unsigned),
    };
    let digits = if radix == 10 { digits } else { digits.strip_prefix('_').unwrap_or(digits) };
    let digits = ungrouped(digits).ok_or_else(|| invalid(text, to))?;
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(invalid(text, to));
    }
    // What 128 bits do not hold is out of range of every type.
    let number = i128::from_str_radix(&digits, radix).unwrap_or(i128::MAX);
    Ok(if negative { -number } else { number })
}

/// Digits without the underscores between them; `None` where one stands elsewhere.
fn ungrouped(digits: &str) -> Option<std::borrow::Cow<'_, str>> {
    if !digits.contains('_') {
        return Some(digits.into());
    }
    let parts = digits.split('_');
    parts.clone().all(|part| !part.is_empty()).then(|| parts.collect::<String>().into())
}

/// A float, which may be `NaN` or infinite by name, and neither too large nor too small otherwise.
fn float<F: std::str::FromStr + Copy>(
    text: &str,
    to: &DataType,
    is_infinite: fn(F) -> bool,
    is_zero: fn(F) -> bool,
) -> Result<F> {
    let trimmed = text.trim_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\u{b}');
    let value: F = trimmed.parse().map_err(|_| invalid(text, to))?;
    let named = trimmed.bytes().any(|byte| matches!(byte, b'n' | b'N'));
    let mantissa = trimmed.split(['e', 'E']).next().unwrap_or(trimmed);
    let written_as_zero = mantissa.bytes().all(|byte| !matches!(byte, b'1'..=b'9'));
    if (is_infinite(value) && !named) || (is_zero(value) && !written_as_zero) {
        return Err(failed(ErrorKind::OutOfRange, format!("\"{text}\" is out of range for type {}", name(to))));
    }
    Ok(value)
}

/// A `numeric` with the places that are written.
///
/// # Errors
/// 22P02 for what is no number; 0A000 for NaN, infinities and more digits than there is room for.
pub(crate) fn numeric(text: &str) -> Result<Number> {
    let invalid = || invalid(text, &UNBOUND);
    let trimmed = text.trim_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\u{b}');
    let (negative, unsigned) = match trimmed.as_bytes() {
        [b'-', ..] => (true, &trimmed[1..]),
        [b'+', ..] => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    if ["nan", "inf", "infinity"].contains(&unsigned.to_ascii_lowercase().as_str()) {
        if negative && unsigned.eq_ignore_ascii_case("nan") {
            return Err(invalid());
        }
        let message = "a numeric that is not a number, or infinite, is not supported".to_owned();
        return Err(failed(ErrorKind::NotSupported, message));
    }
    if unsigned.get(..2).is_some_and(|prefix| ["0x", "0o", "0b"].contains(&prefix.to_ascii_lowercase().as_str())) {
        let number = integer(text, &UNBOUND)?;
        return Ok(Number { digits: i256::from_i128(number), scale: 0 });
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let exponent = ungrouped(exponent).ok_or_else(invalid)?;
            (mantissa, exponent.parse::<i32>().map_err(|_| invalid())?)
        }
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (whole, fraction) = (ungrouped(whole).ok_or_else(invalid)?, ungrouped(fraction).ok_or_else(invalid)?);
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(invalid());
    }
    let significant = digits.trim_start_matches('0');
    let places = i32::try_from(fraction.len()).unwrap_or(i32::MAX).saturating_sub(exponent);
    let scale = i16::try_from(places).map_err(|_| too_many_digits())?;
    if significant.is_empty() {
        return Ok(Number { digits: i256::ZERO, scale: scale.clamp(0, 38) });
    }
    if significant.len() > 76 {
        return Err(too_many_digits());
    }
    let digits = i256::from_string(significant).ok_or_else(too_many_digits)?;
    let number = Number { digits: if negative { digits.wrapping_neg() } else { digits }, scale };
    match scale {
        ..0 => Ok(Number { digits: number.at_scale(0).ok_or_else(too_many_digits)?, scale: 0 }),
        _ => Ok(number),
    }
}

/// The function that reads texts of one column; NULL of NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Read {
    to: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Read {
    fn name(&self) -> &str {
        match self.to {
            DataType::Int16 => "text_to_int2",
            DataType::Int32 => "text_to_int4",
            DataType::Int64 => "text_to_int8",
            DataType::UInt32 => "text_to_oid",
            DataType::Float32 => "text_to_float4",
            DataType::Float64 => "text_to_float8",
            _ => "text_to_numeric",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [texts] = arguments.args.as_slice() else { return plan_err!("{} takes one value", self.name()) };
        match texts {
            ColumnarValue::Scalar(text) => {
                let text = text.cast_to(&DataType::Utf8)?;
                let ScalarValue::Utf8(Some(text)) = text else {
                    return Ok(ColumnarValue::Scalar(ScalarValue::try_from(&self.to)?));
                };
                Ok(ColumnarValue::Scalar(value(&text, &self.to)?))
            }
            ColumnarValue::Array(texts) => Ok(ColumnarValue::Array(self.all(texts)?)),
        }
    }
}

impl Read {
    fn all(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        if texts.is_empty() {
            return Ok(arrow::array::new_empty_array(&self.to));
        }
        let texts = cast(texts, &DataType::Utf8)?;
        let nothing = ScalarValue::try_from(&self.to)?;
        let values = texts.as_string::<i32>().iter().map(|text| match text {
            Some(text) => value(text, &self.to),
            None => Ok(nothing.clone()),
        });
        ScalarValue::iter_to_array(values.collect::<Result<Vec<_>>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, to: DataType, expected: Result<ScalarValue, ErrorKind>) {
        let found = value(text, &to).map_err(|error| QueryError::from(error).kind);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn texts_are_numbers_by_the_rules_of_their_type() {
        check(" 42 ", DataType::Int32, Ok(ScalarValue::Int32(Some(42))));
        check("0x1F", DataType::Int32, Ok(ScalarValue::Int32(Some(31))));
        check("1_000", DataType::Int64, Ok(ScalarValue::Int64(Some(1000))));
        check("1.5", DataType::Int32, Err(ErrorKind::InvalidText));
        check("", DataType::Int32, Err(ErrorKind::InvalidText));
        check("3000000000", DataType::Int32, Err(ErrorKind::OutOfRange));
        check("-32769", DataType::Int16, Err(ErrorKind::OutOfRange));
        check("1e400", DataType::Float64, Err(ErrorKind::OutOfRange));
        check("1e-400", DataType::Float64, Err(ErrorKind::OutOfRange));
        check("-inf", DataType::Float64, Ok(ScalarValue::Float64(Some(f64::NEG_INFINITY))));
        check("1.255", DataType::Decimal128(10, 2), Ok(ScalarValue::Decimal128(Some(126), 10, 2)));
        check("123", DataType::Decimal128(3, 1), Err(ErrorKind::OutOfRange));
        check("NaN", UNBOUND, Err(ErrorKind::NotSupported));
        check("1e-5", UNBOUND, Ok(ScalarValue::Decimal256(Some(i256::from_i128(10_i128.pow(33))), 76, 38)));
    }
}
