//! A subquery as rows and the conditions that tie them to the outer rows.

use super::context::Unnest;
use super::examine::outer_columns;
use super::outer::Outer;
use super::pulled::pull;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};

/// The rows of a subquery for all outer rows together.
pub(super) struct Correlated {
    /// The rows; all of their columns have names that no other column has.
    pub(super) rows: LogicalPlan,
    /// The subquery's own column; `None` when only the rows count.
    pub(super) value: Option<Column>,
    /// Columns that tell the rows of one outer row from those of another.
    pub(super) keys: Vec<Column>,
    /// What holds between an outer row and its rows; empty when every outer row has all of them.
    pub(super) on: Vec<Expr>,
}

/// What is wanted of a subquery.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// That there are rows.
    Rows,
    /// The values of its column, in any number.
    Values,
    /// The values of its column, those of one outer row under equal keys.
    ValuesByKey,
}

impl Unnest {
    /// The rows of a subquery beside the rows of `input`, which is read a second time where it must
    /// be.
    pub(super) fn correlate(&self, input: &mut LogicalPlan, plan: &LogicalPlan, want: Want) -> Result<Correlated> {
        let named = outer_columns(plan, input.schema())?;
        if named.is_empty() {
            return self.project(plan.clone(), plan, want, Vec::new(), Vec::new());
        }
        if let Some(pulled) = pull(self, plan, &named)?
            && (pulled.is_keyed || want != Want::ValuesByKey)
        {
            return self.project(pulled.rows, plan, want, pulled.keys, pulled.on);
        }
        *input = self.twice(input)?;
        let outer = Outer::rows(self, input, named, true)?;
        let rows = outer.beneath(plan)?;
        let keys = outer.carried_columns();
        self.project(rows, plan, want, keys, outer.same_row(input.schema())?)
    }

    /// Keeps the keys and, where it is wanted, the value under a name of its own.
    fn project(
        &self,
        rows: LogicalPlan,
        plan: &LogicalPlan,
        want: Want,
        keys: Vec<Column>,
        on: Vec<Expr>,
    ) -> Result<Correlated> {
        let mut exprs = keys.iter().cloned().map(Expr::Column).collect::<Vec<_>>();
        let mut value = None;
        if want == Want::Rows {
            if exprs.is_empty() {
                exprs.push(lit(true).alias(self.name("row")));
            }
        } else if let Some(own) = plan.schema().columns().into_iter().next() {
            let name = self.name("value");
            exprs.push(Expr::Column(own).alias(&name));
            value = Some(Column::from_name(name));
        }
        let rows = LogicalPlanBuilder::from(rows).project(exprs)?.build()?;
        Ok(Correlated { rows, value, keys, on })
    }
}
