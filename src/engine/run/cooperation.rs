//! Has operators that make many rows of few look up now and then, so that a statement that is cancelled ends.
//!
//! The engine yields where rows come in, after so many batches. A join of two small inputs takes them in once and then
//! goes on for hours without another look; whoever gathers its rows goes on with it. So around such an operator stands a
//! node that yields by the clock. A join may also go on for hours without a row to yield at: its filter, which is asked
//! about every few thousand pairs, sees to that ([`super::join_interrupt`]).

use super::join_interrupt;
use super::time_slice::yield_by_clock;
use super::wrapper::{OperatorWrapper, WrappedExec};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The same plan, whose running yields to others by the clock and fails once `stop` is cancelled.
pub(crate) fn with_yields(plan: Arc<dyn ExecutionPlan>, stop: &CancellationToken) -> Result<Arc<dyn ExecutionPlan>> {
    let yield_by_clock = |node: Arc<dyn ExecutionPlan>| {
        if !multiplies(node.as_ref()) {
            return Ok(Transformed::no(node));
        }
        let stopped = join_interrupt::join(node.as_ref(), stop)?;
        Ok(Transformed::yes(WrappedExec::node(stopped.unwrap_or(node), YieldByClock)))
    };
    plan.transform_up(yield_by_clock).data()
}

fn multiplies(node: &dyn ExecutionPlan) -> bool {
    node.downcast_ref::<CrossJoinExec>().is_some()
        || node.downcast_ref::<HashJoinExec>().is_some()
        || node.downcast_ref::<NestedLoopJoinExec>().is_some()
        || node.downcast_ref::<SortMergeJoinExec>().is_some()
        || node.downcast_ref::<RecursiveQueryExec>().is_some()
        || node.downcast_ref::<UnnestExec>().is_some()
}

/// Yields by the clock.
#[derive(Debug, Clone)]
struct YieldByClock;

impl OperatorWrapper for YieldByClock {
    const NAME: &'static str = "YieldByClockExec";

    fn execute(
        &self,
        operator: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        Ok(yield_by_clock(operator.execute(partition, context)?))
    }
}
