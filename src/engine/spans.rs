//! Intervals are compared by their length, a month having 30 days and a day 24 hours: 27 hours are more than a day.
//!
//! The engine below compares months, then days, then the rest. Before a plan is optimised such comparisons become those of
//! lengths.

use arrow::array::{ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::logical_expr::expr::{Between, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, cast,
};
use std::sync::{Arc, LazyLock};

/// The rule.
#[derive(Debug)]
pub(super) struct Spans;

const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
/// Nanoseconds: some ten million years have 24 digits.
const LENGTH: DataType = DataType::Decimal128(38, 0);

impl FunctionRewrite for Spans {
    fn name(&self) -> &str {
        "intervals by their length"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let span = |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::Interval(_) | DataType::Duration(_)));
        Ok(match expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(op) && (span(&left) || span(&right)) => {
                let (left, right) = (Box::new(length(*left)), Box::new(length(*right)));
                Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
            }
            Expr::Between(Between { expr, negated, low, high }) if span(&expr) => {
                let [expr, low, high] = [expr, low, high].map(|part| Box::new(length(*part)));
                Transformed::yes(Expr::Between(Between { expr, negated, low, high }))
            }
            Expr::InList(InList { expr, list, negated }) if span(&expr) => {
                let list = list.into_iter().map(length).collect();
                Transformed::yes(Expr::InList(InList { expr: Box::new(length(*expr)), list, negated }))
            }
            other => Transformed::no(other),
        })
    }
}

fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn length(span: Expr) -> Expr {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Length::default())));
    Expr::ScalarFunction(ScalarFunction { func: FUNCTION.clone(), args: vec![cast(span, SPAN)] })
}

/// Nanoseconds of an interval.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Length {
    signature: Signature,
}

impl Default for Length {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![SPAN], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Length {
    fn name(&self) -> &str {
        "interval_length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(LENGTH)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [spans] = arguments.args.as_slice() else { return plan_err!("interval_length takes an interval") };
        let spans = spans.to_array(arguments.number_rows)?;
        let lengths = spans.as_primitive::<IntervalMonthDayNanoType>().iter().map(|span| span.map(nanoseconds));
        let lengths: Decimal128Array = lengths.collect();
        Ok(ColumnarValue::Array(Arc::new(lengths.with_data_type(LENGTH)) as ArrayRef))
    }
}

fn nanoseconds(span: IntervalMonthDayNano) -> i128 {
    const NS_PER_DAY: i128 = 86_400_000_000_000;
    let days = i128::from(span.months) * 30 + i128::from(span.days);
    days * NS_PER_DAY + i128::from(span.nanoseconds)
}
