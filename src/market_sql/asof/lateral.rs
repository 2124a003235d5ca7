//! The analyzer rule that finds as-of joins as PostgreSQL's users write them:
//!
//! ```sql
//! LEFT JOIN LATERAL (SELECT ... FROM r WHERE r.k = l.k AND r.t <= l.t ORDER BY r.t DESC LIMIT 1) m ON true
//! ```
//!
//! What it does not recognise is left to the dialect, which computes it as it stands. Doubles are left as well: for
//! PostgreSQL, NaN equals NaN and is above all.

use super::merge::{Direction, Rule};
use super::node::AsOfJoin;
use super::push::has_subquery;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, TableReference};
use datafusion::logical_expr::logical_plan::{Extension, Join, Limit};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, SortExpr,
};
use datafusion::optimizer::AnalyzerRule;
use std::sync::Arc;

/// The analyzer rule; it comes before the one that turns correlated queries into joins.
#[derive(Debug)]
pub(super) struct LateralAsOfJoins;

impl AnalyzerRule for LateralAsOfJoins {
    fn name(&self) -> &'static str {
        "lateral_as_of_joins"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let done = plan.transform_up_with_subqueries(|node| {
            let found = match &node {
                LogicalPlan::Join(join) => recognised(join)?,
                _ => None,
            };
            Ok(found.map_or(Transformed::no(node), Transformed::yes))
        });
        Ok(done?.data)
    }
}

/// The parts of a query of the nearest row.
struct Nearest {
    /// What the query is called.
    alias: Option<TableReference>,
    /// The columns of its result: those of its rows and their names.
    columns: Vec<(Column, String)>,
    order: Vec<SortExpr>,
    conditions: Vec<Expr>,
    rows: LogicalPlan,
}

/// The plan of a join that is an as-of join.
fn recognised(join: &Join) -> Result<Option<LogicalPlan>> {
    let is_true = |filter: &Expr| matches!(filter, Expr::Literal(ScalarValue::Boolean(Some(true)), _));
    if !join.on.is_empty() || !join.filter.as_ref().is_none_or(is_true) {
        return Ok(None);
    }
    let keeps_left = match join.join_type {
        JoinType::Left => true,
        JoinType::Inner => false,
        _ => return Ok(None),
    };
    let Some(nearest) = nearest(&join.right) else { return Ok(None) };
    if is_correlated(&nearest.rows)? || nearest.conditions.iter().any(has_subquery) {
        return Ok(None);
    }
    let Some(conditions) = Conditions::of(nearest.conditions, join.left.schema(), nearest.rows.schema())? else {
        return Ok(None);
    };
    let Conditions { keys, value: (left_value, op, right_value), own } = conditions;
    let (direction, descending) = match op {
        Operator::GtEq | Operator::Gt => (Direction::Backward, true),
        _ => (Direction::Forward, false),
    };
    let mut order = nearest.order.into_iter();
    let first = order.next().is_some_and(|first| first.expr == right_value && first.asc != descending);
    // The first row by the further keys is matched, and of several rows of one value that is the last here.
    let mut ties: Vec<Expr> = Vec::new();
    for key in order {
        if key.asc || key.nulls_first {
            return Ok(None);
        }
        ties.push(key.expr);
    }
    if !first {
        return Ok(None);
    }
    let rows = match own.into_iter().reduce(Expr::and) {
        Some(condition) => LogicalPlanBuilder::from(nearest.rows).filter(condition)?.build()?,
        None => nearest.rows,
    };
    if ties.is_empty() {
        ties = rows.schema().columns().into_iter().map(Expr::Column).collect();
    }
    let strict = matches!(op, Operator::Gt | Operator::Lt);
    let rule = Rule { direction, strict, bound_strict: false, keeps_left };
    let left = join.left.as_ref().clone();
    let of_left: Vec<Expr> = left.schema().columns().into_iter().map(Expr::Column).collect();
    if left.schema().columns().iter().any(|column| rows.schema().has_column(column)) {
        // Both name a table alike, and the columns of one would stand for those of the other.
        return Ok(None);
    }
    let values = vec![(left_value, right_value)];
    let node = Arc::new(AsOfJoin::try_new((left, rows), keys, values, None, ties, rule)?);
    let of_right = nearest
        .columns
        .into_iter()
        .map(|(column, name)| Expr::Column(column).alias_qualified(nearest.alias.clone(), name));
    let plan = LogicalPlanBuilder::from(LogicalPlan::Extension(Extension { node }));
    let plan = plan.project(of_left.into_iter().chain(of_right))?.build()?;
    Ok((plan.schema().fields().len() == join.schema.fields().len()).then_some(plan))
}

