//! The analyzer rule `IntervalKeys` sorts, groups, joins and tells apart intervals by their length, a month having 30
//! days and a day 24 hours.
//!
//! A key of a sort, a window ([`WindowKeys`]) or a join becomes its length. A group or a DISTINCT is made by the length, and shows the
//! first interval of it.
//!
//! DataFusion 55: Arrow compares the fields of an interval one after the other, so that `27 hours` comes before `1 day`,
//! and `24 hours` and `1 day` are two groups (apache/datafusion#8468, open; apache/arrow-rs#5200). Not needed once
//! `ORDER BY` of intervals is by their length.

use super::fault::not_supported;
use super::interval_order::length as interval_length;
use super::types::Kind;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams, Sort as SortExpr};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Aggregate, Distinct, DistinctOn, Expr, ExprSchemable, LogicalPlan, Projection, col};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::utils::NamePreserver;
use std::sync::Arc;

/// The analyzer rule; it has no state.
#[derive(Debug)]
pub(crate) struct IntervalKeys;

impl AnalyzerRule for IntervalKeys {
    fn name(&self) -> &str {
        "interval_keys"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(by_length)?.data)
    }
}

/// Whether an expression is an interval.
fn is_span(expr: &Expr, schema: &DFSchema) -> bool {
    matches!(expr.get_type(schema), Ok(data_type) if Kind::of(&data_type) == Some(Kind::Interval))
}

/// The length of an interval, and every other expression as it is.
fn key(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    if is_span(&expr, schema) { Transformed::yes(interval_length(expr)) } else { Transformed::no(expr) }
}

/// The function rewrite for windows, whose frames DataFusion's coercion checks against their keys.
#[derive(Debug)]
pub(crate) struct WindowKeys;

impl FunctionRewrite for WindowKeys {
    fn name(&self) -> &str {
        "windows by the length of intervals"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::WindowFunction(mut window) = expr else { return Ok(Transformed::no(expr)) };
        let mut changed = false;
        let keys = std::mem::take(&mut window.params.partition_by).into_iter().map(|expr| {
            let by = key(expr, schema);
            changed |= by.transformed;
            by.data
        });
        window.params.partition_by = keys.collect();
        let keys = sorted(std::mem::take(&mut window.params.order_by), schema);
        changed |= keys.transformed;
        window.params.order_by = keys.data;
        Ok(Transformed::new_transformed(Expr::WindowFunction(window), changed))
    }
}

/// Sort keys by length.
fn sorted(keys: Vec<SortExpr>, schema: &DFSchema) -> Transformed<Vec<SortExpr>> {
    let mut changed = false;
    let keys = keys.into_iter().map(|sort| {
        let by = key(sort.expr, schema);
        changed |= by.transformed;
        SortExpr { expr: by.data, ..sort }
    });
    let keys = keys.collect();
    Transformed::new_transformed(keys, changed)
}

