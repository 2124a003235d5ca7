//! Plans that want of each key no more than its first or last rows: the latest bar of each symbol, all symbols.
//!
//! `row_number() = 1`, DISTINCT ON, `max(date)` by symbol and DISTINCT of the key read whole tables to keep a row of each
//! key. Rows of a file are sorted by key, so that those rows are the ends of its runs; what the plan does with them stays
//! as it is, and takes the ends of all files together.

use super::bounds::{ALL, narrow};
use super::ordered_scan;
use super::resident_scan::{RunEnds, compared, with_run_ends};
use crate::resident::RunEnd;
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::utils::{collect_columns, split_conjunction};
use datafusion::physical_expr::window::{StandardWindowExpr, WindowExpr};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr, expressions};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec, WindowUDFExpr};
use std::sync::Arc;

/// Rows of each key up to which its ends are worth picking out.
const COUNT_MAX: usize = 100;

/// The plan with its scans narrowed where it wants no more than the ends of runs.
pub(super) fn narrowed(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let one = |plan: Arc<dyn ExecutionPlan>| {
        let narrowed = if let Some(filter) = plan.downcast_ref::<FilterExec>() {
            below_filter(filter)
        } else if let Some(groups) = plan.downcast_ref::<AggregateExec>() {
            below_groups(groups)
        } else {
            None
        };
        match narrowed {
            Some(input) => Ok(Transformed::yes(replace_children_if_necessary(plan, vec![input])?)),
            None => Ok(Transformed::no(plan)),
        }
    };
    plan.transform_down(one).data()
}

/// What a scan is to give, as columns of some node above it.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    /// The column whose values have the runs.
    first: usize,
    /// The column that orders them; `None` where any row does.
    second: Option<usize>,
    ends: RunEnds,
}

/// The input of a filter that keeps the first rows of window partitions, narrowed.
fn below_filter(filter: &FilterExec) -> Option<Arc<dyn ExecutionPlan>> {
    let parts = split_conjunction(filter.predicate());
    let mut limits = parts.into_iter().filter_map(limit);
    limits.find_map(|(column, count)| below_window(filter.input(), column, count))
}

/// A plan in which a column numbers the rows of windows, with its scan narrowed to those up to a number.
fn below_window(plan: &Arc<dyn ExecutionPlan>, column: usize, count: usize) -> Option<Arc<dyn ExecutionPlan>> {
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let below = place(&projection.expr().get(column)?.expr)?;
        return rebuilt(plan, below_window(projection.input(), below, count)?);
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        // Another condition on the same rows, as long as all columns are there.
        filter.projection().is_none().then_some(())?;
        return rebuilt(plan, below_window(filter.input(), column, count)?);
    }
    let bounded = plan.downcast_ref::<BoundedWindowAggExec>().map(|exec| (exec.window_expr(), exec.input()));
    let whole = || plan.downcast_ref::<WindowAggExec>().map(|exec| (exec.window_expr(), exec.input()));
    let (windows, input) = bounded.or_else(whole)?;
    column.checked_sub(input.schema().fields().len()).filter(|place| *place < windows.len())?;
    // Every function of the node sees the rows that are left; only numbers of the first rows stay what they are.
    let wanted = windows.iter().map(numbered).collect::<Option<Vec<_>>>()?;
    let (first, second, end) = *wanted.first()?;
    wanted.iter().all(|other| *other == (first, second, end)).then_some(())?;
    let wanted = Wanted { first, second: Some(second), ends: RunEnds { count, end, bounds: ALL } };
    rebuilt(plan, below(input, wanted)?)
}

/// Partition and order of a window function that numbers rows by one column each.
fn numbered(window: &Arc<dyn WindowExpr>) -> Option<(usize, usize, RunEnd)> {
    let standard = window.as_any().downcast_ref::<StandardWindowExpr>()?;
    let function = standard.get_standard_func_expr().as_any().downcast_ref::<WindowUDFExpr>()?;
    // Ranks may be shared by more rows than they count.
    (function.fun().name() == "row_number").then_some(())?;
    let ([partition], [order]) = (window.partition_by(), window.order_by()) else { return None };
    Some((place(partition)?, place(&order.expr)?, end_of(order)))
}

/// The end of a run that comes first in an order of its second column.
fn end_of(order: &PhysicalSortExpr) -> RunEnd {
    if order.options.descending { RunEnd::Last } else { RunEnd::First }
}

