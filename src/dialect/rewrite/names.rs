//! The columns of a result get the names PostgreSQL gives them, and names DataFusion accepts while it
//! plans.
//!
//! PostgreSQL allows two columns of one name, and calls unnamed ones after their function, type or
//! column: `SELECT count(*), 1, x::int` gives `count`, `?column?`, `x`. So unnamed columns are named
//! here, in subqueries too; columns of one name are told apart inside by a suffix that begins with
//! `MARK`, which [`visible`] takes off before the client sees the name.
//!
//! DataFusion 55: `validate_unique_names` refuses a list in which two expressions have the same name,
//! and the name of a cast is that of what is cast, so `SELECT 1, 1` and `SELECT a, a::text` fail with
//! "Projections require unique expression names" (apache/datafusion#6543, closed by #21126, which
//! 55.2 does not have; #4478). Unnamed columns are called after the printed expression, `Int64(1)`.
//! Not needed once `SELECT NULL, NULL, 1 AS n, 2 AS n` plans as written:
//! `repeated_columns_are_told_apart` shows the form it has today. The names of the result remain ours
//! to give.

use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, Ident, ObjectName, Query, SelectItem, SetExpr, Statement};
use std::collections::BTreeSet;

/// Begins the part of a column's name that tells columns apart, and is no part of the name people
/// see. A control character, which no client writes in a name.
pub(crate) const MARK: char = '\u{1}';

/// PostgreSQL's name of a column for which it derives none.
const UNNAMED: &str = "?column?";

/// A column's name as the client sees it: everything before the first `MARK`.
pub(crate) fn visible(name: &str) -> &str {
    name.split(MARK).next().unwrap_or(name)
}

/// The names PostgreSQL derives for the unnamed columns of a list, by place; `None` for plain
/// columns, for columns with an alias and for `*`. The list must not be rewritten yet.
pub(crate) fn given(items: &[SelectItem]) -> Vec<Option<String>> {
    let name = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => None,
        SelectItem::UnnamedExpr(expr) => expr_name(expr),
        _ => None,
    };
    items.iter().map(name).collect()
}

/// Gives the unnamed columns of a list the names in `given`, and marks the second and later of two
/// columns of one name.
///
/// - Beside `*` every plain column may repeat one that `*` brings, so each is marked.
/// - In the outermost list derived names are marked as well: nobody refers to them, and unmarked they
///   could hide columns of the tables in ORDER BY.
/// - A single column without any name stays as it is; there is nothing to tell it from.
pub(crate) fn make_distinct(items: &mut [SelectItem], given: &[Option<String>], outermost: bool) {
    let is_wildcard = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    let several = items.len() > 1;
    let beside_wildcard = several && items.iter().any(is_wildcard);
    let mut taken = BTreeSet::new();
    for (index, item) in items.iter_mut().enumerate() {
        let given = given.get(index).cloned().flatten();
        let (name, plain) = match item {
            SelectItem::ExprWithAlias { alias, .. } => (fold(alias), false),
            SelectItem::UnnamedExpr(Expr::Identifier(name)) if given.is_none() => (fold(name), true),
            SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(_)) if beside_wildcard && given.is_none() => {
                (expr_name(expr).unwrap_or_default(), true)
            }
            SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(_)) if given.is_none() => {
                (planned_name(expr), false)
            }
            SelectItem::UnnamedExpr(expr) => {
                let expr = super::build::take(expr);
                // Two columns without a name may have the same name in DataFusion, however they are
                // written.
                let name = match given {
                    Some(name) if outermost => format!("{name}{MARK}{index}"),
                    Some(name) => name,
                    None if several => format!("{UNNAMED}{MARK}{index}"),
                    None => {
                        *item = SelectItem::UnnamedExpr(expr);
                        continue;
                    }
                };
                *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name.clone()) };
                (name, false)
            }
            _ => continue,
        };
        if taken.insert(name.clone()) && !(plain && beside_wildcard) {
            continue;
        }
        let distinct = Ident::with_quote('"', format!("{name}{MARK}{index}"));
        match item {
            SelectItem::ExprWithAlias { alias, .. } => *alias = distinct,
            SelectItem::UnnamedExpr(expr) => {
                *item = SelectItem::ExprWithAlias { expr: super::build::take(expr), alias: distinct };
            }
            _ => {}
        }
    }
}

/// The name DataFusion's SQL planner gives an expression, as far as clashes matter: that of what is
/// cast, whatever it is cast to.
fn planned_name(expr: &Expr) -> String {
    match expr {
        Expr::Cast { expr: inner, .. } | Expr::Nested(inner) => planned_name(inner),
        Expr::Identifier(name) => fold(name),
        other => other.to_string(),
    }
}

/// The names PostgreSQL gives the columns of a statement's result, in order; `None` when a `*` leaves
/// them to DataFusion, or when the statement is no query.
pub(crate) fn output_names(statement: &Statement) -> Option<Vec<String>> {
    match statement {
        Statement::Query(query) => query_names(query),
        _ => None,
    }
}

/// The same for a query; of a UNION its first SELECT tells.
pub(crate) fn query_names(query: &Query) -> Option<Vec<String>> {
    body_names(&query.body)
}

/// The same for the body of a query; `None` for VALUES, whose columns DataFusion names `column1` as
/// PostgreSQL does.
fn body_names(body: &SetExpr) -> Option<Vec<String>> {
    match body {
        SetExpr::Select(select) => select.projection.iter().map(item_name).collect(),
        SetExpr::Query(query) => query_names(query),
        SetExpr::SetOperation { left, .. } => body_names(left),
        _ => None,
    }
}

