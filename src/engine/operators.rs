//! Operators whose result PostgreSQL types otherwise: dates and intervals, intervals and numbers, booleans and texts; and
//! those of JSON.
//!
//! Called by the planner for each operator, before it types the result itself.

use super::json;
use arrow::array::{ArrayRef, AsArray, IntervalMonthDayNanoArray};
use arrow::datatypes::{DataType, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit};
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast, lit,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use std::sync::{Arc, LazyLock};

/// The rules.
#[derive(Debug)]
pub(super) struct Operators;

const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, mut raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let (Ok(left), Ok(right)) = (raw.left.get_type(schema), raw.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        let span = |data_type: &DataType| matches!(data_type, DataType::Interval(_));
        match raw.op {
            BinaryOperator::Arrow => return Ok(PlannerResult::Planned(json::get(raw.left, raw.right, false))),
            BinaryOperator::LongArrow => return Ok(PlannerResult::Planned(json::get(raw.left, raw.right, true))),
            BinaryOperator::Plus | BinaryOperator::Minus if left == DataType::Date32 && span(&right) => {
                raw.left = midnight(raw.left);
            }
            BinaryOperator::Plus if span(&left) && right == DataType::Date32 => raw.right = midnight(raw.right),
            BinaryOperator::Multiply if span(&left) && right.is_numeric() => {
                return Ok(PlannerResult::Planned(times(raw.left, raw.right)));
            }
            BinaryOperator::Multiply if left.is_numeric() && span(&right) => {
                return Ok(PlannerResult::Planned(times(raw.right, raw.left)));
            }
            BinaryOperator::Divide if span(&left) && right.is_numeric() => {
                let share = lit(1.0) / cast(raw.right, DataType::Float64);
                return Ok(PlannerResult::Planned(times(raw.left, share)));
            }
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

/// Whether a quotient of these types is a decimal.
fn exact(left: &DataType, right: &DataType) -> bool {
    let whole = |data_type: &DataType| data_type.is_decimal() || data_type.is_integer();
    whole(left) && whole(right) && (left.is_decimal() || right.is_decimal())
}

/// Digits behind the point.
fn scale(data_type: &DataType) -> i8 {
    match data_type {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

/// A date as the instant without a zone at which it begins.
fn midnight(date: Expr) -> Expr {
    cast(date, DataType::Timestamp(TimeUnit::Microsecond, None))
}

fn times(span: Expr, factor: Expr) -> Expr {
    static TIMES: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Times::default())));
    Expr::ScalarFunction(ScalarFunction { func: TIMES.clone(), args: vec![span, factor] })
}

/// `x + 1`: a number that is written out is an `integer` where it fits, so that it does not widen what stands beside it.
fn as_integer(expr: &mut Expr) {
    if let Expr::Literal(ScalarValue::Int64(Some(number)), _) = expr
        && let Ok(number) = i32::try_from(*number)
    {
        *expr = lit(number);
    }
}

/// `indisprimary = 't'`: a text beside a boolean is one of the words for booleans.
fn as_boolean(expr: &mut Expr) {
    let Expr::Literal(ScalarValue::Utf8(Some(word)) | ScalarValue::Utf8View(Some(word)), _) = expr else { return };
    let Some(value) = crate::text::boolean::parse(word) else { return };
    *expr = lit(value);
}

/// An interval times a number: what is left of months goes to days of which a month has 30, and of days to hours.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Times {
    signature: Signature,
}

impl Default for Times {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![SPAN, DataType::Float64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Times {
    fn name(&self) -> &str {
        "interval_times"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(SPAN)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [spans, factors] = arguments.args.as_slice() else {
            return plan_err!("an interval and a number are wanted");
        };
        let (spans, factors) = (spans.to_array(rows)?, factors.to_array(rows)?);
        let spans = spans.as_primitive::<IntervalMonthDayNanoType>().iter();
        let products = spans.zip(factors.as_primitive::<Float64Type>()).map(|pair| match pair {
            (Some(span), Some(factor)) => Some(product(span, factor)),
            _ => None,
        });
        Ok(ColumnarValue::Array(Arc::new(products.collect::<IntervalMonthDayNanoArray>()) as ArrayRef))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "casts of floats saturate, and intervals end where they saturate")]
fn product(span: IntervalMonthDayNano, factor: f64) -> IntervalMonthDayNano {
    const DAYS_PER_MONTH: f64 = 30.0;
    const NS_PER_DAY: f64 = 86_400e9;
    let months = f64::from(span.months) * factor;
    let days = f64::from(span.days) * factor + (months - months.trunc()) * DAYS_PER_MONTH;
    // Fractions that are only there because of binary digits are none.
    let days = if (days - days.round()).abs() < 1e-9 { days.round() } else { days };
    let ns = span.nanoseconds as f64 * factor + (days - days.trunc()) * NS_PER_DAY;
    IntervalMonthDayNano::new(months.trunc() as i32, days.trunc() as i32, ns.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_go_to_the_smaller_unit() {
        let span = IntervalMonthDayNano::new;
        assert_eq!(product(span(1, 0, 0), 1.5), span(1, 15, 0));
        assert_eq!(product(span(0, 1, 0), 2.0), span(0, 2, 0));
        assert_eq!(product(span(0, 1, 0), 0.5), span(0, 0, 43_200_000_000_000));
        assert_eq!(product(span(0, 0, 3_600_000_000_000), -2.0), span(0, 0, -7_200_000_000_000));
    }
}
