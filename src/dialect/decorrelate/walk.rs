//! The walk over a plan, from its leaves: each node with subqueries is rewritten by the file that
//! knows it.

use super::context::Unnest;
use super::examine;
use crate::dialect::shared::{MATERIALIZED, shared};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, not_impl_err};
use datafusion::logical_expr::{LogicalPlan, SubqueryAlias};
use std::sync::Arc;

impl Unnest {
    /// The plan without subqueries, inner ones first: what is left of their outer columns belongs
    /// further out.
    pub(super) fn walk(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        Ok(plan.transform_up(|node| self.node(node))?.data)
    }

    /// One node, whose inputs are rewritten already.
    fn node(&self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let node = node.map_subqueries(|subquery| Ok(Transformed::yes(self.walk(subquery)?)))?.data;
        let node = match node {
            LogicalPlan::Join(join) if examine::keeps_duplicates(&join) => self.set_operation(join)?,
            LogicalPlan::Join(join) => self.lateral(join)?,
            LogicalPlan::SubqueryAlias(alias) if examine::is_named_again(&alias) => self.named_again(alias)?,
            other => other,
        };
        let mut found = false;
        node.apply_expressions(|expr| {
            found |= examine::has_subquery(expr);
            Ok(TreeNodeRecursion::Continue)
        })?;
        if !found {
            return Ok(Transformed::yes(node));
        }
        match node {
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::Join(join) => self.join_condition(join),
            other => self.expressions(other),
        }
        .map(Transformed::yes)
    }

    /// A WITH query that is named several times: its rows are shared where PostgreSQL's could not be
    /// told from others otherwise.
    fn named_again(&self, alias: SubqueryAlias) -> Result<LogicalPlan> {
        let name = alias.alias.table();
        let volatile = !examine::reads_the_same_twice(&alias.input, self.rereads)?;
        if !volatile && !name.starts_with(MATERIALIZED) {
            return Ok(LogicalPlan::SubqueryAlias(alias));
        }
        if examine::has_outer(&alias.input)? || examine::reads_work_table(&alias.input)? {
            if volatile {
                return not_impl_err!(
                    "a WITH query that is named twice, may give other rows each time and is correlated"
                );
            }
            return Ok(LogicalPlan::SubqueryAlias(alias));
        }
        let rows = shared(name.to_owned(), alias.input.as_ref().clone());
        Ok(LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(rows), alias.alias)?))
    }
}
