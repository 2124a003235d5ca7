//! Market SQL: what PostgreSQL lacks and a market needs, in spellings that other systems have.
//!
//! - `asof`: as-of joins;
//! - `bucket`: buckets of time, by the clock, in a zone or in the sessions of an exchange;
//! - `calendar`: sessions of exchanges;
//! - `exchange_rows`: `exchanges()`, and what `sessions()` gives;
//! - `implied`: what conditions on buckets and sessions say of the moment, for scans;
//! - `gapfill`: rows for buckets that have none;
//! - `live_order`: live events in the order of their time, so that buckets of a stream are closed;
//! - `option`: option maths; `curve`: values between known points;
//! - `pick`: values beside the least or the greatest of others; `bar`: bars, means by volume and by time;
//! - `quote`: functions of quotes; `indicator`: indicators over windows; `performance`: returns against their risk;
//! - `measures` registers these and all aggregates, `aggregate` is how aggregates are made, `argument` what they take, and
//!   `calls` checks what else a call has.
//!
//! It comes to the dialect as an [`Extension`], and is the same over every front end.

mod aggregate;
mod argument;
mod asof;
mod bar;
mod bucket;
mod calendar;
mod calls;
mod curve;
mod exchange_rows;
mod gapfill;
mod implied;
mod indicator;
mod live_order;
mod measures;
mod option;
mod performance;
mod pick;
mod quote;

pub(crate) use asof::AsOfJoinExec;

use crate::dialect::extension::Extension;
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::ScalarUDF;
use datafusion::optimizer::{AnalyzerRule, OptimizerRule};
use datafusion::physical_planner::ExtensionPlanner;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// Registers the functions in a context without the dialect, so that views which call them can be planned there.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(crate) fn register(context: &SessionContext) -> Result<()> {
    functions().for_each(|function| context.register_udf(function));
    option::register(&mut context.clone())?;
    measures::register(&mut context.clone())
}

/// The scalar functions of dates and buckets.
fn functions() -> impl Iterator<Item = ScalarUDF> {
    let functions = calendar::functions().into_iter().chain(exchange_rows::functions());
    functions.chain([bucket::function()]).chain(gapfill::functions())
}

/// All of market SQL.
#[derive(Debug)]
pub(crate) struct MarketSql;

impl Extension for MarketSql {
    fn register(&self, state: &mut SessionState) -> Result<()> {
        for function in functions() {
            state.register_udf(Arc::new(function))?;
        }
        option::register(state)?;
        measures::register(state)?;
        state.register_udtf("exchanges", Arc::new(exchange_rows::Exchanges));
        asof::install(state)
    }

    fn analyzer_rules(&self) -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
        vec![Arc::new(gapfill::GapFilling), asof::analyzer_rule(), live_order::analyzer_rule()]
    }

    fn optimizer_rules(&self) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        vec![Arc::new(implied::ImpliedRanges), asof::optimizer_rule()]
    }

    fn planners(&self) -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
        vec![Arc::new(gapfill::Planner), asof::planner(), live_order::planner()]
    }
}
