//! The rule `CheckedArithmetic` replaces DataFusion operators whose errors PostgreSQL reports: an
//! integer that leaves its type, a float divided by zero, and a cast to an integer, which rounds.
//!
//! Before a plan is optimized, `+`, `-` and `*` over integers and floats become the functions `add`,
//! `subtract` and `multiply`, `/` over floats becomes `divide`, casts of floats and decimals to integers
//! get `to_whole` in front, as `round` of floats is, and casts to single precision are `to_real`. All other arithmetic stays as
//! it is: Arrow's kernels check the division of integers and the arithmetic of decimals themselves.
//!
//! DataFusion 55: `BinaryExpr` is built with `fail_on_overflow: false`, so that an integer that
//! leaves its type wraps around without an error (apache/datafusion#17539 and #3520, open). Not
//! needed once `SELECT 9223372036854775807 + 1` fails: `postgres_language.slt` expects "bigint out of
//! range" of it.
//!
//! DataFusion 55: floats are computed as IEEE 754 has it, `1.0::float8 / 0` and `1e308::float8 * 10` are
//! infinity (apache/datafusion#7502 decided so); no change is to be expected. Not needed once an option
//! makes it an error.
//!
//! DataFusion 55: a cast to an integer cuts the fraction off, `2.8::int` is 2
//! (apache/datafusion#11886, open; the kernel is Arrow's). Not needed once it gives 3, and
//! `2.5::float8::int` gives 2.

use super::float;
use crate::dialect::array::value::{base, depth, nested};
use crate::dialect::function::double::Fault;
use crate::error::{ErrorKind, QueryError};
use arrow::array::{Array, ArrayRef, AsArray, Datum, ListArray};
use arrow::compute::cast;
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::physical_expr_common::datum::apply;
use std::sync::{Arc, LazyLock};

/// The function rewrite that puts the checks in.
#[derive(Debug)]
pub(crate) struct CheckedArithmetic;

impl FunctionRewrite for CheckedArithmetic {
    fn name(&self) -> &str {
        "checked arithmetic"
    }

    /// Replaces one cast or operator where its operands' types ask for a check, and leaves every
    /// other expression. Types that cannot be told yet are left to DataFusion's own errors.
    fn rewrite(&self, expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        if let Expr::Cast(to) = &expr
            && base(to.field.data_type()).is_integer()
            && let Ok(from) = to.expr.get_type(schema)
            && depth(&from) == depth(to.field.data_type())
            && (base(&from).is_floating() || base(&from).is_decimal())
        {
            let whole =
                Expr::ScalarFunction(ScalarFunction { func: ROUND.clone(), args: vec![to.expr.as_ref().clone()] });
            return Ok(Transformed::yes(Expr::Cast(Cast { expr: Box::new(whole), field: to.field.clone() })));
        }
        if let Expr::ScalarFunction(call) = &expr
            && call.func.name() == "round"
            && let [number] = call.args.as_slice()
            && number.get_type(schema).is_ok_and(|from| from.is_floating())
        {
            let call = ScalarFunction { func: ROUND.clone(), args: vec![number.clone()] };
            return Ok(Transformed::yes(Expr::ScalarFunction(call)));
        }
        if let Expr::Cast(to) = &expr
            && *to.field.data_type() == DataType::Float32
            && let Ok(from) = to.expr.get_type(schema)
            && (from == DataType::Float64 || from.is_decimal())
        {
            let wide = Expr::Cast(Cast::new(to.expr.clone(), DataType::Float64));
            let args = vec![if from == DataType::Float64 { to.expr.as_ref().clone() } else { wide }];
            return Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func: TO_REAL.clone(), args })));
        }
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = &expr else { return Ok(Transformed::no(expr)) };
        let Some(checked) = OPERATIONS.iter().find(|(operator, _)| operator == op) else {
            return Ok(Transformed::no(expr));
        };
        let (Ok(of_left), Ok(of_right)) = (left.get_type(schema), right.get_type(schema)) else {
            return Ok(Transformed::no(expr));
        };
        let Ok(result) = BinaryTypeCoercer::new(&of_left, op, &of_right).get_result_type() else {
            return Ok(Transformed::no(expr));
        };
        let whole = of_left.is_integer() && of_right.is_integer() && result.is_integer();
        if !result.is_floating() && (*op == Operator::Divide || !whole) {
            return Ok(Transformed::no(expr));
        }
        let args = vec![left.as_ref().clone(), right.as_ref().clone()];
        Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func: checked.1.clone(), args })))
    }
}

/// The functions of the checked operators, made once: equal expressions must share one function to be
/// recognised as equal.
static OPERATIONS: LazyLock<[(Operator, Arc<ScalarUDF>); 4]> = LazyLock::new(|| {
    let operation = |operator, name| (operator, Arc::new(ScalarUDF::from(Operation::new(operator, name))));
    [
        operation(Operator::Plus, "add"),
        operation(Operator::Minus, "subtract"),
        operation(Operator::Multiply, "multiply"),
        operation(Operator::Divide, "divide"),
    ]
});

/// The function `to_whole`, made once.
static ROUND: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Round::default())));

/// The function `to_real`, made once.
static TO_REAL: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(ToReal::default())));

/// The function `to_real`: a double in single precision, which fails where it is infinite or zero there
/// and was not before.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ToReal {
    signature: Signature,
}

