//! The rewriter refuses DISTINCT, ORDER BY, FILTER and OVER at functions that are no aggregates, an aggregate without its
//! argument, and a window function without its window or in a condition.
//!
//! DataFusion 55: the SQL planner passes over these clauses at a scalar function, and reads `count()` as `count(*)`. Not
//! needed once `SELECT upper('a') FILTER (WHERE false)` is refused.

use super::build::called;
use crate::dialect::function::is_scalar;
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Query, Visitor,
};
use std::ops::ControlFlow;

/// Functions that are called over a window, those of market SQL among them.
const WINDOW_FUNCTIONS: &[&str] = &[
    "atr",
    "bollinger",
    "cume_dist",
    "dense_rank",
    "ewma",
    "lag",
    "lead",
    "macd",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
    "rsi",
];

/// Window functions that are aggregates too where ORDER BY stands in their arguments, as the views have them.
const VALUES_OF_FRAMES: &[&str] = &["first_value", "last_value", "nth_value"];

/// Checks the clauses of a call.
///
/// # Errors
/// 42809 as PostgreSQL, with the clause that the function cannot have.
pub(super) fn check(function: &Function) -> Result<(), QueryError> {
    let Some(name) = called(function) else { return Ok(()) };
    let refused = |message: String| Err(QueryError::new(ErrorKind::WrongObject, message));
    let FunctionArguments::List(FunctionArgumentList { duplicate_treatment, args, clauses }) = &function.args else {
        return Ok(());
    };
    let missing = match name.as_str() {
        "coalesce" | "greatest" | "least" => args.is_empty(),
        "nullif" => args.len() != 2,
        _ => false,
    };
    if missing {
        return Err(QueryError::new(ErrorKind::Syntax, format!("syntax error in the arguments of {name}")));
    }
    if name == "count" && args.is_empty() {
        return refused("count(*) must be used to call a parameterless aggregate function".to_owned());
    }
    let ordered = clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)));
    let of_window = WINDOW_FUNCTIONS.contains(&name.as_str()) || VALUES_OF_FRAMES.contains(&name.as_str()) && !ordered;
    if of_window && function.over.is_none() && function.within_group.is_empty() {
        return refused(format!("window function {name} requires an OVER clause"));
    }
    let plain = function.filter.is_none() && function.over.is_none() && function.within_group.is_empty();
    if plain && duplicate_treatment.is_none() && clauses.is_empty() || !is_scalar(&name) {
        return Ok(());
    }
    let given = match duplicate_treatment {
        Some(DuplicateTreatment::Distinct) => Some("DISTINCT"),
        _ if ordered => Some("ORDER BY"),
        _ if !function.within_group.is_empty() => Some("WITHIN GROUP"),
        _ if function.filter.is_some() => Some("FILTER"),
        _ => None,
    };
    if let Some(given) = given {
        return refused(format!("{given} specified, but {name} is not an aggregate function"));
    }
    match &function.over {
        Some(_) => refused(format!("OVER specified, but {name} is not a window function nor an aggregate function")),
        None => Ok(()),
    }
}

/// Checks a condition of rows or groups, which windows come after; those of its subqueries are their own.
///
/// # Errors
/// 42P20 for a window function.
pub(super) fn check_condition(condition: &Expr, clause: &str) -> Result<(), QueryError> {
    struct Windows {
        queries: usize,
    }
    impl Visitor for Windows {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.queries -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if function.over.is_some() && self.queries == 0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    match condition.walk(&mut Windows { queries: 0 }).is_break() {
        true => Err(QueryError::new(ErrorKind::Windowing, format!("window functions are not allowed in {clause}"))),
        false => Ok(()),
    }
}
