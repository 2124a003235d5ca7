//! The binder of limits that are more than a number: `FETCH FIRST n ROWS WITH TIES` and `LIMIT
//! (SELECT ...)` number the rows and keep those in front.
//!
//! DataFusion 55: FETCH and a LIMIT that is a subquery are refused. Not needed once `LIMIT (SELECT 2)`
//! and `FETCH FIRST 2 ROWS WITH TIES` plan.

use super::super::build::{self, call, ident};
use super::binder::MARK;
use super::scope::{Output, quoted};
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, LimitClause, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, Query, Select, SelectItem,
    SetExpr, TableFactor, TableWithJoins, Value, Visitor, WindowSpec, WindowType,
};
use std::ops::ControlFlow;

/// The largest count of rows.
const ALL: &str = "9223372036854775807";

/// Whether a query keeps rows by a count that is not known before it runs, or rows that are as good as
/// the last one.
pub(super) fn counts(query: &Query) -> bool {
    let limit = match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit, .. }) => limit.as_ref(),
        _ => None,
    };
    query.fetch.as_ref().is_some_and(|fetch| fetch.with_ties || fetch.quantity.as_ref().is_some_and(has_query))
        || limit.is_some_and(has_query)
}

/// Whether an expression has a subquery.
pub(super) fn has_query(expr: &Expr) -> bool {
    struct Found;
    impl Visitor for Found {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.walk(&mut Found).is_break()
}

/// `SELECT columns FROM (SELECT ..., row_number() OVER (ORDER BY keys), rank() OVER (...)) WHERE number
/// > offset AND rank <= offset + limit ORDER BY number`, for a query whose keys are values.
pub(super) fn count(query: &mut Query, outputs: Option<&[Output]>) -> Result<(), QueryError> {
    let refused = || {
        let message = "WITH TIES, or a LIMIT that is a subquery, with DISTINCT or a set operation is not supported";
        QueryError::new(ErrorKind::NotSupported, message)
    };
    let (Some(outputs), SetExpr::Select(select)) = (outputs, query.body.as_mut()) else { return Err(refused()) };
    if select.distinct.is_some() {
        return Err(refused());
    }
    let fetch = query.fetch.take();
    let ties = fetch.as_ref().is_some_and(|fetch| fetch.with_ties);
    let (limit, offset) = match query.limit_clause.take() {
        Some(LimitClause::LimitOffset { limit, offset, .. }) => (limit, offset.map(|offset| offset.value)),
        _ => (None, None),
    };
    let limit = match fetch {
        Some(fetch) => fetch.quantity.unwrap_or_else(|| number("1")),
        None => limit.unwrap_or_else(|| number(ALL)),
    };
    let keys = match query.order_by.take().map(|order| order.kind) {
        Some(OrderByKind::Expressions(keys)) => keys,
        _ => Vec::new(),
    };
    let names = [format!("{MARK}number"), format!("{MARK}rank")];
    for (name, function) in names.iter().zip(["row_number", "rank"]) {
        let mut numbered = call(function, Vec::new());
        if let Expr::Function(function) = &mut numbered {
            function.over = Some(WindowType::WindowSpec(WindowSpec {
                window_name: None,
                partition_by: Vec::new(),
                order_by: keys.clone(),
                window_frame: None,
            }));
        }
        select.projection.push(SelectItem::ExprWithAlias { expr: numbered, alias: quoted(name) });
    }
    let [row, rank] = names.map(|name| Expr::Identifier(quoted(&name)));
    let offset = offset.map(|offset| call("coalesce", vec![offset, number("0")]));
    let limit = call("coalesce", vec![limit, number(ALL)]);
    // `place - offset <= limit` does not overflow where `place <= offset + limit` may.
    let beyond = |place: &Expr| match &offset {
        None => place.clone(),
        Some(offset) => both(place.clone(), BinaryOperator::Minus, offset.clone()),
    };
    let mut condition = both(beyond(if ties { &rank } else { &row }), BinaryOperator::LtEq, limit.clone());
    if offset.is_some() {
        let after = both(beyond(&row), BinaryOperator::Gt, number("0"));
        condition = both(condition, BinaryOperator::And, both(after, BinaryOperator::And, positive(limit)));
    }
    let Some(mut outer) = build::one_value(number("1"), ident("one")) else { return Err(refused()) };
    let mut inner = outer.clone();
    inner.body = std::mem::replace(&mut query.body, Box::new(SetExpr::Select(Box::new(empty(&outer)?))));
    if let SetExpr::Select(shell) = outer.body.as_mut() {
        shell.projection =
            outputs.iter().map(|output| SelectItem::UnnamedExpr(Expr::Identifier(quoted(&output.inner)))).collect();
        shell.selection = Some(condition);
        shell.from = vec![TableWithJoins {
            relation: TableFactor::Derived {
                lateral: false,
                subquery: Box::new(inner),
                alias: Some(build::alias("numbered")),
                sample: None,
            },
            joins: Vec::new(),
        }];
    }
    query.body = outer.body;
    let key = OrderByExpr { expr: row, options: OrderByOptions { asc: None, nulls_first: None }, with_fill: None };
    query.order_by = Some(OrderBy { kind: OrderByKind::Expressions(vec![key]), interpolate: None });
    Ok(())
}

/// A limit of no rows keeps no ties either.
fn positive(limit: Expr) -> Expr {
    both(limit, BinaryOperator::Gt, number("0"))
}

/// The SELECT of a template.
fn empty(template: &Query) -> Result<Select, QueryError> {
    match template.body.as_ref() {
        SetExpr::Select(select) => Ok(select.as_ref().clone()),
        _ => Err(QueryError::new(ErrorKind::Internal, "a template is no SELECT")),
    }
}

/// An operator between two expressions.
fn both(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// A number without a sign.
fn number(digits: &str) -> Expr {
    Expr::Value(Value::Number(digits.to_owned(), false).into())
}
