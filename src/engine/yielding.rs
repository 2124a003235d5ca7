//! Has operators that make many rows of few look up now and then, so that a statement that is cancelled ends.
//!
//! The engine yields where rows come in, after so many batches. A join of two small inputs takes them in once and then
//! goes on for hours without another look; whoever gathers its rows goes on with it. So above such an operator stands a
//! node that yields by the clock.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, RecordBatchStream, SendableRecordBatchStream,
};
use futures::{Stream, StreamExt};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How long a statement works without looking up, give or take a batch.
const LOOK_UP: Duration = Duration::from_millis(10);

/// The rule that puts [`LookingUp`] where it is wanted.
#[derive(Debug)]
pub(super) struct Yield;

impl PhysicalOptimizerRule for Yield {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let looking_up = |node: Arc<dyn ExecutionPlan>| {
            if multiplies(node.as_ref()) {
                return Ok(Transformed::yes(Arc::new(LookingUp { input: node }) as _));
            }
            Ok(Transformed::no(node))
        };
        plan.transform_up(looking_up).data()
    }

    fn name(&self) -> &str {
        "yield"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn multiplies(node: &dyn ExecutionPlan) -> bool {
    node.downcast_ref::<CrossJoinExec>().is_some()
        || node.downcast_ref::<HashJoinExec>().is_some()
        || node.downcast_ref::<NestedLoopJoinExec>().is_some()
        || node.downcast_ref::<SortMergeJoinExec>().is_some()
        || node.downcast_ref::<RecursiveQueryExec>().is_some()
        || node.downcast_ref::<UnnestExec>().is_some()
}

/// An operator that yields by the clock.
#[derive(Debug)]
struct LookingUp {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for LookingUp {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LookingUpExec")
    }
}

impl ExecutionPlan for LookingUp {
    fn name(&self) -> &str {
        "LookingUpExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { input })),
            _ => Err(DataFusionError::Internal("one child is wanted".to_owned())),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(looking_up(self.input.execute(partition, context)?))
    }
}

/// The same rows, with a pause for others each time [`LOOK_UP`] is over.
pub(super) fn looking_up(rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
    Box::pin(Rows { rows, since: Instant::now() })
}

struct Rows {
    rows: SendableRecordBatchStream,
    /// When this was last seen to wait.
    since: Instant,
}

impl Stream for Rows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.since.elapsed() > LOOK_UP {
            self.since = Instant::now();
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = self.rows.poll_next_unpin(context);
        if batch.is_pending() {
            self.since = Instant::now();
        }
        batch
    }
}

impl RecordBatchStream for Rows {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
