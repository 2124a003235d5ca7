//! Batches as small as the largest constant of a plan asks.
//!
//! A constant is written out for every row of a batch where it meets rows: a list of a million numbers, thousands of times,
//! is memory that nobody asked the limit for.

use arrow::array::Array;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::expressions::Literal;
use std::sync::Arc;

/// Bytes of a constant that are not worth a thought.
const SMALL_BYTES: usize = 16 << 10;

/// Bytes that a constant may take in one batch.
const BATCH_BYTES_MAX: usize = 64 << 20;

/// Rows of a batch, when they must be fewer than usual.
pub(crate) fn batch_size(plan: &Arc<dyn ExecutionPlan>, usual: usize) -> Option<usize> {
    let mut largest = 0;
    let walked = plan.apply(|node| {
        node.apply_expressions(&mut |expr: &Arc<dyn PhysicalExpr>| {
            expr.apply(|part| {
                if let Some(literal) = part.downcast_ref::<Literal>() {
                    largest = largest.max(bytes(literal.value()));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    debug_assert!(walked.is_ok(), "nothing in the walk fails");
    let rows = (BATCH_BYTES_MAX / largest.max(1)).max(1);
    (largest > SMALL_BYTES && rows < usual).then_some(rows)
}

fn bytes(value: &ScalarValue) -> usize {
    match value {
        ScalarValue::List(list) => list.get_array_memory_size(),
        ScalarValue::LargeList(list) => list.get_array_memory_size(),
        ScalarValue::Struct(record) => record.get_array_memory_size(),
        // What holds anything else holds its own bytes.
        other => other.size(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::SessionContext;

    async fn rows(sql: &str) -> Option<usize> {
        let context = SessionContext::new();
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        batch_size(&plan, 8_192)
    }

    #[tokio::test]
    async fn only_large_constants_make_batches_small() {
        assert_eq!(rows("SELECT value, 'abc' FROM generate_series(1, 10)").await, None);
        let large = rows("SELECT value, repeat('x', 1000000) FROM generate_series(1, 10)").await.unwrap();
        assert!((50..70).contains(&large), "{large}");
        assert_eq!(rows("SELECT value, generate_series(1, 10000000) FROM generate_series(1, 10)").await, Some(1));
    }
}
