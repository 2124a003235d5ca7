//! Operators over `numeric`: Arrow's decimals have fixed places, so the type of each result has room for its digits, and
//! what needs more is computed by functions of our own.

use super::kind::{UNBOUND, digits, refusal, sum_digits};
use super::operand::Operand;
use super::symbol::Symbol;
use crate::dialect::arithmetic::{decimal_function, numeric_function};
use crate::error::ErrorKind;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, cast};

/// Places behind the point up to which a product keeps those of both factors.
const SCALE_MAX: i16 = 38;

/// An operator over two decimals.
pub(super) fn operator(symbol: Symbol, left: Operand, right: Operand) -> Result<Operand> {
    let Symbol::Operator(operator) = symbol else {
        return Ok(unbound(numeric_function::call("power", vec![left.expr, right.expr])));
    };
    let ((left_digits, left_scale), (right_digits, right_scale)) =
        (digits(&left.data_type)?, digits(&right.data_type)?);
    let wide = match operator {
        Operator::Divide => return Ok(unbound(decimal_function::quotient(left.expr, right.expr))),
        Operator::Multiply if left_scale + right_scale > SCALE_MAX => {
            let scale = SCALE_MAX.max(left_scale).max(right_scale);
            let scale = i8::try_from(scale).unwrap_or(i8::MAX);
            let data_type = DataType::Decimal256(76, scale);
            return Ok(Operand { expr: decimal_function::product(left.expr, right.expr, scale), data_type });
        }
        Operator::Multiply => left_digits + right_digits >= 38,
        Operator::Plus | Operator::Minus | Operator::Modulo => {
            matches!(sum_digits(&left.data_type, &right.data_type)?, DataType::Decimal256(..))
        }
        _ => {
            return Err(refusal(
                ErrorKind::NotSupported,
                format!("the operator {operator} over numeric is not supported"),
            ));
        }
    };
    let wide = wide || [&left, &right].iter().any(|side| matches!(side.data_type, DataType::Decimal256(..)));
    let side = |operand: Operand| match (wide, &operand.data_type) {
        (true, DataType::Decimal256(..)) | (false, DataType::Decimal128(..)) => (operand.expr, operand.data_type),
        (wide, other) => {
            let (digits, scale) = digits(other).unwrap_or((38, 0));
            let (digits, scale) = (u8::try_from(digits).unwrap_or(76), i8::try_from(scale).unwrap_or(0));
            let data_type =
                if wide { DataType::Decimal256(digits, scale) } else { DataType::Decimal128(digits, scale) };
            (cast(operand.expr, data_type.clone()), data_type)
        }
    };
    let ((left, of_left), (right, of_right)) = (side(left), side(right));
    let data_type = BinaryTypeCoercer::new(&of_left, &operator, &of_right).get_result_type()?;
    let expr = Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op: operator, right: Box::new(right) });
    Ok(Operand { expr, data_type })
}

/// What a function of our own over numerics gives.
fn unbound(expr: Expr) -> Operand {
    Operand { expr, data_type: UNBOUND }
}
