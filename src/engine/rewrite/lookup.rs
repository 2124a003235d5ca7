//! Correlated lookups in the catalog, `(SELECT nspname FROM pg_namespace WHERE oid = c.relnamespace)`.
//!
//! The planner wants such a subquery to aggregate. In the catalog lookups are by number, so that the only row and the
//! first of the rows are the same; one that finds several gives one of them, where PostgreSQL would fail. Subqueries over
//! other tables are left alone.

use super::build::{call, is_call};
use super::{Scopes, fold, system};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArguments, GroupByExpr, Ident, LimitClause, OrderByKind, Query, Select, SelectItem,
    SetExpr, TableFactor, UnaryOperator, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

/// Aggregates a lookup that reads catalog tables alone.
pub(super) fn aggregate(expr: &mut Expr, scopes: &Scopes) {
    let Expr::Subquery(query) = expr else { return };
    if query.with.is_some() || query.order_by.is_some() || query.limit_clause.is_some() || query.fetch.is_some() {
        return;
    }
    let Some((select, tables)) = lookup(query, scopes) else { return };
    if let Some(selection) = &mut select.selection {
        prefer_inner(selection, &tables);
    }
    if let [SelectItem::UnnamedExpr(column) | SelectItem::ExprWithAlias { expr: column, .. }] =
        select.projection.as_mut_slice()
    {
        *column = call("first_value", vec![super::take(column)]);
    }
}

/// An aggregate without groups has one row, whatever its LIMIT.
pub(super) fn without_limit(expr: &mut Expr) {
    let Expr::Subquery(query) = expr else { return };
    let SetExpr::Select(select) = query.body.as_ref() else { return };
    let plain = matches!(&select.group_by, GroupByExpr::Expressions(exprs, _) if exprs.is_empty());
    let counts = matches!(select.projection.as_slice(), [SelectItem::UnnamedExpr(item)] if is_call(item, "count"));
    let first = matches!(&query.limit_clause,
        Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, .. }) if limit.to_string() == "1");
    if plain && counts && first {
        query.limit_clause = None;
        query.order_by = None;
    }
}

/// In a list, `x IN (SELECT ...)` over functions and catalog tables searches in an array: the planner takes such an IN in
/// conditions only. Subqueries over other tables are left alone.
pub(super) fn search_in_list(select: &mut Select, scopes: &Scopes) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _ = expr.visit(&mut Search { scopes, depth: 0 });
        }
    }
}

/// The same in the order of a query.
pub(super) fn search_in_order(query: &mut Query, scopes: &Scopes) {
    if let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) {
        for key in keys {
            let _ = key.expr.visit(&mut Search { scopes, depth: 0 });
        }
    }
}

struct Search<'a> {
    scopes: &'a Scopes,
    depth: usize,
}

impl VisitorMut for Search<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::InSubquery { expr: value, subquery, negated } = expr else { return ControlFlow::Continue(()) };
        if self.depth > 0 || !reads_catalog_alone(subquery, self.scopes) {
            return ControlFlow::Continue(());
        }
        let mut array = call("array", Vec::new());
        if let Expr::Function(function) = &mut array {
            function.args = FunctionArguments::Subquery(subquery.clone());
        }
        let found = call("array_has", vec![array, super::take(value)]);
        *expr = if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) } } else { found };
        ControlFlow::Continue(())
    }
}

fn reads_catalog_alone(query: &Query, scopes: &Scopes) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let known = |factor: &TableFactor| match factor {
        TableFactor::Table { name, args: None, .. } => scopes.catalog_table(name).is_some(),
        TableFactor::Table { args: Some(_), .. } | TableFactor::UNNEST { .. } => true,
        TableFactor::Derived { subquery, .. } => reads_catalog_alone(subquery, scopes),
        _ => false,
    };
    query.with.is_none()
        && select.from.iter().all(|from| known(&from.relation) && from.joins.iter().all(|join| known(&join.relation)))
}

/// The SELECT of a lookup, and the names of its tables. Not one that aggregates already, or computes without a table.
fn lookup<'a>(query: &'a mut Query, scopes: &Scopes) -> Option<(&'a mut Select, Vec<String>)> {
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let tables: Vec<String> = system::catalog_tables(select, scopes).into_iter().map(|(name, _)| name).collect();
    let read: usize = select.from.iter().map(|from| 1 + from.joins.len()).sum();
    let plain = matches!(&select.group_by, GroupByExpr::Expressions(exprs, _) if exprs.is_empty());
    let single = select.projection.len() == 1 && plain && select.distinct.is_none() && select.having.is_none();
    if tables.is_empty() || tables.len() != read || !single || select.selection.is_none() {
        return None;
    }
    (!super::empty::aggregates(select)).then_some((select, tables))
}

/// Where `inner = outer` holds, other conditions on the outer column may as well be on the inner one: the planner takes
/// outer columns in equalities only.
fn prefer_inner(selection: &mut Expr, tables: &[String]) {
    let mut equal = Vec::new();
    equalities(selection, tables, &mut equal);
    for (inner, outer) in &equal {
        substitute(selection, outer, inner);
    }
}

fn is_inner(parts: &[Ident], tables: &[String]) -> bool {
    parts.first().is_some_and(|table| parts.len() == 2 && tables.contains(&fold(table)))
}

/// Pairs of inner and outer columns that the conjuncts of a condition make equal. Long chains of AND lean to the left:
/// they are walked, not descended into.
fn equalities(condition: &Expr, tables: &[String], found: &mut Vec<(Expr, Expr)>) {
    let mut rest = condition;
    while let Expr::BinaryOp { left, op: BinaryOperator::And, right } = rest {
        equalities(right, tables, found);
        rest = left;
    }
    match rest {
        Expr::Nested(inner) => equalities(inner, tables, found),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            if let (Expr::CompoundIdentifier(a), Expr::CompoundIdentifier(b)) = (left.as_ref(), right.as_ref()) {
                match (is_inner(a, tables), is_inner(b, tables)) {
                    (true, false) => found.push((left.as_ref().clone(), right.as_ref().clone())),
                    (false, true) => found.push((right.as_ref().clone(), left.as_ref().clone())),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Replaces a column in the conjuncts that are not equalities.
fn substitute(condition: &mut Expr, from: &Expr, to: &Expr) {
    let mut rest = condition;
    while let Expr::BinaryOp { left, op: BinaryOperator::And, right } = rest {
        substitute(right, from, to);
        rest = left;
    }
    match rest {
        Expr::Nested(inner) => substitute(inner, from, to),
        Expr::BinaryOp { op: BinaryOperator::Eq, .. } => {}
        other => {
            let _ = other.visit(&mut Substitute { from, to });
        }
    }
}

struct Substitute<'a> {
    from: &'a Expr,
    to: &'a Expr,
}

impl VisitorMut for Substitute<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if expr == self.from {
            *expr = self.to.clone();
        }
        ControlFlow::Continue(())
    }
}
