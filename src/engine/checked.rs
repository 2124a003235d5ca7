//! Arithmetic that does what PostgreSQL's does: it fails when an integer leaves its type and when a float is divided by
//! zero, and rounds what is cast to an integer.
//!
//! The engine below wraps integers around, divides to infinity, and cuts fractions off. Before a plan is optimised such
//! operators are replaced by functions; all other arithmetic stays as it is.

use crate::error::{ErrorKind, QueryError};
use arrow::array::{Array, ArrayRef, AsArray, Datum};
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

/// The rule that puts the checks in.
#[derive(Debug)]
pub(super) struct Checked;

impl FunctionRewrite for Checked {
    fn name(&self) -> &str {
        "checked arithmetic"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        if let Expr::Cast(to) = &expr
            && to.field.data_type().is_integer()
            && let Ok(from) = to.expr.get_type(schema)
            && (from.is_floating() || from.is_decimal())
        {
            let whole =
                Expr::ScalarFunction(ScalarFunction { func: ROUND.clone(), args: vec![to.expr.as_ref().clone()] });
            return Ok(Transformed::yes(Expr::Cast(Cast { expr: Box::new(whole), field: to.field.clone() })));
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
        let leaves_type = of_left.is_integer() && of_right.is_integer() && result.is_integer();
        if !(if *op == Operator::Divide { result.is_floating() } else { leaves_type }) {
            return Ok(Transformed::no(expr));
        }
        let args = vec![left.as_ref().clone(), right.as_ref().clone()];
        Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func: checked.1.clone(), args })))
    }
}

static OPERATIONS: LazyLock<[(Operator, Arc<ScalarUDF>); 4]> = LazyLock::new(|| {
    let operation = |operator, name| (operator, Arc::new(ScalarUDF::from(Operation::new(operator, name))));
    [
        operation(Operator::Plus, "add"),
        operation(Operator::Minus, "subtract"),
        operation(Operator::Multiply, "multiply"),
        operation(Operator::Divide, "divide"),
    ]
});

static ROUND: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Round::default())));

/// To the nearest whole number: of floats the even one of two, of decimals the one away from zero.
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
            [DataType::Decimal128(..)] => DataType::Decimal128(38, 0),
            [DataType::Decimal256(..)] => DataType::Decimal256(76, 0),
            [other] => other.clone(),
            _ => return plan_err!("to_whole takes one value"),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = arguments.args.as_slice() else { return plan_err!("to_whole takes one value") };
        let array = value.to_array(1)?;
        let whole: ArrayRef = match array.data_type() {
            DataType::Float32 => {
                Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even))
            }
            DataType::Float64 => {
                Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
            }
            // A cast between decimals rounds.
            _ => cast(&array, arguments.return_type())?,
        };
        match value {
            ColumnarValue::Scalar(_) => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&whole, 0)?)),
            ColumnarValue::Array(_) => Ok(ColumnarValue::Array(whole)),
        }
    }
}

/// One operator, checked.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Operation {
    operator: Operator,
    name: &'static str,
    signature: Signature,
}

impl Operation {
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
        apply(left, right, kernel).map_err(|error| match error {
            DataFusionError::ArrowError(error, _) if matches!(*error, ArrowError::ArithmeticOverflow(_)) => {
                out_of_range(&result_type)
            }
            other => other,
        })
    }
}

/// The error of a result that has no place in its type.
pub(super) fn out_of_range(result_type: &DataType) -> DataFusionError {
    let name = match result_type {
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => "smallint",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Decimal128(..) => "numeric",
        _ => "bigint",
    };
    DataFusionError::External(Box::new(QueryError::new(ErrorKind::OutOfRange, format!("{name} out of range"))))
}

/// Floats only. NaN by zero is NaN, as in PostgreSQL.
fn divide(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    if divides_by_zero(left, right) {
        return Err(ArrowError::DivideByZero);
    }
    numeric::div(left, right)
}

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
