//! DataFusion's physical planner, wrapped: it notes what the optimised plan needs of each cached table.
//!
//! It leaves the demand in the statement's [`QueryContext`] just before the scans are made; a scan then asks for fresh
//! rows of those items alone.

use super::context::QueryContext;
use super::demand::Demand;
use super::refreshing::RefreshingTable;
use crate::lake::Scope;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A statement that names more items than this needs the whole table.
const ITEMS_MAX: usize = 500;

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
    let mut demand: BTreeMap<&'static str, Scope> = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(table) = source_as_provider(&scan.source)?.downcast_ref::<RefreshingTable>()
        {
            let dataset = table.parts().1.dataset();
            let column = dataset.item_column();
            let wanted = column.map_or(Scope::All, |column| scope(&scan.filters, column));
            match demand.get_mut(dataset.name) {
                Some(known) => known.join(wanted),
                None => drop(demand.insert(dataset.name, wanted)),
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

/// The values that a column can have where all filters are true; `None` where they do not tell.
pub(super) fn items_of_all(filters: &[Expr], column: &str) -> Option<BTreeSet<String>> {
    let sets = filters.iter().filter_map(|filter| items(filter, column));
    sets.reduce(|left, right| left.intersection(&right).cloned().collect())
}

/// The values a column can have where the expression is true; `None` where it does not tell.
fn items(filter: &Expr, column: &str) -> Option<BTreeSet<String>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let value = match (is_column(left, column), is_column(right, column)) {
                (true, false) => right,
                (false, true) => left,
                _ => return None,
            };
            Some(text(value)?.into_iter().collect())
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (mut one, mut other) = (items(left, column)?, items(right, column)?);
            one.append(&mut other);
            Some(one)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (items(left, column), items(right, column)) {
                (Some(one), Some(other)) => Some(one.intersection(&other).cloned().collect()),
                (one, other) => one.or(other),
            }
        }
        Expr::InList(InList { expr, list, negated: false }) if is_column(expr, column) => {
            let values = list.iter().map(text).collect::<Option<Vec<_>>>()?;
            Some(values.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// Whether the expression is this column, also under a cast from one kind of text to another.
fn is_column(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Column(column) => column.name == name,
        // A cast from text to another kind of text changes nothing.
        Expr::Cast(cast) => cast.field.data_type().is_string() && is_column(&cast.expr, name),
        _ => false,
    }
}

/// A text that stands in the statement: no value when it is NULL, and `None` when it is something else.
fn text(expr: &Expr) -> Option<Option<String>> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().map(|text| text.map(str::to_owned)),
        _ => None,
    }
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
