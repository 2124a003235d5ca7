//! Rows come as their source has them, and those of UNION ALL branch after branch, as PostgreSQL gives them.
//!
//! DataFusion 55: batches of one stream are dealt out to several threads for what is computed of them, and
//! `execute_stream` takes batches of all partitions as they come: `SELECT n + 1 FROM generate_series(1, 10000) AS n` may
//! begin with 8194. Not needed once it keeps an order that no ORDER BY asks for.

use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::Partitioning;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, SendableRecordBatchStream, execute_stream};
use futures::StreamExt;
use std::sync::Arc;

/// Batches of a partition that wait for those before it.
const AHEAD: usize = 2;

/// A plan whose rows reach the client in the order of one stream, where nothing but single rows is computed of it.
///
/// # Errors
/// Whatever a step of the plan fails with when it is put over another.
pub(crate) fn undealt(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(dealt) = plan.downcast_ref::<RepartitionExec>()
        && matches!(dealt.partitioning(), Partitioning::RoundRobinBatch(_))
        && partitions(dealt.input()) == 1
    {
        return Ok(dealt.input().clone());
    }
    let inputs = plan.children();
    let passing_on = match inputs.as_slice() {
        [input] if plan.maintains_input_order() == [true] && partitions(&plan) == partitions(input) => 1,
        _ if plan.downcast_ref::<ScalarSubqueryExec>().is_some() => 1,
        _ if plan.downcast_ref::<UnionExec>().is_some() => inputs.len(),
        _ => return Ok(plan),
    };
    let before: Vec<Arc<dyn ExecutionPlan>> = inputs.into_iter().cloned().collect();
    let after = before.iter().enumerate().map(|(number, input)| match number < passing_on {
        true => undealt(input.clone()),
        false => Ok(input.clone()),
    });
    let after = after.collect::<Result<Vec<_>>>()?;
    let same = before.iter().zip(&after).all(|(one, other)| Arc::ptr_eq(one, other));
    if same {
        Ok(plan)
    } else {
        plan.replace_children(after, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }
}

/// The rows of a plan: of a UNION in the order of its branches, of all else as they come.
///
/// # Errors
/// Whatever the plan fails with as it begins.
pub(crate) fn rows(plan: &Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
    let count = partitions(plan);
    if count < 2 || !is_union(plan, count) {
        return execute_stream(plan.clone(), context.clone());
    }
    let schema = plan.schema();
    // All partitions run from the beginning, and wait with what they have ahead.
    let streams: Vec<SendableRecordBatchStream> = (0..count)
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

fn partitions(plan: &Arc<dyn ExecutionPlan>) -> usize {
    plan.output_partitioning().partition_count()
}

/// Whether a plan is a UNION, under steps that leave each of its partitions what it is.
fn is_union(plan: &Arc<dyn ExecutionPlan>, count: usize) -> bool {
    if partitions(plan) != count {
        return false;
    }
    match plan.children().as_slice() {
        _ if plan.downcast_ref::<UnionExec>().is_some() => true,
        [input] => is_union(input, count),
        // Its first input is where its rows come from.
        [input, ..] if plan.downcast_ref::<ScalarSubqueryExec>().is_some() => is_union(input, count),
        _ => false,
    }
}
