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
use datafusion::physical_plan::expressions::Literal;
use datafusion::physical_plan::projection::ProjectionExec;
use std::sync::Arc;

/// Bytes of an argument that are not worth a thought.
const SMALL_BYTES: usize = 16 << 10;

/// Bytes that an argument may take in one batch, where a function writes it out for each row.
const ARGUMENT_BYTES_MAX: usize = 64 << 20;

/// Bytes that the constants of a row may take in one batch: they are written out for certain, and once more for the
/// client, who may be slow.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// Columns, or groupings, that are nothing unusual.
const USUAL_WIDTH: usize = 128;

/// Values of one batch of more columns than usual; each may be a text of some hundred bytes.
const BATCH_VALUES_MAX: usize = 1 << 18;

/// Rows of a batch, when they must be fewer than usual.
pub(crate) fn batch_size(plan: &Arc<dyn ExecutionPlan>, usual: usize) -> Option<usize> {
    let (mut argument, mut row, mut columns, mut groupings) = (0, 0, 1, 1);
    let walked = plan.apply(|node| {
        columns = columns.max(node.schema().fields().len());
        if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
            groupings = groupings.max(aggregate.group_expr().groups().len());
        }
        if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
            row = row.max(projection.expr().iter().map(|column| bytes(&column.expr)).fold(0, usize::saturating_add));
        }
        node.apply_expressions(&mut |expr: &Arc<dyn PhysicalExpr>| {
            expr.apply(|part| {
                argument = argument.max(bytes(part));
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    debug_assert!(walked.is_ok(), "nothing in the walk fails");
    let of_arguments = if argument > SMALL_BYTES { ARGUMENT_BYTES_MAX / argument } else { usual };
    let of_constants = of_arguments.min(BATCH_BYTES_MAX / row.max(1));
    let width = columns.max(groupings);
    let of_width = if width > USUAL_WIDTH { BATCH_VALUES_MAX / width } else { usual };
    let rows = of_constants.min(of_width).max(1);
    (rows < usual).then_some(rows)
}

/// Bytes of a constant; 0 of any other expression.
fn bytes(expr: &Arc<dyn PhysicalExpr>) -> usize {
    expr.downcast_ref::<Literal>().map_or(0, |literal| value_size::of_constant(literal.value()))
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
        assert!((3..6).contains(&large), "{large}");
        assert_eq!(rows("SELECT value, generate_series(1, 10000000) FROM generate_series(1, 10)").await, Some(1));
    }

    #[tokio::test]
    async fn many_columns_and_many_constants_make_batches_small() {
        let columns = |one: &str| (0..1_600).map(|n| format!("{one} AS c{n}")).collect::<Vec<_>>().join(", ");
        let sql = |one: &str| format!("SELECT {} FROM generate_series(1, 10)", columns(one));
        assert_eq!(rows(&sql("value + 1")).await, Some(163));
        assert!(rows(&sql("repeat('x', 1000)")).await.unwrap() < 4);
    }
}
