//! The schema of a node after its expressions or inputs changed.

use datafusion::common::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::logical_plan::Union;

/// A node with the schema that its expressions and inputs give.
///
/// DataFusion 55: `recompute_schema` leaves a UNION the schema it has as long as the number of columns is the same, so
/// that a column which may be NULL now is still told never to be. Not needed once it looks at the inputs.
pub(crate) fn recomputed(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Union(Union { inputs, .. }) => Union::try_new_with_loose_types(inputs).map(LogicalPlan::Union),
        other => other.recompute_schema(),
    }
}
