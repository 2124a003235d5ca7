//! Shared rows in DataFusion's logical plans.

use datafusion::common::{DFSchemaRef, Result, plan_err};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use std::fmt;
use std::sync::Arc;

/// Rows that all nodes of one name in a plan share.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(super) struct SharedRows {
    pub(super) name: String,
    input: LogicalPlan,
}

/// The plan of rows that are shared under a name.
pub(crate) fn shared(name: String, input: LogicalPlan) -> LogicalPlan {
    LogicalPlan::Extension(Extension { node: Arc::new(SharedRows { name, input }) })
}

impl UserDefinedLogicalNodeCore for SharedRows {
    fn name(&self) -> &str {
        "SharedRows"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedRows: {}", self.name.trim_start_matches('\u{1}'))
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match (inputs.pop(), inputs.is_empty()) {
            (Some(input), true) => Ok(Self { name: self.name.clone(), input }),
            _ => plan_err!("shared rows have one input"),
        }
    }
}
