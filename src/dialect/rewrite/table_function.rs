//! The rewriter gives functions in FROM a form that DataFusion plans: rows of an array (`unnest`,
//! `generate_series`, `_pg_expandarray`), numbered ones (`WITH ORDINALITY`), and functions of one
//! value, which are tables of one row. All may name columns of the tables before them.
//!
//! DataFusion 55: UNNEST refuses WITH ORDINALITY ("UNNEST with ordinality is not supported yet";
//! apache/datafusion#22310 is a closed proposal). The rows are numbered by a second array beside the
//! first. Not needed once `unnest(ARRAY['a', 'b']) WITH ORDINALITY` plans: `correlated.slt` has it.
//!
//! DataFusion 55: a function in FROM must be a registered table function with literal arguments;
//! `generate_series` refuses everything else with "Arguments must be literals". Not needed once `FROM
//! t, generate_series(1, t.n)` plans; `FROM version()` would still be ours.

use super::build::{self, alias, call, ident};
use super::function::strip_schema;
use super::names::MARK;
use super::rows_function;
use crate::dialect::parse::spelling::ROWS_FROM;
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, Query, TableAlias, TableAliasColumnDef,
    TableFactor, TableFunctionArgs, UnaryOperator, Value, Visitor,
};
use std::ops::ControlFlow;

/// Functions that DataFusion has, or this crate registers, as table functions.
const PLANNED: &[&str] = &["exchanges", "pg_get_keywords", "range"];

/// Functions whose rows are those of a table of the catalog.
const TABLES: &[(&str, &str)] = &[
    ("pg_available_extension_versions", "pg_available_extension_versions"),
    ("pg_available_extensions", "pg_available_extensions"),
    ("pg_cursor", "pg_cursors"),
    ("pg_hba_file_rules", "pg_hba_file_rules"),
    ("pg_ident_file_mappings", "pg_ident_file_mappings"),
    ("pg_lock_status", "pg_locks"),
    ("pg_prepared_statement", "pg_prepared_statements"),
    ("pg_prepared_xact", "pg_prepared_xacts"),
    ("pg_show_all_file_settings", "pg_file_settings"),
    ("pg_show_all_settings", "pg_settings"),
    ("pg_timezone_names", "pg_timezone_names"),
];

/// Functions about what no table here has, partitions and privileges of its own, with their columns.
const WITHOUT_ROWS: &[(&str, &str)] = &[
    (
        "aclexplode",
        "CAST(NULL AS INT UNSIGNED) AS grantor, CAST(NULL AS INT UNSIGNED) AS grantee, \
         CAST(NULL AS TEXT) AS privilege_type, CAST(NULL AS BOOLEAN) AS is_grantable",
    ),
    ("pg_listening_channels", "CAST(NULL AS TEXT) AS pg_listening_channels"),
    ("pg_partition_ancestors", "CAST(NULL AS INT UNSIGNED) AS relid"),
    (
        "pg_partition_tree",
        "CAST(NULL AS INT UNSIGNED) AS relid, CAST(NULL AS INT UNSIGNED) AS parentrelid, \
         CAST(NULL AS BOOLEAN) AS isleaf, CAST(NULL AS INT) AS level",
    ),
];

