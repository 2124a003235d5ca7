//! Large constants of a plan: texts and lists of some length, written out by the client or folded by the optimiser.
//!
//! DataFusion keeps a constant in the logical plan, in each expression of the physical plan that has it, and once more in
//! every batch on its way. None of it is asked of the pool, and statements that nobody reads keep it: so a statement whose
//! constants are large gets room for all of that before it runs, or ends.

use super::queries::Progress;
use super::value_size;
use crate::error::{ErrorKind, QueryError};
use crate::heap::Promise;
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// Bytes of a constant that is not large.
const SMALL_BYTES: usize = 64 << 10;

/// How often a running statement holds each of its large constants at most: in its two plans, in what is derived of them,
/// in the batches that wait before and behind an operator, and in what is made of them for the wire.
const COPIES: usize = 7;

/// Bytes of the large constants of a plan.
pub(crate) fn large_bytes(plan: &LogicalPlan) -> usize {
    let mut bytes = 0_usize;
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::Literal(value, _) = part {
                    let one = value_size::of_constant(value);
                    bytes = bytes.saturating_add(if one > SMALL_BYTES { one } else { 0 });
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    debug_assert!(walked.is_ok(), "nothing in the walk fails");
    bytes
}

/// Room for the large constants of an optimised plan, as long as its statement goes on.
///
/// # Errors
/// `OutOfMemory` (SQLSTATE 53200) where the constants of all that runs take their share of the memory limit.
pub(crate) fn with_room(plan: &LogicalPlan, progress: &Progress) -> Result<()> {
    let bytes = large_bytes(plan);
    if bytes > 0 {
        let room = Promise::of_constants(bytes.saturating_mul(COPIES)).ok_or_else(|| no_room(bytes))?;
        progress.keep_room(room);
    }
    Ok(())
}

fn no_room(bytes: usize) -> DataFusionError {
    let size = bytesize::ByteSize::b(bytes as u64).display().iec().to_string();
    let message = format!("out of memory: there is no room for the {size} of constants of this statement");
    let hint = "Statements with large constants are at work; try again, or with smaller ones.";
    DataFusionError::External(Box::new(QueryError::new(ErrorKind::OutOfMemory, message).with_hint(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::SessionContext;

    #[tokio::test]
    async fn only_large_constants_weigh() {
        for (sql, least) in [
            ("SELECT value, 'abc' FROM generate_series(1, 10)", 0),
            ("SELECT value, repeat('x', 1000) FROM generate_series(1, 10)", 0),
            ("SELECT value, repeat('x', 1000000) FROM generate_series(1, 10)", 1_000_000),
            ("SELECT value FROM generate_series(1, 10) WHERE value::text < repeat('x', 200000)", 200_000),
        ] {
            let optimised = SessionContext::new().sql(sql).await.unwrap().into_optimized_plan().unwrap();
            let bytes = large_bytes(&optimised);
            assert!((least..=3 * least).contains(&bytes), "{sql}: {bytes}");
        }
    }
}
