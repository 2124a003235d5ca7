//! Functions over columns of `numeric` that Arrow's decimals do not have: quotients with PostgreSQL's digits, products of
//! many places, and conversions from and to floats without a digit lost.
//!
//! DataFusion 55: a quotient of decimals has four places more than its dividend, a product of many places overflows, and
//! a double is cast through a power of ten that it does not hold exactly. Not needed once `1::numeric / 3` has 20 digits,
//! and `0.3::float8::numeric` is 0.3.

use super::decimal::{Number, Numbers, PLACES, UNBOUND, own, too_many_digits, unbound};
use crate::error::ErrorKind;
use arrow::array::{Array, ArrayRef, AsArray, Decimal256Array, Float32Array, Float64Array};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::{Arc, LazyLock};

/// The quotient of two decimals, of type [`UNBOUND`].
pub(crate) fn quotient(left: Expr, right: Expr) -> Expr {
    call(&QUOTIENT, vec![left, right])
}

/// The product of two decimals at a scale, which is refused where it has more places.
pub(crate) fn product(left: Expr, right: Expr, scale: i8) -> Expr {
    let function = Arc::new(ScalarUDF::from(Function::new(Operation::Product(scale))));
    Expr::ScalarFunction(ScalarFunction { func: function, args: vec![left, right] })
}

/// A float as the decimal that PostgreSQL casts it to, of type [`UNBOUND`].
pub(crate) fn of_float(value: Expr) -> Expr {
    call(&OF_FLOAT, vec![value])
}

/// A decimal as the nearest float.
pub(crate) fn to_float(value: Expr, to: &DataType) -> Expr {
    call(if *to == DataType::Float32 { &TO_FLOAT4 } else { &TO_FLOAT8 }, vec![value])
}

fn call(function: &LazyLock<Arc<ScalarUDF>>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction { func: Arc::clone(function), args })
}

fn made(operation: Operation) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Function::new(operation)))
}

static QUOTIENT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| made(Operation::Quotient));
static OF_FLOAT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| made(Operation::OfFloat));
static TO_FLOAT4: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| made(Operation::ToFloat4));
static TO_FLOAT8: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| made(Operation::ToFloat8));

/// Which of the functions it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Operation {
    Quotient,
    Product(i8),
    OfFloat,
    ToFloat4,
    ToFloat8,
}

/// A function over decimals; NULL of NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    operation: Operation,
    signature: Signature,
}

impl Function {
    fn new(operation: Operation) -> Self {
        let arguments = if matches!(operation, Operation::Quotient | Operation::Product(_)) { 2 } else { 1 };
        Self { operation, signature: Signature::any(arguments, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Quotient => "numeric_divide",
            Operation::Product(_) => "numeric_multiply",
            Operation::OfFloat => "float_to_numeric",
            Operation::ToFloat4 => "numeric_to_float4",
            Operation::ToFloat8 => "numeric_to_float8",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.operation {
            Operation::Product(scale) => DataType::Decimal256(76, scale),
            Operation::Quotient | Operation::OfFloat => UNBOUND,
            Operation::ToFloat4 => DataType::Float32,
            Operation::ToFloat8 => DataType::Float64,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalars = arguments.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalars { 1 } else { arguments.number_rows };
        let arrays = arguments.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let result = match (self.operation, arrays.as_slice()) {
            (Operation::Quotient, [left, right]) => decimals(left, right, PLACES, Number::divided_by)?,
            (Operation::Product(scale), [left, right]) => decimals(left, right, i16::from(scale), multiplied)?,
            (Operation::OfFloat, [array]) => of_floats(array)?,
            (Operation::ToFloat4, [array]) => {
                let numbers = Numbers::of(array)?;
                let values = (0..rows).map(|row| numbers.get(row).map(single).transpose());
                Arc::new(values.collect::<Result<Float32Array>>()?)
            }
            (Operation::ToFloat8, [array]) => {
                let numbers = Numbers::of(array)?;
                Arc::new((0..rows).map(|row| numbers.get(row).map(Number::to_f64)).collect::<Float64Array>())
            }
            _ => return plan_err!("{} takes other arguments", self.name()),
        };
        Ok(if scalars {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

/// An operation row by row, at a scale.
fn decimals(
    left: &ArrayRef,
    right: &ArrayRef,
    scale: i16,
    operation: fn(Number, Number) -> Result<Number>,
) -> Result<ArrayRef> {
    let (of_left, of_right) = (Numbers::of(left)?, Numbers::of(right)?);
    let value = |row: usize| match (of_left.get(row), of_right.get(row)) {
        (Some(left), Some(right)) => {
            let number = operation(left, right)?;
            number.at_scale(scale).map(Some).ok_or_else(too_many_digits)
        }
        _ => Ok(None),
    };
    let values = (0..left.len()).map(value).collect::<Result<Decimal256Array>>()?;
    let scale = i8::try_from(scale).unwrap_or(i8::MAX);
    Ok(Arc::new(values.with_precision_and_scale(76, scale)?))
}

fn multiplied(left: Number, right: Number) -> Result<Number> {
    let (left, right) = (left.stripped(), right.stripped());
    let digits = left.digits.checked_mul(right.digits).ok_or_else(too_many_digits)?;
    Ok(Number { digits, scale: left.scale + right.scale })
}

/// The single that is nearest to a number that has one.
fn single(number: Number) -> Result<f32> {
    let value = number.to_f32();
    match value.is_infinite() || (value == 0.0 && number.to_f64() != 0.0) {
        true => Err(own(ErrorKind::OutOfRange, &format!("\"{}\" is out of range for type real", number.to_f64()))),
        false => Ok(value),
    }
}

fn of_floats(array: &ArrayRef) -> Result<ArrayRef> {
    let number = |value: f64, significant: usize| {
        let number = Number::of_float(value, significant).ok_or_else(|| match value.is_finite() {
            true => too_many_digits(),
            false => own(ErrorKind::NotSupported, "a numeric that is not a number, or infinite, is not supported"),
        })?;
        unbound(number)
    };
    let values = match array.data_type() {
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            let value = |value: Option<f32>| value.map(|value| number(value.into(), 6)).transpose();
            values.iter().map(value).collect::<Result<Decimal256Array>>()?
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            let value = |value: Option<f64>| value.map(|value| number(value, 15)).transpose();
            values.iter().map(value).collect::<Result<Decimal256Array>>()?
        }
        other => return plan_err!("a float is wanted, not {other}"),
    };
    Ok(Arc::new(values.with_precision_and_scale(76, 38)?))
}
