//! The rule `IntervalOrder` compares intervals by their length, a month having 30 days and a day 24
//! hours: 27 hours are more than a day.
//!
//! Before a plan is optimized, both sides of such a comparison become calls of `interval_length`.
//! Keys of ORDER BY, GROUP BY and joins are changed by `crate::dialect::equality`.
//!
//! DataFusion 55: Arrow compares the fields of an interval one after the other, months, then days,
//! then nanoseconds, so that `interval '30 days' < interval '1 month'` and `'27 hours' < '1 day'`
//! (apache/datafusion#8468, open; apache/arrow-rs#5200). Not needed once
//! `interval '27 hours'` is more than `interval '1 day'`.

use super::function::{Call, internal};
use arrow::array::{ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::{Between, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, cast, when,
};
use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

/// The function rewrite, which has no state.
#[derive(Debug)]
pub(crate) struct IntervalOrder;

/// The one interval type of this server: months, days and nanoseconds.
const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
/// Lengths in nanoseconds: some ten million years have 24 digits, more than 64 bits hold.
const LENGTH: DataType = DataType::Decimal128(38, 0);

impl FunctionRewrite for IntervalOrder {
    fn name(&self) -> &str {
        "intervals by their length"
    }

    /// Replaces the sides of one comparison, BETWEEN or IN over intervals or durations by their
    /// lengths.
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
            Expr::ScalarFunction(call) if call.args.iter().any(span) => {
                match (call.func.name(), call.args.as_slice()) {
                    ("greatest", _) => Transformed::yes(super::function::call(&GREATEST, call.args)),
                    ("least", _) => Transformed::yes(super::function::call(&LEAST, call.args)),
                    ("nullif", [left, right]) => {
                        let same = length(left.clone()).eq(length(right.clone()));
                        let nothing = Expr::Literal(ScalarValue::IntervalMonthDayNano(None), None);
                        Transformed::yes(when(same, nothing).otherwise(left.clone())?)
                    }
                    _ => Transformed::no(Expr::ScalarFunction(call)),
                }
            }
            Expr::InList(InList { expr, list, negated }) if span(&expr) => {
                let list = list.into_iter().map(length).collect();
                Transformed::yes(Expr::InList(InList { expr: Box::new(length(*expr)), list, negated }))
            }
            other => Transformed::no(other),
        })
    }
}

/// Whether an operator compares two values.
fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// `interval_length(span)`, for durations too, which are cast to intervals first.
pub(crate) fn length(span: Expr) -> Expr {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Length::default())));
    Expr::ScalarFunction(ScalarFunction { func: FUNCTION.clone(), args: vec![cast(span, SPAN)] })
}

/// The longest of some intervals; NULL when all are.
static GREATEST: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    internal("interval_greatest", Volatility::Immutable, all_spans, |call| extreme(call, Ordering::Greater))
});

/// The shortest of some intervals; NULL when all are.
static LEAST: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    internal("interval_least", Volatility::Immutable, all_spans, |call| extreme(call, Ordering::Less))
});

/// Intervals alone, of which an interval is made.
fn all_spans(given: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    Some((vec![SPAN; given.len()], SPAN))
}

/// The interval of each row whose length stands in an order to those of all others.
fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<ArrayRef> {
    let columns =
        (0..call.args.len()).map(|place| call.column::<IntervalMonthDayNanoType>(place)).collect::<Result<Vec<_>>>()?;
    call.rows::<IntervalMonthDayNanoType>(|row| {
        let spans = columns.iter().filter_map(|column| column.at(row));
        Ok(spans.reduce(|best, span| if nanoseconds(span).cmp(&nanoseconds(best)) == wanted { span } else { best }))
    })
}

/// The function `interval_length`: nanoseconds of an interval, as a decimal without places; NULL of
/// NULL.
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
        match lengths(&spans) {
            Some(lengths) => Ok(ColumnarValue::Array(lengths)),
            None => plan_err!("interval_length takes an interval"),
        }
    }
}

/// The lengths of a column of intervals; `None` of a column of anything else.
pub(crate) fn lengths(spans: &ArrayRef) -> Option<ArrayRef> {
    let spans = spans.as_primitive_opt::<IntervalMonthDayNanoType>()?;
    let lengths: Decimal128Array = spans.iter().map(|span| span.map(nanoseconds)).collect();
    Some(Arc::new(lengths.with_data_type(LENGTH)))
}

/// The length of an interval with months of 30 days and days of 24 hours; no interval overflows it.
fn nanoseconds(span: IntervalMonthDayNano) -> i128 {
    const NS_PER_DAY: i128 = 86_400_000_000_000;
    let days = i128::from(span.months) * 30 + i128::from(span.days);
    days * NS_PER_DAY + i128::from(span.nanoseconds)
}
