//! What one walk over a plan carries along: names that nothing else has, and how rows are read twice.

use super::examine::{Rereads, has_outer, reads_the_same_twice, reads_work_table};
use crate::dialect::shared::shared;
use datafusion::common::{Result, not_impl_err};
use datafusion::logical_expr::LogicalPlan;
use std::cell::Cell;

/// One walk over the plan of a statement.
pub(super) struct Unnest {
    /// Whether a table can be read twice.
    pub(super) rereads: Rereads,
    /// How many names were given: each is given once.
    named: Cell<usize>,
}

impl Unnest {
    /// A walk that has given no names yet.
    pub(super) fn begin(rereads: Rereads) -> Self {
        Self { rereads, named: Cell::new(0) }
    }

    /// A name that no other column or table of the plan has.
    pub(super) fn name(&self, what: &str) -> String {
        let number = self.named.get() + 1;
        self.named.set(number);
        format!("__{what}_{number}")
    }

    /// A plan that can be read twice with the same rows in both readings: as it is, or shared.
    pub(super) fn twice(&self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        if reads_the_same_twice(plan, self.rereads)? {
            return Ok(plan.clone());
        }
        if has_outer(plan)? || reads_work_table(plan)? {
            return not_impl_err!("this form of correlated subquery over rows that may be others when read again");
        }
        Ok(shared(self.name("outer"), plan.clone()))
    }
}
