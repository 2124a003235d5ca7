//! Functions in FROM: rows of an array (`unnest`, `generate_series`, `_pg_expandarray`), numbered ones (`WITH ORDINALITY`), and
//! functions of one value, which are tables of one row. All may name columns of tables before them.

use super::build::{self, alias, call, ident};
use super::fold;
use super::function::strip_schema;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, Query, TableAlias, TableAliasColumnDef, TableFactor,
    TableFunctionArgs, Value, Visit, Visitor,
};
use std::ops::ControlFlow;

/// Functions that the planner itself has as tables.
const PLANNED: &[&str] = &["pg_get_keywords", "range"];

/// Functions about partitions, of which no table here has any, with their columns.
const WITHOUT_ROWS: &[(&str, &str)] = &[
    ("pg_partition_ancestors", "CAST(NULL AS INT UNSIGNED) AS relid"),
    (
        "pg_partition_tree",
        "CAST(NULL AS INT UNSIGNED) AS relid, CAST(NULL AS INT UNSIGNED) AS parentrelid, \
         CAST(NULL AS BOOLEAN) AS isleaf, CAST(NULL AS INT) AS level",
    ),
];

/// Rewrites a function in FROM, and leaves all else as it is.
pub(super) fn rewrite(factor: &mut TableFactor) {
    let (name, arguments, given, numbered) = match factor {
        TableFactor::UNNEST { array_exprs, alias, with_ordinality, .. } => {
            *factor = rows(std::mem::take(array_exprs), alias.take(), "unnest", *with_ordinality);
            return;
        }
        TableFactor::Table { name, args: Some(arguments), alias, with_ordinality, .. } => {
            (name, &mut arguments.args, alias, *with_ordinality)
        }
        // `LATERAL f(x)`: a function sees the tables before it anyway.
        TableFactor::Function { name, args, alias, with_ordinality, .. } => (name, args, alias, *with_ordinality),
        _ => return,
    };
    strip_schema(name);
    let [only] = name.0.as_slice() else { return };
    let function = only.as_ident().map(fold).unwrap_or_default();
    let exprs: Vec<Expr> = arguments.iter().filter_map(build::argument_expr).cloned().collect();
    let given = given.take();
    *factor = match function.as_str() {
        "unnest" => rows(exprs, given, &function, numbered),
        "_pg_expandarray" => {
            let named = given.unwrap_or_else(|| alias(&function));
            rows(exprs, Some(with_columns(named, ["x", "n"].map(ident).into())), &function, true)
        }
        "generate_series" => series(exprs, given, numbered),
        // The planner says that it numbers nothing else.
        _ if numbered => unnest(vec![call(&function, exprs)], given, true),
        "pg_show_all_settings" => table(
            vec![ident("pg_catalog"), ident("pg_settings")],
            None,
            Some(given.unwrap_or_else(|| alias(&function))),
        ),
        known if PLANNED.contains(&known) => table(vec![ident(known)], Some(exprs), given),
        _ => {
            let named = given.unwrap_or_else(|| alias(&function));
            if let Some((_, columns)) = WITHOUT_ROWS.iter().find(|(name, _)| *name == function) {
                derived(build::query(&format!("SELECT {columns} WHERE false")), named, false)
            } else {
                // Any other function is a table of one row and one column, which has its name.
                let lateral = exprs.iter().any(names_columns);
                derived(build::one_value(call(&function, exprs), named.name.clone()), named, lateral)
            }
        }
    };
}

/// The elements of arrays as rows. The column of one array has the name of the table; numbers of rows are in `ordinality`.
fn rows(mut arrays: Vec<Expr>, given: Option<TableAlias>, function: &str, numbered: bool) -> TableFactor {
    let mut named = given.unwrap_or_else(|| alias(function));
    if named.columns.is_empty() && arrays.len() == 1 {
        let column = named.name.clone();
        named = with_columns(named, vec![column]);
    }
    if numbered {
        if named.columns.len() == arrays.len() {
            named.columns.push(column(ident("ordinality")));
        }
        let mut lengths: Vec<Expr> = arrays.iter().map(|array| call("cardinality", vec![array.clone()])).collect();
        let longest = if lengths.len() == 1 { lengths.remove(0) } else { call("greatest", lengths) };
        arrays.push(list_of_series(vec![number(1), longest]));
    }
    unnest(arrays, Some(named), false)
}

/// The planner's series has bounds that are written out; a list may have any.
fn series(bounds: Vec<Expr>, given: Option<TableAlias>, numbered: bool) -> TableFactor {
    let function = "generate_series";
    let bounds: Vec<Expr> = bounds.into_iter().map(search_path_length).collect();
    if numbered || bounds.iter().any(|bound| names_columns(bound) || bound.to_string().contains('(')) {
        return rows(vec![list_of_series(bounds)], given, function, numbered);
    }
    let mut named = given.unwrap_or_else(|| alias(function));
    if named.columns.is_empty() {
        let column = named.name.clone();
        named = with_columns(named, vec![column]);
    }
    table(vec![ident(function)], Some(bounds), Some(named))
}

/// A series as one list. The name is quoted, because without quotes a series in an expression is rows.
fn list_of_series(bounds: Vec<Expr>) -> Expr {
    let mut list = call("generate_series", bounds);
    if let Expr::Function(function) = &mut list {
        function.name = ObjectName::from(vec![Ident::with_quote('"', "generate_series")]);
    }
    list
}

/// Bounds of a series must be known when it is planned. The length of the search path is.
fn search_path_length(bound: Expr) -> Expr {
    match bound.to_string().to_lowercase().replace("pg_catalog.", "").as_str() {
        "array_upper(current_schemas(false), 1)" => number(1),
        "array_upper(current_schemas(true), 1)" => number(2),
        _ => bound,
    }
}

fn number(value: u8) -> Expr {
    Expr::Value(Value::Number(value.to_string(), false).into())
}

/// Whether an expression names a column.
fn names_columns(expr: &Expr) -> bool {
    struct Names;
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Names).is_break()
}

/// Names for columns that have none.
fn with_columns(mut named: TableAlias, names: Vec<Ident>) -> TableAlias {
    if named.columns.is_empty() {
        named.columns = names.into_iter().map(column).collect();
    }
    named
}

fn column(name: Ident) -> TableAliasColumnDef {
    TableAliasColumnDef { name, data_type: None }
}

fn unnest(array_exprs: Vec<Expr>, alias: Option<TableAlias>, with_ordinality: bool) -> TableFactor {
    TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_offset_alias: None, with_ordinality }
}

fn derived(query: Option<Query>, alias: TableAlias, lateral: bool) -> TableFactor {
    match query {
        Some(query) => TableFactor::Derived { lateral, subquery: Box::new(query), alias: Some(alias), sample: None },
        None => table(vec![alias.name.clone()], None, Some(alias)),
    }
}

fn table(name: Vec<Ident>, arguments: Option<Vec<Expr>>, alias: Option<TableAlias>) -> TableFactor {
    let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    let args =
        arguments.map(|exprs| TableFunctionArgs { args: exprs.into_iter().map(argument).collect(), settings: None });
    TableFactor::Table {
        name: ObjectName::from(name),
        alias,
        args,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}
