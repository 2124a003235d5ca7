//! Accounts for the rows that window functions keep.
//!
//! A window over a whole partition gathers all its input before its first row, and the engine's operator does not ask the
//! memory limit for it. [`Hold`] puts a node above each such operator; when it runs, whatever goes into the operator is
//! reserved until its last row is out.

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt;
use std::fmt;
use std::sync::Arc;

/// The rule that puts [`Held`] where it is wanted.
#[derive(Debug)]
pub(super) struct Hold;

impl PhysicalOptimizerRule for Hold {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let hold = |node: Arc<dyn ExecutionPlan>| {
            if node.downcast_ref::<WindowAggExec>().is_some() {
                return Ok(Transformed::yes(Arc::new(Held { operator: node }) as _));
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

/// An operator whose input is reserved while it works.
#[derive(Debug)]
struct Held {
    operator: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for Held {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldExec")
    }
}

impl ExecutionPlan for Held {
    fn name(&self) -> &str {
        "HeldExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.operator.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.operator]
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

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { operator: only(children)? }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reservation = MemoryConsumer::new(self.operator.name()).register(context.memory_pool());
        let reservation = Arc::new(reservation);
        let reserving = |input: &Arc<dyn ExecutionPlan>| {
            Arc::new(Reserving { input: input.clone(), reservation: reservation.clone() }) as Arc<dyn ExecutionPlan>
        };
        let inputs = self.operator.children().into_iter().map(reserving).collect();
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        let rows = self.operator.clone().replace_children(inputs, options)?.execute(partition, context)?;
        let schema = rows.schema();
        // The reservation goes with the rows.
        let rows = rows.map(move |batch| {
            let _held = &reservation;
            batch
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// The input of an operator that keeps it all.
#[derive(Debug)]
struct Reserving {
    input: Arc<dyn ExecutionPlan>,
    reservation: Arc<MemoryReservation>,
}

impl DisplayAs for Reserving {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReservingExec")
    }
}

impl ExecutionPlan for Reserving {
    fn name(&self) -> &str {
        "ReservingExec"
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

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: only(children)?, reservation: self.reservation.clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let (schema, reservation) = (rows.schema(), self.reservation.clone());
        let rows = rows.map(move |batch: Result<RecordBatch>| {
            let batch = batch?;
            reservation.try_grow(bytes(&batch)?)?;
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// What the rows take, and not the buffers they are a part of: other batches may be the rest of these.
fn bytes(batch: &RecordBatch) -> Result<usize> {
    let sizes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    Ok(sizes.sum::<std::result::Result<usize, _>>()?)
}

fn only(mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
    match (children.pop(), children.is_empty()) {
        (Some(child), true) => Ok(child),
        _ => Err(DataFusionError::Internal("one child is wanted".to_owned())),
    }
}
