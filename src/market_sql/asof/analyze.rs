//! The analyzer rule that finds as-of joins: joins whose condition calls [`MATCHED`], which the binder put there.

use super::key::match_key;
use super::merge::{Direction, Rule};
use super::node::AsOfJoin;
use crate::dialect::parse::as_of_join::MATCHED;
use crate::error::{ErrorKind, QueryError};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::logical_plan::{Extension, Join};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{
    BinaryExpr, Case, Expr, ExprSchemable, JoinType, LogicalPlan, LogicalPlanBuilder, Operator,
};
use datafusion::optimizer::AnalyzerRule;
use std::sync::Arc;

/// The analyzer rule; it comes after those that settle types.
#[derive(Debug)]
pub(super) struct AsOfJoins;

impl AnalyzerRule for AsOfJoins {
    fn name(&self) -> &'static str {
        "as_of_joins"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let done = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Join(join) if join.filter.as_ref().is_some_and(is_matched) => {
                let node = Arc::new(planned(join)?);
                Ok(Transformed::yes(LogicalPlan::Extension(Extension { node })))
            }
            other => Ok(Transformed::no(other)),
        });
        Ok(done?.data)
    }
}

/// Whether a call of [`MATCHED`] is among the conditions.
fn is_matched(filter: &Expr) -> bool {
    datafusion::logical_expr::utils::split_conjunction(filter).into_iter().any(|condition| call(condition).is_some())
}

/// The arguments of a call of [`MATCHED`].
fn call(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == MATCHED => Some(args),
        _ => None,
    }
}

/// Conditions of the join, by what they speak of.
#[derive(Default)]
struct Conditions {
    keys: Vec<(Expr, Expr)>,
    left: Vec<Expr>,
    right: Vec<Expr>,
    /// Comparisons of the right side's value with something of the left side.
    bounds: Vec<(Operator, Expr)>,
}

/// The join as a node of its own.
fn planned(join: Join) -> Result<AsOfJoin> {
    let Join { left, right, on, filter, join_type, .. } = join;
    let (left, right) = (Arc::unwrap_or_clone(left), Arc::unwrap_or_clone(right));
    let keeps_left = match join_type {
        JoinType::Left => true,
        JoinType::Inner => false,
        other => return plan_err!("an as-of join is no {other} join"),
    };
    let mut conditions = filter.map(split_conjunction_owned).unwrap_or_default();
    let place = conditions.iter().position(|condition| call(condition).is_some());
    let matched = place.map(|place| conditions.remove(place));
    let sides = Sides { left: left.schema().clone(), right: right.schema().clone() };
    let (values, op, ties) = values(matched.as_ref().and_then(call).unwrap_or_default(), &sides)?;
    for (of_left, of_right) in &values {
        if !sides.only_left(of_left) || !sides.only_right(of_right) {
            return Err(wrong("an as-of join matches a value of its left table with one of its right table"));
        }
    }
    let mut sorted = Conditions { keys: on, ..Conditions::default() };
    for condition in conditions {
        sides.sort(condition, &values, &mut sorted)?;
    }
    let direction = match op {
        Operator::Gt | Operator::GtEq => Direction::Backward,
        _ => Direction::Forward,
    };
    let (bound, bound_strict) = bound(sorted.bounds, direction)?;
    let rule = Rule { direction, strict: matches!(op, Operator::Gt | Operator::Lt), bound_strict, keeps_left };
    let right = filtered(right, sorted.right)?;
    let (left, values) = match keeps_left {
        // A left row that ON refuses has no value, and so no match.
        true => (left, refused(values, sorted.left)),
        false => (filtered(left, sorted.left)?, values),
    };
    let ties = match ties.is_empty() {
        false => ties,
        true => right.schema().columns().into_iter().map(Expr::Column).collect(),
    };
    // What is equal on both sides settles nothing, and of two zeros it would.
    let settled = |tie: &Expr| sorted.keys.iter().chain(&values).any(|(_, of_right)| of_right == tie);
    let ties = ties.into_iter().filter(|tie| !settled(tie)).collect();
    let (types_left, types_right) = (left.schema().clone(), right.schema().clone());
    let one = |expr: Expr, schema: &DFSchema| match_key(expr, schema);
    let both = |pairs: Vec<(Expr, Expr)>| -> Result<Vec<(Expr, Expr)>> {
        pairs.into_iter().map(|(left, right)| Ok((one(left, &types_left)?, one(right, &types_right)?))).collect()
    };
    let (keys, values) = (both(sorted.keys)?, both(values)?);
    let bound = bound.map(|bound| one(bound, &types_left)).transpose()?;
    for (of_left, of_right) in keys.iter().chain(&values) {
        comparable(of_left.get_type(&types_left)?, of_right.get_type(&types_right)?)?;
    }
    if let (Some(bound), Some((_, value))) = (&bound, values.first()) {
        comparable(bound.get_type(&types_left)?, value.get_type(&types_right)?)?;
    }
    AsOfJoin::try_new((left, right), keys, values, bound, ties, rule)
}

/// Pairs of values, one of each side.
type Pairs = Vec<(Expr, Expr)>;

