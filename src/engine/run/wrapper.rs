//! A DataFusion plan node around one operator: it yields the same rows with the same properties and does one thing more
//! while the operator runs.

use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt;
use std::fmt;
use std::sync::Arc;

/// What is done while an operator runs.
pub(crate) trait OperatorWrapper: fmt::Debug + Clone + Send + Sync + 'static {
    /// Name of the node in a plan that is shown.
    const NAME: &'static str;

    /// Runs the operator. The rows are its own, in the same order.
    fn execute(
        &self,
        operator: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream>;
}

/// The rows of a stream, with something done to each batch on its way.
pub(crate) fn with_each(
    rows: SendableRecordBatchStream,
    mut step: impl FnMut(RecordBatch) -> Result<RecordBatch> + Send + 'static,
) -> SendableRecordBatchStream {
    let schema = rows.schema();
    Box::pin(RecordBatchStreamAdapter::new(schema, rows.map(move |batch| step(batch?))))
}

/// A physical plan node with one child, whose rows it passes on while the wrapper does its work.
#[derive(Debug)]
pub(crate) struct WrappedExec<D> {
    operator: Arc<dyn ExecutionPlan>,
    doing: D,
}

impl<D: OperatorWrapper> WrappedExec<D> {
    pub(crate) fn node(operator: Arc<dyn ExecutionPlan>, doing: D) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { operator, doing })
    }
}

impl<D: OperatorWrapper> DisplayAs for WrappedExec<D> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(D::NAME)
    }
}

impl<D: OperatorWrapper> ExecutionPlan for WrappedExec<D> {
    fn name(&self) -> &str {
        D::NAME
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

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(operator), true) => Ok(Self::node(operator, self.doing.clone())),
            _ => internal_err!("one child is wanted"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.doing.execute(&self.operator, partition, context)
    }
}
