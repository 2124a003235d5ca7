//! The rewriter replaces subqueries over catalog tables that never have rows by their constant value.
//!
//! Clients, psql's `\d` among them, ask for policies, triggers, inheritance and the like in nested,
//! correlated forms. This server has none of these objects, so the answer is known before planning:
//! EXISTS is false, a scalar subquery is NULL, a count is 0, an array is empty.
//!
//! DataFusion 55: correlated subqueries are planned only in the forms its optimizer can turn into
//! joins (apache/datafusion#10048 and #16137 list what is missing); these forms are not among them,
//! and would be refused although their result is trivial. Not needed once DataFusion plans every
//! correlated subquery: the sessions of psql, JDBC and SQLAlchemy recorded in `postgres_catalog.rs`
//! then pass without this file.

use super::build::{array_query, boolean, call, cast, is_call, null};
use super::scope::Scopes;
use crate::dialect::catalog::always_empty;
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::{Walk, WalkMut};
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, DataType, Distinct, Expr, GroupByExpr, JoinOperator, Query, Select, SelectItem,
    SetExpr, SetOperator, SetQuantifier, TableFactor, TableWithJoins, Value, Visitor, VisitorMut,
};
use std::ops::ControlFlow;

/// Replaces an EXISTS, a scalar subquery or an `ARRAY(...)` that can be seen to have no row by its
/// value.
///
/// - `EXISTS (...)` is `false`, `NOT EXISTS (...)` is `true`.
/// - A scalar subquery is NULL; one that aggregates without groups is 0 or NULL.
/// - `ARRAY(SELECT ...)` is an empty array of texts.
pub(crate) fn fold_subquery(expr: &mut Expr, scopes: &Scopes) {
    if let Expr::Exists { subquery, negated } = expr
        && query_is_empty(subquery, scopes)
    {
        *expr = boolean(*negated);
    } else if let Expr::Subquery(query) = expr
        && query_is_empty(query, scopes)
    {
        *expr = null();
    } else if let Expr::Subquery(query) = expr
        && let Some(constant) = aggregate_of_nothing(query, scopes)
    {
        *expr = constant;
    } else if array_query(expr).is_some_and(|query| query_is_empty(query, scopes)) {
        *expr = empty_texts();
    }
}

/// The value of a scalar subquery that aggregates without groups over no rows: `(SELECT count(*) FROM
/// pg_trigger)` is `(0)`.
///
/// `None` when it has groups, HAVING or WITH, when its tables may have rows, when its list is not a
/// single expression, or when that expression names a column outside of its aggregates.
fn aggregate_of_nothing(query: &Query, scopes: &Scopes) -> Option<Expr> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(exprs, _) if exprs.is_empty());
    if query.with.is_some() || grouped || select.having.is_some() || !from_is_empty(select, scopes) {
        return None;
    }
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] = select.projection.as_slice()
    else {
        return None;
    };
    let mut constant = item.clone();
    if let Some(array) = empty_array_type(item, select, scopes) {
        return Some(cast(Expr::Value(Value::Null.into()), array));
    }
    let mut nothing = Nothing { found: false, column: false };
    let _ = constant.walk_mut(&mut nothing);
    (nothing.found && !nothing.column).then(|| Expr::Nested(Box::new(constant)))
}

/// The array type of `array_agg(x)`, taken from a cast around `x` or from the declared type of the
/// catalog's column; `None` when neither tells. Without it the NULL would be a text, and a comparison
/// with an array would be refused.
fn empty_array_type(item: &Expr, select: &Select, scopes: &Scopes) -> Option<DataType> {
    let Expr::Function(function) = item else { return None };
    let arguments = super::build::call_arguments(function)?;
    let ([argument], true) = (arguments.as_slice(), is_call(item, "array_agg")) else { return None };
    let element = match argument {
        Expr::Cast { data_type, .. } => data_type.clone(),
        Expr::CompoundIdentifier(parts) => {
            let [table, column] = parts.as_slice() else { return None };
            let (table, column) = (fold(table), fold(column));
            let tables = super::system::catalog_tables(select, scopes);
            let (_, definition) = tables.iter().find(|(name, _)| *name == table)?;
            let (_, kind) = definition.columns().find(|(name, _)| *name == column)?;
            super::cast::named(kind)?
        }
        _ => return None,
    };
    Some(DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), None)))
}