/// The values that are matched, by which operator, and the columns behind them.
fn values(arguments: &[Expr], sides: &Sides) -> Result<(Pairs, Operator, Vec<Expr>)> {
    let count = match arguments.first() {
        Some(Expr::Literal(ScalarValue::Utf8(Some(count)) | ScalarValue::Utf8View(Some(count)), _)) => {
            count.parse().ok()
        }
        _ => None,
    };
    let Some((comparisons, ties)) = count.and_then(|count: usize| arguments.get(1..)?.split_at_checked(count)) else {
        return plan_err!("what an as-of join matches is missing");
    };
    let mut op = Operator::GtEq;
    let mut values = Vec::new();
    for comparison in comparisons {
        let Expr::BinaryExpr(BinaryExpr { left, op: by, right }) = comparison else {
            return Err(wrong("values of these types cannot be matched by an as-of join"));
        };
        // The comparison of a moment with a date is turned round where it becomes one of days.
        let (left, by, right) = match by.swap().filter(|_| sides.only_right(left) && sides.only_left(right)) {
            Some(swapped) => (right, swapped, left),
            None => (left, *by, right),
        };
        op = by;
        values.push((left.as_ref().clone(), right.as_ref().clone()));
    }
    Ok((values, op, ties.to_vec()))
}

/// The schemas of both sides.
struct Sides {
    left: Arc<DFSchema>,
    right: Arc<DFSchema>,
}

impl Sides {
    fn only_left(&self, expr: &Expr) -> bool {
        is_over(expr, &self.left)
    }

    fn only_right(&self, expr: &Expr) -> bool {
        is_over(expr, &self.right)
    }

    /// Puts a condition where it belongs.
    fn sort(&self, condition: Expr, values: &Pairs, sorted: &mut Conditions) -> Result<()> {
        if self.only_left(&condition) {
            sorted.left.push(condition);
            return Ok(());
        }
        if self.only_right(&condition) {
            sorted.right.push(condition);
            return Ok(());
        }
        if let Expr::BinaryExpr(BinaryExpr { left, op, right }) = &condition {
            let (of_left, op, of_right) = match self.only_left(left) && self.only_right(right) {
                true => (left, Some(*op), right),
                false => (right, op.swap(), left),
            };
            if self.only_left(of_left) && self.only_right(of_right) {
                match op {
                    Some(Operator::Eq) => {
                        sorted.keys.push((of_left.as_ref().clone(), of_right.as_ref().clone()));
                        return Ok(());
                    }
                    Some(op @ (Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq))
                        if values.len() == 1 && values.iter().any(|(_, value)| value == of_right.as_ref()) =>
                    {
                        sorted.bounds.push((op, of_left.as_ref().clone()));
                        return Ok(());
                    }
                    _ => {}
                }
            }
        }
        let message = "an as-of join takes, of both tables, equalities and one bound on how far away a match may be";
        let hint = "Other conditions over both tables stand in WHERE, where they filter after the match.";
        Err(external(QueryError::new(ErrorKind::NotSupported, message).with_hint(hint)))
    }
}

/// Whether an expression has columns, all of them of a schema.
fn is_over(expr: &Expr, schema: &DFSchema) -> bool {
    let columns = expr.column_refs();
    !columns.is_empty() && columns.into_iter().all(|column| schema.has_column(column))
}

/// The bound of the left side, `bound op value`, when it lies on the side that matches come from.
fn bound(bounds: Vec<(Operator, Expr)>, direction: Direction) -> Result<(Option<Expr>, bool)> {
    match bounds.as_slice() {
        [] => Ok((None, false)),
        [(op, bound)] => match (direction, op) {
            (Direction::Backward, Operator::Lt) | (Direction::Forward, Operator::Gt) => Ok((Some(bound.clone()), true)),
            (Direction::Backward, Operator::LtEq) | (Direction::Forward, Operator::GtEq) => {
                Ok((Some(bound.clone()), false))
            }
            _ => Err(wrong("the second comparison of an as-of join bounds how far away a match may be")),
        },
        _ => Err(wrong("an as-of join has one bound on how far away a match may be")),
    }
}

fn filtered(plan: LogicalPlan, conditions: Vec<Expr>) -> Result<LogicalPlan> {
    let condition = conditions.into_iter().reduce(Expr::and);
    match condition {
        Some(condition) => LogicalPlanBuilder::from(plan).filter(condition)?.build(),
        None => Ok(plan),
    }
}

/// The values of the left side, NULL where a condition does not hold.
fn refused(values: Pairs, conditions: Vec<Expr>) -> Pairs {
    let Some(condition) = conditions.into_iter().reduce(Expr::and) else { return values };
    let given = |value: Expr| {
        let when = vec![(Box::new(condition.clone()), Box::new(value))];
        Expr::Case(Case { expr: None, when_then_expr: when, else_expr: None })
    };
    values.into_iter().map(|(left, right)| (given(left), right)).collect()
}

/// Whether the values of both sides have one order.
fn comparable(left: arrow::datatypes::DataType, right: arrow::datatypes::DataType) -> Result<()> {
    if left == right {
        return Ok(());
    }
    let message = format!("an as-of join cannot compare {left} with {right}");
    let error = QueryError::new(ErrorKind::TypeMismatch, message);
    Err(external(error.with_hint("Cast one of them to the type of the other.")))
}

fn wrong(message: &str) -> DataFusionError {
    external(QueryError::new(ErrorKind::WrongColumns, message))
}

fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
