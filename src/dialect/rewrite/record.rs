//! The rewriter spells out whole rows: `row_to_json(t)` over a derived table `t` becomes
//! `row_to_json(named_struct('a', t."a", ...))`.
//!
//! Only derived tables can be spelled out, since their columns are in the text; a table's columns are
//! known to the catalog alone.
//!
//! DataFusion 55: a table's name is no expression, so that `t` is looked for as a column and not
//! found. Not needed once `SELECT row_to_json(t) FROM (SELECT 1 AS a) AS t` plans.

use super::build::{call, ident, text};
use super::names;
use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Select, SelectItem, TableFactor,
};

/// Spells out the columns of whole rows in the list of one SELECT; what it does not know stays as it
/// is.
pub(crate) fn whole_rows(select: &mut Select) {
    let factors = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    let known: Vec<(String, Vec<String>)> = factors
        .filter_map(|factor| match factor {
            TableFactor::Derived { subquery, alias: Some(alias), .. } => {
                Some((fold(&alias.name), names::query_names(subquery)?))
            }
            _ => None,
        })
        .collect();
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
            && let Some(object) = object(expr, &known)
        {
            *expr = object;
        }
    }
}

/// The call with the columns of a known table in place of its row, for functions that make JSON of a
/// row; `None` for every other expression.
fn object(expr: &Expr, known: &[(String, Vec<String>)]) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let name = function.name.0.last()?.as_ident().map(fold)?;
    if !matches!(name.as_str(), "row_to_json" | "to_json" | "to_jsonb" | "json_agg" | "jsonb_agg") {
        return None;
    }
    let arguments = super::build::call_arguments(function)?;
    let [Expr::Identifier(row), ..] = arguments.as_slice() else { return None };
    let (table, columns) = known.iter().find(|(table, _)| *table == fold(row))?;
    let members = columns.iter().flat_map(|column| {
        let value = Expr::CompoundIdentifier(vec![ident(table), Ident::with_quote('"', column.clone())]);
        [text(column), value]
    });
    let row = call("named_struct", members.collect());
    let mut made = function.clone();
    if let FunctionArguments::List(list) = &mut made.args
        && let Some(first) = list.args.first_mut()
    {
        *first = FunctionArg::Unnamed(FunctionArgExpr::Expr(row));
    }
    Some(Expr::Function(made))
}