/// Rewrites a function in FROM, and leaves all else as it is.
///
/// - `unnest(a)` becomes UNNEST; with WITH ORDINALITY or as `_pg_expandarray(a)` it gets a column of
///   numbers from 1.
/// - `generate_series(1, 3)` stays a table function while its bounds are numbers that are written
///   out, else it is `unnest` of a list.
/// - A function of one value, `FROM version() AS v`, becomes `(SELECT version() AS v) AS v`, LATERAL
///   when it names columns.
/// - Any other function WITH ORDINALITY is left to DataFusion, which refuses it.
pub(crate) fn rewrite(factor: &mut TableFactor) {
    let (name, arguments, given, numbered) = match factor {
        TableFactor::UNNEST { array_exprs, alias, with_ordinality, .. } => {
            *factor = rows(std::mem::take(array_exprs), alias.take(), "unnest", *with_ordinality);
            return;
        }
        TableFactor::Table { name, args: Some(arguments), alias, with_ordinality, .. } => {
            (name, &mut arguments.args, alias, *with_ordinality)
        }
        // `LATERAL f(x)`: a function in FROM sees the tables before it anyway.
        TableFactor::Function { name, args, alias, with_ordinality, .. } => (name, args, alias, *with_ordinality),
        _ => return,
    };
    strip_schema(name);
    let [only] = name.0.as_slice() else { return };
    let function = only.as_ident().map(fold).unwrap_or_default();
    let quoted = only.as_ident().is_some_and(|name| name.quote_style.is_some());
    let exprs: Vec<Expr> = arguments.iter().filter_map(build::argument_expr).cloned().collect();
    let given = given.take();
    *factor = match function.as_str() {
        ROWS_FROM => rows_from(exprs, given, numbered),
        "unnest" => rows(exprs, given, &function, numbered),
        "_pg_expandarray" => {
            let named = given.unwrap_or_else(|| alias(&function));
            rows(exprs, Some(with_columns(named, ["x", "n"].map(ident).into())), &function, true)
        }
        "generate_series" => series(exprs, given, numbered, quoted),
        known if let Some((arrays, names)) = rows_function::columns(known, &exprs) => {
            let mut named = given.unwrap_or_else(|| alias(known));
            if !names.is_empty() {
                named = with_columns(named, names.iter().map(|name| ident(name)).collect());
            }
            rows(arrays, Some(named), known, numbered)
        }
        // DataFusion refuses the numbering of anything else.
        _ if numbered => unnest(vec![call(&function, exprs)], given, true),
        known if PLANNED.contains(&known) => table(vec![ident(known)], Some(exprs), given),
        _ => {
            let named = given.unwrap_or_else(|| alias(&function));
            if let Some((_, rows)) = TABLES.iter().find(|(name, _)| *name == function) {
                table(vec![ident("pg_catalog"), ident(rows)], None, Some(named))
            } else if let Some((_, columns)) = WITHOUT_ROWS.iter().find(|(name, _)| *name == function) {
                derived(build::query(&format!("SELECT {columns} WHERE false")), named, false)
            } else {
                // Any other function is a table of one row and one column, which has its name.
                let lateral = exprs.iter().any(names_columns);
                derived(build::one_value(call(&function, exprs), named.name.clone()), named, lateral)
            }
        }
    };
}

/// UNNEST of arrays side by side, the shorter ones filled with NULL. The column of a single array has
/// the name of the table, as in PostgreSQL; the numbers of the rows, when wanted, are in
/// `ordinality`, from 1 to the longest array's length.
fn rows(mut arrays: Vec<Expr>, given: Option<TableAlias>, function: &str, numbered: bool) -> TableFactor {
    arrays.iter_mut().for_each(super::array::flatten);
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
        let first = build::cast(number(1), DataType::BigInt(None));
        arrays.push(list_of_series(vec![first, longest]));
    }
    unnest(arrays, Some(named), false)
}

/// `ROWS FROM (f(...), g(...))`: the rows of functions side by side. One alone is that function.
fn rows_from(mut calls: Vec<Expr>, given: Option<TableAlias>, numbered: bool) -> TableFactor {
    if let [Expr::Function(_)] = calls.as_slice()
        && let Some(Expr::Function(only)) = calls.pop()
    {
        let exprs = build::call_arguments(&only).into_iter().flatten().cloned().collect();
        let mut factor = table_of(only.name, Some(exprs), given, numbered);
        rewrite(&mut factor);
        return factor;
    }
    let (mut arrays, mut names) = (Vec::new(), Vec::new());
    for call in calls {
        let (name, exprs) = match &call {
            Expr::Function(function) => (
                build::called(function).unwrap_or_default(),
                build::call_arguments(function).into_iter().flatten().cloned().collect::<Vec<_>>(),
            ),
            _ => (String::new(), Vec::new()),
        };
        let of_one = match name.as_str() {
            "unnest" => exprs,
            "generate_series" => vec![list_of_series(exprs)],
            known if let Some((arrays, _)) = rows_function::columns(known, &exprs) => arrays,
            _ => vec![build::call("make_array", vec![call])],
        };
        names.extend(std::iter::repeat_n(name, of_one.len()));
        arrays.extend(of_one);
    }
    let mut named = given.unwrap_or_else(|| alias("rows_from"));
    if names.iter().all(|name| !name.is_empty()) {
        // Columns of one name are told apart.
        let named_once = |place: usize| names.iter().take(place).all(|before| *before != names[place]);
        let columns = (0..names.len()).map(|place| match named_once(place) {
            true => ident(&names[place]),
            false => Ident::with_quote('"', format!("{}{MARK}{place}", names[place])),
        });
        named = with_columns(named, columns.collect());
    }
    rows(arrays, Some(named), "rows_from", numbered)
}