/// The column and the number that it is at most, where a condition says so.
fn limit(condition: &Arc<dyn PhysicalExpr>) -> Option<(usize, usize)> {
    let comparison = condition.downcast_ref::<expressions::BinaryExpr>()?;
    let number = |expr: &Arc<dyn PhysicalExpr>| {
        let value = expr.downcast_ref::<expressions::Literal>()?.value();
        match value.data_type().is_integer().then(|| value.cast_to(&DataType::UInt64).ok())? {
            Some(ScalarValue::UInt64(Some(number))) => usize::try_from(number).ok(),
            _ => None,
        }
    };
    let (column, operator, number) = match (place(comparison.left()), place(comparison.right())) {
        (Some(column), None) => (column, *comparison.op(), number(comparison.right())?),
        (None, Some(column)) => (column, comparison.op().swap()?, number(comparison.left())?),
        _ => return None,
    };
    let count = match operator {
        Operator::Eq | Operator::LtEq => number,
        Operator::Lt => number.checked_sub(1)?,
        _ => return None,
    };
    (1..=COUNT_MAX).contains(&count).then_some((column, count))
}

/// The input of an aggregate that needs of each group one end, narrowed.
fn below_groups(groups: &AggregateExec) -> Option<Arc<dyn ExecutionPlan>> {
    let first_stage = [AggregateMode::Partial, AggregateMode::Single, AggregateMode::SinglePartitioned];
    if !first_stage.contains(groups.mode()) || groups.filter_expr().iter().any(Option::is_some) {
        return None;
    }
    let by = groups.group_expr();
    let [(by_key, _)] = by.expr() else { return None };
    by.is_single().then_some(())?;
    let first = place(by_key)?;
    let (mut second, mut end) = (None, RunEnd::Any);
    for aggregate in groups.aggr_expr() {
        let (column, one) = extreme(aggregate, first)?;
        if second.is_some_and(|second| (second, end) != (column, one)) {
            return None;
        }
        (second, end) = (Some(column), one);
    }
    below(groups.input(), Wanted { first, second, ends: RunEnds { count: 1, end, bounds: ALL } })
}

/// The column whose extreme an aggregate looks for, or by which it picks a row, and the end where that is.
fn extreme(aggregate: &AggregateFunctionExpr, group: usize) -> Option<(usize, RunEnd)> {
    let expressions = aggregate.expressions();
    if aggregate.ignore_nulls() {
        return None;
    }
    match aggregate.fun().name() {
        "max" | "min" => {
            let [column] = expressions.as_slice() else { return None };
            let end = if aggregate.fun().name() == "max" { RunEnd::Last } else { RunEnd::First };
            Some((place(column)?, end))
        }
        "first_value" | "last_value" => {
            let by: Vec<&PhysicalSortExpr> =
                aggregate.order_bys().iter().skip_while(|order| place(&order.expr) == Some(group)).collect();
            let [order] = by.as_slice() else { return None };
            let end = match (end_of(order), aggregate.fun().name() == "first_value") {
                (end, true) => end,
                (RunEnd::Last, false) => RunEnd::First,
                (_, false) => RunEnd::Last,
            };
            Some((place(&order.expr)?, end))
        }
        _ => None,
    }
}

/// The plan with its scan narrowed, when nothing in between sees more than rows.
fn below(plan: &Arc<dyn ExecutionPlan>, wanted: Wanted) -> Option<Arc<dyn ExecutionPlan>> {
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let column = |above: usize| place(&projection.expr().get(above)?.expr);
        let second = match wanted.second {
            Some(second) => Some(column(second)?),
            None => None,
        };
        let wanted = Wanted { first: column(wanted.first)?, second, ..wanted };
        return rebuilt(plan, below(projection.input(), wanted)?);
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        filter.projection().is_none().then_some(())?;
        let mut wanted = wanted;
        for part in split_conjunction(filter.predicate()) {
            if collect_columns(part).iter().all(|column| column.index() == wanted.first) {
                continue;
            }
            let (operator, value) = compared(part, wanted.second?, &filter.input().schema())?;
            narrow(&mut wanted.ends.bounds, Some(operator), value);
        }
        return rebuilt(plan, below(filter.input(), wanted)?);
    }
    let passes = plan.is::<SortExec>()
        || plan.is::<RepartitionExec>()
        || plan.is::<CoalescePartitionsExec>()
        || plan.is::<SortPreservingMergeExec>();
    if passes && plan.fetch().is_none() {
        let children = plan.children();
        let [input] = children.as_slice() else { return None };
        return rebuilt(plan, below(input, wanted)?);
    }
    let (first, second, ends) = (wanted.first, wanted.second, wanted.ends);
    with_run_ends(plan, first, second, ends).or_else(|| ordered_scan::with_run_ends(plan, first, second, ends))
}

/// A node over another input of the same columns and partitions.
fn rebuilt(plan: &Arc<dyn ExecutionPlan>, input: Arc<dyn ExecutionPlan>) -> Option<Arc<dyn ExecutionPlan>> {
    replace_children_if_necessary(plan.clone(), vec![input]).ok()
}

/// The place of the column that an expression is.
fn place(expr: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    expr.downcast_ref::<expressions::Column>().map(expressions::Column::index)
}
