//! The rewriter refuses DISTINCT, ORDER BY, FILTER and OVER at functions that are no aggregates, and an aggregate without
//! its argument.
//!
//! DataFusion 55: the SQL planner passes over these clauses at a scalar function, and reads `count()` as `count(*)`. Not
//! needed once `SELECT upper('a') FILTER (WHERE false)` is refused.

use super::build::called;
use crate::dialect::function::is_scalar;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Function, FunctionArgumentClause, FunctionArgumentList, FunctionArguments,
};

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
    if name == "count" && args.is_empty() {
        return refused("count(*) must be used to call a parameterless aggregate function".to_owned());
    }
    let plain = function.filter.is_none() && function.over.is_none() && function.within_group.is_empty();
    if plain && duplicate_treatment.is_none() && clauses.is_empty() || !is_scalar(&name) {
        return Ok(());
    }
    let given = match duplicate_treatment {
        Some(DuplicateTreatment::Distinct) => Some("DISTINCT"),
        _ if clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_))) => Some("ORDER BY"),
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
