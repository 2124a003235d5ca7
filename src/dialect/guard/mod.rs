//! Guards: what PostgreSQL does not evaluate cannot fail here. `y <> 0 AND 10 / y = 5` divides where
//! `y <> 0` holds and nowhere else.
//!
//! Parts, each where DataFusion would evaluate more:
//!
//! - [`condition`] makes the later sides of AND, OR and BETWEEN branches of a CASE, which DataFusion
//!   evaluates for the rows alone that come to it, everywhere but at the top of a WHERE;
//! - [`inline`] moves what a nested query computes into the branches that use it;
//! - [`conjunction`] evaluates a WHERE whole, as fast as DataFusion does, and when that fails, condition
//!   by condition over the rows that the others leave;
//! - [`equality`] keeps from DataFusion what it would conclude of equalities that stand behind guards;
//! - [`projection`] keeps what a select list computes above the filter below it, and [`join`] what a join's
//!   filter computes behind its guard.
//!
//! DataFusion 55: AND and OR evaluate both sides over all rows unless the left one settles most of
//! them, filters of nested queries are joined in any order, and a projection is moved below a filter
//! when the filter's columns are among its own. Not needed once DataFusion knows which expressions
//! may fail, and keeps them behind what stands in front of them: `guards.slt` tells.

mod condition;
mod conjunction;
mod equality;
mod fallible;
mod inline;
mod join;
mod projection;
mod widening;

pub(crate) use condition::guarded;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
pub(crate) use equality::{CONDITION, OpaqueEqualities};
use std::sync::Arc;

/// Gives a state the physical rules: projections stay above filters that guard them, and the last rule
/// of all replaces the conditions of filters.
pub(super) fn install(state: SessionState) -> SessionState {
    let mut rules: Vec<_> = state.physical_optimizers().iter().cloned().map(projection::above_filters).collect();
    rules.push(Arc::new(conjunction::Conjunctions));
    SessionStateBuilder::new_from_existing(state).with_physical_optimizer_rules(rules).build()
}
