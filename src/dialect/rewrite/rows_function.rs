//! Functions that give rows: in a list they are `unnest` of a function that gives an array, and in FROM
//! they are UNNEST of one array, or of several side by side.
//!
//! DataFusion 55: a function gives one value a row, and only `unnest` gives rows. Not needed once a
//! function can be declared to give a set.

use super::build::{call, call_arguments, called};
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Select, TableAlias, TableAliasColumnDef, TableFactor};

/// The functions, each with those that give its columns as arrays, and the names of these columns;
/// without names there is one column, which is called as the table is.
const ROWS: &[(&str, &[&str], &[&str])] = &[
    ("json_array_elements", &["json_array_elements"], &["value"]),
    ("json_array_elements_text", &["json_array_elements_text"], &["value"]),
    ("json_each", &["json_each_keys", "json_each_values"], &["key", "value"]),
    ("json_each_text", &["json_each_keys", "json_each_texts"], &["key", "value"]),
    ("json_object_keys", &["json_object_keys"], &[]),
    ("jsonb_array_elements", &["jsonb_array_elements"], &["value"]),
    ("jsonb_array_elements_text", &["jsonb_array_elements_text"], &["value"]),
    ("jsonb_each", &["jsonb_each_keys", "jsonb_each_values"], &["key", "value"]),
    ("jsonb_each_text", &["jsonb_each_keys", "jsonb_each_texts"], &["key", "value"]),
    ("jsonb_object_keys", &["jsonb_object_keys"], &[]),
    ("pg_options_to_table", &["pg_option_names", "pg_option_values"], &["option_name", "option_value"]),
    ("regexp_matches", &["regexp_matches"], &[]),
    ("regexp_split_to_table", &["regexp_split_to_array"], &[]),
    ("sessions", SESSIONS, SESSION_COLUMNS),
    ("string_to_table", &["string_to_array"], &[]),
];

/// The columns of `sessions`, which comes with market SQL.
const SESSIONS: &[&str] = &[
    "sessions_exchange",
    "sessions_date",
    "sessions_open_at",
    "sessions_break_start_at",
    "sessions_break_end_at",
    "sessions_close_at",
    "sessions_early_close",
];
const SESSION_COLUMNS: &[&str] =
    &["exchange", "session", "open_at", "break_start_at", "break_end_at", "close_at", "early_close"];

/// The arrays that give the columns of a function in FROM, and the names of these columns; `None` for
/// a function that gives one value.
pub(crate) fn columns(function: &str, arguments: &[Expr]) -> Option<(Vec<Expr>, &'static [&'static str])> {
    let (_, arrays, names) = ROWS.iter().find(|(name, ..)| *name == function)?;
    Some((arrays.iter().map(|array| array_call(array, arguments.to_vec())).collect(), names))
}

/// Names the one column of a function in FROM as its table where the SELECT means it so: in `SELECT e ->> 'a' FROM
/// jsonb_array_elements(x) AS e` the name `e` is the value, although the column is called `value`.
pub(crate) fn name_by_table(select: &mut Select) {
    let is_one = |name: &ObjectName| {
        let name = name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
        ROWS.iter().any(|(own, _, columns)| *own == name && *columns == ["value"])
    };
    let mut names = Vec::new();
    for factor in select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)))
    {
        if let TableFactor::Table { name, args: Some(_), alias: Some(alias), .. }
        | TableFactor::Function { name, alias: Some(alias), .. } = factor
            && alias.columns.is_empty()
            && is_one(name)
        {
            names.push(alias.name.clone());
        }
    }
    if names.is_empty() {
        return;
    }
    let mut meant = Vec::new();
    select.walk_expressions(|expr| {
        if let Expr::Identifier(name) = expr {
            meant.push(fold(name));
        }
    });
    let meant = |alias: &TableAlias| {
        names.iter().any(|name| fold(name) == fold(&alias.name)) && meant.contains(&fold(&alias.name))
    };
    for from in &mut select.from {
        let joined = from.joins.iter_mut().map(|join| &mut join.relation);
        for factor in std::iter::once(&mut from.relation).chain(joined) {
            if let TableFactor::Table { name, args: Some(_), alias: Some(alias), .. }
            | TableFactor::Function { name, alias: Some(alias), .. } = factor
                && alias.columns.is_empty()
                && is_one(name)
                && meant(alias)
            {
                alias.columns = vec![TableAliasColumnDef { name: alias.name.clone(), data_type: None }];
            }
        }
    }
}

/// A call that gives an array. Its name is quoted, since an unquoted one in an expression gives rows.
fn array_call(name: &str, arguments: Vec<Expr>) -> Expr {
    let mut array = call(name, arguments);
    if let Expr::Function(function) = &mut array {
        function.name = ObjectName::from(vec![Ident::with_quote('"', name)]);
    }
    array
}

/// The rows of a call in a list, when they have one column; `None` for every other expression.
pub(crate) fn in_list(expr: &Expr) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    if function.name.0.iter().any(|part| part.as_ident().is_some_and(|name| name.quote_style.is_some())) {
        return None;
    }
    let name = called(function)?;
    let (_, arrays, _) = ROWS.iter().find(|(own, ..)| *own == name)?;
    let arguments: Vec<Expr> = call_arguments(function)?.into_iter().cloned().collect();
    match arrays {
        [only] => Some(call("unnest", vec![array_call(only, arguments)])),
        _ => None,
    }
}
