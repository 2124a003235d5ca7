//! Statements that nobody waits for any more end at the next check, in whatever walk over their tree or plan they are.
//!
//! DataFusion 55: planning and optimising are single steps that no cancel and no limit interrupts. Its rules are so many
//! walks; between any two of them stands a [`Checkpoint`]. Not needed once DataFusion asks something of the caller's while
//! it plans.

use crate::error::{ErrorKind, QueryError};
use crate::work;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{AnalyzerRule, OptimizerConfig, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Ends a walk over a statement's tree when nobody waits for it; to be called for each node.
pub(super) fn unless_over() -> ControlFlow<QueryError> {
    if work::is_over() { ControlFlow::Break(over()) } else { ControlFlow::Continue(()) }
}

/// Ends a step that is taken seldom, and may be long, when nobody waits for it.
pub(super) fn still_wanted() -> std::result::Result<(), QueryError> {
    if work::is_over_now() { Err(over()) } else { Ok(()) }
}

/// The error that ends it. Whoever has ended the statement has told its client why.
fn over() -> QueryError {
    QueryError::new(ErrorKind::Cancelled, "canceling statement: nobody waits for it")
}

/// Ends a function that takes long for each of its rows when nobody waits for it.
///
/// # Errors
/// The cancellation, which the client was told of.
pub(crate) fn check() -> Result<()> {
    still_wanted().map_err(|error| DataFusionError::External(Box::new(error)))
}

/// A rule of the analyzer and of both optimisers that changes nothing, and fails when nobody waits for the plan.
#[derive(Debug)]
pub(super) struct Checkpoint;

impl Checkpoint {
    fn pass<T>(plan: T) -> Result<T> {
        check().map(|()| plan)
    }
}

impl AnalyzerRule for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Self::pass(plan)
    }
}

impl OptimizerRule for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        Self::pass(plan).map(Transformed::no)
    }
}

impl PhysicalOptimizerRule for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        Self::pass(plan)
    }
}

/// Puts checkpoints behind each rule of both optimisers of a state that has no functions of the dialect's yet: to build it
/// anew with them would register DataFusion's again, some of which go by their names.
pub(super) fn install(state: SessionState) -> SessionState {
    let optimizers = state.optimizers().iter().flat_map(|rule| [rule.clone(), Arc::new(Checkpoint)]).collect();
    let physical = state.physical_optimizers().iter().flat_map(|rule| [rule.clone(), Arc::new(Checkpoint)]).collect();
    SessionStateBuilder::new_from_existing(state)
        .with_optimizer_rules(optimizers)
        .with_physical_optimizer_rules(physical)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Work;
    use datafusion::prelude::SessionContext;

    #[tokio::test]
    async fn a_plan_that_nobody_waits_for_is_not_made() {
        let state = install(SessionContext::new().state());
        let plan = state.create_logical_plan("SELECT 1 + 1").await.unwrap();
        let optimise = || state.optimize(&plan).map_err(|error| error.find_root().to_string());
        assert!(optimise().is_ok());
        let over = Work::new(Arc::default(), || true);
        assert_eq!(
            over.step(optimise).unwrap_err(),
            over.step(|| Checkpoint::pass(()).unwrap_err().find_root().to_string())
        );
    }
}
