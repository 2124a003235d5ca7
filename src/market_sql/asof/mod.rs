//! As-of joins: each row of the left table beside the last row of the right table that is not later, by key.
//!
//! - `analyze`: joins whose condition says so become [`node::AsOfJoin`] in the logical plan;
//! - `lateral`: queries of the nearest row become the same node;
//! - `push`: filters, and bounds that follow from them, move to the inputs;
//! - `exec`: the physical node, over inputs in the order of keys and values;
//! - `merge`: one pass over both, by `piece` (a batch, its runs of keys) and `ordinal` (values that compare fast);
//! - `follow`: a left side that never ends, beside the rows that `right_rows` holds;
//! - `key`: doubles as they are compared.
//!
//! The syntax is read in `dialect/parse/as_of_join` and bound in `dialect/rewrite/bind/as_of_join`.

mod analyze;
mod exec;
mod follow;
mod key;
mod lateral;
mod mark;
mod merge;
mod node;
mod ordinal;
mod piece;
mod plan;
mod push;
mod right_rows;

pub(crate) use exec::AsOfJoinExec;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::optimizer::{AnalyzerRule, OptimizerRule};
use datafusion::physical_planner::ExtensionPlanner;
use std::sync::Arc;

/// Adds the function and the analyzer rule to a state.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn install(state: &mut SessionState) -> Result<()> {
    state.register_udf(mark::function())?;
    state.add_analyzer_rule(Arc::new(analyze::AsOfJoins));
    Ok(())
}

/// The analyzer rule that comes before correlated queries become joins.
pub(super) fn analyzer_rule() -> Arc<dyn AnalyzerRule + Send + Sync> {
    Arc::new(lateral::LateralAsOfJoins)
}

/// The optimizer rule of the node.
pub(super) fn optimizer_rule() -> Arc<dyn OptimizerRule + Send + Sync> {
    Arc::new(push::PushIntoAsOfJoin)
}

/// Plans the running of the node.
pub(super) fn planner() -> Arc<dyn ExtensionPlanner + Send + Sync> {
    Arc::new(plan::Planner)
}
