//! Functions of numbers that DataFusion lacks: quotients without a fraction, buckets of a histogram,
//! factorials, and how many of several values are NULL.

use super::define::{ANY_NUMBER, Context, Definition, Returns, integer, null, stable};
use super::double::Fault;
use super::section::Section;
use crate::error::{ErrorKind, QueryError};
use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::{DataType, i256};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Volatility;
use std::cmp::Ordering;

/// Their definitions.
pub(crate) const FUNCTIONS: &[Definition] = &[
    number("div", "Quotient of two numbers without its fraction.", &[2], Returns::From(|_| WHOLE), quotient),
    number("factorial", "Product of the numbers from 1 on.", &[1], Returns::From(|_| WIDE), factorial),
    number("min_scale", "How many places behind the point a number needs.", &[1], Returns::Int, |_, values| {
        Ok(needed(values)?.map_or_else(null, |places| ScalarValue::Int32(Some(places))))
    }),
    number("num_nonnulls", "How many of the arguments are not NULL.", ANY_NUMBER, Returns::Int, |_, values| {
        Ok(count(values.iter().filter(|value| !value.is_null()).count()))
    }),
    number("num_nulls", "How many of the arguments are NULL.", ANY_NUMBER, Returns::Int, |_, values| {
        Ok(count(values.iter().filter(|value| value.is_null()).count()))
    }),
    number("scale", "How many places behind the point a number has.", &[1], Returns::Int, |_, values| {
        let fixed = values.first().and_then(places).filter(|places| *places != UNBOUND_PLACES);
        Ok(match (needed(values)?, fixed) {
            (None, _) => null(),
            (Some(_), Some(places)) => ScalarValue::Int32(Some(i32::from(places))),
            (Some(places), None) => ScalarValue::Int32(Some(places)),
        })
    }),
    number(
        "trim_scale",
        "A number without zeros behind its last place.",
        &[1],
        Returns::From(|_| DataType::Decimal256(76, UNBOUND_PLACES)),
        |_, values| Ok(values.first().cloned().unwrap_or_else(null)),
    ),
    number("width_bucket", "Number of the bucket of a histogram that a value is in.", &[2, 4], Returns::Int, bucket),
];

/// A quotient without a fraction.
const WHOLE: DataType = DataType::Decimal128(38, 0);
/// The widest whole number.
const WIDE: DataType = DataType::Decimal256(76, 0);

/// Places of a decimal whose own places are known with its values only: it is shown without zeros behind.
const UNBOUND_PLACES: i8 = 38;

/// How many places behind the point the first argument needs; `None` for NULL.
fn needed(values: &[ScalarValue]) -> Result<Option<i32>> {
    let Some(value) = values.first().filter(|value| !value.is_null()) else { return Ok(None) };
    if places(value).is_none() {
        return Err(super::double::no_function("min_scale", &[value.data_type()]));
    }
    let text = match value.cast_to(&DataType::Utf8)? {
        ScalarValue::Utf8(Some(text)) => text,
        _ => return Ok(None),
    };
    let behind = text.split_once('.').map_or("", |(_, behind)| behind.trim_end_matches('0'));
    Ok(i32::try_from(behind.len()).ok())
}

/// A function of numbers, which gives the same for the same.
const fn number(
    name: &'static str,
    doc: &'static str,
    arguments: &'static [usize],
    returns: Returns,
    body: fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>,
) -> Definition {
    let defined = stable(name, doc, arguments, returns, body).about(Section::Numeric);
    Definition { volatility: Volatility::Immutable, ..defined }
}

/// How many, as an `integer`.
fn count(many: usize) -> ScalarValue {
    ScalarValue::Int32(i32::try_from(many).ok())
}

/// An error of the dialect, as DataFusion passes it on.
fn error(kind: ErrorKind, message: &str) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(kind, message)))
}

/// Digits behind the point of an exact number; `None` for floats and what is no number.
fn places(value: &ScalarValue) -> Option<i8> {
    match value.data_type() {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => Some(scale),
        whole if whole.is_integer() => Some(0),
        _ => None,
    }
}

/// Exact numbers as whole ones of one unit, the smallest of theirs; `None` when one is not exact.
fn exact(values: &[ScalarValue]) -> Option<Vec<i256>> {
    let scales = values.iter().map(places).collect::<Option<Vec<_>>>()?;
    let scale = scales.into_iter().max()?;
    let whole = |value: &ScalarValue| match value.cast_to(&DataType::Decimal256(76, scale)) {
        Ok(ScalarValue::Decimal256(Some(number), ..)) => Some(number),
        _ => None,
    };
    values.iter().map(whole).collect()
}

/// `div(a, b)`, towards zero; of exact numbers only.
fn quotient(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    if values.iter().any(ScalarValue::is_null) {
        return Ok(null());
    }
    let Some([dividend, divisor]) = exact(values).as_deref().and_then(|both| both.first_chunk::<2>().copied()) else {
        let types: Vec<DataType> = values.iter().map(ScalarValue::data_type).collect();
        return Err(super::double::no_function("div", &types));
    };
    let quotient = dividend.checked_div(divisor).ok_or(Fault::DivisionByZero)?;
    Ok(ScalarValue::Decimal256(Some(quotient), 76, 0))
}

