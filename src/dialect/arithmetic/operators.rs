//! The expression planner `Operators` types operators as PostgreSQL does where DataFusion types them
//! otherwise: dates and intervals, intervals and numbers, decimals, small integers, booleans beside
//! texts.
//!
//! DataFusion's SQL planner calls it for each operator, with both sides planned, before it types the
//! result itself.
//!
//! DataFusion 55: date + interval is a date (apache/datafusion#19527, open). Not needed once
//! `pg_typeof(date '2026-01-01' + interval '1 hour')` is `timestamp without time zone`.
//!
//! DataFusion 55: intervals cannot be multiplied or divided (apache/datafusion#13850, open). Not
//! needed once `interval '1 month' * 1.5` is one month and 15 days.
//!
//! DataFusion 55: a number that is written out is an Int64, so that `int + 1` is a `bigint`. Not
//! needed once `pg_typeof(1::int + 1)` is `integer`.
//!
//! DataFusion 55: a quotient of decimals has four places more than its dividend, and a decimal
//! without places gives four digits. Not needed once `1::numeric / 3` has at least 16 digits.

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

/// The expression planner; it has no state.
#[derive(Debug)]
pub(crate) struct Operators;

/// The one interval type of this server: months, days and nanoseconds.
const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

impl ExprPlanner for Operators {
    /// Changes the sides of one operator, or plans it as a call. Sides whose type is not known yet,
    /// parameters for instance, are left to DataFusion.
    ///
    /// - date ± interval: the date becomes midnight.
    /// - interval × number, interval ÷ number: a call of `interval_times`.
    /// - decimal ÷ decimal or integer: both sides as wide decimals.
    /// - integer ± literal: the literal as an `integer` where it fits.
    /// - boolean = `'t'`: the word as a boolean.
    fn plan_binary_op(&self, mut raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let (Ok(left), Ok(right)) = (raw.left.get_type(schema), raw.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        let span = |data_type: &DataType| matches!(data_type, DataType::Interval(_));
        match raw.op {
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

/// A date as the instant without a zone at which it begins.
fn midnight(date: Expr) -> Expr {
    cast(date, DataType::Timestamp(TimeUnit::Microsecond, None))
}

/// The call of `interval_times` on an interval and a number.
fn times(span: Expr, factor: Expr) -> Expr {
    static TIMES: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Times::default())));
    Expr::ScalarFunction(ScalarFunction { func: TIMES.clone(), args: vec![span, factor] })
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

/// The function `interval_times`: an interval times a double. What is left of months goes to days, of
/// which a month has 30, and what is left of days to hours; NULL of NULL.
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

/// One interval times a factor; fields that leave their type saturate.
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
