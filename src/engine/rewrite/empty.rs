//! Subqueries over catalog tables that never have rows are constants. Clients ask for policies, triggers and the like in
//! nested, correlated forms that no planner of ours has to understand when the answer is known.

use super::Scopes;
use super::build::{array_query, boolean, call, cast, is_call, null_text};
use crate::table::pg_catalog::always_empty;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, DataType, Expr, GroupByExpr, JoinOperator, Query, Select, SelectItem, SetExpr,
    SetOperator, TableFactor, TableWithJoins, Value, Visit, VisitMut, Visitor, VisitorMut,
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
    } else if let Expr::Subquery(query) = expr
        && let Some(constant) = aggregate_of_nothing(query, scopes)
    {
        *expr = constant;
    } else if array_query(expr).is_some_and(|query| query_is_empty(query, scopes)) {
        *expr = empty_texts();
    }
}

/// An aggregate without groups over no rows is a constant: counts are 0, all else is NULL.
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
    let _ = VisitMut::visit(&mut constant, &mut nothing);
    (nothing.found && !nothing.column).then(|| Expr::Nested(Box::new(constant)))
}

/// The type of `array_agg(x)` of a column of the catalog.
fn empty_array_type(item: &Expr, select: &Select, scopes: &Scopes) -> Option<DataType> {
    let Expr::Function(function) = item else { return None };
    let arguments = super::build::call_arguments(function)?;
    let ([argument], true) = (arguments.as_slice(), is_call(item, "array_agg")) else { return None };
    let element = match argument {
        Expr::Cast { data_type, .. } => data_type.clone(),
        Expr::CompoundIdentifier(parts) => {
            let [table, column] = parts.as_slice() else { return None };
            let (table, column) = (super::fold(table), super::fold(column));
            let tables = super::system::catalog_tables(select, scopes);
            let (_, definition) = tables.iter().find(|(name, _)| *name == table)?;
            let (_, kind) = definition.columns().find(|(name, _)| *name == column)?;
            super::cast::named(kind)?
        }
        _ => return None,
    };
    Some(DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), None)))
}

/// A branch of CASE for kinds of types that there are none of (domains, composites) is never taken: its subquery is NULL.
pub(super) fn branches_never_taken(expr: &mut Expr, scopes: &Scopes) {
    let Expr::Case { operand: None, conditions, .. } = expr else { return };
    for branch in conditions {
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = &branch.condition else { continue };
        let absent = super::build::literal(right).is_some_and(|kind| !matches!(kind, "b" | "p"));
        if absent && matches!(branch.result, Expr::Subquery(_)) && scopes.is_column(left, "pg_type", "typtype") {
            branch.result = match &branch.result {
                Expr::Subquery(query) if query.with.is_some() => {
                    cast(Expr::Value(Value::Null.into()), DataType::IntUnsigned(None))
                }
                other => other.clone(),
            };
        }
    }
}

/// Puts the values of aggregates over no rows in their places.
struct Nothing {
    found: bool,
    /// Whether a column is outside of all aggregates.
    column: bool,
}

impl VisitorMut for Nothing {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = &*expr {
            let name = function.name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.to_lowercase());
            match name.as_deref() {
                Some("count") => *expr = Expr::Value(Value::Number("0".to_owned(), false).into()),
                Some("array_agg" | "max" | "min" | "string_agg" | "sum" | "avg" | "bool_or" | "bool_and") => {
                    *expr = null_text();
                }
                _ => return ControlFlow::Continue(()),
            }
            self.found = true;
        }
        self.column |= matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Subquery(_));
        ControlFlow::Continue(())
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
        let rows = ["unnest", "generate_series", "generate_subscripts", "_pg_expandarray"];
        if matches!(expr, Expr::Subquery(_)) || rows.iter().any(|name| is_call(expr, name)) {
            *expr = null_text();
        } else if matches!(expr, Expr::Exists { .. }) {
            *expr = boolean(false);
        } else if array_query(expr).is_some() {
            *expr = empty_texts();
        }
        ControlFlow::Continue(())
    }
}

/// A recursion whose step can be seen to give no row is what it begins with; a name that is used once is put in its place.
/// What is left is a plain SELECT.
pub(super) fn settle_recursion(query: &mut Query, scopes: &Scopes) {
    let Some(with) = &query.with else { return };
    let ([cte], SetExpr::Select(outer)) = (with.cte_tables.as_slice(), query.body.as_ref()) else { return };
    let SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } = cte.query.body.as_ref() else { return };
    let (SetExpr::Select(first), true) = (left.as_ref(), body_is_empty(right, scopes)) else { return };
    let name = super::fold(&cte.alias.name);
    let [from] = outer.from.as_slice() else { return };
    let reads = matches!(&from.relation, TableFactor::Table { name: table, alias: None, args: None, .. }
        if table.0.len() == 1 && table.0.iter().all(|part| part.as_ident().is_some_and(|part| super::fold(part) == name)));
    if !reads || !from.joins.is_empty() || outer.selection.is_some() || aggregates(outer) || aggregates(first) {
        return;
    }
    let column = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(super::fold(name)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(super::fold),
        SelectItem::ExprWithAlias { alias, .. } => Some(super::fold(alias)),
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

/// Whether a query can be seen to give no row.
pub(super) fn query_is_empty(query: &Query, scopes: &Scopes) -> bool {
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
        || select.selection.as_ref().is_some_and(|condition| asks_for_absent(condition, select, scopes))
}

/// Whether a condition wants constraints of a kind there is none of (there are keys alone), or a table's row type (tables
/// have none).
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

fn is_kind_of_constraint(expr: &Expr, select: &Select, scopes: &Scopes) -> bool {
    is_column(expr, "pg_constraint", "contype", select, scopes)
}

/// Whether an expression is that column of that catalog table.
fn is_column(expr: &Expr, table: &str, wanted: &str, select: &Select, scopes: &Scopes) -> bool {
    let tables = super::system::catalog_tables(select, scopes);
    let read = |name: Option<&str>| {
        tables.iter().any(|(known, definition)| definition.name == table && name.is_none_or(|name| name == known))
    };
    match expr {
        Expr::Identifier(column) => super::fold(column) == wanted && read(None),
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [table, column] => super::fold(column) == wanted && read(Some(&super::fold(table))),
            _ => false,
        },
        _ => false,
    }
}

fn is_no_key(expr: &Expr) -> bool {
    match expr {
        Expr::Cast { expr, .. } => is_no_key(expr),
        other => super::build::literal(other).is_some_and(|kind| kind != "p"),
    }
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
