//! What conditions on buckets and sessions say of the moment itself, so that scans read no more files than they have
//! to: `session_date(received_at) = '2026-11-27'` says from when on `received_at` is, and before when.
//!
//! DataFusion 55: `ScalarUDFImpl::preimage` puts such a range in the place of the condition. A moment that is in no
//! session has no date, and would be taken where it lies before one. Not needed once a preimage may have gaps.

use super::bucket::grid::microseconds;
use crate::market::exchange::{self, Exchange};
use crate::text::calendar::{DAY_US, HOUR_US, is_infinite};
use arrow::datatypes::{DataType, Date32Type};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, InList, ScalarFunction};
use datafusion::logical_expr::logical_plan::Filter;
use datafusion::logical_expr::utils::{conjunction, disjunction, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

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
            (Expr::ScalarFunction(call), Expr::Literal(value, _)) => compared(call, *op, value, schema),
            (Expr::Literal(value, _), Expr::ScalarFunction(call)) => {
                op.swap().and_then(|op| compared(call, op, value, schema))
            }
            _ => None,
        },
        Expr::Between(Between { expr, negated: false, low, high }) => {
            match (expr.as_ref(), low.as_ref(), high.as_ref()) {
                (Expr::ScalarFunction(call), Expr::Literal(low, _), Expr::Literal(high, _)) => {
                    let ends = [(Operator::GtEq, low), (Operator::LtEq, high)];
                    Some(ends.into_iter().filter_map(|(op, end)| compared(call, op, end, schema)).flatten().collect())
                }
                _ => None,
            }
        }
        Expr::InList(InList { expr, list, negated: false }) if list.len() <= LISTED_MAX => match expr.as_ref() {
            Expr::ScalarFunction(call) => {
                let one = |value: &Expr| match value {
                    Expr::Literal(value, _) => compared(call, Operator::Eq, value, schema).and_then(conjunction),
                    _ => None,
                };
                let ranges = list.iter().map(one).collect::<Option<Vec<_>>>();
                ranges.and_then(disjunction).map(|ranges| vec![ranges])
            }
            _ => None,
        },
        _ => None,
    };
    found.unwrap_or_default()
}

/// What `call op value` says of the moment that the call is about.
fn compared(call: &ScalarFunction, op: Operator, value: &ScalarValue, schema: &DFSchema) -> Option<Vec<Expr>> {
    let place = if call.func.name() == "session_date" { 0 } else { 1 };
    let moment = call.args.get(place).filter(|moment| matches!(moment, Expr::Column(_)))?;
    let data_type = moment.get_type(schema).ok()?;
    let (from, to) = match call.func.name() {
        "session_date" => of_session(call, op, value)?,
        "time_bucket" | "date_bin" => of_bucket(call, op, value)?,
        "date_trunc" => of_unit(call, op, value)?,
        _ => return None,
    };
    let bound = |us: i64| match &data_type {
        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, zone) => {
            Some(Expr::Literal(ScalarValue::TimestampMicrosecond(Some(us), zone.clone()), None))
        }
        // The day of the moment, or the one after it.
        DataType::Date32 => {
            let day = i32::try_from(us.div_euclid(DAY_US) + i64::from(us.rem_euclid(DAY_US) != 0)).ok()?;
            Some(Expr::Literal(ScalarValue::Date32(Some(day)), None))
        }
        _ => None,
    };
    let mut conditions = Vec::new();
    if let Some(from) = from {
        conditions.push(moment.clone().gt_eq(bound(from)?));
    }
    if let Some(to) = to {
        conditions.push(moment.clone().lt(bound(to)?));
    }
    Some(conditions)
}

/// From when on a moment is, and before when, in microseconds; as far as it is said.
type Range = (Option<i64>, Option<i64>);

/// What is said of a moment by the date of its session. A trading date begins at midnight, or on the evening before.
fn of_session(call: &ScalarFunction, op: Operator, value: &ScalarValue) -> Option<Range> {
    let exchange = match call.args.get(1) {
        None => exchange::find("XNYS")?,
        Some(Expr::Literal(name, _)) => exchange::find(name.try_as_str().flatten()?)?,
        Some(_) => return None,
    };
    let ScalarValue::Date32(Some(day)) = value else { return None };
    let begins = |day: i32| begins(exchange, day);
    let next = || day.checked_add(1).and_then(begins);
    Some(match op {
        Operator::Eq => (begins(*day), next()),
        Operator::GtEq => (begins(*day), None),
        Operator::Gt => (next(), None),
        Operator::Lt => (None, begins(*day)),
        Operator::LtEq => (None, next()),
        _ => return None,
    })
}

/// When a trading date begins.
fn begins(exchange: &Exchange, day: i32) -> Option<i64> {
    let date = Date32Type::to_naive_date_opt(day).filter(|date| exchange.knows(*date))?;
    Some(exchange.begins(date).timestamp_micros())
}

/// What is said of a moment by the beginning of its bucket: it is not before it, and not later by more than a bucket.
fn of_bucket(call: &ScalarFunction, op: Operator, value: &ScalarValue) -> Option<Range> {
    let Some(Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(width)), _)) = call.args.first() else { return None };
    // No month is longer, and no clock is set by more than a day.
    let months = i64::from(width.months.max(0)) * 31 * DAY_US;
    let clock = if call.func.name() == "time_bucket" && call.args.len() > 2 { DAY_US } else { 0 };
    let width = microseconds(*width).ok()?.checked_add(months)?.checked_add(clock)?;
    since(op, value, 0, width)
}

/// What is said of a moment by the beginning of its hour, day or year.
fn of_unit(call: &ScalarFunction, op: Operator, value: &ScalarValue) -> Option<Range> {
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
fn since(op: Operator, value: &ScalarValue, earlier: i64, later: i64) -> Option<Range> {
    let start = match value {
        ScalarValue::TimestampMicrosecond(Some(us), _) if !is_infinite(*us) => *us,
        ScalarValue::Date32(Some(day)) => i64::from(*day) * DAY_US,
        _ => return None,
    };
    let (from, to) = (start.checked_sub(earlier)?, start.checked_add(later)?);
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
        crate::market_sql::register(&context);
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

    #[tokio::test]
    async fn conditions_of_nested_queries_say_so_too() {
        let sql = "SELECT 1 FROM (SELECT session_date(t) AS d FROM m) WHERE d = date '2026-11-27'";
        let plan = context(true).sql(sql).await.unwrap().into_optimized_plan().unwrap().to_string();
        assert!(plan.contains("m.t >= TimestampMicrosecond(1795755600000000"), "{plan}");
        assert!(plan.contains("m.t < TimestampMicrosecond(1795842000000000"), "{plan}");
    }
}
