//! Constructors and matchers for small pieces of sqlparser's tree, which the rewrite rules share.
//!
//! sqlparser's nodes have many fields that are empty in nearly every use; here they are filled in
//! once, so that a new field in a later sqlparser is added in one place.

use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Query, SelectItem, SetExpr, TableAlias, TableFactor, TimezoneInfo, Value,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// Takes an expression out of the tree and leaves NULL in its place. The caller puts
/// something else there at once.
pub(crate) fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, null())
}

/// An identifier without quotes; DataFusion folds it to lower case.
pub(crate) fn ident(name: &str) -> Ident {
    Ident::new(name)
}

/// A string literal, `'text'`; quotes inside are not doubled, because the tree is never printed and
/// parsed.
pub(crate) fn text(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}

/// The literal `true` or `false`.
pub(crate) fn boolean(value: bool) -> Expr {
    Expr::Value(Value::Boolean(value).into())
}

/// NULL, which takes the type of what it stands beside.
pub(crate) fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

/// `CAST(expr AS data_type)`, the form of a cast that fails on values that do not fit.
pub(crate) fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

/// `timestamptz` with microseconds, as the tables have it.
pub(crate) fn instant() -> DataType {
    DataType::Timestamp(Some(6), TimezoneInfo::Tz)
}

/// Positional arguments of a call, without DISTINCT, ORDER BY or names.
pub(crate) fn arguments(exprs: Vec<Expr>) -> FunctionArguments {
    let args = exprs.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))).collect();
    FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() })
}

/// `name(exprs...)` as an unquoted, unqualified call without OVER, FILTER or WITHIN GROUP.
pub(crate) fn call(name: &str, exprs: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![ident(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: arguments(exprs),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Whether an expression calls the function of that unqualified name.
pub(crate) fn is_call(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Function(function) => called(function).is_some_and(|called| called == name),
        _ => false,
    }
}

/// The unqualified name of a called function, in lower case; `None` for a name with a schema.
pub(crate) fn called(function: &Function) -> Option<String> {
    match function.name.0.as_slice() {
        [only] => only.as_ident().map(|name| name.value.to_lowercase()),
        _ => None,
    }
}

/// The same, also for a name with the schema `pg_catalog`, which functions lose when the walk comes to them.
pub(crate) fn called_bare(function: &Function) -> Option<String> {
    match function.name.0.as_slice() {
        [schema, only] if schema.as_ident().is_some_and(|schema| fold(schema) == "pg_catalog") => {
            only.as_ident().map(|name| name.value.to_lowercase())
        }
        _ => called(function),
    }
}

/// The expression of a positional argument; `None` for `*`, for a named argument and for a table.
pub(crate) fn argument_expr(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

/// The expressions a function is called with, in order; `None` when an argument is anything else, or
/// the call has none of the usual list (`current_date`, `ARRAY(SELECT ...)`).
pub(crate) fn call_arguments(function: &Function) -> Option<Vec<&Expr>> {
    match &function.args {
        FunctionArguments::List(list) => list.args.iter().map(argument_expr).collect(),
        _ => None,
    }
}

/// The first positional argument of a call.
pub(crate) fn first_argument_mut(function: &mut Function) -> Option<&mut Expr> {
    match &mut function.args {
        FunctionArguments::List(list) => match list.args.first_mut()? {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        },
        _ => None,
    }
}

/// `AS name`, without names for columns.
pub(crate) fn alias(name: &str) -> TableAlias {
    TableAlias { explicit: true, name: ident(name), columns: Vec::new(), at: None }
}

/// The text of a string literal, also in parentheses; `None` for every other expression.
pub(crate) fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        Expr::Nested(inner) => literal(inner),
        _ => None,
    }
}

/// Whether an expression is a parameter such as `$1`, whose type DataFusion does not know yet.
pub(crate) fn is_parameter(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Placeholder(_)))
}

/// Parses SQL that this crate writes itself, as a template for larger changes; `None` only if that
/// text is wrong.
pub(crate) fn query(sql: &str) -> Option<Query> {
    let parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(sql);
    parser.and_then(|mut parser| parser.parse_query()).ok().map(|query| *query)
}

/// Parses an expression that this crate writes itself, as [`query`] does.
pub(crate) fn expression(sql: &str) -> Option<Expr> {
    let parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(sql);
    parser.and_then(|mut parser| parser.parse_expr()).ok()
}

/// The query `SELECT value AS column`, one row of one column.
pub(crate) fn one_value(value: Expr, column: Ident) -> Option<Query> {
    let mut one = query("SELECT 1 AS one")?;
    let SetExpr::Select(select) = one.body.as_mut() else { return None };
    select.projection = vec![SelectItem::ExprWithAlias { expr: value, alias: column }];
    Some(one)
}

/// The query inside `ARRAY(SELECT ...)`, which sqlparser reads as a call of `array` with a subquery
/// for arguments.
pub(crate) fn array_query(expr: &mut Expr) -> Option<&mut Query> {
    if !is_call(expr, "array") {
        return None;
    }
    match expr {
        Expr::Function(function) => match &mut function.args {
            FunctionArguments::Subquery(query) => Some(query),
            _ => None,
        },
        _ => None,
    }
}

/// Turns a query of one column into `SELECT column FROM (query) AS table (column)`, so that its
/// column has a name no other table has. A query of several columns becomes an error in planning, as
/// it should.
pub(crate) fn rename_column(inner: &mut Query, table: &str, column: &str) {
    let Some(mut shell) = query(&format!("SELECT {column} FROM (SELECT 1) AS {table} ({column})")) else { return };
    if let SetExpr::Select(select) = shell.body.as_mut()
        && let Some(from) = select.from.first_mut()
        && let TableFactor::Derived { subquery, .. } = &mut from.relation
    {
        std::mem::swap(subquery.as_mut(), inner);
        *inner = shell;
    }
}
