//! The analyzer rule `input_order`: what `array_agg`, `string_agg` and their like gather from a sorted subquery has the
//! subquery's order, as PostgreSQL's manual recommends it: `SELECT string_agg(symbol, ',') FROM (SELECT symbol FROM eod
//! ORDER BY close DESC) t`.
//!
//! The keys of the sort become those of the aggregate; where the subquery does not show a key, it is handed up beside its
//! columns.
//!
//! DataFusion 55: an aggregation reads its input in whatever order it comes, and a sort that nothing asks for is taken
//! away. Not needed once `subquery_order.slt` passes without this rule.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchemaRef, Result};
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Aggregate, Expr, Filter, Limit, LogicalPlan, Projection, SubqueryAlias};
use datafusion::optimizer::AnalyzerRule;
use std::sync::Arc;

/// The analyzer rule; it comes before subqueries become joins, which forget their order.
#[derive(Debug)]
pub(super) struct InputOrder;

impl AnalyzerRule for InputOrder {
    fn name(&self) -> &str {
        "input_order"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Aggregate(aggregate) if aggregate.aggr_expr.iter().any(takes_order) => in_order(aggregate),
            other => Ok(Transformed::no(other)),
        });
        Ok(plan?.data)
    }
}

/// Whether a value depends on the order of the rows, and none is written.
fn takes_order(value: &Expr) -> bool {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = unaliased(value) else { return false };
    params.order_by.is_empty() && !params.distinct && func.order_sensitivity() != AggregateOrderSensitivity::Insensitive
}

/// An aggregation with the order of its input, if that is sorted.
fn in_order(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let Some((input, keys)) = sorted(&aggregate.input)? else {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    };
    let ordered = |value: Expr| -> Result<Expr> {
        if !takes_order(&value) {
            return Ok(value);
        }
        // The name by which the nodes above know the value.
        let (relation, name) = value.qualified_name();
        let value = value.unalias().transform_up(|part| match part {
            Expr::AggregateFunction(mut function) => {
                function.params.order_by.clone_from(&keys);
                Ok(Transformed::yes(Expr::AggregateFunction(function)))
            }
            other => Ok(Transformed::no(other)),
        });
        Ok(value?.data.alias_qualified(relation, name))
    };
    let values = aggregate.aggr_expr.into_iter().map(ordered).collect::<Result<_>>()?;
    let aggregate = Aggregate::try_new(Arc::new(input), aggregate.group_expr, values)?;
    Ok(Transformed::yes(LogicalPlan::Aggregate(aggregate)))
}

/// A plan whose rows come sorted, with the keys in terms of its columns; columns are added at its end where a key is none
/// of those that it shows. `None` when its rows come in no order that is known.
fn sorted(plan: &LogicalPlan) -> Result<Option<(LogicalPlan, Vec<Sort>)>> {
    Ok(match plan {
        LogicalPlan::Sort(sort) if sort.expr.iter().all(|key| !key.expr.is_volatile()) => {
            Some((plan.clone(), sort.expr.clone()))
        }
        LogicalPlan::Filter(filter) => match sorted(&filter.input)? {
            Some((input, keys)) => {
                let filter = Filter::try_new(filter.predicate.clone(), Arc::new(input))?;
                Some((LogicalPlan::Filter(filter), keys))
            }
            None => None,
        },
        LogicalPlan::Limit(limit) => sorted(&limit.input)?.map(|(input, keys)| {
            let limit = Limit { input: Arc::new(input), ..limit.clone() };
            (LogicalPlan::Limit(limit), keys)
        }),
        LogicalPlan::Projection(projection) => match sorted(&projection.input)? {
            Some((input, keys)) => Some(projected(projection, input, keys)?),
            None => None,
        },
        LogicalPlan::SubqueryAlias(alias) => match sorted(&alias.input)? {
            Some((input, keys)) => Some(aliased(alias, input, keys)?),
            None => None,
        },
        _ => None,
    })
}

/// A projection over an input that gives these keys, and the keys in terms of its columns.
fn projected(projection: &Projection, input: LogicalPlan, keys: Vec<Sort>) -> Result<(LogicalPlan, Vec<Sort>)> {
    let mut columns = projection.expr.clone();
    // The place of each key among the columns.
    let mut places = Vec::with_capacity(keys.len());
    for key in &keys {
        let shown = columns.iter().position(|column| *unaliased(column) == key.expr);
        places.push(shown.unwrap_or(columns.len()));
        if shown.is_none() {
            let name = format!("__input_order_{}", columns.len());
            columns.push(key.expr.clone().alias(name));
        }
    }
    let plan = LogicalPlan::Projection(Projection::try_new(columns, Arc::new(input))?);
    let keys = keys.into_iter().zip(places).map(|(key, place)| Sort { expr: column(plan.schema(), place), ..key });
    let keys = keys.collect();
    Ok((plan, keys))
}

/// An alias of an input that gives these keys, and the keys in terms of its columns.
fn aliased(alias: &SubqueryAlias, input: LogicalPlan, keys: Vec<Sort>) -> Result<(LogicalPlan, Vec<Sort>)> {
    let inner = input.schema().clone();
    let plan = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?;
    let rename = |key: Sort| -> Result<Sort> {
        let expr = key.expr.transform_up(|part| match part {
            Expr::Column(own) => Ok(Transformed::yes(column(&plan.schema, inner.index_of_column(&own)?))),
            other => Ok(Transformed::no(other)),
        });
        Ok(Sort { expr: expr?.data, ..key })
    };
    let keys = keys.into_iter().map(rename).collect::<Result<_>>()?;
    Ok((LogicalPlan::SubqueryAlias(plan), keys))
}

fn column(schema: &DFSchemaRef, place: usize) -> Expr {
    Expr::Column(Column::from(schema.qualified_field(place)))
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}
