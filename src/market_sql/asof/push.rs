//! The optimizer rule that moves filters into the inputs of as-of joins.
//!
//! A filter above the join that speaks of left columns alone filters the left input. What it says of a key holds for the
//! right input too, and so does an upper bound of what is matched backward (a lower one forward): no other right row can
//! be matched. There is no bound on the other side unless the join has one: the row that matches may be as old as it likes.
//! A filter on right columns stays above the join, since it filters what was matched.

use super::merge::Direction;
use super::node::AsOfJoin;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::logical_plan::{Extension, Filter};
use datafusion::logical_expr::utils::{split_conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, LogicalPlanBuilder, Operator};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use std::sync::Arc;

/// The optimizer rule; it runs from the root of the plan down.
#[derive(Debug)]
pub(super) struct PushIntoAsOfJoin;

impl OptimizerRule for PushIntoAsOfJoin {
    fn name(&self) -> &'static str {
        "push_into_as_of_join"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>, DataFusionError> {
        match plan {
            LogicalPlan::Filter(filter) => match as_of_join(&filter.input) {
                Some(join) => pushed(&filter, join),
                None => Ok(Transformed::no(LogicalPlan::Filter(filter))),
            },
            other => match as_of_join(&other).map(bounded).transpose()?.flatten() {
                Some(join) => Ok(Transformed::yes(node(join))),
                None => Ok(Transformed::no(other)),
            },
        }
    }
}

fn as_of_join(plan: &LogicalPlan) -> Option<&AsOfJoin> {
    match plan {
        LogicalPlan::Extension(Extension { node }) => node.as_any().downcast_ref(),
        _ => None,
    }
}

fn node(join: AsOfJoin) -> LogicalPlan {
    LogicalPlan::Extension(Extension { node: Arc::new(join) })
}

/// The join with those conditions of a filter below it that speak of its left side alone.
fn pushed(filter: &Filter, join: &AsOfJoin) -> Result<Transformed<LogicalPlan>> {
    let schema = join.left.schema();
    let (below, above): (Vec<Expr>, Vec<Expr>) =
        split_conjunction_owned(filter.predicate.clone()).into_iter().partition(|condition| {
            let columns = condition.column_refs();
            let plain = !condition.is_volatile() && !has_subquery(condition);
            plain && !columns.is_empty() && columns.into_iter().all(|column| schema.has_column(column))
        });
    let Some(condition) = below.into_iter().reduce(Expr::and) else {
        return Ok(Transformed::no(LogicalPlan::Filter(filter.clone())));
    };
    let left = LogicalPlanBuilder::from(join.left.clone()).filter(condition)?.build()?;
    let join = join.over(left, join.right.clone())?;
    let join = node(bounded(&join)?.unwrap_or(join));
    Ok(Transformed::yes(match above.into_iter().reduce(Expr::and) {
        Some(condition) => LogicalPlanBuilder::from(join).filter(condition)?.build()?,
        None => join,
    }))
}

/// Whether an expression holds a query.
pub(super) fn has_subquery(expr: &Expr) -> bool {
    let is = |expr: &Expr| {
        Ok(matches!(expr, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_)))
    };
    expr.exists(is).unwrap_or(true)
}

/// The join whose right side is filtered by what follows from the left side; `None` where nothing new follows.
fn bounded(join: &AsOfJoin) -> Result<Option<AsOfJoin>> {
    let known = known(&join.left);
    let there = self::known(&join.right);
    let mut follows: Vec<Expr> = Vec::new();
    for (left, right) in &join.keys {
        if let (Expr::Column(left), Expr::Column(_)) = (left, right) {
            let of_key = known.iter().filter(|condition| is_about(condition, left));
            follows.extend(of_key.filter_map(|condition| with_value(condition, left, right)));
        }
    }
    if let Some((Expr::Column(left), right @ Expr::Column(_))) = join.values.first() {
        let alone = join.values.len() == 1;
        let of_value = known.iter().filter(|condition| is_about(condition, left)).flat_map(|it| limits(it, left));
        for (op, limit) in of_value {
            let ahead = join.rule.direction == Direction::Forward;
            let nearer = matches!(op, Operator::Lt | Operator::LtEq);
            if nearer != ahead {
                let op = if alone { op } else { closed(op) };
                follows.push(compared(right.clone(), op, limit));
            } else if let Some(limit) = join.bound.as_ref().and_then(|bound| shifted(bound, left, &limit)) {
                follows.push(compared(right.clone(), closed(op), limit));
            }
        }
    }
    follows.retain(|condition| !there.contains(condition));
    follows.dedup();
    let Some(condition) = follows.into_iter().reduce(Expr::and) else { return Ok(None) };
    let right = LogicalPlanBuilder::from(join.right.clone()).filter(condition)?.build()?;
    Ok(Some(join.over(join.left.clone(), right)?))
}

/// A bound at a limit of the column that it is of, when it is the column less or more a constant, and so grows with it.
fn shifted(bound: &Expr, column: &Column, limit: &Expr) -> Option<Expr> {
    let (value, shift) = match bound {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right }) => {
            (left.as_ref(), right.as_ref())
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if SHIFTS.contains(&func.name()) => match args.as_slice() {
            [value, shift] => (value, shift),
            _ => return None,
        },
        _ => return None,
    };
    let of_column = matches!(value, Expr::Column(found) if found == column);
    (of_column && matches!(shift, Expr::Literal(..))).then(|| with_value(bound, column, limit)).flatten()
}

