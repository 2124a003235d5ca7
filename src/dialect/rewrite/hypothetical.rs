//! The rewriter spells out hypothetical-set aggregates: the rank that a row would have among others is counted from the rows
//! that sort before it. `rank(3) WITHIN GROUP (ORDER BY x)` is `1 + count(*) FILTER (WHERE x < 3)`.
//!
//! DataFusion 55: it has the window functions alone. Not needed once `rank(3) WITHIN GROUP (ORDER BY x)` plans.

use super::build::{self, call, called, take};
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, DuplicateTreatment, Expr, Function, FunctionArguments, OrderByExpr, Query, Value, Visitor,
};
use std::ops::ControlFlow;

/// Spells out such a call; every other expression stays as it is.
///
/// # Errors
/// 42883 where the values are not as many as the keys, 0A000 for `dense_rank` of several keys.
pub(crate) fn spell_out(expr: &mut Expr) -> Result<(), QueryError> {
    let Expr::Function(function) = &mut *expr else { return Ok(()) };
    if function.within_group.is_empty() || function.over.is_some() {
        return Ok(());
    }
    let Some(name) = called(function) else { return Ok(()) };
    if !matches!(name.as_str(), "rank" | "dense_rank" | "percent_rank" | "cume_dist") {
        return Ok(());
    }
    let values: Vec<Expr> = build::call_arguments(function).into_iter().flatten().cloned().collect();
    let keys = std::mem::take(&mut function.within_group);
    if values.len() != keys.len() {
        let (values, keys) = (values.len(), keys.len());
        let message = format!("function {name} of {values} values does not exist for {keys} ordering columns");
        return Err(QueryError::new(ErrorKind::UnknownFunction, message)
            .with_hint("The number of hypothetical direct arguments must match the number of ordering columns."));
    }
    let filter = function.filter.take().map(|filter| *filter);
    // Each part is written several times, so that what is nested would grow by the power of it.
    if values.iter().chain(keys.iter().map(|key| &key.expr)).chain(&filter).any(is_nested) {
        let message = format!("a subquery or an aggregate inside of {name} WITHIN GROUP is not supported");
        return Err(QueryError::new(ErrorKind::NotSupported, message));
    }
    let before = before(&keys, &values);
    let rank = |condition: Expr| counted(None, Some(within(condition, filter.clone())));
    let spelled = match name.as_str() {
        "rank" => sum(one(), rank(before)),
        "dense_rank" => {
            let [key] = keys.as_slice() else {
                let message = "dense_rank WITHIN GROUP of several keys is not supported";
                return Err(QueryError::new(ErrorKind::NotSupported, message));
            };
            let before = within(before, filter);
            // NULL is a value of its own where it sorts before.
            let mut nulls = call("max", vec![one()]);
            filtered(&mut nulls, within(Expr::IsNull(Box::new(key.expr.clone())), Some(before.clone())));
            let nulls = call("coalesce", vec![nulls, Expr::Value(Value::Number("0".to_owned(), false).into())]);
            sum(sum(one(), counted(Some(key.expr.clone()), Some(before))), nulls)
        }
        "percent_rank" => {
            let all = call("nullif", vec![counted(None, filter.clone()), zero()]);
            let share = binary(double(rank(before)), BinaryOperator::Divide, double(all));
            call("coalesce", vec![share, double(zero())])
        }
        _ => {
            let upto = binary(before, BinaryOperator::Or, same(&keys, &values));
            let (upto, all) = (sum(rank(upto), one()), sum(counted(None, filter.clone()), one()));
            binary(double(upto), BinaryOperator::Divide, double(all))
        }
    };
    *expr = Expr::Nested(Box::new(spelled));
    Ok(())
}

/// Whether an expression has a query in it, or another such call.
fn is_nested(expr: &Expr) -> bool {
    struct Nested;
    impl Visitor for Nested {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if !function.within_group.is_empty() => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.walk(&mut Nested).is_break()
}

fn one() -> Expr {
    Expr::Value(Value::Number("1".to_owned(), false).into())
}

fn zero() -> Expr {
    Expr::Value(Value::Number("0".to_owned(), false).into())
}

fn double(expr: Expr) -> Expr {
    build::cast(expr, DataType::DoublePrecision)
}

/// An operator between two expressions, in parentheses.
fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }))
}

fn sum(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::Plus, right)
}

/// A condition, and a second one if there is one.
fn within(condition: Expr, filter: Option<Expr>) -> Expr {
    match filter {
        Some(filter) => binary(condition, BinaryOperator::And, filter),
        None => condition,
    }
}

/// Gives an aggregate a filter.
fn filtered(expr: &mut Expr, condition: Expr) {
    if let Expr::Function(Function { filter, .. }) = expr {
        *filter = Some(Box::new(condition));
    }
}

/// `count(*)`, or `count(DISTINCT value)`, of the rows for which a condition holds.
fn counted(value: Option<Expr>, condition: Option<Expr>) -> Expr {
    let distinct = value.is_some();
    let mut count = call("count", vec![value.unwrap_or_else(one)]);
    if let Some(condition) = condition {
        filtered(&mut count, condition);
    }
    if let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = &mut count {
        list.duplicate_treatment = distinct.then_some(DuplicateTreatment::Distinct);
    }
    count
}

/// Whether a row sorts before the hypothetical one: by the first key in which they differ.
fn before(keys: &[OrderByExpr], values: &[Expr]) -> Expr {
    let mut sooner = build::boolean(false);
    for (key, value) in keys.iter().zip(values).rev() {
        let equal = Expr::IsNotDistinctFrom(Box::new(key.expr.clone()), Box::new(value.clone()));
        let later = binary(equal, BinaryOperator::And, take(&mut sooner));
        sooner = binary(first(key, value), BinaryOperator::Or, later);
    }
    sooner
}

/// Whether one key sorts before the value beside it, NULL where its ORDER BY puts it.
fn first(key: &OrderByExpr, value: &Expr) -> Expr {
    let descending = key.options.asc == Some(false);
    let nulls_first = key.options.nulls_first.unwrap_or(descending);
    let op = if descending { BinaryOperator::Gt } else { BinaryOperator::Lt };
    let less = binary(key.expr.clone(), op, value.clone());
    let (null, known) = if nulls_first { (&key.expr, value) } else { (value, &key.expr) };
    let (null, known) = (Expr::IsNull(Box::new(null.clone())), Expr::IsNotNull(Box::new(known.clone())));
    binary(less, BinaryOperator::Or, binary(null, BinaryOperator::And, known))
}

/// Whether a row is the hypothetical one's peer.
fn same(keys: &[OrderByExpr], values: &[Expr]) -> Expr {
    let pairs = keys.iter().zip(values).map(|(key, value)| {
        Expr::Nested(Box::new(Expr::IsNotDistinctFrom(Box::new(key.expr.clone()), Box::new(value.clone()))))
    });
    pairs.reduce(|left, right| binary(left, BinaryOperator::And, right)).unwrap_or_else(|| build::boolean(true))
}
