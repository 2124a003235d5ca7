//! Small pieces of syntax tree.

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Query, SelectItem, SetExpr, TableAlias, TableFactor, Value,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

pub(super) fn ident(name: &str) -> Ident {
    Ident::new(name)
}

pub(super) fn text(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}

pub(super) fn boolean(value: bool) -> Expr {
    Expr::Value(Value::Boolean(value).into())
}

/// NULL of type text.
pub(super) fn null_text() -> Expr {
    cast(Expr::Value(Value::Null.into()), DataType::Text)
}

pub(super) fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

pub(super) fn arguments(exprs: Vec<Expr>) -> FunctionArguments {
    let args = exprs.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))).collect();
    FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() })
}

pub(super) fn call(name: &str, exprs: Vec<Expr>) -> Expr {
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
pub(super) fn is_call(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Function(function) => called(function).is_some_and(|called| called == name),
        _ => false,
    }
}

/// The unqualified name of a called function, in lower case.
pub(super) fn called(function: &Function) -> Option<String> {
    match function.name.0.as_slice() {
        [only] => only.as_ident().map(|name| name.value.to_lowercase()),
        _ => None,
    }
}

pub(super) fn argument_expr(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

/// The expressions a function is called with; `None` when an argument is anything else.
pub(super) fn call_arguments(function: &Function) -> Option<Vec<&Expr>> {
    match &function.args {
        FunctionArguments::List(list) => list.args.iter().map(argument_expr).collect(),
        _ => None,
    }
}

pub(super) fn alias(name: &str) -> TableAlias {
    TableAlias { explicit: true, name: ident(name), columns: Vec::new(), at: None }
}

/// The text of a string literal.
pub(super) fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        Expr::Nested(inner) => literal(inner),
        _ => None,
    }
}

/// Whether an expression is a parameter such as `$1`.
pub(super) fn is_parameter(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Placeholder(_)))
}

/// The query of a text of ours.
pub(super) fn query(sql: &str) -> Option<Query> {
    let parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(sql);
    parser.and_then(|mut parser| parser.parse_query()).ok().map(|query| *query)
}

/// `SELECT value AS column`
pub(super) fn one_value(value: Expr, column: Ident) -> Option<Query> {
    let mut one = query("SELECT 1 AS one")?;
    let SetExpr::Select(select) = one.body.as_mut() else { return None };
    select.projection = vec![SelectItem::ExprWithAlias { expr: value, alias: column }];
    Some(one)
}

/// The query of `ARRAY(SELECT ...)`.
pub(super) fn array_query(expr: &mut Expr) -> Option<&mut Query> {
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

/// Makes a query of one column `SELECT column FROM (query) AS table (column)`.
pub(super) fn rename_column(inner: &mut Query, table: &str, column: &str) {
    let Some(mut shell) = query(&format!("SELECT {column} FROM (SELECT 1) AS {table} ({column})")) else { return };
    if let SetExpr::Select(select) = shell.body.as_mut()
        && let Some(from) = select.from.first_mut()
        && let TableFactor::Derived { subquery, .. } = &mut from.relation
    {
        std::mem::swap(subquery.as_mut(), inner);
        *inner = shell;
    }
}