/// One node with its keys by length.
fn by_length(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = merge_schema(&plan.inputs());
    match plan {
        LogicalPlan::Sort(mut sort) => {
            let keys = sorted(std::mem::take(&mut sort.expr), &schema);
            sort.expr = keys.data;
            Ok(Transformed::new_transformed(LogicalPlan::Sort(sort), keys.transformed))
        }
        LogicalPlan::Join(mut join) => {
            let mut changed = false;
            let (left, right) = (join.left.schema().clone(), join.right.schema().clone());
            let on = std::mem::take(&mut join.on).into_iter().map(|(one, other)| {
                let (one, other) = (key(one, &left), key(other, &right));
                changed |= one.transformed || other.transformed;
                (one.data, other.data)
            });
            join.on = on.collect();
            Ok(Transformed::new_transformed(LogicalPlan::Join(join), changed))
        }
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let spans = input.schema().fields().iter().any(|field| Kind::of(field.data_type()) == Some(Kind::Interval));
            if !spans {
                return Ok(Transformed::no(LogicalPlan::Distinct(Distinct::All(input))));
            }
            let groups = input.schema().columns().into_iter().map(Expr::Column).collect();
            Ok(Transformed::yes(grouped(Aggregate::try_new(input, groups, Vec::new())?)?))
        }
        LogicalPlan::Distinct(Distinct::On(mut on)) if on.on_expr.iter().any(|expr| is_span(expr, &schema)) => {
            let keys = std::mem::take(&mut on.on_expr).into_iter().map(|expr| key(expr, &schema).data).collect();
            let sort = on.sort_expr.take().map(|keys| sorted(keys, &schema).data);
            let on = DistinctOn { on_expr: keys, sort_expr: sort, ..on };
            Ok(Transformed::yes(LogicalPlan::Distinct(Distinct::On(on))))
        }
        LogicalPlan::Aggregate(aggregate) => {
            if aggregate.group_expr.iter().any(|group| sets_of_spans(group, &schema)) {
                return Err(not_supported("GROUPING SETS of intervals are not supported".to_owned()));
            }
            let aggregate = inside(LogicalPlan::Aggregate(aggregate), &schema)?;
            match aggregate.data {
                LogicalPlan::Aggregate(node) if node.group_expr.iter().any(|expr| is_span(expr, &schema)) => {
                    Ok(Transformed::yes(grouped(node)?))
                }
                other => Ok(Transformed::new_transformed(other, aggregate.transformed)),
            }
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Aggregates of which DISTINCT is by length, or changes nothing.
const ALIKE_WHEN_DISTINCT: [&str; 5] = ["count", "interval_max", "interval_min", "max", "min"];

/// Whether an expression is of GROUPING SETS, ROLLUP or CUBE with an interval in them.
fn sets_of_spans(group: &Expr, schema: &DFSchema) -> bool {
    match group {
        Expr::GroupingSet(sets) => sets.distinct_expr().into_iter().any(|expr| is_span(expr, schema)),
        _ => false,
    }
}

/// Keys inside of aggregates by length, under the names that other nodes know them by.
fn inside(plan: LogicalPlan, schema: &DFSchema) -> Result<Transformed<LogicalPlan>> {
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let changed = expr.transform_up(|expr| {
            Ok(match expr {
                Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
                    let AggregateFunctionParams { args, distinct, order_by, .. } = &mut params;
                    let keys = sorted(std::mem::take(order_by), schema);
                    let mut changed = keys.transformed;
                    *order_by = keys.data;
                    let told_apart = *distinct && args.iter().any(|arg| is_span(arg, schema));
                    if told_apart && !ALIKE_WHEN_DISTINCT.contains(&func.name()) {
                        return Err(not_supported(format!("{}(DISTINCT interval) is not supported", func.name())));
                    }
                    // Of a count, only how many there are is seen.
                    if told_apart && func.name() == "count" {
                        let keys = std::mem::take(args).into_iter().map(|arg| key(arg, schema));
                        *args = keys
                            .map(|key| {
                                changed |= key.transformed;
                                key.data
                            })
                            .collect();
                    }
                    Transformed::new_transformed(Expr::AggregateFunction(AggregateFunction { func, params }), changed)
                }
                other => Transformed::no(other),
            })
        })?;
        Ok(changed.update_data(|expr| name.restore(expr)))
    })
}

/// An aggregation with intervals among its groups: grouped by their lengths, with the first interval of each group.
fn grouped(node: Aggregate) -> Result<LogicalPlan> {
    let schema = node.input.schema().clone();
    let groups = node.group_expr.len();
    let (mut keys, mut values) = (Vec::with_capacity(groups), Vec::new());
    let mut shown = Vec::with_capacity(node.schema.fields().len());
    let names: Vec<Column> = node.schema.columns();
    for (place, group) in node.group_expr.into_iter().enumerate() {
        let Some(name) = names.get(place) else { continue };
        if !is_span(&group, &schema) {
            keys.push(group);
            shown.push(Expr::Column(name.clone()));
            continue;
        }
        let (by, first) = (format!("interval_key_{place}"), format!("interval_first_{place}"));
        let group = group.unalias();
        keys.push(interval_length(group.clone()).alias(by));
        let function = AggregateFunction::new_udf(first_value_udaf(), vec![group], false, None, Vec::new(), None);
        values.push(Expr::AggregateFunction(function).alias(&first));
        shown.push(col(Column::new_unqualified(first)).alias_qualified(name.relation.clone(), name.name.clone()));
    }
    shown.extend(names.iter().skip(groups).map(|name| Expr::Column(name.clone())));
    let aggregates = node.aggr_expr.into_iter().chain(values).collect();
    let inner = LogicalPlan::Aggregate(Aggregate::try_new(node.input, keys, aggregates)?);
    Ok(LogicalPlan::Projection(Projection::try_new(shown, Arc::new(inner))?))
}
