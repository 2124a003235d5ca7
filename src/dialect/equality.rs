//! The analyzer rule `EqualityKeys` sorts, groups, joins and tells apart values by what makes them equal, where that is not
//! how they are held: an interval by its length, a month having 30 days and a day 24 hours, and a `jsonb` by its order,
//! in which `1` and `1.0` are one number.
//!
//! A key of a sort, a window ([`WindowKeys`]) or a join becomes what its value is equal by. A group or a DISTINCT is made
//! by that, and shows the first value of it.
//!
//! DataFusion 55: Arrow compares the fields of an interval one after the other, so that `27 hours` comes before `1 day`,
//! and `24 hours` and `1 day` are two groups (apache/datafusion#8468, open; apache/arrow-rs#5200); it compares all fields
//! of a struct, so that the text of a `jsonb` counts beside its order. Not needed once a type can bring its own equality.

use super::moment::fault::not_supported;
use super::moment::interval_order::length as interval_length;
use super::moment::types::Kind;
use crate::text::json;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::functions::core::expr_fn::get_field;
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
pub(crate) struct EqualityKeys;

impl AnalyzerRule for EqualityKeys {
    fn name(&self) -> &str {
        "equality_keys"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(by_key)?.data)
    }
}

/// Whether values of a type are equal by something else than how they are held.
fn has_key(data_type: &DataType) -> bool {
    Kind::of(data_type) == Some(Kind::Interval) || json::is_jsonb(data_type)
}

/// Whether an expression is of such a type.
fn is_keyed(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|data_type| has_key(&data_type))
}

/// What values of a type are equal by; those of most types by themselves.
pub(crate) fn key_of(expr: Expr, data_type: &DataType) -> Expr {
    match data_type {
        own if json::is_jsonb(own) => get_field(expr, json::ORDER),
        own if has_key(own) => interval_length(expr),
        _ => expr,
    }
}

/// What an expression is equal by.
fn key(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr.get_type(schema) {
        Ok(data_type) if has_key(&data_type) => Transformed::yes(key_of(expr, &data_type)),
        _ => Transformed::no(expr),
    }
}

/// The function rewrite for windows, whose frames DataFusion's coercion checks against their keys.
#[derive(Debug)]
pub(crate) struct WindowKeys;

impl FunctionRewrite for WindowKeys {
    fn name(&self) -> &str {
        "windows by what values are equal by"
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

/// Sort keys by what they are equal by.
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

/// One node with its keys by what they are equal by.
fn by_key(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
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
            if !input.schema().fields().iter().any(|field| has_key(field.data_type())) {
                return Ok(Transformed::no(LogicalPlan::Distinct(Distinct::All(input))));
            }
            let groups = input.schema().columns().into_iter().map(Expr::Column).collect();
            Ok(Transformed::yes(grouped(Aggregate::try_new(input, groups, Vec::new())?)?))
        }
        LogicalPlan::Distinct(Distinct::On(mut on)) if on.on_expr.iter().any(|expr| is_keyed(expr, &schema)) => {
            let keys = std::mem::take(&mut on.on_expr).into_iter().map(|expr| key(expr, &schema).data).collect();
            let sort = on.sort_expr.take().map(|keys| sorted(keys, &schema).data);
            let on = DistinctOn { on_expr: keys, sort_expr: sort, ..on };
            Ok(Transformed::yes(LogicalPlan::Distinct(Distinct::On(on))))
        }
        LogicalPlan::Aggregate(aggregate) => {
            if aggregate.group_expr.iter().any(|group| sets_of_keyed(group, &schema)) {
                return Err(not_supported("GROUPING SETS of intervals and of jsonb are not supported".to_owned()));
            }
            let aggregate = inside(LogicalPlan::Aggregate(aggregate), &schema)?;
            match aggregate.data {
                LogicalPlan::Aggregate(node) if node.group_expr.iter().any(|expr| is_keyed(expr, &schema)) => {
                    Ok(Transformed::yes(grouped(node)?))
                }
                other => Ok(Transformed::new_transformed(other, aggregate.transformed)),
            }
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Aggregates of which DISTINCT is by that, or changes nothing.
const ALIKE_WHEN_DISTINCT: [&str; 5] = ["count", "interval_max", "interval_min", "max", "min"];

/// Whether an expression is of GROUPING SETS, ROLLUP or CUBE with such a value in them.
fn sets_of_keyed(group: &Expr, schema: &DFSchema) -> bool {
    match group {
        Expr::GroupingSet(sets) => sets.distinct_expr().into_iter().any(|expr| is_keyed(expr, schema)),
        _ => false,
    }
}

/// Keys inside of aggregates, under the names that other nodes know them by.
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
                    let told_apart = *distinct && args.iter().any(|arg| is_keyed(arg, schema));
                    if told_apart && !ALIKE_WHEN_DISTINCT.contains(&func.name()) {
                        let message = format!("{}(DISTINCT) of intervals and of jsonb is not supported", func.name());
                        return Err(not_supported(message));
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

/// An aggregation with such values among its groups: grouped by what they are equal by, with the first value of each
/// group.
fn grouped(node: Aggregate) -> Result<LogicalPlan> {
    let schema = node.input.schema().clone();
    let groups = node.group_expr.len();
    let (mut keys, mut values) = (Vec::with_capacity(groups), Vec::new());
    let mut shown = Vec::with_capacity(node.schema.fields().len());
    let names: Vec<Column> = node.schema.columns();
    for (place, group) in node.group_expr.into_iter().enumerate() {
        let Some(name) = names.get(place) else { continue };
        if !is_keyed(&group, &schema) {
            keys.push(group);
            shown.push(Expr::Column(name.clone()));
            continue;
        }
        let (by, first) = (format!("equality_key_{place}"), format!("equality_first_{place}"));
        let group = group.unalias();
        keys.push(key(group.clone(), &schema).data.alias(by));
        let function = AggregateFunction::new_udf(first_value_udaf(), vec![group], false, None, Vec::new(), None);
        values.push(Expr::AggregateFunction(function).alias(&first));
        shown.push(col(Column::new_unqualified(first)).alias_qualified(name.relation.clone(), name.name.clone()));
    }
    shown.extend(names.iter().skip(groups).map(|name| Expr::Column(name.clone())));
    let aggregates = node.aggr_expr.into_iter().chain(values).collect();
    let inner = LogicalPlan::Aggregate(Aggregate::try_new(node.input, keys, aggregates)?);
    Ok(LogicalPlan::Projection(Projection::try_new(shown, Arc::new(inner))?))
}
