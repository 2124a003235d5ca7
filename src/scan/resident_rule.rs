//! The last rule of the physical planner: scans of the lake take what is in memory, and of each key no more than is wanted.

use super::resident_scan::seated;
use super::run_ends;
use crate::resident::Residents;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// Has scans of the lake take what is in memory.
#[derive(Debug)]
pub struct ResidentScans(Arc<Residents>);

impl ResidentScans {
    /// A rule that looks for columns here.
    pub fn new(residents: Arc<Residents>) -> Self {
        Self(residents)
    }
}

impl PhysicalOptimizerRule for ResidentScans {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let one = |plan: Arc<dyn ExecutionPlan>| match seated(&plan, &self.0) {
            Some(seated) => Ok(Transformed::yes(seated)),
            None => Ok(Transformed::no(plan)),
        };
        run_ends::narrowed(plan.transform_up(one).data()?)
    }

    fn name(&self) -> &str {
        "ResidentScans"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