/// The name of one column of a list; `None` for a `*`.
fn item_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        SelectItem::UnnamedExpr(expr) => Some(expr_name(expr).unwrap_or_else(|| UNNAMED.to_owned())),
        _ => None,
    }
}

/// The name PostgreSQL derives from an expression (`FigureColname` in its source); `None` when it
/// derives none and writes `?column?`.
///
/// A column has its own name, a call its function's, a cast that of its operand or else its type's,
/// `CASE` that of its ELSE or `case`, a scalar subquery that of its column.
pub(super) fn expr_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(fold(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => expr_name(inner),
        Expr::Function(function) => last(&function.name),
        // Of casts within casts the outermost tells, unless what is cast has a name of its own.
        Expr::Cast { expr: inner, data_type, .. } => {
            own_name(inner).or_else(|| Some(type_name(&data_type.to_string())))
        }
        Expr::TypedString(typed) => Some(type_name(&typed.data_type.to_string())),
        Expr::Case { else_result, .. } => else_result.as_deref().and_then(own_name).or_else(|| Some("case".to_owned())),
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::Tuple(_) => Some("row".to_owned()),
        Expr::Interval(_) => Some("interval".to_owned()),
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::Substring { .. } => Some("substring".to_owned()),
        Expr::Trim { .. } => Some("btrim".to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::Ceil { .. } => Some("ceil".to_owned()),
        Expr::Floor { .. } => Some("floor".to_owned()),
        Expr::AtTimeZone { .. } => Some("timezone".to_owned()),
        Expr::Overlay { .. } => Some("overlay".to_owned()),
        // The last field, if there is one.
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(name)) => Some(fold(name)),
                _ => None,
            });
            field.or_else(|| expr_name(root))
        }
        Expr::Subquery(query) => query_names(query)?.into_iter().next().filter(|name| name != UNNAMED),
        _ => None,
    }
}

/// The name of a column; `None` of every other expression.
pub(super) fn column(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => expr_name(expr),
        _ => None,
    }
}

/// The name of an expression that is not merely that of its type: `x::int` has `x`, and `1::int` has
/// none.
fn own_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => own_name(inner),
        Expr::Cast { expr: inner, .. } => own_name(inner),
        Expr::TypedString(_) | Expr::Interval(_) | Expr::Value(_) => None,
        Expr::Case { else_result, .. } => else_result.as_deref().and_then(own_name),
        other => expr_name(other),
    }
}

/// The last part of a name with dots, folded.
fn last(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(fold)
}

/// The name in `pg_type` for the type name that was written: `integer` is `int4`, `varchar(3)` is
/// `varchar`. A column that is a bare cast is called after it.
fn type_name(written: &str) -> String {
    let lower = written.to_ascii_lowercase();
    let bare = lower.rsplit('.').next().unwrap_or(&lower);
    let bare = bare.split(['(', '[']).next().unwrap_or(bare).trim();
    match bare {
        "int" | "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "double precision" | "float" | "double" => "float8",
        "real" => "float4",
        "boolean" => "bool",
        "decimal" => "numeric",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        "character varying" => "varchar",
        "char" | "character" => "bpchar",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    #[track_caller]
    fn check(sql: &str, expected: Option<&[&str]>) {
        let statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        let names = output_names(&statement);
        assert_eq!(names, expected.map(|names| names.iter().map(ToString::to_string).collect()), "{sql}");
    }

    #[test]
    fn columns_are_named_as_in_postgres() {
        check("SELECT 1, 'a', NULL", Some(&["?column?", "?column?", "?column?"]));
        check("SELECT count(*), sum(a.b) AS s, a.c", Some(&["count", "s", "c"]));
        check("SELECT 1::int, x::text, date '2026-01-01'", Some(&["int4", "x", "date"]));
        check("SELECT 1::int::text, true::text, (date '2026-01-01')::text", Some(&["text", "text", "text"]));
        check("SELECT a + b, -a, CASE WHEN a THEN 1 END", Some(&["?column?", "?column?", "case"]));
        check("SELECT (CASE WHEN a THEN 1 END)::text, (CASE a WHEN 1 THEN 2 ELSE b END)::text", Some(&["text", "b"]));
        check("SELECT (SELECT max(x) FROM t), EXISTS(SELECT 1)", Some(&["max", "exists"]));
        check("SELECT * FROM t", None);
        assert_eq!(visible("oid\u{1}2"), "oid");
        check("SELECT a FROM t UNION SELECT b FROM t", Some(&["a"]));
    }

    #[test]
    fn repeated_columns_are_told_apart() {
        let mut statement =
            Parser::parse_sql(&PostgreSqlDialect {}, "SELECT NULL, NULL, 1 AS n, 2 AS n").unwrap().remove(0);
        crate::dialect::rewrite::respelled(&mut statement, &|_| None, &Default::default()).unwrap();
        let expected = "SELECT NULL AS \"?column?\u{1}0\", NULL AS \"?column?\u{1}1\", 1 AS n, 2 AS \"n\u{1}3\"";
        assert_eq!(statement.to_string(), expected);
        let mut statement =
            Parser::parse_sql(&PostgreSqlDialect {}, "SELECT a::text, a::date, A FROM t").unwrap().remove(0);
        crate::dialect::rewrite::respelled(&mut statement, &|_| None, &Default::default()).unwrap();
        let expected = "SELECT a::TEXT AS \"a\u{1}0\", a::DATE AS \"a\u{1}1\", A AS \"a\u{1}2\" FROM t";
        assert_eq!(statement.to_string(), expected);
    }
}
