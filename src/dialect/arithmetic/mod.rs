//! Rules for DataFusion's SQL planner and analyzer give operators, casts and sums PostgreSQL's
//! results and errors. Those of dates, moments and spans are in `super::moment`.
//!
//! Two kinds of hooks are used, each where DataFusion knows what the rule needs:
//!
//! - functions of our own (`decimal_function`, `numeric_function`, `number_text`) and aggregates (`sum`, `average`)
//!   are put into a plan by its typing ([`super::typing`]);
//! - `FunctionRewrite`s (`checked`, `float_list`, `text_cast`) see each expression of a plan with its
//!   schema, at the beginning of the analyzer;
//! - `AnalyzerRule`s (`truth`, `document_rules`) run after type coercion.
//!
//! What DataFusion computes inside an aggregate is reached by none of these; `sum` is replaced for
//! that reason.

pub(crate) mod average;
mod checked;
pub(crate) mod decimal;
pub(crate) mod decimal_function;
pub(crate) mod deviation;
mod distinct_values;
mod document_operators;
mod document_rules;
mod exact_values;
mod float;
mod float_list;
pub(crate) mod number_text;
pub(crate) mod numeric_function;
pub(crate) mod sum;
mod text_cast;
mod truth;

pub(crate) use document_operators::DocumentOperators;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use std::sync::Arc;

/// Registers the rules of this room in a session state; each is asked about every expression of every
/// statement.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn install(state: &mut SessionState) -> Result<()> {
    state.register_udaf(Arc::new(sum::function()))?;
    state.register_function_rewrite(Arc::new(document_rules::DocumentCasts))?;
    state.register_function_rewrite(Arc::new(checked::CheckedArithmetic))?;
    state.register_function_rewrite(Arc::new(float_list::FloatLists))?;
    state.register_function_rewrite(Arc::new(text_cast::TextCasts))?;
    state.add_analyzer_rule(Arc::new(document_rules::NoOrderOfJson));
    state.add_analyzer_rule(Arc::new(truth::TruthTests));
    Ok(())
}
