//! Calls with a whole row: `row_to_json(t)` becomes `row_to_json(named_struct('a', t."a", ...))`.
//!
//! DataFusion 55: a table's name is no expression, so that `t` is looked for as a column and not
//! found. Not needed once `SELECT row_to_json(t) FROM (SELECT 1 AS a) AS t` plans.

use super::build::{call, call_arguments, called, text};
use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

/// The call of a function that makes JSON of a row, with these columns in place of the row; `None` for
/// every other call.
pub(super) fn object(expr: &Expr, columns: impl Iterator<Item = (String, Expr)>) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let name = function.name.0.last()?.as_ident().map(fold)?;
    if !matches!(name.as_str(), "row_to_json" | "to_json" | "to_jsonb" | "json_agg" | "jsonb_agg") {
        return None;
    }
    let members = columns.flat_map(|(column, value)| [text(&column), value]);
    let row = call("named_struct", members.collect());
    let mut made = function.clone();
    if let FunctionArguments::List(list) = &mut made.args
        && let Some(first) = list.args.first_mut()
    {
        *first = FunctionArg::Unnamed(FunctionArgExpr::Expr(row));
    }
    Some(Expr::Function(made))
}

/// The field of a row that is written out, by the name that PostgreSQL gives it: `(ROW(7, 'a')).f2` is `'a'`.
///
/// DataFusion 55: the fields of a row without names are `c0`, `c1`. Not needed once they are `f1`, `f2`.
pub(super) fn written_field(record: &Expr, field: &str) -> Option<Expr> {
    let place = field.strip_prefix('f')?.parse::<usize>().ok()?.checked_sub(1)?;
    match record {
        Expr::Tuple(values) => values.get(place).cloned(),
        Expr::Function(row) if matches!(called(row)?.as_str(), "row" | "struct") => {
            call_arguments(row)?.get(place).map(|value| (*value).clone())
        }
        _ => None,
    }
}
