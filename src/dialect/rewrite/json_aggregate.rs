//! Aggregates of JSON are functions of an array that `array_agg` gathers: `json_agg(x ORDER BY y)` is
//! `json_agg_list(array_agg(x ORDER BY y))`, so that DISTINCT, ORDER BY, FILTER and OVER are DataFusion's.
//!
//! DataFusion 55: it has no aggregate of JSON. Not needed once it has.

use super::build::{argument_expr, call, call_arguments, called, ident, take, text};
use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    ObjectName, OrderByExpr, OrderByOptions,
};

/// The function over the gathered values, for a call of one of the aggregates; `None` for every other
/// expression.
pub(crate) fn gathered(expr: &mut Expr) -> Option<Expr> {
    let Expr::Function(function) = &mut *expr else { return None };
    let (made, pairs) = match called(function)?.as_str() {
        "json_agg" => ("json_agg_list", false),
        "jsonb_agg" => ("jsonb_agg_list", false),
        "json_object_agg" => ("json_object_agg_list", true),
        "jsonb_object_agg" => ("jsonb_object_agg_list", true),
        _ => return None,
    };
    let FunctionArguments::List(list) = &mut function.args else { return None };
    if pairs {
        let [name, value] = list.args.as_slice() else { return None };
        let (name, value) = (argument_expr(name)?.clone(), argument_expr(value)?.clone());
        let pair = call("named_struct", vec![text("k"), name, text("v"), value]);
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(pair))];
    }
    // PostgreSQL sorts to find what is distinct.
    if list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
        && !list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))
        && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(value))) = list.args.first()
    {
        let options = OrderByOptions { asc: None, nulls_first: None };
        let key = OrderByExpr { expr: value.clone(), options, with_fill: None };
        list.clauses.push(FunctionArgumentClause::OrderBy(vec![key]));
    }
    function.name = ObjectName::from(vec![ident("array_agg")]);
    Some(call(made, vec![take(expr)]))
}

/// Gives the fields of a row that is written out in a call the names that PostgreSQL gives them:
/// `row_to_json(ROW(1, 'x'))` has `f1` and `f2`.
///
/// DataFusion 55: the fields of a row without names are `c0`, `c1`. Not needed once they are `f1`, `f2`.
pub(crate) fn name_fields(function: &mut Function) {
    if !called(function).is_some_and(|name| name.contains("json")) {
        return;
    }
    let FunctionArguments::List(list) = &mut function.args else { return };
    for argument in &mut list.args {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else { continue };
        let fields = match expr {
            Expr::Tuple(fields) => std::mem::take(fields),
            Expr::Function(row) if called(row).as_deref() == Some("row") => match call_arguments(row) {
                Some(fields) => fields.into_iter().cloned().collect(),
                None => continue,
            },
            _ => continue,
        };
        let fields = fields.into_iter().enumerate();
        *expr =
            call("named_struct", fields.flat_map(|(index, field)| [text(&format!("f{}", index + 1)), field]).collect());
    }
}
