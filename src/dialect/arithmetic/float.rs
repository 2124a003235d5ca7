//! Whether a result of float arithmetic left its type: it is infinite or zero, and its operands do not
//! say so.
//!
//! The results are looked through first, in one pass without branches; the operands only where a result
//! may be wrong. NaN gets no sign, by which DataFusion would sort and compare it.

use crate::dialect::function::double::Fault;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, Operator};
use std::sync::Arc;

/// Looks through the results of one operator over floats; other types pass.
///
/// # Errors
/// `OutOfRange` (SQLSTATE 22003) where finite operands have an infinite result, or a product or a
/// quotient is zero without reason.
pub(super) fn check(
    operator: Operator,
    left: &ColumnarValue,
    right: &ColumnarValue,
    result: ColumnarValue,
) -> Result<ColumnarValue> {
    match result.data_type() {
        DataType::Float64 => {
            of_type::<Float64Type>(operator, left, right, result, |value| if value.is_nan() { f64::NAN } else { value })
        }
        DataType::Float32 => {
            of_type::<Float32Type>(operator, left, right, result, |value| if value.is_nan() { f32::NAN } else { value })
        }
        _ => Ok(result),
    }
}

/// The check for one width of floats.
fn of_type<T: ArrowPrimitiveType>(
    operator: Operator,
    left: &ColumnarValue,
    right: &ColumnarValue,
    result: ColumnarValue,
    unsigned: fn(T::Native) -> T::Native,
) -> Result<ColumnarValue>
where
    T::Native: Into<f64>,
{
    let scales = matches!(operator, Operator::Multiply | Operator::Divide);
    let suspect = |value: f64| !value.is_finite() || scales && value == 0.0;
    let array = match &result {
        ColumnarValue::Array(array) => array.clone(),
        ColumnarValue::Scalar(value) if value.is_null() => return Ok(result),
        ColumnarValue::Scalar(value) => value.to_array()?,
    };
    let results = array.as_primitive::<T>();
    if !results.values().iter().fold(false, |any, value| any | suspect((*value).into())) {
        return Ok(result);
    }
    let mut nan = false;
    let (left, right) = (Side::<T>::of(left)?, Side::<T>::of(right)?);
    for row in 0..results.len() {
        let value: f64 = results.value(row).into();
        if !suspect(value) || results.is_null(row) {
            continue;
        }
        nan |= value.is_nan();
        let (left, right) = (left.value(row), right.value(row));
        // A divisor may be infinite: a quotient is zero then, and never infinite.
        let divides = operator == Operator::Divide;
        if value.is_infinite() && left.is_finite() && (right.is_finite() || divides) {
            return Err(Fault::Overflow.into());
        }
        if value == 0.0 && left != 0.0 && if divides { !right.is_infinite() } else { right != 0.0 } {
            return Err(Fault::Underflow.into());
        }
    }
    if !nan {
        return Ok(result);
    }
    let results: ArrayRef = Arc::new(results.unary::<_, T>(unsigned));
    Ok(match result {
        ColumnarValue::Array(_) => ColumnarValue::Array(results),
        ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&results, 0)?),
    })
}

/// An operand, a column or a constant.
enum Side<T: ArrowPrimitiveType> {
    Column(PrimitiveArray<T>),
    Constant(f64),
}

impl<T: ArrowPrimitiveType> Side<T>
where
    T::Native: Into<f64>,
{
    /// The operand as doubles; NULL as a constant is zero, and no result of it is looked at.
    fn of(value: &ColumnarValue) -> Result<Self> {
        let constant =
            |array: &ArrayRef| array.as_primitive::<T>().values().first().map_or(0.0, |value| (*value).into());
        Ok(match value {
            ColumnarValue::Array(array) => Self::Column(array.as_primitive::<T>().clone()),
            ColumnarValue::Scalar(ScalarValue::Float64(value)) => Self::Constant(value.unwrap_or(0.0)),
            ColumnarValue::Scalar(value) => Self::Constant(constant(&value.to_array()?)),
        })
    }

    /// The value in a row.
    fn value(&self, row: usize) -> f64 {
        match self {
            Self::Column(column) => column.value(row).into(),
            Self::Constant(value) => *value,
        }
    }
}
