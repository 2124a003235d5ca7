//! The batch size of a plan: batches are as small as its constants and the number of its columns demand.
//!
//! A constant is written out for every row of a batch where it meets rows: a list of a million numbers, thousands of
//! times, is memory that no operator reserves from the pool. So are a thousand columns of short texts, and the groups that
//! a batch is part of in a thousand groupings of a CUBE.

use super::value_size;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::expressions::{InListExpr, Literal};
use std::sync::Arc;

/// Bytes of an operator's constants that are not worth a thought.
const SMALL_BYTES: usize = 16 << 10;

/// Bytes of a constant that is no larger than what stands beside it.
const SMALL_CONSTANT_BYTES: usize = 256;

/// Bytes that an operator's constants may take in one batch.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// Columns, or groupings, that are nothing unusual.
const USUAL_WIDTH: usize = 128;

/// Values of one batch of more columns than usual; each may be a text of some hundred bytes.
const BATCH_VALUES_MAX: usize = 1 << 18;

/// Rows of a batch, when they must be fewer than usual.
pub(crate) fn batch_size(plan: &Arc<dyn ExecutionPlan>, usual: usize) -> Option<usize> {
    let (mut largest, mut columns, mut groupings) = (0, 1, 1);
    let walked = plan.apply(|node| {
        columns = columns.max(node.schema().fields().len());
        if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
            groupings = groupings.max(aggregate.group_expr().groups().len());
        }
        let mut constants = 0_usize;
        let walked = node.apply_expressions(&mut |expr: &Arc<dyn PhysicalExpr>| {
            expr.apply(|part| {
                // A list that is searched is never written out.
                if part.downcast_ref::<InListExpr>().is_some() {
                    return Ok(TreeNodeRecursion::Jump);
                }
                let bytes = part.downcast_ref::<Literal>().map_or(0, |literal| value_size::of_constant(literal.value()));
                if bytes > SMALL_CONSTANT_BYTES {
                    constants = constants.saturating_add(bytes);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        });
        largest = largest.max(constants);
        walked
    });
    debug_assert!(walked.is_ok(), "nothing in the walk fails");
    let of_constants = if largest > SMALL_BYTES { BATCH_BYTES_MAX / largest } else { usual };
    let width = columns.max(groupings);
    let of_width = if width > USUAL_WIDTH { BATCH_VALUES_MAX / width } else { usual };
    let rows = of_constants.min(of_width).max(1);
    (rows < usual).then_some(rows)
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
        assert!((12..20).contains(&large), "{large}");
        assert_eq!(rows("SELECT value, generate_series(1, 10000000) FROM generate_series(1, 10)").await, Some(1));
    }

    #[tokio::test]
    async fn many_columns_and_many_constants_make_batches_small() {
        let columns = |one: &str| (0..1_600).map(|n| format!("{one} AS c{n}")).collect::<Vec<_>>().join(", ");
        let sql = |one: &str| format!("SELECT {} FROM generate_series(1, 10)", columns(one));
        assert_eq!(rows(&sql("value + 1")).await, Some(163));
        assert!(rows(&sql("repeat('x', 1000)")).await.unwrap() < 15);
    }
}
