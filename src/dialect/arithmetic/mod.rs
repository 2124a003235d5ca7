//! Rules for DataFusion's SQL planner and analyzer give operators, casts and sums PostgreSQL's
//! results and errors. Those of dates, moments and spans are in `super::moment`.
//!
//! Two kinds of hooks are used, each where DataFusion knows what the rule needs:
//!
//! - an `ExprPlanner` (`operators`) sees an operator before DataFusion's SQL planner types it;
//! - `FunctionRewrite`s (`checked`, `float_list`, `text_cast`) see each expression of a plan with its
//!   schema, at the beginning of the analyzer.
//!
//! What DataFusion computes inside an aggregate is reached by none of these; `sum` is replaced for
//! that reason.

mod checked;
mod document_operators;
mod document_rules;
mod float;
mod float_list;
mod operators;
mod sum;
mod text_cast;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use std::sync::Arc;

/// Registers the rules of this room in a session state; each is asked about every expression of every
/// statement.
///
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn install(state: &mut SessionState) -> Result<()> {
    state.register_udaf(Arc::new(sum::function()))?;
    state.register_function_rewrite(Arc::new(document_rules::DocumentCasts))?;
    state.register_function_rewrite(Arc::new(checked::CheckedArithmetic))?;
    state.register_function_rewrite(Arc::new(float_list::FloatLists))?;
    state.register_function_rewrite(Arc::new(text_cast::TextCasts))?;
    state.register_expr_planner(Arc::new(document_operators::DocumentOperators))?;
    state.register_expr_planner(Arc::new(operators::Operators))?;
    state.add_analyzer_rule(Arc::new(document_rules::NoOrderOfJson));
    Ok(())
}
