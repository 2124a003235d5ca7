//! The expression planner `Operators` types operators as PostgreSQL does where DataFusion types them
//! otherwise: dates and intervals, intervals and numbers, decimals, small integers, booleans beside
//! texts.
//!
//! DataFusion's SQL planner calls it for each operator, with both sides planned, before it types the
//! result itself.
//!
//! DataFusion 55: a number that is written out is an Int64, so that `int + 1` is a `bigint`. Not
//! needed once `pg_typeof(1::int + 1)` is `integer`.
//!
//! DataFusion 55: a quotient of decimals has four places more than its dividend, and a decimal
//! without places gives four digits. Not needed once `1::numeric / 3` has at least 16 digits.

use crate::dialect::moment;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, cast, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator;

/// The expression planner; it has no state.
#[derive(Debug)]
pub(crate) struct Operators;

impl ExprPlanner for Operators {
    /// Changes the sides of one operator, or plans it as a call. Sides whose type is not known yet,
    /// parameters for instance, are left to DataFusion.
    ///
    /// - days, moments, times and spans: calls of `moment::operator`.
    /// - decimal ÷ decimal or integer: both sides as wide decimals.
    /// - integer ± literal: the literal as an `integer` where it fits.
    /// - boolean = `'t'`: the word as a boolean.
    fn plan_binary_op(&self, mut raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let (Ok(left), Ok(right)) = (raw.left.get_type(schema), raw.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        if let Some(op) = arithmetic(&raw.op)
            && let Some(planned) = moment::operator::plan(op, &raw.left, &raw.right, schema)?
        {
            return Ok(PlannerResult::Planned(planned));
        }
        match raw.op {
            BinaryOperator::Divide if exact(&left, &right) => {
                let wide = |expr: Expr, scale| cast(expr, DataType::Decimal256(WIDE_DIGITS, scale));
                let places = QUOTIENT_PLACES.max(scale(&left)).max(scale(&right));
                raw.left = wide(raw.left, places);
                raw.right = wide(raw.right, scale(&right));
            }
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => {
                let small =
                    |data_type: &DataType| matches!(data_type, DataType::Int8 | DataType::Int16 | DataType::Int32);
                if small(&left) {
                    as_integer(&mut raw.right);
                }
                if small(&right) {
                    as_integer(&mut raw.left);
                }
            }
            BinaryOperator::Eq | BinaryOperator::NotEq if left == DataType::Boolean => as_boolean(&mut raw.right),
            BinaryOperator::Eq | BinaryOperator::NotEq if right == DataType::Boolean => as_boolean(&mut raw.left),
            _ => {}
        }
        Ok(PlannerResult::Original(raw))
    }
}

/// Digits behind the point of a dividend of decimals, of which a quotient has four more.
const QUOTIENT_PLACES: i8 = 16;
/// Digits of the widest decimals.
const WIDE_DIGITS: u8 = 76;

/// Whether a quotient of these types is a decimal: one side is, and neither is a float.
fn exact(left: &DataType, right: &DataType) -> bool {
    let whole = |data_type: &DataType| data_type.is_decimal() || data_type.is_integer();
    whole(left) && whole(right) && (left.is_decimal() || right.is_decimal())
}

/// Digits behind the point of a type; 0 of integers.
fn scale(data_type: &DataType) -> i8 {
    match data_type {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

/// DataFusion's operator for one of the four kinds of arithmetic.
fn arithmetic(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        _ => return None,
    })
}

/// Makes a number that is written out an `integer` where it fits, so that it does not widen what
/// stands beside it: `x + 1` keeps the type of an `integer` column.
fn as_integer(expr: &mut Expr) {
    if let Expr::Literal(ScalarValue::Int64(Some(number)), _) = expr
        && let Ok(number) = i32::try_from(*number)
    {
        *expr = lit(number);
    }
}

/// Makes a text that is written out beside a boolean one of the words for booleans: `indisprimary =
/// 't'`. Other words stay texts, and DataFusion refuses the comparison.
fn as_boolean(expr: &mut Expr) {
    let Expr::Literal(ScalarValue::Utf8(Some(word)) | ScalarValue::Utf8View(Some(word)), _) = expr else { return };
    let Some(value) = crate::text::boolean::parse(word) else { return };
    *expr = lit(value);
}
