//! DataFusion's physical planner, wrapped: it notes what the optimised plan needs of each cached table.
//!
//! It leaves the demand in the statement's [`QueryContext`] just before the scans are made; a scan then asks for fresh
//! rows of those items alone.

use super::context::QueryContext;
use super::demand::Demand;
use super::history::HistoryTable;
use super::refreshing::RefreshingTable;
use crate::lake::{LakeTable, Scope};
use crate::scan::items::items_of_all;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A statement that names more items than this needs the whole table.
const ITEMS_MAX: usize = 500;

/// The column by which doubts are told where rows are not asked for by item.
const SYMBOL: &str = "symbol";

/// Makes physical plans as DataFusion does, after a look at what they need of each table.
pub struct DemandPlanner(DefaultPhysicalPlanner);

impl DemandPlanner {
    /// A planner that also knows the logical nodes of these planners.
    pub fn new(planners: Vec<Arc<dyn ExtensionPlanner + Send + Sync>>) -> Self {
        Self(DefaultPhysicalPlanner::with_extension_planners(planners))
    }
}

impl fmt::Debug for DemandPlanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DemandPlanner")
    }
}

#[async_trait]
impl QueryPlanner for DemandPlanner {
    /// Leaves the demand in the statement's context unless it is there, then plans as DataFusion does, with guards.
    async fn create_physical_plan(&self, plan: &LogicalPlan, state: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let context = QueryContext::of(state);
        if context.demand.get().is_none() {
            context.set_demand(demand_of(plan)?);
        }
        self.0.create_physical_plan(&crate::dialect::guard::guarded(plan.clone())?, state).await
    }
}

/// What an optimised plan needs. A filter that is not pushed down to its table yet does not count.
pub fn demand_of(plan: &LogicalPlan) -> Result<Demand> {
    named(plan, |table| {
        let dataset = table.downcast_ref::<RefreshingTable>()?.parts().1.dataset();
        Some((dataset.name, dataset.item_column()))
    })
}

/// The symbols or other items that an optimised plan reads of each dataset, of those too whose rows are not asked for by
/// item, and of histories.
pub(super) fn items_read(plan: &LogicalPlan) -> Result<Demand> {
    named(plan, |table| {
        let dataset = dataset_of(table)?.dataset();
        let symbol = || dataset.schema.index_of(SYMBOL).is_ok().then_some(SYMBOL);
        Some((dataset.name, dataset.item_column().or_else(symbol)))
    })
}

/// The dataset that a table shows rows of; `None` for what is of now or about the server.
pub(super) fn dataset_of(table: &dyn TableProvider) -> Option<&Arc<LakeTable>> {
    let cached = table.downcast_ref::<RefreshingTable>().map(|table| table.parts().1);
    cached.or_else(|| table.downcast_ref::<HistoryTable>().map(HistoryTable::lake_table))
}

/// What the filters of a plan's scans say of a column of each dataset. `column_of` tells both of a table; without a column
/// everything is wanted.
fn named(
    plan: &LogicalPlan,
    column_of: impl Fn(&dyn TableProvider) -> Option<(&'static str, Option<&'static str>)>,
) -> Result<Demand> {
    let mut demand: BTreeMap<&'static str, Scope> = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some((dataset, column)) = column_of(source_as_provider(&scan.source)?.as_ref())
        {
            let wanted = column.map_or(Scope::All, |column| scope(&scan.filters, column));
            match demand.get_mut(dataset) {
                Some(known) => known.join(wanted),
                None => drop(demand.insert(dataset, wanted)),
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    for scope in demand.values_mut() {
        if scope.names().is_some_and(|names| names.len() > ITEMS_MAX) {
            *scope = Scope::All;
        }
    }
    Ok(Demand::new(demand))
}

/// The items that rows which pass all the filters can be of.
fn scope(filters: &[Expr], column: &str) -> Scope {
    // Filters that nothing passes say nothing worth knowing.
    items_of_all(filters, column).filter(|items| !items.is_empty()).map_or(Scope::All, Scope::Items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{col, lit};

    fn names(filters: &[Expr]) -> Option<String> {
        scope(filters, "symbol").names().map(|names| names.iter().cloned().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn filters_on_the_items_are_understood() {
        let symbol = || col("symbol");
        let one = symbol().eq(lit("A"));
        assert_eq!(names(std::slice::from_ref(&one)).as_deref(), Some("A"));
        assert_eq!(names(&[lit("A").eq(symbol())]).as_deref(), Some("A"));
        assert_eq!(names(&[symbol().in_list(vec![lit("B"), lit("A")], false)]).as_deref(), Some("A B"));
        assert_eq!(names(&[one.clone().or(symbol().eq(lit("C")))]).as_deref(), Some("A C"));
        let both = [symbol().in_list(vec![lit("A"), lit("B")], false), col("date").eq(lit(1)), one.clone()];
        assert_eq!(names(&both).as_deref(), Some("A"));
        assert_eq!(names(&[one.clone().and(col("x").gt(lit(1)))]).as_deref(), Some("A"));
    }

    #[test]
    fn what_does_not_name_all_items_needs_all() {
        let symbol = || col("symbol");
        for filter in [
            symbol().not_eq(lit("A")),
            symbol().gt(lit("A")),
            symbol().in_list(vec![lit("A")], true),
            symbol().in_list(vec![lit("A"), col("other")], false),
            symbol().eq(lit("A")).or(col("x").eq(lit("A"))),
            symbol().eq(col("other")),
            symbol().like(lit("A%")),
        ] {
            assert_eq!(names(std::slice::from_ref(&filter)), None, "{filter}");
        }
        assert_eq!(names(&[]), None);
        assert_eq!(names(&[symbol().eq(lit("A")), symbol().eq(lit("B"))]), None);
    }
}