/// Replaces branches of CASE for kinds of types that do not exist here (domains, composites, ranges):
/// `CASE WHEN t.typtype = 'd' THEN (SELECT ...)`.
///
/// Only base types (`b`) and pseudo-types (`p`) are in `pg_type`, so any other branch is never taken. A branch whose
/// subquery has a WITH becomes NULL; the others are planned as they are.
pub(crate) fn branches_never_taken(expr: &mut Expr, scopes: &Scopes) {
    let Expr::Case { operand: None, conditions, .. } = expr else { return };
    for branch in conditions {
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = &branch.condition else { continue };
        let absent = super::build::literal(right).is_some_and(|kind| !matches!(kind, "b" | "p"));
        let recursive = matches!(&branch.result, Expr::Subquery(query) if query.with.is_some());
        if absent && recursive && scopes.is_column(left, "pg_type", "typtype") {
            branch.result = cast(Expr::Value(Value::Null.into()), DataType::IntUnsigned(None));
        }
    }
}

/// Replaces aggregates by the value they have over no rows, while it walks one expression.
struct Nothing {
    /// Whether an aggregate was replaced: an expression without one has no row, not a value.
    found: bool,
    /// Whether a column or a subquery stands outside of all aggregates, which has no value over no
    /// rows.
    column: bool,
}

impl VisitorMut for Nothing {
    type Break = ();

    /// Counts become 0 and other known aggregates NULL; an unknown function is walked through.
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = &*expr {
            let name = function.name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.to_lowercase());
            match name.as_deref() {
                Some("count") => *expr = Expr::Value(Value::Number("0".to_owned(), false).into()),
                Some("array_agg" | "max" | "min" | "string_agg" | "sum" | "avg" | "bool_or" | "bool_and") => {
                    *expr = null();
                }
                _ => return ControlFlow::Continue(()),
            }
            self.found = true;
        }
        self.column |= matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Subquery(_));
        ControlFlow::Continue(())
    }
}

/// An empty array of texts, `CAST(make_array() AS TEXT[])`.
fn empty_texts() -> Expr {
    let texts = DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None));
    cast(call("make_array", Vec::new()), texts)
}

/// Replaces what stands in the list of a SELECT without rows, since none of it is ever computed:
/// subqueries and functions that give rows become NULL, EXISTS becomes `false`, `ARRAY(...)` an empty
/// array.
///
/// A list that may aggregate is left alone, because an aggregate without groups gives a row.
pub(crate) fn prune_projection(select: &mut Select, scopes: &Scopes) {
    if !from_is_empty(select, scopes) || aggregates(select) {
        return;
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _ = expr.walk_mut(&mut Prune);
        }
    }
}

/// The walk over one column of such a list.
struct Prune;

impl VisitorMut for Prune {
    type Break = ();

    /// Replaces a subquery, or a function that gives rows, before the walk goes into it.
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let rows = ["unnest", "generate_series", "generate_subscripts", "_pg_expandarray"];
        if matches!(expr, Expr::Subquery(_)) || rows.iter().any(|name| is_call(expr, name)) {
            *expr = null();
        } else if matches!(expr, Expr::Exists { .. }) {
            *expr = boolean(false);
        } else if array_query(expr).is_some() {
            *expr = empty_texts();
        }
        ControlFlow::Continue(())
    }
}

/// Turns a `WITH RECURSIVE` whose recursive part can be seen to give no row into a plain SELECT from
/// its first part: one that joins `pg_inherits`, for instance, which is empty here.
///
/// The outer query must read the name once, without conditions or aggregates, and only name columns;
/// everything else is left as it is.
pub(crate) fn settle_recursion(query: &mut Query, scopes: &Scopes) {
    let Some(with) = &query.with else { return };
    let ([cte], SetExpr::Select(outer)) = (with.cte_tables.as_slice(), query.body.as_ref()) else { return };
    let SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } = cte.query.body.as_ref() else { return };
    let (SetExpr::Select(first), true) = (left.as_ref(), body_is_empty(right, scopes)) else { return };
    let name = fold(&cte.alias.name);
    let [from] = outer.from.as_slice() else { return };
    let reads = matches!(&from.relation, TableFactor::Table { name: table, alias: None, args: None, .. }
        if table.0.len() == 1 && table.0.iter().all(|part| part.as_ident().is_some_and(|part| fold(part) == name)));
    if !reads || !from.joins.is_empty() || outer.selection.is_some() || aggregates(outer) || aggregates(first) {
        return;
    }
    let column = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(fold(name)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(fold),
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        _ => None,
    };
    let wanted = outer.projection.iter().map(|item| {
        let name = column(item)?;
        first.projection.iter().find(|given| column(given).as_ref() == Some(&name)).cloned()
    });
    let Some(projection) = wanted.collect::<Option<Vec<_>>>() else { return };
    let mut plain = first.clone();
    plain.projection = projection;
    *query.body = SetExpr::Select(plain);
    query.with = None;
}

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