/// `factorial(n)`, as long as it has at most 76 digits.
fn factorial(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    const MOST: i64 = 57;
    match integer(values, 0)? {
        None => Ok(null()),
        Some(number) if number < 0 => Err(error(ErrorKind::OutOfRange, "factorial of a negative number is undefined")),
        Some(number) if number > MOST => {
            Err(error(ErrorKind::NotSupported, "numeric values of more than 76 digits are not supported"))
        }
        Some(number) => {
            let product = (1..=number).fold(i256::ONE, |product, factor| product.wrapping_mul(i256::from(factor)));
            Ok(ScalarValue::Decimal256(Some(product), 76, 0))
        }
    }
}

/// `width_bucket(value, low, high, buckets)`, or `width_bucket(value, lower bounds)`.
fn bucket(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    if values.iter().any(ScalarValue::is_null) {
        return Ok(null());
    }
    let [value, low, high, buckets] = values else { return bucket_by_bounds(values) };
    let invalid = |message: &str| error(ErrorKind::WidthBucket, message);
    let buckets = match integer(std::slice::from_ref(buckets), 0)? {
        Some(buckets) if buckets > 0 => buckets,
        _ => return Err(invalid("count must be greater than zero")),
    };
    let found = match exact(&[value.clone(), low.clone(), high.clone()]).as_deref() {
        Some([value, low, high]) => among_exact([*value, *low, *high], buckets)?,
        _ => {
            let double = |value: &ScalarValue| match value.cast_to(&DataType::Float64) {
                Ok(ScalarValue::Float64(Some(number))) => Ok(number),
                _ => plan_err!("a number is wanted"),
            };
            among_doubles(double(value)?, double(low)?, double(high)?, buckets)?
        }
    };
    i32::try_from(found)
        .map(|found| ScalarValue::Int32(Some(found)))
        .map_err(|_| error(ErrorKind::OutOfRange, "integer out of range"))
}

/// The bucket of an exact number.
fn among_exact([value, low, high]: [i256; 3], buckets: i64) -> Result<i64> {
    let (ahead, span, before) = match low.cmp(&high) {
        Ordering::Equal => return Err(error(ErrorKind::WidthBucket, "lower bound cannot equal upper bound")),
        Ordering::Less => (value.wrapping_sub(low), high.wrapping_sub(low), value < low),
        Ordering::Greater => (low.wrapping_sub(value), low.wrapping_sub(high), value > low),
    };
    if before {
        return Ok(0);
    }
    if ahead >= span {
        return Ok(buckets + 1);
    }
    let scaled = ahead.checked_mul(i256::from(buckets)).and_then(|scaled| scaled.checked_div(span));
    match scaled.and_then(|place| place.to_i128()).and_then(|place| i64::try_from(place).ok()) {
        Some(place) => Ok(place + 1),
        None => Err(error(ErrorKind::OutOfRange, "value overflows numeric format")),
    }
}

/// The bucket of a double.
#[allow(clippy::cast_possible_truncation, reason = "the place is between 0 and the number of buckets")]
fn among_doubles(value: f64, low: f64, high: f64, buckets: i64) -> Result<i64> {
    let invalid = |message: &str| Err(error(ErrorKind::WidthBucket, message));
    if value.is_nan() || low.is_nan() || high.is_nan() {
        return invalid("operand, lower bound, and upper bound cannot be NaN");
    }
    if low.is_infinite() || high.is_infinite() {
        return invalid("lower and upper bounds must be finite");
    }
    if low == high {
        return invalid("lower bound cannot equal upper bound");
    }
    let (ahead, past) = if low < high { (value < low, value >= high) } else { (value > low, value <= high) };
    if ahead {
        return Ok(0);
    }
    if past {
        return Ok(buckets + 1);
    }
    // Bounds so far apart that their distance is no double are halved.
    let half = if (high - low).is_infinite() { 0.5 } else { 1.0 };
    let share = (value * half - low * half) / (high * half - low * half);
    let place = (share * buckets as f64) as i64;
    Ok(place.clamp(0, buckets - 1) + 1)
}

/// How many of the sorted bounds are at or below a value.
fn bucket_by_bounds(values: &[ScalarValue]) -> Result<ScalarValue> {
    let [value, bounds] = values else { return plan_err!("width_bucket takes two or four arguments") };
    let ScalarValue::List(list) = bounds else { return plan_err!("width_bucket takes an array of bounds") };
    let bounds = list.value(0);
    if bounds.null_count() > 0 {
        return Err(error(ErrorKind::NullNotAllowed, "thresholds array must not contain NULLs"));
    }
    let wanted = match (value.data_type(), bounds.data_type()) {
        (own, other) if own == *other => own,
        (own, other) if own.is_numeric() && other.is_numeric() => DataType::Float64,
        (_, other) => other.clone(),
    };
    let value = value.cast_to(&wanted)?;
    let mut below = 0;
    for row in 0..bounds.len() {
        let bound = ScalarValue::try_from_array(&bounds, row)?.cast_to(&wanted)?;
        let is_below = match (&bound, &value) {
            (ScalarValue::Float64(Some(bound)), ScalarValue::Float64(Some(value))) => value.is_nan() || bound <= value,
            _ => bound <= value,
        };
        if is_below {
            below = row + 1;
        }
    }
    Ok(count(below))
}
