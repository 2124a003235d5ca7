//! Whole rows: `row_to_json(t)` of a subquery `t` is an object of its columns.

use super::build::{call, ident, text};
use super::{fold, names};
use datafusion::sql::sqlparser::ast::{Expr, Ident, Select, SelectItem, TableFactor};

/// Spells out the columns of whole rows in a list.
pub(super) fn whole_rows(select: &mut Select) {
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

fn object(expr: &Expr, known: &[(String, Vec<String>)]) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let name = function.name.0.last()?.as_ident().map(fold)?;
    if !matches!(name.as_str(), "row_to_json" | "to_json" | "to_jsonb") {
        return None;
    }
    let arguments = super::build::call_arguments(function)?;
    let [Expr::Identifier(row)] = arguments.as_slice() else { return None };
    let (table, columns) = known.iter().find(|(table, _)| *table == fold(row))?;
    let members = columns.iter().flat_map(|column| {
        let value = Expr::CompoundIdentifier(vec![ident(table), Ident::with_quote('"', column.clone())]);
        [text(column), value]
    });
    Some(call("json_build_object", members.collect()))
}
