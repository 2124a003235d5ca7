//! Subqueries over catalog tables that never have rows are constants. Clients ask for policies, triggers and the like in
//! nested, correlated forms that no planner of ours has to understand when the answer is known.

use super::Scopes;
use super::build::{array_query, boolean, call, cast, null_text};
use crate::table::pg_catalog::always_empty;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, DataType, Expr, GroupByExpr, JoinOperator, Query, Select, SelectItem, SetExpr, SetOperator,
    TableFactor, TableWithJoins, Visit, VisitMut, Visitor, VisitorMut,
};
use std::ops::ControlFlow;

/// Replaces `EXISTS`, `ARRAY` and scalar subqueries that have no rows.
pub(super) fn fold_subquery(expr: &mut Expr, scopes: &Scopes) {
    if let Expr::Exists { subquery, negated } = expr
        && query_is_empty(subquery, scopes)
    {
        *expr = boolean(*negated);
    } else if let Expr::Subquery(query) = expr
        && query_is_empty(query, scopes)
    {
        *expr = null_text();
    } else if array_query(expr).is_some_and(|query| query_is_empty(query, scopes)) {
        *expr = empty_texts();
    }
}

fn empty_texts() -> Expr {
    let texts = DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None));
    cast(call("make_array", Vec::new()), texts)
}

/// In a SELECT that has no rows, nothing in its list is ever computed: its subqueries become NULL.
pub(super) fn prune_projection(select: &mut Select, scopes: &Scopes) {
    if !from_is_empty(select, scopes) || aggregates(select) {
        return;
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _ = expr.visit(&mut Prune);
        }
    }
}

struct Prune;

impl VisitorMut for Prune {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Subquery(_)) {
            *expr = null_text();
        } else if matches!(expr, Expr::Exists { .. }) {
            *expr = boolean(false);
        } else if array_query(expr).is_some() {
            *expr = empty_texts();
        }
        ControlFlow::Continue(())
    }
}

/// Whether a query can be seen to give no row.
fn query_is_empty(query: &Query, scopes: &Scopes) -> bool {
    query.with.is_none() && body_is_empty(&query.body, scopes)
}

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

/// Whether one of the joined tables is always empty and every join needs a row of it.
fn from_is_empty(select: &Select, scopes: &Scopes) -> bool {
    select.from.iter().any(|from| joined_is_empty(from, scopes))
}

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

/// Whether a SELECT without rows may still give one: an aggregate without groups. Any call of a function that is not
/// known to be about single rows counts as one.
pub(super) fn aggregates(select: &Select) -> bool {
    if !matches!(&select.group_by, GroupByExpr::Expressions(exprs, _) if exprs.is_empty()) {
        // GROUP BY with nothing but () still gives a row; keep away from all of its forms.
        return true;
    }
    select.having.is_some() || select.projection.iter().any(item_aggregates)
}

fn item_aggregates(item: &SelectItem) -> bool {
    let mut calls = Calls { depth: 0, found: false };
    let _ = item.visit(&mut calls);
    calls.found
}

/// Looks for functions that may be aggregates, outside of subqueries.
struct Calls {
    depth: usize,
    found: bool,
}

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && self.depth == 0
        {
            let name = function.name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.to_lowercase());
            self.found |= name.is_none_or(|name| !is_row_function(&name));
        }
        ControlFlow::Continue(())
    }
}

/// Functions of catalog queries that work on one row.
fn is_row_function(name: &str) -> bool {
    name.starts_with("pg_get_")
        || name.starts_with("has_")
        || name.ends_with("_is_visible")
        || matches!(
            name,
            "array"
                | "array_to_string"
                | "array_upper"
                | "array_lower"
                | "coalesce"
                | "col_description"
                | "concat"
                | "format_type"
                | "generate_subscripts"
                | "json_build_object"
                | "lower"
                | "obj_description"
                | "quote_ident"
                | "quote_literal"
                | "replace"
                | "substring"
                | "unnest"
                | "upper"
                | "_pg_expandarray"
        )
}
