//! EXCEPT ALL and INTERSECT ALL keep as many of equal rows as PostgreSQL does: each row is numbered
//! among those equal to it, and the number is compared too.
//!
//! DataFusion 55: `LogicalPlanBuilder::except` and `intersect` with `is_all` are semi and anti joins,
//! which keep all or none of equal rows. Not needed once `VALUES (1), (1) EXCEPT ALL VALUES (1)` gives
//! one row.

use super::context::Unnest;
use datafusion::common::{Column, Result};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::logical_plan::Join;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder};
use std::sync::Arc;

impl Unnest {
    /// The same set operation over numbered rows.
    pub(super) fn set_operation(&self, join: Join) -> Result<LogicalPlan> {
        let columns = join.left.schema().columns().into_iter().map(Expr::Column).collect::<Vec<_>>();
        let (left, left_number) = self.numbered_copies(&join.left)?;
        let (right, right_number) = self.numbered_copies(&join.right)?;
        let mut on = join.on;
        on.push((Expr::Column(left_number), Expr::Column(right_number)));
        let rows = Join::try_new(
            Arc::new(left),
            Arc::new(right),
            on,
            None,
            join.join_type,
            join.join_constraint,
            join.null_equality,
            false,
        )?;
        LogicalPlanBuilder::from(LogicalPlan::Join(rows)).project(columns)?.build()
    }

    /// The rows with the number of each among those equal to it.
    fn numbered_copies(&self, plan: &LogicalPlan) -> Result<(LogicalPlan, Column)> {
        let name = self.name("copy");
        let columns = plan.schema().columns().into_iter().map(Expr::Column).collect::<Vec<_>>();
        let number = row_number().partition_by(columns).build()?.alias(&name);
        let rows = LogicalPlanBuilder::from(plan.clone()).window([number])?.build()?;
        Ok((rows, Column::from_name(name)))
    }
}
