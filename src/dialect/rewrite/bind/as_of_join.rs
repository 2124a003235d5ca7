//! As-of joins in FROM: names, the merged columns of USING, and which comparison a row is matched by.
//!
//! The join becomes a plain one, inner or left, whose condition calls a function that no statement can write
//! ([`MATCHED`]): with the number of comparisons that match, these comparisons, and the columns by which one of several
//! rows of equal values is chosen. Whoever plans as-of joins takes the call out of the plan; one that is left is an error.

use super::super::build;
use super::binder::Binder;
use super::scope::{Found, Scope};
use crate::dialect::parse::as_of_join::{AMONG, LEFT, MATCHED};
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Ident, Interval, JoinConstraint, JoinOperator, Value, Visitor,
};
use std::ops::ControlFlow;

/// A comparison by which rows are matched: the left table's value, the operator and the right table's value.
type Comparison = (Expr, BinaryOperator, Expr);

impl Binder<'_> {
    /// The scope of an as-of join, which becomes a plain join.
    ///
    /// # Errors
    /// `WrongColumns` for conditions without one comparison of order between the tables, `NotSupported` for tables whose
    /// columns are not known where they have to be.
    pub(super) fn as_of(
        &mut self,
        left: Scope,
        mut right: Scope,
        operator: &mut JoinOperator,
    ) -> Result<Scope, QueryError> {
        let JoinOperator::AsOf { match_condition, constraint } = operator else { return Ok(left) };
        let (kind, matched, tolerance) = taken_apart(build::take(match_condition))?;
        let keeps_left = kind.starts_with(LEFT);
        if keeps_left {
            right.fill_with_nulls();
        }
        let ties = ties(&right);
        let (of_left, of_right) = (left.clone(), right.clone());
        let by_names = matches!(constraint, JoinConstraint::Using(_));
        let scope = self.merged(left, right, constraint)?;
        if matches!(constraint, JoinConstraint::Using(_)) {
            let message = "ASOF JOIN ... USING over tables whose columns are not known is not supported";
            return Err(QueryError::new(ErrorKind::NotSupported, message).with_hint("Use ON."));
        }
        let mut condition = match std::mem::replace(constraint, JoinConstraint::None) {
            JoinConstraint::On(condition) => Some(condition),
            _ => None,
        };
        let sides = Sides { left: &of_left, right: &of_right };
        let comparisons = match (kind.ends_with(AMONG), by_names) {
            (true, true) => vec![last_equality(&mut condition)?],
            (true, false) => vec![sides.only_order(&mut condition)?],
            (false, _) => {
                let mut matched = matched;
                self.scopes.push(scope.clone());
                let bound = self.expr(&mut matched);
                self.scopes.pop();
                bound?;
                sides.comparisons(matched)?
            }
        };
        if let Some(tolerance) = tolerance {
            let within = within(&comparisons, tolerance)?;
            condition = Some(conjunction(condition, within));
        }
        let mut arguments = vec![build::text(&comparisons.len().to_string())];
        arguments.extend(comparisons.into_iter().map(|(left, op, right)| compared(left, op, right)));
        arguments.extend(ties);
        let condition = JoinConstraint::On(conjunction(condition, build::call(MATCHED, arguments)));
        *operator = match keeps_left {
            true => JoinOperator::LeftOuter(condition),
            false => JoinOperator::Inner(condition),
        };
        Ok(scope)
    }
}

/// The parts of what the parser made of the condition: how it was spelled, the condition, and the tolerance.
fn taken_apart(matched: Expr) -> Result<(String, Expr, Option<Expr>), QueryError> {
    let parts = match &matched {
        Expr::Function(function) if build::is_call(&matched, MATCHED) => build::call_arguments(function),
        _ => None,
    };
    let Some([kind, condition, rest @ ..]) = parts.as_deref() else {
        return Err(QueryError::new(ErrorKind::Syntax, "syntax error at or near \"ASOF\""));
    };
    let kind = build::literal(kind).unwrap_or_default().to_owned();
    Ok((kind, (*condition).clone(), rest.first().map(|tolerance| (*tolerance).clone())))
}

/// The columns that tell rows of equal values apart: those of the table's order, or else all; none where they are not known.
fn ties(right: &Scope) -> Vec<Expr> {
    let known = |relation: &super::scope::Relation| relation.columns.is_some();
    if !right.relations.iter().all(known) || right.open {
        return Vec::new();
    }
    let columns = right.relations.iter().flat_map(|relation| {
        let outputs = relation.columns.iter().flatten();
        let orders = |name: &String| relation.order.is_empty() || relation.order.contains(name);
        outputs.filter(move |output| orders(&output.name)).map(|output| relation.qualified(output))
    });
    columns.collect()
}

/// The tables on both sides.
struct Sides<'a> {
    left: &'a Scope,
    right: &'a Scope,
}

