//! What conditions on buckets and sessions say of the moment itself, so that scans read no more files than they have
//! to: `session_date(received_at) = '2026-11-27'` says from when on `received_at` is, and before when.
//!
//! DataFusion 55: `ScalarUDFImpl::preimage` puts such a range in the place of the condition. A moment that is in no
//! session has no date, and would be taken where it lies before one. Not needed once a preimage may have gaps.

use super::bucket::grid::microseconds;
use crate::dialect::moment::function;
use crate::dialect::moment::types::{DATE, TIMESTAMPTZ};
use crate::market::exchange::{self, Exchange};
use crate::text::calendar::{DAY_US, HOUR_US, is_infinite};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, InList, ScalarFunction};
use datafusion::logical_expr::logical_plan::Filter;
use datafusion::logical_expr::utils::{conjunction, disjunction, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF, Volatility, lit};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use std::sync::{Arc, LazyLock};

/// The rule that adds to a filter what its conditions say of a column of moments.
#[derive(Debug)]
pub(super) struct ImpliedRanges;

/// Values of a list whose ranges are worth a look at each file.
const LISTED_MAX: usize = 32;

impl OptimizerRule for ImpliedRanges {
    fn name(&self) -> &'static str {
        "implied_ranges"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = plan else { return Ok(Transformed::no(plan)) };
        let known = split_conjunction(&filter.predicate);
        let schema = filter.input.schema();
        let mut added: Vec<Expr> = Vec::new();
        for condition in known.iter().flat_map(|condition| implied(condition, schema)) {
            if !known.contains(&&condition) && !added.contains(&condition) {
                added.push(condition);
            }
        }
        let Some(added) = conjunction(added) else { return Ok(Transformed::no(LogicalPlan::Filter(filter))) };
        let predicate = added.and(filter.predicate);
        Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?)))
    }
}

/// What a condition says of a column of moments, as comparisons with constants.
pub(super) fn implied(condition: &Expr, schema: &DFSchema) -> Vec<Expr> {
    let found = match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::ScalarFunction(call), value) if is_constant(value) => compared(call, *op, value, schema),
            (value, Expr::ScalarFunction(call)) if is_constant(value) => {
                op.swap().and_then(|op| compared(call, op, value, schema))
            }
            _ => None,
        },
        Expr::Between(Between { expr, negated: false, low, high }) if is_constant(low) && is_constant(high) => {
            let Expr::ScalarFunction(call) = expr.as_ref() else { return Vec::new() };
            let ends = [(Operator::GtEq, low), (Operator::LtEq, high)];
            Some(ends.into_iter().filter_map(|(op, end)| compared(call, op, end, schema)).flatten().collect())
        }
        Expr::InList(InList { expr, list, negated: false }) if list.len() <= LISTED_MAX => {
            let Expr::ScalarFunction(call) = expr.as_ref() else { return Vec::new() };
            let one = |value: &Expr| {
                let known = Some(value).filter(|value| is_constant(value));
                known.and_then(|value| compared(call, Operator::Eq, value, schema)).and_then(conjunction)
            };
            let ranges = list.iter().map(one).collect::<Option<Vec<_>>>();
            ranges.and_then(disjunction).map(|ranges| vec![ranges])
        }
        _ => None,
    };
    found.unwrap_or_default()
}

