//! Has operators that make many rows of few look up now and then, so that a statement that is cancelled ends.
//!
//! The engine yields where rows come in, after so many batches. A join of two small inputs takes them in once and then
//! goes on for hours without another look; whoever gathers its rows goes on with it. So around such an operator stands a
//! node that yields by the clock. A join may also go on for hours without a row to yield at: its filter, which is asked
//! about every few thousand pairs, sees to that ([`super::stopping`]).

use super::around::{Around, Doing};
use super::stopping;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{ExecutionPlan, RecordBatchStream, SendableRecordBatchStream};
use futures::{Stream, StreamExt};
use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a statement works without looking up, give or take a batch.
const LOOK_UP: Duration = Duration::from_millis(10);

/// The same plan, whose running yields to others by the clock and fails once `stop` is cancelled.
pub(super) fn yielding(plan: Arc<dyn ExecutionPlan>, stop: &CancellationToken) -> Result<Arc<dyn ExecutionPlan>> {
    let looking_up = |node: Arc<dyn ExecutionPlan>| {
        if !multiplies(node.as_ref()) {
            return Ok(Transformed::no(node));
        }
        let stopped = stopping::join(node.as_ref(), stop)?;
        Ok(Transformed::yes(Around::node(stopped.unwrap_or(node), LookingUp)))
    };
    plan.transform_up(looking_up).data()
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
struct LookingUp;

impl Doing for LookingUp {
    const NAME: &'static str = "LookingUpExec";

    fn execute(
        &self,
        operator: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        Ok(looking_up(operator.execute(partition, context)?))
    }
}

/// The same rows, with a pause for others each time [`LOOK_UP`] is over.
pub(super) fn looking_up(rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
    Box::pin(Rows { rows, since: Instant::now() })
}

thread_local! {
    /// Since when the operator that works on this thread has not looked up.
    static AT_WORK_SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How long the operator that works on this thread has not looked up.
pub(super) fn at_work() -> Duration {
    AT_WORK_SINCE.get().map_or(Duration::ZERO, |since| since.elapsed())
}

/// The time of the operator that works on this thread begins anew.
pub(super) fn look_up() {
    AT_WORK_SINCE.set(Some(Instant::now()));
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
        let outer = AT_WORK_SINCE.replace(Some(self.since));
        let batch = self.rows.poll_next_unpin(context);
        AT_WORK_SINCE.set(outer);
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