/// The parts of a LATERAL query that gives one row.
fn nearest(plan: &LogicalPlan) -> Option<Nearest> {
    let (alias, plan) = match plan {
        LogicalPlan::SubqueryAlias(alias) => (Some(alias.alias.clone()), alias.input.as_ref()),
        other => (None, other),
    };
    let LogicalPlan::Subquery(subquery) = plan else { return None };
    let mut columns: Vec<(Column, String)> = subquery
        .subquery
        .schema()
        .columns()
        .into_iter()
        .map(|column| {
            let name = column.name.clone();
            (column, name)
        })
        .collect();
    let mut plan = subquery.subquery.as_ref();
    let mut order: Option<Vec<SortExpr>> = None;
    let mut limited = false;
    loop {
        plan = match plan {
            LogicalPlan::Limit(limit) if is_one(limit) && order.is_none() => {
                limited = true;
                limit.input.as_ref()
            }
            LogicalPlan::Sort(sort) if limited && order.is_none() && sort.fetch.is_none() => {
                order = Some(sort.expr.clone());
                sort.input.as_ref()
            }
            LogicalPlan::Projection(projection) => {
                let below = |column: &Column| {
                    let place = projection.schema.index_of_column(column).ok()?;
                    match projection.expr.get(place)?.clone().unalias() {
                        Expr::Column(column) => Some(column),
                        _ => None,
                    }
                };
                columns =
                    columns.into_iter().map(|(column, name)| Some((below(&column)?, name))).collect::<Option<_>>()?;
                for key in order.iter_mut().flatten() {
                    let Expr::Column(column) = &key.expr else { return None };
                    key.expr = Expr::Column(below(column)?);
                }
                projection.input.as_ref()
            }
            LogicalPlan::SubqueryAlias(_) | LogicalPlan::TableScan(_) => return None,
            LogicalPlan::Filter(filter) => {
                let conditions = split_conjunction_owned(filter.predicate.clone());
                let rows = filter.input.as_ref().clone();
                return order.map(|order| Nearest { alias, columns, order, conditions, rows });
            }
            _ => return None,
        };
    }
}

/// Whether a limit lets one row through, the first.
fn is_one(limit: &Limit) -> bool {
    let number = |expr: &Expr| match expr {
        Expr::Literal(ScalarValue::Int64(number), _) => *number,
        Expr::Literal(ScalarValue::Int32(number), _) => number.map(i64::from),
        _ => None,
    };
    let first = limit.skip.as_deref().is_none_or(|skip| number(skip) == Some(0));
    first && limit.fetch.as_deref().and_then(number) == Some(1)
}

/// The conditions of the query, by what they say of the outer row.
struct Conditions {
    keys: Vec<(Expr, Expr)>,
    value: (Expr, Operator, Expr),
    own: Vec<Expr>,
}

impl Conditions {
    /// `None` unless they are equalities of keys, one comparison of order, and conditions of the query's own.
    fn of(conditions: Vec<Expr>, left: &DFSchema, right: &DFSchema) -> Result<Option<Self>> {
        let (mut keys, mut values, mut own) = (Vec::new(), Vec::new(), Vec::new());
        for condition in conditions {
            if !has_outer(&condition)? {
                own.push(condition);
                continue;
            }
            let Expr::BinaryExpr(BinaryExpr { left: one, op, right: other }) = condition else { return Ok(None) };
            let turned = has_outer(&other)?;
            let (outer, op, inner) = if turned { (*other, op.swap(), *one) } else { (*one, Some(op), *other) };
            let (Some(outer), Expr::Column(_)) = (unwrapped(outer, left)?, &inner) else { return Ok(None) };
            let data_type = inner.get_type(right)?;
            if data_type.is_floating() || outer.get_type(left)? != data_type {
                return Ok(None);
            }
            match op {
                Some(Operator::Eq) => keys.push((outer, inner)),
                Some(op @ (Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq)) => {
                    values.push((outer, op, inner));
                }
                _ => return Ok(None),
            }
        }
        Ok(match (values.pop(), values.is_empty()) {
            (Some(value), true) => Some(Self { keys, value, own }),
            _ => None,
        })
    }
}

/// Whether a plan names columns of the rows around it.
fn is_correlated(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| {
        let mut found = false;
        node.apply_expressions(|expr| {
            found = found || has_outer(expr)? || has_subquery(expr);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(found)
    })
}

fn has_outer(expr: &Expr) -> Result<bool> {
    expr.exists(|expr| Ok(matches!(expr, Expr::OuterReferenceColumn(..))))
}

/// An expression over the outer row alone, as one over the left side; `None` for any other.
fn unwrapped(expr: Expr, left: &DFSchema) -> Result<Option<Expr>> {
    if !expr.column_refs().is_empty() || expr.is_volatile() {
        return Ok(None);
    }
    let done = expr.transform(|expr| match expr {
        Expr::OuterReferenceColumn(_, column) => Ok(Transformed::yes(Expr::Column(column))),
        other => Ok(Transformed::no(other)),
    })?;
    let known = done.data.column_refs().into_iter().all(|column| left.has_column(column));
    Ok(known.then_some(done.data))
}
