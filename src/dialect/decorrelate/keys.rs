//! Two rules of DataFusion's optimizer are kept from joins in which NULL equals NULL.
//!
//! DataFusion 55: a join has one rule for NULL in all of its keys. `extract_equijoin_predicate` adds
//! plain equalities to the keys of a join where NULL equals NULL, and `eliminate_cross_join` puts the
//! keys of several inner joins together, so that `a.x = b.x` joins NULL to NULL where `IS NOT DISTINCT
//! FROM` stands beside it. Not needed once `SELECT 1 FROM (VALUES (1, NULL)) a (x, y) JOIN (VALUES (1,
//! NULL)) b (x, y) ON a.x IS NOT DISTINCT FROM b.x WHERE a.y = b.y` has no row.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{NullEquality, Result};
use datafusion::logical_expr::{JoinType, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use std::sync::Arc;

/// A rule of DataFusion's, applied to plans that have no such join where the rule would look.
#[derive(Debug)]
pub(super) struct PlainKeys(pub(super) Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for PlainKeys {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        // A rule without an order walks the whole plan by itself.
        let kept = match self.0.apply_order() {
            Some(_) => null_equals_null(&plan),
            None => plan.exists(|node| Ok(null_equals_null(node) && is_inner(node)))?,
        };
        if kept { Ok(Transformed::no(plan)) } else { self.0.rewrite(plan, config) }
    }
}

/// Whether a node is a join that takes NULL for equal to NULL.
fn null_equals_null(node: &LogicalPlan) -> bool {
    matches!(node, LogicalPlan::Join(join)
        if join.null_equality == NullEquality::NullEqualsNull && !join.on.is_empty())
}

/// Whether a node is an inner join, the only kind that is put together with others.
fn is_inner(node: &LogicalPlan) -> bool {
    matches!(node, LogicalPlan::Join(join) if join.join_type == JoinType::Inner)
}