/// Whether an expression has the same value for all rows of a statement.
pub(super) fn is_constant(expr: &Expr) -> bool {
    let mut constant = !expr.is_volatile();
    let _ = expr.apply(|part| {
        constant &= !matches!(
            part,
            Expr::Column(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
        );
        Ok(TreeNodeRecursion::Continue)
    });
    constant
}

/// What `call op value` says of the moment that the call is about.
fn compared(call: &ScalarFunction, op: Operator, value: &Expr, schema: &DFSchema) -> Option<Vec<Expr>> {
    let place = if call.func.name() == "session_date" { 0 } else { 1 };
    let moment = call.args.get(place).filter(|moment| matches!(moment, Expr::Column(_)))?;
    let data_type = moment.get_type(schema).ok()?;
    let (from, to) = match call.func.name() {
        "session_date" => of_session(call, op, value)?,
        "time_bucket" | "date_bin" => of_bucket(call, op, value)?,
        "date_trunc" => of_unit(call, op, value)?,
        _ => return None,
    };
    let mut conditions = Vec::new();
    if let Some(from) = from {
        conditions.push(moment.clone().gt_eq(from.of_type(&data_type)?));
    }
    if let Some(to) = to {
        conditions.push(moment.clone().lt(to.of_type(&data_type)?));
    }
    Some(conditions)
}

/// A moment that another is not before, or before.
enum End {
    /// One that is known, in microseconds.
    At(i64),
    /// One that is computed when the statement's parameters have their values.
    Of(Expr),
}

impl End {
    /// The moment as columns of a type are compared with it.
    fn of_type(self, data_type: &DataType) -> Option<Expr> {
        match (self, data_type) {
            (Self::At(us), DataType::Timestamp(TimeUnit::Microsecond, zone)) => {
                Some(Expr::Literal(ScalarValue::TimestampMicrosecond(Some(us), zone.clone()), None))
            }
            // The day of the moment, or the one after it.
            (Self::At(us), DataType::Date32) => {
                let day = i32::try_from(us.div_euclid(DAY_US) + i64::from(us.rem_euclid(DAY_US) != 0)).ok()?;
                Some(Expr::Literal(ScalarValue::Date32(Some(day)), None))
            }
            (Self::Of(expr), data_type) if *data_type == *TIMESTAMPTZ => Some(expr),
            _ => None,
        }
    }
}

/// From when on a moment is, and before when; as far as it is said.
type Range = (Option<End>, Option<End>);

/// What is said of a moment by the date of its session. A trading date begins at midnight, or on the evening before.
fn of_session(call: &ScalarFunction, op: Operator, value: &Expr) -> Option<Range> {
    let usual = lit("XNYS");
    let exchange = call.args.get(1).unwrap_or(&usual);
    let begins = |later: i32| match (exchange, value) {
        (Expr::Literal(name, _), Expr::Literal(ScalarValue::Date32(Some(day)), _)) => {
            let exchange = exchange::find(name.try_as_str().flatten()?)?;
            begins(exchange, i64::from(*day) + i64::from(later)).map(End::At)
        }
        (_, Expr::Literal(..)) => None,
        (exchange, value) => {
            let arguments = vec![value.clone(), exchange.clone(), lit(i64::from(later))];
            is_constant(exchange).then(|| End::Of(function::call(&BEGINS, arguments)))
        }
    };
    Some(match op {
        Operator::Eq => (begins(0), begins(1)),
        Operator::GtEq => (begins(0), None),
        Operator::Gt => (begins(1), None),
        Operator::Lt => (None, begins(0)),
        Operator::LtEq => (None, begins(1)),
        _ => return None,
    })
}

/// When a trading date begins; `None` beyond the dates there are.
fn begins(exchange: &Exchange, day: i64) -> Option<i64> {
    let date = Date32Type::to_naive_date_opt(i32::try_from(day).ok()?)?;
    Some(exchange.begins(date).timestamp_micros())
}

/// When the trading date begins that comes so many days after a date, for dates that are parameters. NULL where that is
/// not known, so that what asks for it decides.
static BEGINS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    function::internal(
        "trading_date_begins",
        Volatility::Immutable,
        |_| Some((vec![DATE, DataType::Utf8, DataType::Int64], TIMESTAMPTZ.clone())),
        |call| {
            let (dates, later) = (call.column::<Date32Type>(0)?, call.column::<Int64Type>(2)?);
            let exchanges = call.texts(1)?;
            call.rows::<TimestampMicrosecondType>(|row| {
                let (Some(day), Some(later), Some(name)) = (dates.at(row), later.at(row), exchanges.at(row)) else {
                    return Ok(None);
                };
                let infinite = if day > 0 { i64::MAX } else { i64::MIN };
                let exchange = exchange::find(name);
                Ok(exchange.map(|exchange| begins(exchange, i64::from(day) + later).unwrap_or(infinite)))
            })
        },
    )
});

/// What is said of a moment by the beginning of its bucket: it is not before it, and not later by more than a bucket.
fn of_bucket(call: &ScalarFunction, op: Operator, value: &Expr) -> Option<Range> {
    let Some(Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(width)), _)) = call.args.first() else { return None };
    // No month is longer, and no clock is set by more than a day.
    let months = i64::from(width.months.max(0)) * 31 * DAY_US;
    let clock = if call.func.name() == "time_bucket" && call.args.len() > 2 { DAY_US } else { 0 };
    let width = microseconds(*width).ok()?.checked_add(months)?.checked_add(clock)?;
    since(op, value, 0, width)
}

/// What is said of a moment by the beginning of its hour, day or year.
fn of_unit(call: &ScalarFunction, op: Operator, value: &Expr) -> Option<Range> {
    let Some(Expr::Literal(unit, _)) = call.args.first() else { return None };
    let days = match unit.try_as_str().flatten()?.to_ascii_lowercase().as_str() {
        "microsecond" | "millisecond" | "second" | "minute" | "hour" => return since(op, value, 0, HOUR_US),
        "day" => 1,
        "week" => 7,
        "month" => 31,
        "quarter" => 92,
        "year" => 366,
        _ => return None,
    };
    // A midnight that comes twice may be the later one.
    since(op, value, DAY_US, (days + 1) * DAY_US)
}

