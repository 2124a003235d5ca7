//! Calls with a whole row: `row_to_json(t)` becomes `json_build_object('a', t."a", ...)`.
//!
//! DataFusion 55: a table's name is no expression, so that `t` is looked for as a column and not
//! found. Not needed once `SELECT row_to_json(t) FROM (SELECT 1 AS a) AS t` plans.

use super::build::{call, text};
use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::Expr;

/// The call of `json_build_object` for `row_to_json`, `to_json` or `to_jsonb` of a row with these
/// columns; `None` for every other call.
pub(super) fn object(expr: &Expr, columns: impl Iterator<Item = (String, Expr)>) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let name = function.name.0.last()?.as_ident().map(fold)?;
    if !matches!(name.as_str(), "row_to_json" | "to_json" | "to_jsonb") {
        return None;
    }
    let members = columns.flat_map(|(column, value)| [text(&column), value]);
    Some(call("json_build_object", members.collect()))
}
