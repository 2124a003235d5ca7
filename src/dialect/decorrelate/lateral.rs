//! Tables in FROM that name columns of the tables before them: LATERAL, and functions over columns.

use super::context::Unnest;
use super::examine::{has_outer, outer_columns};
use super::outer::{Outer, condition};
use super::pulled::pull;
use datafusion::common::{Result, not_impl_err};
use datafusion::logical_expr::logical_plan::Join;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, col};

impl Unnest {
    /// A join whose right side names columns of its left side; others stay as they are.
    ///
    /// Conditions of the right side become those of the join where they can. An inner join whose
    /// right side works row by row carries the left rows through it. Else the right side is computed
    /// for the distinct values of the columns it names, and joined to the left rows again.
    pub(super) fn lateral(&self, join: Join) -> Result<LogicalPlan> {
        let schema = join.left.schema();
        let named = outer_columns(&join.right, schema)?;
        if named.is_empty() {
            return Ok(LogicalPlan::Join(join));
        }
        if !matches!(join.join_type, JoinType::Inner | JoinType::Left) {
            return not_impl_err!("LATERAL on the side of a join that may lack rows");
        }
        let own = join.schema.columns().into_iter().map(Expr::Column).collect::<Vec<_>>();
        let condition = condition(&join);
        if let Some(pulled) = pull(self, &join.right, &named)? {
            let on = pulled.on.into_iter().chain(condition);
            let rows = LogicalPlanBuilder::from(join.left.as_ref().clone());
            return rows.join_on(pulled.rows, join.join_type, on)?.project(own)?.build();
        }
        if join.join_type == JoinType::Inner && !has_outer(&join.left)? {
            let every = Outer::rows(self, &join.left, schema.columns(), false)?;
            if let Ok(right) = every.beneath(&join.right) {
                let left = schema.iter().zip(&every.columns).map(|((qualifier, field), (_, carried))| {
                    col(carried.clone()).alias_qualified(qualifier.cloned(), field.name())
                });
                let exprs = left.chain(join.right.schema().columns().into_iter().map(Expr::Column)).collect::<Vec<_>>();
                let rows = LogicalPlanBuilder::from(right).project(exprs)?;
                return condition.into_iter().try_fold(rows, LogicalPlanBuilder::filter)?.build();
            }
        }
        let left = self.twice(&join.left)?;
        let outer = Outer::rows(self, &left, named, true)?;
        let right = outer.beneath(&join.right)?;
        let on = outer.same_row(left.schema())?.into_iter().chain(condition);
        LogicalPlanBuilder::from(left).join_on(right, join.join_type, on)?.project(own)?.build()
    }
}