impl Default for ToReal {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![DataType::Float64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ToReal {
    fn name(&self) -> &str {
        "to_real"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float32)
    }

    #[allow(clippy::cast_possible_truncation, reason = "a double rounds to single precision")]
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = arguments.args.as_slice() else { return plan_err!("to_real takes one value") };
        let array = value.to_array(1)?;
        let single = |value: f64| {
            let single = value as f32;
            match single {
                single if single.is_infinite() && !value.is_infinite() => Err(Fault::Overflow),
                single if single == 0.0 && value != 0.0 => Err(Fault::Underflow),
                single => Ok(single),
            }
        };
        let reals = array.as_primitive::<Float64Type>().try_unary::<_, Float32Type, Fault>(single)?;
        match value {
            ColumnarValue::Scalar(_) => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&reals, 0)?)),
            ColumnarValue::Array(_) => Ok(ColumnarValue::Array(Arc::new(reals))),
        }
    }
}

/// The function `to_whole`: a number rounded to the nearest whole one, of floats the even one of two,
/// of decimals the one away from zero. NULL gives NULL, NaN and infinity stay, and the cast behind it
/// refuses them.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Round {
    signature: Signature,
}

impl Default for Round {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Round {
    fn name(&self) -> &str {
        "to_whole"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match arguments {
            [list] if depth(list) > 0 => nested(&self.return_type(&[base(list).clone()])?, depth(list)),
            [DataType::Decimal128(..)] => DataType::Decimal128(38, 0),
            [DataType::Decimal256(..)] => DataType::Decimal256(76, 0),
            [other] => other.clone(),
            _ => return plan_err!("to_whole takes one value"),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = arguments.args.as_slice() else { return plan_err!("to_whole takes one value") };
        let whole = rounded(&value.to_array(1)?, arguments.return_type())?;
        match value {
            ColumnarValue::Scalar(_) => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&whole, 0)?)),
            ColumnarValue::Array(_) => Ok(ColumnarValue::Array(whole)),
        }
    }
}

/// Numbers, or the numbers in lists, rounded to whole ones.
fn rounded(array: &ArrayRef, result: &DataType) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Float32 => {
            Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even))
        }
        DataType::Float64 => {
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
        }
        DataType::List(_) => {
            let (lists, DataType::List(field)) = (array.as_list::<i32>(), result) else {
                return plan_err!("to_whole of a list is a list");
            };
            let values = rounded(lists.values(), field.data_type())?;
            let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
            Arc::new(ListArray::try_new(field.clone(), offsets, values, nulls)?)
        }
        // A cast between decimals rounds.
        _ => cast(array, result)?,
    })
}

/// One checked operator as a function of two numbers, which fails where the result leaves its type.
/// NULL on either side gives NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Operation {
    /// The operator that DataFusion's coercion rules are asked about, so that operands are widened as
    /// for the operator itself.
    operator: Operator,
    /// The function's name, which EXPLAIN shows.
    name: &'static str,
    signature: Signature,
}

impl Operation {
    /// The function of an operator; its argument types are settled by `coerce_types`.
    fn new(operator: Operator, name: &'static str) -> Self {
        Self { operator, name, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Operation {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [left, right] = arguments else { return plan_err!("{} takes two values", self.name) };
        let (left, right) = BinaryTypeCoercer::new(left, &self.operator, right).get_input_types()?;
        Ok(vec![left, right])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [left, right] = arguments else { return plan_err!("{} takes two values", self.name) };
        BinaryTypeCoercer::new(left, &self.operator, right).get_result_type()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let result_type = arguments.return_type().clone();
        let [left, right] = arguments.args.as_slice() else { return plan_err!("{} takes two values", self.name) };
        let kernel: fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError> = match self.operator {
            Operator::Plus => numeric::add,
            Operator::Minus => numeric::sub,
            Operator::Multiply => numeric::mul,
            _ => divide,
        };
        let result = apply(left, right, kernel).map_err(|error| match error {
            DataFusionError::ArrowError(error, _) if matches!(*error, ArrowError::ArithmeticOverflow(_)) => {
                out_of_range(&result_type)
            }
            other => other,
        })?;
        float::check(self.operator, left, right, result)
    }
}

/// The error of a result that has no place in its type: SQLSTATE 22003, `integer out of range`.
/// `smallint`, `integer`, `bigint` or `numeric` by the Arrow type.
pub(crate) fn out_of_range(result_type: &DataType) -> DataFusionError {
    let name = match result_type {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => "smallint",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Decimal128(..) => "numeric",
        _ => "bigint",
    };
    DataFusionError::External(Box::new(QueryError::new(ErrorKind::OutOfRange, format!("{name} out of range"))))
}

/// Divides floats, and fails with "division by zero" (SQLSTATE 22012) where any row has a zero
/// divisor and a number above it. NaN by zero is NaN, and NULL by zero NULL, as in PostgreSQL.
fn divide(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    if divides_by_zero(left, right) {
        return Err(ArrowError::DivideByZero);
    }
    numeric::div(left, right)
}

/// Whether some row divides a number by zero. A scalar divisor that is not zero answers without a
/// look at the rows.
fn divides_by_zero(left: &dyn Datum, right: &dyn Datum) -> bool {
    let ((left, left_scalar), (right, right_scalar)) = (left.get(), right.get());
    let rows = if left_scalar { right.len() } else { left.len() };
    let zero = |row: usize| value(right, row) == Some(0.0);
    let number = |row: usize| value(left, row).is_some_and(|value| !value.is_nan());
    let at = |scalar: bool, row: usize| if scalar { 0 } else { row };
    if right_scalar && !(right.len() == 1 && zero(0)) {
        return false;
    }
    (0..rows).any(|row| zero(at(right_scalar, row)) && number(at(left_scalar, row)))
}

/// The float in a row, as a double; `None` for NULL.
fn value(array: &dyn Array, row: usize) -> Option<f64> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Float32 => Some(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Some(array.as_primitive::<Float64Type>().value(row)),
        _ => None,
    }
}