/// The dialect's functions that move a moment by a span.
const SHIFTS: [&str; 6] =
    ["date_plus", "date_minus", "timestamp_plus", "timestamp_minus", "timestamptz_plus", "timestamptz_minus"];

/// An expression with a value in the place of a column, if that is its only one.
fn with_value(expr: &Expr, column: &Column, value: &Expr) -> Option<Expr> {
    if expr.column_refs().into_iter().any(|found| found != column) || expr.is_volatile() {
        return None;
    }
    let replace = |expr: Expr| match &expr {
        Expr::Column(found) if found == column => Ok(Transformed::yes(value.clone())),
        _ => Ok(Transformed::no(expr)),
    };
    expr.clone().transform(replace).ok().map(|done| done.data)
}

/// The constants that a condition bounds a column by, and on which side: `column op value`. An equality bounds on both.
fn limits(condition: &Expr, column: &Column) -> Vec<(Operator, Expr)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return Vec::new() };
    let is_column = |expr: &Expr| matches!(expr, Expr::Column(found) if found == column);
    let (op, value) = match (is_column(left), is_column(right)) {
        (true, false) => (Some(*op), right),
        (false, true) => (op.swap(), left),
        _ => return Vec::new(),
    };
    if !value.column_refs().is_empty() || value.is_volatile() || has_subquery(value) {
        return Vec::new();
    }
    let sides = match op {
        Some(Operator::Eq) => vec![Operator::LtEq, Operator::GtEq],
        Some(op @ (Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq)) => vec![op],
        _ => Vec::new(),
    };
    sides.into_iter().map(|op| (op, value.as_ref().clone())).collect()
}

/// The operator that lets equal values through as well.
fn closed(op: Operator) -> Operator {
    match op {
        Operator::Lt => Operator::LtEq,
        Operator::Gt => Operator::GtEq,
        other => other,
    }
}

fn compared(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })
}

/// Whether a condition compares a column with constants, and nothing else.
fn is_about(condition: &Expr, column: &Column) -> bool {
    let columns = condition.column_refs();
    let compares = match condition {
        Expr::BinaryExpr(BinaryExpr { op, .. }) => {
            matches!(op, Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq | Operator::Or)
        }
        Expr::InList(list) => !list.negated,
        _ => false,
    };
    compares && !columns.is_empty() && columns.into_iter().all(|found| found == column)
}

/// How many nodes below a join are asked for conditions.
const DEPTH_MAX: usize = 64;

/// The conditions that hold for all rows of a plan, by the names of its result.
fn known(plan: &LogicalPlan) -> Vec<Expr> {
    known_below(plan, DEPTH_MAX)
}

/// The same, as far as so many nodes say them.
fn known_below(plan: &LogicalPlan, depth: usize) -> Vec<Expr> {
    let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
    let known = |plan: &LogicalPlan| known_below(plan, depth);
    match plan {
        LogicalPlan::Filter(filter) => {
            let mut all = known(&filter.input);
            all.extend(split_conjunction(&filter.predicate).into_iter().flat_map(sides));
            all
        }
        LogicalPlan::TableScan(scan) => scan.filters.iter().flat_map(split_conjunction).flat_map(sides).collect(),
        LogicalPlan::Sort(sort) => known(&sort.input),
        LogicalPlan::SubqueryAlias(alias) => {
            let names = alias.input.schema().columns().into_iter().zip(alias.schema.columns());
            renamed(known(&alias.input), &names.map(|(old, new)| (old, Expr::Column(new))).collect::<Vec<_>>())
        }
        LogicalPlan::Projection(projection) => {
            let pairs = projection.expr.iter().zip(projection.schema.columns());
            let plain = pairs.filter_map(|(expr, new)| match expr.clone().unalias() {
                Expr::Column(old) => Some((old, Expr::Column(new))),
                _ => None,
            });
            renamed(known(&projection.input), &plain.collect::<Vec<_>>())
        }
        LogicalPlan::Extension(_) => as_of_join(plan).map(|join| known(&join.left)).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// A condition as comparisons: BETWEEN is two.
fn sides(condition: &Expr) -> Vec<Expr> {
    match condition {
        Expr::Between(between) if !between.negated => vec![
            compared(between.expr.as_ref().clone(), Operator::GtEq, between.low.as_ref().clone()),
            compared(between.expr.as_ref().clone(), Operator::LtEq, between.high.as_ref().clone()),
        ],
        other => vec![other.clone()],
    }
}

/// Those conditions whose columns all have a new name, by these.
fn renamed(conditions: Vec<Expr>, names: &[(Column, Expr)]) -> Vec<Expr> {
    let new = |condition: Expr| {
        let kept = condition.column_refs().into_iter().all(|column| names.iter().any(|(old, _)| old == column));
        let replace = |expr: Expr| match &expr {
            Expr::Column(column) => match names.iter().find(|(old, _)| old == column) {
                Some((_, new)) => Ok(Transformed::yes(new.clone())),
                None => Ok(Transformed::no(expr)),
            },
            _ => Ok(Transformed::no(expr)),
        };
        kept.then(|| condition.transform(replace).ok().map(|done| done.data)).flatten()
    };
    conditions.into_iter().filter_map(new).collect()
}
