//! The rewriter gives correlated lookups in the catalog a form that DataFusion's optimizer turns into
//! joins: `(SELECT nspname FROM pg_namespace WHERE oid = c.relnamespace)`.
//!
//! In the catalog lookups are by number, so that the only row and the first of the rows are the same;
//! a lookup that finds several gives one of them, where PostgreSQL would fail. Subqueries over other
//! tables are left alone: there a second row is an error the user must see.
//!
//! DataFusion 55: a correlated scalar subquery must aggregate ("Correlated scalar subquery must be
//! aggregated to return at most one row", `check_subquery_expr`; apache/datafusion#16137, open). Not
//! needed once `lookups_in_the_catalog_are_aggregated` and the client sessions of
//! `postgres_catalog.rs` pass with the subqueries as written.

use super::build::{call, is_call};
use super::scope::Scopes;
use super::system;
use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArguments, GroupByExpr, Ident, LimitClause, OrderByKind, Query, Select, SelectItem,
    SetExpr, TableFactor, UnaryOperator, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

/// Wraps the column of a lookup that reads catalog tables alone: `SELECT n.nspname` becomes `SELECT
/// first_value(n.nspname)`, which is NULL when there is no row, as PostgreSQL has it.
///
/// Outer columns in further conditions are replaced by the inner columns they equal, see
/// `prefer_inner`.
pub(crate) fn aggregate(expr: &mut Expr, scopes: &Scopes) {
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
        *column = call("first_value", vec![super::build::take(column)]);
    }
}

/// Drops LIMIT 1 and ORDER BY from a scalar subquery that counts without groups: it has one row in
/// any case.
///
/// DataFusion 55: `PullUpCorrelatedExpr` gives up below a LIMIT, so that the correlated count would
/// be refused. Not needed once `(SELECT count(*) FROM t WHERE t.a = o.a LIMIT 1)` plans.
pub(crate) fn without_limit(expr: &mut Expr) {
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

/// Rewrites `x IN (SELECT ...)` in a list to `array_has(ARRAY(SELECT ...), x)`, for subqueries over
/// functions and catalog tables.
///
/// DataFusion 55: `decorrelate_predicate_subquery` rewrites IN and EXISTS in a Filter only, so that
/// one in a list reaches the physical planner and is refused (apache/datafusion#23022; #21363 is a
/// closed proposal for IN). Not needed once `SELECT 1 IN (SELECT 1)` runs without the rules of
/// `decorrelate` and this one.
pub(crate) fn search_in_list(select: &mut Select, scopes: &Scopes) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _ = expr.visit(&mut Search { scopes, depth: 0 });
        }
    }
}

/// Rewrites such an IN in a query's ORDER BY in the same way.
pub(crate) fn search_in_order(query: &mut Query, scopes: &Scopes) {
    if let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) {
        for key in keys {
            let _ = key.expr.visit(&mut Search { scopes, depth: 0 });
        }
    }
}

/// The walk over one expression that replaces IN.
struct Search<'a> {
    /// The names in scope, which tell catalog tables.
    scopes: &'a Scopes,
    /// Queries around the point of the walk: an IN within a subquery is left to that subquery.
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
        let found = call("array_has", vec![array, super::build::take(value)]);
        *expr = if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) } } else { found };
        ControlFlow::Continue(())
    }
}

/// Whether a query reads catalog tables and functions alone, its derived tables included; one with
/// WITH does not count.
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

/// The SELECT of a lookup, and the names of its tables; `None` for one that already aggregates, has
/// groups, DISTINCT or HAVING, has no condition, or reads anything but catalog tables.
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

/// Replaces outer columns by inner ones: where `inner = outer` holds, other conditions on the outer
/// column may as well be on the inner one.
///
/// DataFusion 55: `PullUpCorrelatedExpr` can turn outer columns into a join's condition in equalities
/// only; others stop it when the subquery aggregates. Not needed once `(SELECT max(a) FROM t WHERE
/// t.b = o.b AND o.b <> t.c)` plans.
fn prefer_inner(selection: &mut Expr, tables: &[String]) {
    let mut equal = Vec::new();
    equalities(selection, tables, &mut equal);
    for (inner, outer) in &equal {
        substitute(selection, outer, inner);
    }
}

/// Whether a qualified column is of one of the subquery's own tables.
fn is_inner(parts: &[Ident], tables: &[String]) -> bool {
    parts.first().is_some_and(|table| parts.len() == 2 && tables.contains(&fold(table)))
}

/// Collects pairs of an inner and an outer column that the conjuncts of a condition make equal. Long
/// chains of AND lean to the left: they are walked, not descended into.
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

/// Replaces a column in the conjuncts that are not equalities; those are what the join is made of.
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

/// The walk that puts one expression in the place of another.
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