/// What is said of a moment that is so much earlier at most than its beginning, and less than so much later.
fn since(op: Operator, value: &Expr, earlier: i64, later: i64) -> Option<Range> {
    let start = match value {
        Expr::Literal(ScalarValue::TimestampMicrosecond(Some(us), _), _) if !is_infinite(*us) => *us,
        Expr::Literal(ScalarValue::Date32(Some(day)), _) => i64::from(*day) * DAY_US,
        _ => return None,
    };
    let (from, to) = (End::At(start.checked_sub(earlier)?), End::At(start.checked_add(later)?));
    Some(match op {
        Operator::Eq => (Some(from), Some(to)),
        Operator::GtEq | Operator::Gt => (Some(from), None),
        Operator::Lt | Operator::LtEq => (None, Some(to)),
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, RecordBatch, TimestampMicrosecondArray};
    use arrow::datatypes::{Field, Int64Type, Schema};
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionContext;
    use std::sync::Arc;

    /// Ten thousand moments of the years around 2026, three hours apart.
    fn context(rules: bool) -> SessionContext {
        let builder = SessionStateBuilder::new().with_default_features();
        let builder = if rules { builder.with_optimizer_rule(Arc::new(ImpliedRanges)) } else { builder };
        let context = SessionContext::new_with_state(builder.build());
        crate::market_sql::register(&context).unwrap();
        let moments = (0..10_000).map(|step| 1_735_689_600_000_000 + step * 3 * HOUR_US);
        let array = TimestampMicrosecondArray::from_iter_values(moments).with_timezone("UTC");
        let data_type = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
        let schema = Arc::new(Schema::new(vec![Field::new("t", data_type, false)]));
        context.register_batch("m", RecordBatch::try_new(schema, vec![Arc::new(array)]).unwrap()).unwrap();
        context
    }

    async fn counted(context: &SessionContext, condition: &str) -> i64 {
        let frame = context.sql(&format!("SELECT count(*) FROM m WHERE {condition}")).await.unwrap();
        frame.collect().await.unwrap()[0].column(0).as_primitive::<Int64Type>().value(0)
    }

    #[tokio::test]
    async fn ranges_take_no_row_away() {
        let (with, without) = (context(true), context(false));
        for condition in [
            "session_date(t) = date '2026-11-27'",
            "session_date(t) = date '2026-11-26'",
            "session_date(t, 'XCME') = date '2026-11-27'",
            "session_date(t) < date '2026-11-27'",
            "session_date(t, 'XTKS') <= date '2026-11-26'",
            "date '2026-11-26' < session_date(t)",
            "session_date(t) BETWEEN date '2026-03-05' AND date '2026-03-10'",
            "session_date(t) IN (date '2026-03-05', date '2026-11-27')",
            "NOT (session_date(t) = date '2026-11-27')",
            "session_date(t) = date '2026-11-27' OR session_date(t) = date '2026-11-25'",
            "time_bucket(interval '7 hours', t) = timestamptz '2026-11-27 02:00:00Z'",
            "time_bucket(interval '1 month', t) <= timestamptz '2026-01-31 02:00:00Z'",
            "time_bucket(interval '1 day', t, 'Europe/Rome') = timestamptz '2026-03-28 23:00:00Z'",
            "time_bucket(interval '1 month', t, 'Asia/Tokyo') >= timestamptz '2026-01-31 15:00:00Z'",
            "date_trunc('month', t) = timestamptz '2026-11-01 00:00:00Z'",
        ] {
            assert_eq!(counted(&with, condition).await, counted(&without, condition).await, "{condition}");
        }
    }

    #[test]
    fn a_date_that_comes_later_is_bound_then() {
        let date =
            || Expr::Placeholder(datafusion::logical_expr::expr::Placeholder::new_with_field("$1".to_owned(), None));
        let call = ScalarFunction::new_udf(Arc::new(session_date()), vec![datafusion::logical_expr::col("t")]);
        let field = Field::new("t", TIMESTAMPTZ.clone(), false);
        let schema = DFSchema::from_unqualified_fields(vec![field].into(), Default::default()).unwrap();
        let found = implied(&Expr::ScalarFunction(call).eq(date()), &schema);
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(shown[0].starts_with("t >= trading_date_begins($1"), "{shown:?}");
    }

    fn session_date() -> ScalarUDF {
        let functions = crate::market_sql::calendar::functions();
        functions.into_iter().find(|function| function.name() == "session_date").unwrap()
    }

    #[tokio::test]
    async fn conditions_of_nested_queries_say_so_too() {
        let sql = "SELECT 1 FROM (SELECT session_date(t) AS d FROM m) WHERE d = date '2026-11-27'";
        let plan = context(true).sql(sql).await.unwrap().into_optimized_plan().unwrap().to_string();
        assert!(plan.contains("m.t >= TimestampMicrosecond(1795755600000000"), "{plan}");
        assert!(plan.contains("m.t < TimestampMicrosecond(1795842000000000"), "{plan}");
    }
}
