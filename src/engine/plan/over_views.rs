//! The same statement over views whose rows are in memory: each is a table there, and not the query that it stands for.

use super::prepared::Prepared;
use crate::dialect::parse::depth::Depth;
use crate::table::kept_view::{KeptView, KeptViews};
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, SubqueryAlias};
use std::sync::Arc;

/// A statement that reads views whose rows may be in memory, as it is planned when they are.
#[derive(Debug)]
pub(crate) struct OverViews {
    /// The views, each once; their rows must be in the statement's context.
    pub(crate) views: Vec<Arc<KeptView>>,
    pub(crate) prepared: Arc<Prepared>,
}

impl OverViews {
    /// The statement of a plan over such views of the session's catalog; `None` where it reads none of them.
    ///
    /// # Errors
    /// A plan that cannot be put together again.
    pub(crate) fn of(
        session: &SessionState,
        logical: &LogicalPlan,
        depth: Depth,
        types: &[Option<DataType>],
    ) -> Result<Option<Arc<Self>>> {
        let Some(kept) = session.config().get_extension::<KeptViews>() else { return Ok(None) };
        let mut views: Vec<Arc<KeptView>> = Vec::new();
        logical.apply_with_subqueries(|node| {
            let Some(view) = read(node, &kept) else { return Ok(TreeNodeRecursion::Continue) };
            if !views.iter().any(|known| Arc::ptr_eq(known, view)) {
                views.push(view.clone());
            }
            Ok(TreeNodeRecursion::Jump)
        })?;
        if views.is_empty() {
            return Ok(None);
        }
        let over = logical.clone().transform_down_with_subqueries(|node| {
            let (LogicalPlan::SubqueryAlias(alias), Some(view)) = (&node, read(&node, &kept)) else {
                return Ok(Transformed::no(node));
            };
            let rows = LogicalPlanBuilder::scan(view.name(), provider_as_source(view.clone()), None)?.build()?;
            let rows = SubqueryAlias::try_new(Arc::new(rows), alias.alias.clone())?;
            Ok(Transformed::new(LogicalPlan::SubqueryAlias(rows), true, TreeNodeRecursion::Jump))
        })?;
        let prepared = Arc::new(Prepared::new(over.data, depth, types));
        Ok(Some(Arc::new(Self { views, prepared })))
    }
}

/// The view whose rows may be in memory and whose query, under its name, a node is.
fn read<'a>(node: &LogicalPlan, kept: &'a KeptViews) -> Option<&'a Arc<KeptView>> {
    let LogicalPlan::SubqueryAlias(alias) = node else { return None };
    kept.find(alias.alias.table(), &alias.input)
}
