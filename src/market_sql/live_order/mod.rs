//! Live events in the order of their time, so that buckets of time are closed while the stream goes on.
//!
//! A query that groups a live table by buckets of `received_at` or `event_at` has a node put over the table which holds events
//! back for `live_lateness` and lets them go in the order of that time. Groups of earlier buckets are complete then as soon as
//! a later one begins, and DataFusion's aggregation gives them out.

mod exec;
mod held;
mod node;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::logical_plan::{Aggregate, Filter, Projection, SubqueryAlias, TableScan};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_planner::ExtensionPlanner;
use node::InTimeOrder;
use std::sync::Arc;

/// The schema of tables whose rows never end.
const LIVE: &str = "live";
/// The columns that are an event's time.
const TIMES: [&str; 2] = ["received_at", "event_at"];
/// Functions whose second argument is a moment, and whose results are in its order.
const BUCKETS: [&str; 3] = ["time_bucket", "date_bin", "date_trunc"];

/// The rule of the analyzer.
pub(super) fn analyzer_rule() -> Arc<dyn AnalyzerRule + Send + Sync> {
    Arc::new(LiveBuckets)
}

/// Plans the running of the node.
pub(super) fn planner() -> Arc<dyn ExtensionPlanner + Send + Sync> {
    Arc::new(exec::Planner)
}

/// Puts live events in the order of the time that they are grouped by.
#[derive(Debug)]
struct LiveBuckets;

impl AnalyzerRule for LiveBuckets {
    fn name(&self) -> &'static str {
        "live_buckets"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let ordered = |plan: LogicalPlan| match &plan {
            LogicalPlan::Aggregate(aggregate) => Ok(match over_ordered(aggregate)? {
                Some(ordered) => Transformed::yes(ordered),
                None => Transformed::no(plan),
            }),
            _ => Ok(Transformed::no(plan)),
        };
        plan.transform_up_with_subqueries(ordered).data()
    }
}

/// The aggregate over events in the order of their time; `None` where it does not group live events by buckets of it.
fn over_ordered(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    for key in &aggregate.group_expr {
        let Some(time) = time_of(key) else { continue };
        if let Some(input) = ordered_by(&aggregate.input, time)? {
            let grouped =
                Aggregate::try_new(Arc::new(input), aggregate.group_expr.clone(), aggregate.aggr_expr.clone())?;
            return Ok(Some(LogicalPlan::Aggregate(grouped)));
        }
    }
    Ok(None)
}

/// The column that an expression is, or is the bucket of.
fn time_of(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Alias(alias) => time_of(&alias.expr),
        Expr::ScalarFunction(call) if BUCKETS.contains(&call.func.name()) => call.args.get(1).and_then(time_of),
        _ => None,
    }
}

/// A plan whose rows come in the order of a column, when that is the time of live events; `None` where it is not.
fn ordered_by(plan: &LogicalPlan, column: &Column) -> Result<Option<LogicalPlan>> {
    Ok(match plan {
        LogicalPlan::TableScan(scan) => of_scan(scan, column).map(|time| InTimeOrder::over(plan.clone(), time)),
        LogicalPlan::Filter(filter) => match ordered_by(&filter.input, column)? {
            Some(input) => Some(LogicalPlan::Filter(Filter::try_new(filter.predicate.clone(), Arc::new(input))?)),
            None => None,
        },
        LogicalPlan::SubqueryAlias(alias) => {
            let Some(place) = alias.schema.maybe_index_of_column(column) else { return Ok(None) };
            let below = Column::from(alias.input.schema().qualified_field(place));
            match ordered_by(&alias.input, &below)? {
                Some(input) => {
                    let alias = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?;
                    Some(LogicalPlan::SubqueryAlias(alias))
                }
                None => None,
            }
        }
        LogicalPlan::Projection(projection) => {
            let place = projection.schema.maybe_index_of_column(column);
            let Some(below) = place.and_then(|place| time_of(&projection.expr[place])) else { return Ok(None) };
            match ordered_by(&projection.input, below)? {
                Some(input) => {
                    let projection = Projection::try_new(projection.expr.clone(), Arc::new(input))?;
                    Some(LogicalPlan::Projection(projection))
                }
                None => None,
            }
        }
        _ => None,
    })
}

/// The column as a time of the events of a live table.
fn of_scan(scan: &TableScan, column: &Column) -> Option<Column> {
    let is_live = scan.table_name.schema() == Some(LIVE);
    let is_time = TIMES.contains(&column.name.as_str()) && scan.projected_schema.has_column(column);
    (is_live && is_time).then(|| column.clone())
}
