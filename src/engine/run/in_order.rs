//! Rows of UNION ALL come branch after branch, as PostgreSQL gives them.
//!
//! DataFusion 55: `execute_stream` takes batches of all partitions as they come, so that the rows of a quick branch stand
//! in front of those of a slow one. Not needed once it has a stream of partitions in order.

use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, SendableRecordBatchStream, execute_stream};
use futures::StreamExt;
use std::sync::Arc;

/// Batches of a partition that wait for those before it.
const AHEAD: usize = 2;

/// The rows of a plan: of a UNION in the order of its branches, of all else as they come.
///
/// # Errors
/// Whatever the plan fails with as it begins.
pub(crate) fn rows(plan: &Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
    let partitions = plan.output_partitioning().partition_count();
    if partitions < 2 || !is_union(plan, partitions) {
        return execute_stream(plan.clone(), context.clone());
    }
    let schema = plan.schema();
    // All partitions run from the beginning, and wait with what they have ahead.
    let streams: Vec<SendableRecordBatchStream> = (0..partitions)
        .map(|partition| {
            let mut builder = RecordBatchReceiverStream::builder(schema.clone(), AHEAD);
            let (sender, plan, context) = (builder.tx(), plan.clone(), context.clone());
            builder.spawn(async move {
                let mut rows = plan.execute(partition, context)?;
                while let Some(batch) = rows.next().await {
                    let failed = batch.is_err();
                    // Who no longer waits for rows has ended the statement.
                    if sender.send(batch).await.is_err() || failed {
                        break;
                    }
                }
                Ok(())
            });
            builder.build()
        })
        .collect();
    let rows = futures::stream::iter(streams).flatten();
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}

/// Whether a plan is a UNION, under steps that leave each of its partitions what it is.
fn is_union(plan: &Arc<dyn ExecutionPlan>, partitions: usize) -> bool {
    if plan.output_partitioning().partition_count() != partitions {
        return false;
    }
    match plan.children().as_slice() {
        _ if plan.downcast_ref::<UnionExec>().is_some() => true,
        [input] => is_union(input, partitions),
        _ => false,
    }
}