impl Sides<'_> {
    /// Which sides an expression names columns of.
    fn of(&self, expr: &Expr) -> (bool, bool) {
        struct Columns<'a, 'b>(&'a Sides<'b>, (bool, bool));
        impl Visitor for Columns<'_, '_> {
            type Break = ();

            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                let Self(sides, found) = self;
                let has = |scope: &Scope| match expr {
                    Expr::Identifier(name) => !matches!(scope.find(&fold(name)), Found::Nothing | Found::Unknown),
                    Expr::CompoundIdentifier(names) => {
                        let table: &[Ident] = names.split_last().map_or(&[], |(_, table)| table);
                        scope.relation(table).is_some()
                    }
                    _ => false,
                };
                *found = (found.0 || has(sides.left), found.1 || has(sides.right));
                ControlFlow::Continue(())
            }
        }
        let mut columns = Columns(self, (false, false));
        let _ = expr.walk(&mut columns);
        columns.1
    }

    /// The comparisons of what is written in MATCH_CONDITION: one, or one for each pair of two lists.
    fn comparisons(&self, matched: Expr) -> Result<Vec<Comparison>, QueryError> {
        let Some((left, op, right)) = order(matched) else {
            return Err(wrong("MATCH_CONDITION is a comparison by <, <=, > or >="));
        };
        let pairs = match (left, right) {
            (Expr::Tuple(left), Expr::Tuple(right)) if left.len() == right.len() => {
                left.into_iter().zip(right).collect()
            }
            (Expr::Tuple(_), _) | (_, Expr::Tuple(_)) => {
                return Err(wrong("MATCH_CONDITION compares lists of the same length"));
            }
            (left, right) => vec![(left, right)],
        };
        for (left, right) in &pairs {
            if self.of(left) != (true, false) || self.of(right) != (false, true) {
                let message = "MATCH_CONDITION compares a value of the left table with one of the right table";
                let hint = "The left table's value stands first: MATCH_CONDITION (l.time >= r.time).";
                return Err(wrong(message).with_hint(hint));
            }
        }
        Ok(pairs.into_iter().map(|(left, right)| (left, op.clone(), right)).collect())
    }

    /// Takes the one comparison of order between both tables out of the conditions of ON.
    fn only_order(&self, condition: &mut Option<Expr>) -> Result<Comparison, QueryError> {
        let mut conditions = Vec::new();
        condition.take().into_iter().for_each(|condition| split(condition, &mut conditions));
        let mut found: Vec<(usize, Comparison)> = Vec::new();
        for (place, condition) in conditions.iter().enumerate() {
            if let Some((first, op, second)) = order(condition.clone()) {
                match (self.of(&first), self.of(&second)) {
                    ((true, false), (false, true)) => found.push((place, (first, op, second))),
                    ((false, true), (true, false)) => found.push((place, (second, turned(op), first))),
                    _ => {}
                }
            }
        }
        if found.len() > 1 {
            // The others say how far away a match may be.
            found.retain(|(_, (first, _, second))| is_column(first) && is_column(second));
        }
        let [(place, _)] = found.as_slice() else {
            let message = "ASOF JOIN needs one comparison by <, <=, > or >= between columns of both tables";
            return Err(wrong(message).with_hint("Write MATCH_CONDITION (l.time >= r.time) to say which it is."));
        };
        conditions.remove(*place);
        *condition = conditions.into_iter().fold(None, |all, one| Some(conjunction(all, one)));
        let (_, comparison) = found.remove(0);
        Ok(comparison)
    }
}

/// Takes the last equality of USING, which becomes `>=`.
fn last_equality(condition: &mut Option<Expr>) -> Result<Comparison, QueryError> {
    let (before, last) = match condition.take() {
        Some(Expr::BinaryOp { left, op: BinaryOperator::And, right }) => (Some(*left), Some(*right)),
        last => (None, last),
    };
    *condition = before;
    match last {
        Some(Expr::BinaryOp { left, op: BinaryOperator::Eq, right }) => Ok((*left, BinaryOperator::GtEq, *right)),
        _ => Err(wrong("ASOF JOIN ... USING needs a column of times as its last")),
    }
}

/// The condition that a match is not further away than the tolerance.
fn within(comparisons: &[Comparison], tolerance: Expr) -> Result<Expr, QueryError> {
    let [(left, op, right)] = comparisons else {
        let message = "TOLERANCE beside a MATCH_CONDITION of lists is not supported";
        return Err(QueryError::new(ErrorKind::NotSupported, message));
    };
    let span = match build::literal(&tolerance) {
        Some(text) => Expr::Interval(Interval {
            value: Box::new(build::text(text)),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        }),
        // Beside a moment, what has no type would be a moment.
        None if matches!(&tolerance, Expr::Value(value) if matches!(value.value, Value::Placeholder(_))) => {
            build::cast(tolerance, DataType::Interval { fields: None, precision: None })
        }
        None => tolerance,
    };
    let (way, bound) = match op {
        BinaryOperator::Gt | BinaryOperator::GtEq => (BinaryOperator::GtEq, BinaryOperator::Minus),
        _ => (BinaryOperator::LtEq, BinaryOperator::Plus),
    };
    Ok(compared(right.clone(), way, compared(left.clone(), bound, span)))
}

/// The sides of a comparison of order, without the parentheses around it.
fn order(expr: Expr) -> Option<Comparison> {
    match expr {
        Expr::Nested(inner) => order(*inner),
        Expr::BinaryOp { left, op, right } => {
            use BinaryOperator::{Gt, GtEq, Lt, LtEq};
            matches!(op, Gt | GtEq | Lt | LtEq).then(|| (*left, op, *right))
        }
        _ => None,
    }
}

/// The operator between the same sides in the other order.
fn turned(op: BinaryOperator) -> BinaryOperator {
    match op {
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::Gt => BinaryOperator::Lt,
        _ => BinaryOperator::LtEq,
    }
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}

/// The conditions that AND joins.
fn split(expr: Expr, conditions: &mut Vec<Expr>) {
    match expr {
        Expr::Nested(inner) if matches!(*inner, Expr::BinaryOp { op: BinaryOperator::And, .. }) => {
            split(*inner, conditions);
        }
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            split(*left, conditions);
            split(*right, conditions);
        }
        Expr::Value(value) if value.value == Value::Boolean(true) => {}
        other => conditions.push(other),
    }
}

fn conjunction(before: Option<Expr>, condition: Expr) -> Expr {
    match before {
        Some(before) => compared(before, BinaryOperator::And, condition),
        None => condition,
    }
}

fn compared(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn wrong(message: &str) -> QueryError {
    QueryError::new(ErrorKind::WrongColumns, message)
}
