//! Column names. PostgreSQL allows two columns of one name and calls unnamed ones after their function or type; the
//! planner allows neither, so that columns get distinct names inside, and their PostgreSQL names outside.

use super::fold;
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Query, SelectItem, SetExpr, Statement};
use std::collections::BTreeSet;

/// What follows it in a column's name is there to tell columns apart, and no part of the name people see.
const MARK: char = '\u{1}';

/// A column's name without what tells it apart.
pub(in crate::engine) fn visible(name: &str) -> &str {
    name.split(MARK).next().unwrap_or(name)
}

/// Gives the second and later of two columns of one name another one. Beside a `*` every plain column may be such a
/// second one.
pub(super) fn make_distinct(items: &mut [SelectItem]) {
    let is_wildcard = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    let beside_wildcard = items.len() > 1 && items.iter().any(is_wildcard);
    let mut taken = BTreeSet::new();
    for (index, item) in items.iter_mut().enumerate() {
        let (name, plain) = match item {
            SelectItem::ExprWithAlias { alias, .. } => (fold(alias), false),
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => (fold(name), true),
            SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(_)) if beside_wildcard => {
                (expr_name(expr).unwrap_or_default(), true)
            }
            SelectItem::UnnamedExpr(expr) => (planned_name(expr), false),
            _ => continue,
        };
        if taken.insert(name.clone()) && !(plain && beside_wildcard) {
            continue;
        }
        let distinct = Ident::with_quote('"', format!("{name}{MARK}{index}"));
        match item {
            SelectItem::ExprWithAlias { alias, .. } => *alias = distinct,
            SelectItem::UnnamedExpr(expr) => {
                *item = SelectItem::ExprWithAlias { expr: super::take(expr), alias: distinct };
            }
            _ => {}
        }
    }
}

/// The name the planner gives an expression: that of what is cast, whatever it is cast to.
fn planned_name(expr: &Expr) -> String {
    match expr {
        Expr::Cast { expr: inner, .. } | Expr::Nested(inner) => planned_name(inner),
        Expr::Identifier(name) => fold(name),
        other => other.to_string(),
    }
}

/// The names PostgreSQL gives the columns of a statement's result; `None` when `*` leaves them to the planner.
pub(in crate::engine) fn output_names(statement: &Statement) -> Option<Vec<String>> {
    match statement {
        Statement::Query(query) => query_names(query),
        _ => None,
    }
}

fn query_names(query: &Query) -> Option<Vec<String>> {
    body_names(&query.body)
}

fn body_names(body: &SetExpr) -> Option<Vec<String>> {
    match body {
        SetExpr::Select(select) => select.projection.iter().map(item_name).collect(),
        SetExpr::Query(query) => query_names(query),
        SetExpr::SetOperation { left, .. } => body_names(left),
        _ => None,
    }
}

fn item_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        SelectItem::UnnamedExpr(expr) => Some(expr_name(expr).unwrap_or_else(|| "?column?".to_owned())),
        _ => None,
    }
}

/// The name PostgreSQL derives from an expression; `None` when it derives none.
fn expr_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(fold(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => expr_name(inner),
        Expr::Function(function) => last(&function.name),
        Expr::Cast { expr: inner, data_type, .. } => {
            expr_name(inner).or_else(|| Some(type_name(&data_type.to_string())))
        }
        Expr::TypedString(typed) => Some(type_name(&typed.data_type.to_string())),
        Expr::Case { else_result, .. } => {
            else_result.as_deref().and_then(expr_name).or_else(|| Some("case".to_owned()))
        }
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::Interval(_) => Some("interval".to_owned()),
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::Substring { .. } => Some("substring".to_owned()),
        Expr::Trim { .. } => Some("btrim".to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::Ceil { .. } => Some("ceil".to_owned()),
        Expr::Floor { .. } => Some("floor".to_owned()),
        Expr::AtTimeZone { .. } => Some("timezone".to_owned()),
        Expr::CompoundFieldAccess { root, .. } => expr_name(root),
        Expr::Subquery(query) => query_names(query)?.into_iter().next().filter(|name| name != "?column?"),
        Expr::Value(value) => match &value.value {
            datafusion::sql::sqlparser::ast::Value::Boolean(_) => Some("bool".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn last(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(fold)
}

/// The name of a type in `pg_type` for the name that was written.
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
        check("SELECT a + b, -a, CASE WHEN a THEN 1 END", Some(&["?column?", "?column?", "case"]));
        check("SELECT (SELECT max(x) FROM t), EXISTS(SELECT 1)", Some(&["max", "exists"]));
        check("SELECT * FROM t", None);
        assert_eq!(visible("oid\u{1}2"), "oid");
        check("SELECT a FROM t UNION SELECT b FROM t", Some(&["a"]));
    }

    #[test]
    fn repeated_columns_are_told_apart() {
        let mut statement =
            Parser::parse_sql(&PostgreSqlDialect {}, "SELECT NULL, NULL, 1 AS n, 2 AS n").unwrap().remove(0);
        crate::engine::rewrite::rewrite(&mut statement);
        assert_eq!(statement.to_string(), "SELECT NULL, NULL AS \"NULL\u{1}1\", 1 AS n, 2 AS \"n\u{1}3\"");
        let mut statement =
            Parser::parse_sql(&PostgreSqlDialect {}, "SELECT a::text, a::date, A FROM t").unwrap().remove(0);
        crate::engine::rewrite::rewrite(&mut statement);
        assert_eq!(statement.to_string(), "SELECT a::TEXT, a::DATE AS \"a\u{1}1\", A AS \"a\u{1}2\" FROM t");
    }
}
