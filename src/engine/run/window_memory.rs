//! Accounts for the rows that window functions keep.
//!
//! A window function keeps its rows until all that its frame looks at are there, which may be the whole input, and
//! DataFusion's window operators do not reserve memory for it. [`WindowMemory`] puts a node around each such operator;
//! when it runs, rows are reserved from when they go in until as many have come out, and what is made of them
//! ([`WindowResult`]) before it is made.

use super::time_slice::yield_by_clock;
use super::window_result::WindowResult;
use super::wrapper::{OperatorWrapper, WrappedExec, with_each};
use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The rule that puts [`Held`] where it is wanted.
#[derive(Debug)]
pub(crate) struct WindowMemory;

impl PhysicalOptimizerRule for WindowMemory {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let hold = |node: Arc<dyn ExecutionPlan>| {
            let keeps = node.downcast_ref::<WindowAggExec>().is_some();
            if keeps || node.downcast_ref::<BoundedWindowAggExec>().is_some() {
                return Ok(Transformed::yes(WrappedExec::node(node, Held)));
            }
            Ok(Transformed::no(node))
        };
        plan.transform_up(hold).data()
    }

    fn name(&self) -> &str {
        "hold"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Has what an operator takes in reserved while it works.
#[derive(Debug, Clone)]
struct Held;

impl OperatorWrapper for Held {
    const NAME: &'static str = "HeldExec";

    fn execute(
        &self,
        operator: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let reservation = MemoryConsumer::new(operator.name()).register(context.memory_pool());
        let made = MemoryConsumer::new(operator.name()).register(context.memory_pool());
        let kept = Kept { reservation, rows: 0, made, result: WindowResult::of(operator.as_ref()) };
        let kept = Arc::new(Mutex::new(kept));
        let reserving =
            |input: &Arc<dyn ExecutionPlan>| WrappedExec::node(input.clone(), Reserving { kept: kept.clone() });
        let inputs = operator.children().into_iter().map(reserving).collect();
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        let rows = operator.clone().replace_children(inputs, options)?.execute(partition, context)?;
        Ok(with_each(rows, move |batch| {
            lock(&kept).give(batch.num_rows());
            Ok(batch)
        }))
    }
}

/// The rows an operator has taken and not given yet.
#[derive(Debug)]
struct Kept {
    reservation: MemoryReservation,
    rows: usize,
    /// For what the functions make.
    made: MemoryReservation,
    result: WindowResult,
}

impl Kept {
    /// Counts rows that were taken and reserves their bytes; an error of DataFusion's memory pool when there is no
    /// room.
    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.reservation.try_grow(bytes(batch)?)?;
        let made = self.result.bytes(batch)?;
        if made > self.made.size() { self.made.try_resize(made) } else { Ok(()) }
    }

    /// Rows are taken to be of one size.
    fn give(&mut self, rows: usize) {
        let left = self.rows.saturating_sub(rows);
        let bytes = (self.reservation.size() as u128 * left as u128).checked_div(self.rows as u128).unwrap_or(0);
        let freed = self.reservation.size().saturating_sub(usize::try_from(bytes).unwrap_or(usize::MAX));
        self.reservation.shrink(freed);
        self.rows = left;
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reserves what an operator that keeps rows takes in.
#[derive(Debug, Clone)]
struct Reserving {
    /// Held for a few instructions, never across an await.
    kept: Arc<Mutex<Kept>>,
}

impl OperatorWrapper for Reserving {
    const NAME: &'static str = "ReservingExec";

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        // The operator may go through all it keeps for each batch.
        let rows = yield_by_clock(input.execute(partition, context)?);
        let kept = self.kept.clone();
        Ok(with_each(rows, move |batch| {
            lock(&kept).take(&batch)?;
            Ok(batch)
        }))
    }
}

/// What the rows take, and not the buffers they are a part of: other batches may be the rest of these.
fn bytes(batch: &RecordBatch) -> Result<usize> {
    let sizes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    Ok(sizes.sum::<std::result::Result<usize, _>>()?)
}
