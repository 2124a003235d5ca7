//! Events in the order of their time, in DataFusion's logical plans.

use datafusion::common::{Column, DFSchemaRef, Result, plan_err};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// The rows of a live table in the order of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd)]
pub(super) struct InTimeOrder {
    input: LogicalPlan,
    /// The column that orders them, a moment.
    time: Column,
}

impl InTimeOrder {
    /// The plan of a live table in the order of one of its columns.
    pub(super) fn over(input: LogicalPlan, time: Column) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(Self { input, time }) })
    }

    /// The place of the column among those of the input.
    ///
    /// # Errors
    /// An input without it.
    pub(super) fn place(&self) -> Result<usize> {
        self.input.schema().index_of_column(&self.time)
    }
}

impl UserDefinedLogicalNodeCore for InTimeOrder {
    fn name(&self) -> &'static str {
        "InTimeOrder"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![Expr::Column(self.time.clone())]
    }

    /// None: a condition takes the same rows before they are put in order.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InTimeOrder: {}", self.time)
    }

    fn with_exprs_and_inputs(&self, mut exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match (exprs.pop(), inputs.pop()) {
            (Some(Expr::Column(time)), Some(input)) => Ok(Self { input, time }),
            _ => plan_err!("events are put in order in one input, by a column"),
        }
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let mut needed = output_columns.to_vec();
        needed.push(self.place().ok()?);
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}
