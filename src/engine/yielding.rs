//! Has operators that make many rows of few look up now and then, so that a statement that is cancelled ends.
//!
//! The engine yields where rows come in. A join of two small inputs takes them in once and then goes on for hours without
//! another look; whoever gathers its rows goes on with it. So each such operator counts what it gives as well.

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::unnest::UnnestExec;
use std::sync::Arc;

/// The rule.
#[derive(Debug)]
pub(super) struct Yield;

impl PhysicalOptimizerRule for Yield {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let cooperative = |node: Arc<dyn ExecutionPlan>| {
            if multiplies(node.as_ref()) {
                return Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as _));
            }
            Ok(Transformed::no(node))
        };
        plan.transform_up(cooperative).data()
    }

    fn name(&self) -> &str {
        "yield"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn multiplies(node: &dyn ExecutionPlan) -> bool {
    node.downcast_ref::<CrossJoinExec>().is_some()
        || node.downcast_ref::<HashJoinExec>().is_some()
        || node.downcast_ref::<NestedLoopJoinExec>().is_some()
        || node.downcast_ref::<SortMergeJoinExec>().is_some()
        || node.downcast_ref::<RecursiveQueryExec>().is_some()
        || node.downcast_ref::<UnnestExec>().is_some()
}
