//! The rewriter ends recursions that the catalog has no rows for: `WITH RECURSIVE` whose recursive part joins `pg_inherits`
//! is its first part alone, and a branch of CASE for a kind of type that does not exist is NULL.
//!
//! DataFusion 55: a recursive query in a correlated subquery is not planned. Not needed once it is: the session of pgAdmin
//! and asyncpg's introspection of arrays (`tests/clients`) then pass without this file.

use super::scope::Scopes;
use crate::dialect::catalog::always_empty;
use crate::dialect::parse::walk::Walk;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Distinct, Expr, GroupByExpr, JoinOperator, Query, Select, SetExpr, SetOperator,
    SetQuantifier, TableFactor, TableWithJoins, Value, Visitor,
};
use std::ops::ControlFlow;

/// Turns each query of `WITH RECURSIVE` whose recursive part can be seen to give no row into its first part. With UNION its
/// rows are told apart, which one row needs not.
pub(crate) fn end_recursions(query: &mut Query, scopes: &Scopes) {
    let Some(with) = query.with.as_mut().filter(|with| with.recursive) else { return };
    let mut all = true;
    for cte in &mut with.cte_tables {
        let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, left, right } = cte.query.body.as_ref()
        else {
            all = false;
            continue;
        };
        let (SetExpr::Select(first), true) = (left.as_ref(), body_is_empty(right, scopes)) else {
            all = false;
            continue;
        };
        let mut first = first.clone();
        if !matches!(set_quantifier, SetQuantifier::All) && !first.from.is_empty() && first.distinct.is_none() {
            first.distinct = Some(Distinct::Distinct);
        }
        *cte.query.body = SetExpr::Select(first);
    }
    with.recursive = !all;
}

/// Replaces branches of CASE for kinds of types that do not exist here (domains, enums, ranges), whose subquery has a WITH,
/// by NULL: `CASE WHEN t.typtype = 'd' THEN (WITH RECURSIVE ...)`.
///
/// Base types (`b`), pseudo-types (`p`) and the rows of tables (`c`) are in `pg_type`, so any other branch is never taken.
pub(crate) fn branches_never_taken(expr: &mut Expr, scopes: &Scopes) {
    let Expr::Case { operand: None, conditions, .. } = expr else { return };
    for branch in conditions {
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = &branch.condition else { continue };
        let absent = super::build::literal(right).is_some_and(|kind| !matches!(kind, "b" | "c" | "p"));
        let recursive = matches!(&branch.result, Expr::Subquery(query) if query.with.is_some());
        if absent && recursive && scopes.is_column(left, "pg_type", "typtype") {
            branch.result = super::build::cast(Expr::Value(Value::Null.into()), DataType::IntUnsigned(None));
        }
    }
}

/// Whether a query can be seen to give no row, whatever the session and the lake. A query with WITH
/// is never judged.
fn query_is_empty(query: &Query, scopes: &Scopes) -> bool {
    query.with.is_none() && body_is_empty(&query.body, scopes)
}

/// The same for the body of a query: a UNION is empty when both of its sides are; INTERSECT, EXCEPT
/// and VALUES are never judged.
fn body_is_empty(body: &SetExpr, scopes: &Scopes) -> bool {
    match body {
        SetExpr::Select(select) => from_is_empty(select, scopes) && !aggregates(select),
        SetExpr::Query(query) => query_is_empty(query, scopes),
        SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } => {
            body_is_empty(left, scopes) && body_is_empty(right, scopes)
        }
        _ => false,
    }
}

/// Whether one of the tables in FROM is always empty and every join needs a row of it.
fn from_is_empty(select: &Select, scopes: &Scopes) -> bool {
    select.from.iter().any(|from| joined_is_empty(from, scopes))
}

/// Whether a table with its joins gives no row: an inner or cross join when either side is empty,
/// LEFT when the left is, RIGHT when the right is, FULL and all others when both are.
fn joined_is_empty(from: &TableWithJoins, scopes: &Scopes) -> bool {
    let mut empty = factor_is_empty(&from.relation, scopes);
    for join in &from.joins {
        let right = factor_is_empty(&join.relation, scopes);
        empty = match join.join_operator {
            JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_) => empty || right,
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => empty,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => right,
            _ => empty && right,
        };
    }
    empty
}

/// Whether one table of FROM gives no row: a catalog table that is never filled, or a subquery that
/// is empty. Functions and unknown tables may have rows.
fn factor_is_empty(factor: &TableFactor, scopes: &Scopes) -> bool {
    match factor {
        TableFactor::Table { name, args: None, .. } => {
            scopes.catalog_table(name).is_some_and(|definition| always_empty(definition.name))
        }
        TableFactor::Derived { subquery, .. } => query_is_empty(subquery, scopes),
        TableFactor::NestedJoin { table_with_joins, .. } => joined_is_empty(table_with_joins, scopes),
        _ => false,
    }
}

/// Whether a SELECT without rows may still give one: an aggregate without groups does, and so any call counts as one.
fn aggregates(select: &Select) -> bool {
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(exprs, _) if exprs.is_empty());
    grouped || select.having.is_some() || select.projection.iter().any(|item| item.walk(&mut Calls).is_break())
}

/// Looks for a call.
struct Calls;

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Function(_)) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
