//! Rules for DataFusion's SQL planner and analyzer give operators, casts, sums, intervals and time
//! zones PostgreSQL's results and errors.
//!
//! Three kinds of hooks are used, each where DataFusion knows what the rule needs:
//!
//! - functions of our own (`decimal`, `numeric_function`, `date_days`, `interval_times`, `number_text`)
//!   and aggregates (`sum`, `average`) are put into a plan by its typing ([`super::typing`]);
//! - `FunctionRewrite`s (`checked`, `float_list`, `session_zone`, `interval_order`, `text_cast`) see each
//!   expression of a plan with its schema, at the beginning of the analyzer;
//! - `AnalyzerRule`s (`instant_literal`, `truth`) run after type coercion, when each text has its target
//!   type.
//!
//! What DataFusion computes inside an aggregate is reached by none of these; `sum` is replaced for
//! that reason.

pub(crate) mod average;
mod checked;
pub(crate) mod date_days;
pub(crate) mod decimal;
pub(crate) mod deviation;
mod document_operators;
mod document_rules;
mod exact_values;
mod float;
mod float_list;
mod instant_literal;
mod interval_order;
mod interval_times;
pub(crate) mod number_text;
pub(crate) mod numeric_function;
mod session_zone;
pub(crate) mod sum;
mod text_cast;
mod truth;

pub(crate) use document_operators::DocumentOperators;
pub(crate) use interval_times::interval_times;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use std::sync::Arc;

/// Registers the rules of this room in a session state; each is asked about every expression of every
/// statement.
///
/// The order of the function rewrites is part of their meaning: arithmetic is checked before zones
/// are settled, and what is cast to text is so last, since the text of an instant depends on its
/// zone.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn install(state: &mut SessionState) -> Result<()> {
    state.register_udaf(Arc::new(sum::function()))?;
    state.register_function_rewrite(Arc::new(document_rules::DocumentCasts))?;
    state.register_function_rewrite(Arc::new(checked::CheckedArithmetic))?;
    state.register_function_rewrite(Arc::new(float_list::FloatLists))?;
    state.register_function_rewrite(Arc::new(session_zone::SessionZone))?;
    state.register_function_rewrite(Arc::new(interval_order::IntervalOrder))?;
    state.register_function_rewrite(Arc::new(text_cast::TextCasts))?;
    state.add_analyzer_rule(Arc::new(document_rules::NoOrderOfJson));
    state.add_analyzer_rule(Arc::new(instant_literal::InstantLiterals));
    state.add_analyzer_rule(Arc::new(truth::TruthTests));
    Ok(())
}