/// Whether a query can be seen to give no row, whatever the session and the lake. A query with WITH
/// is never judged.
pub(crate) fn query_is_empty(query: &Query, scopes: &Scopes) -> bool {
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

/// Whether one of the tables in FROM is always empty and every join needs a row of it, or the
/// condition asks for what the catalog never has.
fn from_is_empty(select: &Select, scopes: &Scopes) -> bool {
    select.from.iter().any(|from| joined_is_empty(from, scopes))
        || select.selection.as_ref().is_some_and(|condition| asks_for_absent(condition, select, scopes))
}

/// Whether a condition wants constraints of a kind there is none of (keys are the only constraints),
/// or a table's row type (tables have none).
///
/// It looks at the conjuncts alone: `a AND contype = 'f'`, `contype IN ('f', 'c')`. The chain of AND
/// is walked along its left side, so that a long one does not recurse.
fn asks_for_absent(condition: &Expr, select: &Select, scopes: &Scopes) -> bool {
    let mut rest = condition;
    loop {
        match rest {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                if asks_for_absent(right, select, scopes) {
                    return true;
                }
                rest = left;
            }
            Expr::Nested(inner) => rest = inner,
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let row_type = |side| is_column(side, "pg_class", "reltype", select, scopes);
                return (is_kind_of_constraint(left, select, scopes) && is_no_key(right))
                    || row_type(left.as_ref())
                    || row_type(right.as_ref());
            }
            Expr::InList { expr, list, negated: false } => {
                return is_kind_of_constraint(expr, select, scopes) && list.iter().all(is_no_key);
            }
            _ => return false,
        }
    }
}

/// Whether an expression is `pg_constraint.contype`, under whatever alias.
fn is_kind_of_constraint(expr: &Expr, select: &Select, scopes: &Scopes) -> bool {
    is_column(expr, "pg_constraint", "contype", select, scopes)
}

/// Whether an expression is that column of that catalog table, by the aliases of this SELECT; without
/// a qualifier the table need only be among them.
fn is_column(expr: &Expr, table: &str, wanted: &str, select: &Select, scopes: &Scopes) -> bool {
    let tables = super::system::catalog_tables(select, scopes);
    let read = |name: Option<&str>| {
        tables.iter().any(|(known, definition)| definition.name == table && name.is_none_or(|name| name == known))
    };
    match expr {
        Expr::Identifier(column) => fold(column) == wanted && read(None),
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [table, column] => fold(column) == wanted && read(Some(&fold(table))),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a literal, also one under a cast, is another kind of constraint than `p`, the primary key.
fn is_no_key(expr: &Expr) -> bool {
    match expr {
        Expr::Cast { expr, .. } => is_no_key(expr),
        other => super::build::literal(other).is_some_and(|kind| kind != "p"),
    }
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

/// Whether a SELECT without rows may still give one: an aggregate without groups does. Any call that
/// is not known to work on single rows counts as an aggregate, so that the answer errs on the safe
/// side.
pub(crate) fn aggregates(select: &Select) -> bool {
    if !matches!(&select.group_by, GroupByExpr::Expressions(exprs, _) if exprs.is_empty()) {
        // GROUP BY with nothing but () still gives a row; keep away from all of its forms.
        return true;
    }
    select.having.is_some() || select.projection.iter().any(item_aggregates)
}

/// Whether a column of a list may be or contain an aggregate, outside of its subqueries.
fn item_aggregates(item: &SelectItem) -> bool {
    let mut calls = Calls { depth: 0, found: false };
    let _ = item.walk(&mut calls);
    calls.found
}

/// Looks for functions that may be aggregates, outside of subqueries.
struct Calls {
    /// Queries around the point of the walk: only calls at depth 0 belong to the list.
    depth: usize,
    /// Whether one was found.
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

/// Functions of clients' catalog queries that work on one row, and so give no row of their own over
/// an empty table.
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