/// A series as a table: DataFusion's own table function while the bounds are numbers, which streams; otherwise `unnest`
/// of a list, which is made in one piece and bounded by `result_size`.
///
/// Of integers it is a series in a query of its own that makes them so, where its name is quoted.
fn series(bounds: Vec<Expr>, given: Option<TableAlias>, numbered: bool, quoted: bool) -> TableFactor {
    let function = "generate_series";
    let bounds: Vec<Expr> = bounds.into_iter().map(search_path_length).collect();
    if numbered || bounds.iter().any(|bound| whole(bound).is_none()) {
        return rows(vec![list_of_series(bounds)], given, function, numbered);
    }
    let mut named = given.unwrap_or_else(|| alias(function));
    if named.columns.is_empty() {
        let column = named.name.clone();
        named = with_columns(named, vec![column]);
    }
    let small = !quoted && bounds.iter().all(|bound| whole(bound).is_some_and(|number| i32::try_from(number).is_ok()));
    if small {
        let bounds = bounds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let series = format!("SELECT CAST(value AS INT) AS value FROM \"{function}\"({bounds}) AS series(value)");
        return derived(build::query(&series), named, false);
    }
    table(vec![ident(function)], Some(bounds), Some(named))
}

/// The whole number that a bound is, when it is written out.
fn whole(bound: &Expr) -> Option<i64> {
    match bound {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => whole(expr)?.checked_neg(),
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } | Expr::Nested(expr) => whole(expr),
        _ => None,
    }
}

/// A series as one list. The name is quoted, because an unquoted `generate_series` in an expression
/// becomes rows in `function`.
fn list_of_series(bounds: Vec<Expr>) -> Expr {
    let mut list = call("generate_series", bounds);
    if let Expr::Function(function) = &mut list {
        function.name = ObjectName::from(vec![Ident::with_quote('"', "generate_series")]);
    }
    list
}

/// Replaces the length of the search path, by which JDBC bounds a series:
/// `array_upper(current_schemas(false), 1)` is taken to be 1, with the implicit schemas 2.
/// DataFusion's table function needs literal bounds.
fn search_path_length(bound: Expr) -> Expr {
    match bound.to_string().to_lowercase().replace("pg_catalog.", "").as_str() {
        "array_upper(current_schemas(false), 1)" => number(1),
        "array_upper(current_schemas(true), 1)" => number(2),
        _ => bound,
    }
}

/// A small integer literal without a sign.
fn number(value: u8) -> Expr {
    Expr::Value(Value::Number(value.to_string(), false).into())
}

/// Whether an expression names a column, so that its table is LATERAL.
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
    expr.walk(&mut Names).is_break()
}

/// Gives an alias these names for its columns, unless it has names already.
fn with_columns(mut named: TableAlias, names: Vec<Ident>) -> TableAlias {
    if named.columns.is_empty() {
        named.columns = names.into_iter().map(column).collect();
    }
    named
}

/// A column's name in an alias, without a type.
fn column(name: Ident) -> TableAliasColumnDef {
    TableAliasColumnDef { name, data_type: None }
}

/// `UNNEST(arrays...) AS alias`, which gives one row for each element of the longest array.
fn unnest(array_exprs: Vec<Expr>, alias: Option<TableAlias>, with_ordinality: bool) -> TableFactor {
    TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_offset_alias: None, with_ordinality }
}

/// `(query) AS alias`, or a table of that name when the query could not be made, which planning then
/// reports.
fn derived(query: Option<Query>, alias: TableAlias, lateral: bool) -> TableFactor {
    match query {
        Some(query) => TableFactor::Derived { lateral, subquery: Box::new(query), alias: Some(alias), sample: None },
        None => table(vec![alias.name.clone()], None, Some(alias)),
    }
}

/// A table or table function of FROM without any of sqlparser's other clauses.
fn table(name: Vec<Ident>, arguments: Option<Vec<Expr>>, alias: Option<TableAlias>) -> TableFactor {
    table_of(ObjectName::from(name), arguments, alias, false)
}

/// The same, whose rows may be numbered.
fn table_of(
    name: ObjectName,
    arguments: Option<Vec<Expr>>,
    alias: Option<TableAlias>,
    with_ordinality: bool,
) -> TableFactor {
    let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    let args =
        arguments.map(|exprs| TableFunctionArgs { args: exprs.into_iter().map(argument).collect(), settings: None });
    TableFactor::Table {
        name,
        alias,
        args,
        with_hints: Vec::new(),
        version: None,
        with_ordinality,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}
