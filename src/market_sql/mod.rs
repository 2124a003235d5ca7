//! Market SQL: what PostgreSQL lacks and a market needs, in spellings that other systems have.
//!
<<<<<<< HEAD
//! - `asof`: as-of joins;
//! - `calendar`: sessions of exchanges;
//! - `exchange_rows`: `exchanges()`, and what `sessions()` gives;
<<<<<<< HEAD
//! - `option`: option maths.
//!
//! It comes to the dialect as an [`Extension`], and is the same over every front end.

mod asof;
=======
//! - `pick`: values beside the least or the greatest of others; `bar`: bars, means by volume and by time;
//! - `quote`: functions of quotes; `indicator`: indicators over windows; `performance`: returns against their risk;
//!   `measures` registers these four, `aggregate` is how their aggregates are made, `argument` what they take, and `calls`
//!   checks what else a call has.
//!
//! It comes to the dialect as an [`Extension`], and is the same over every front end.

mod aggregate;
mod argument;
mod bar;
>>>>>>> w-b
=======
//! - `bucket`: buckets of time, by the clock, in a zone or in the sessions of an exchange;
//! - `calendar`: sessions of exchanges;
//! - `implied`: what conditions on buckets and sessions say of the moment, for scans;
//! - `gapfill`: rows for buckets that have none;
//! - `exchange_rows`: `exchanges()`, and what `sessions()` gives.
//!
//! It comes to the dialect as an [`Extension`], and is the same over every front end.

mod bucket;
>>>>>>> w-g
mod calendar;
mod calls;
mod exchange_rows;
<<<<<<< HEAD
<<<<<<< HEAD
mod option;
=======
mod indicator;
mod measures;
mod performance;
mod pick;
mod quote;
>>>>>>> w-b
=======
mod gapfill;
mod implied;
>>>>>>> w-g

use crate::dialect::extension::Extension;
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
<<<<<<< HEAD
use datafusion::optimizer::OptimizerRule;
=======
use datafusion::logical_expr::ScalarUDF;
use datafusion::optimizer::{AnalyzerRule, OptimizerRule};
>>>>>>> w-g
use datafusion::physical_planner::ExtensionPlanner;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// Registers the functions in a context without the dialect, so that views which call them can be planned there.
<<<<<<< HEAD
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(crate) fn register(context: &SessionContext) -> Result<()> {
    let functions = calendar::functions().into_iter().chain(exchange_rows::functions());
    functions.for_each(|function| context.register_udf(function));
<<<<<<< HEAD
    option::register(&mut context.clone())
=======
    measures::register(&mut context.clone())
>>>>>>> w-b
=======
pub(crate) fn register(context: &SessionContext) {
    functions().for_each(|function| context.register_udf(function));
}

/// The scalar functions of all rooms.
fn functions() -> impl Iterator<Item = ScalarUDF> {
    let functions = calendar::functions().into_iter().chain(exchange_rows::functions());
    functions.chain([bucket::function()]).chain(gapfill::functions())
>>>>>>> w-g
}

/// All of market SQL.
#[derive(Debug)]
pub(crate) struct MarketSql;

impl Extension for MarketSql {
    fn register(&self, state: &mut SessionState) -> Result<()> {
        for function in functions() {
            state.register_udf(Arc::new(function))?;
        }
<<<<<<< HEAD
        option::register(state)?;
=======
        measures::register(state)?;
>>>>>>> w-b
        state.register_udtf("exchanges", Arc::new(exchange_rows::Exchanges));
        asof::install(state)
    }

    fn optimizer_rules(&self) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        vec![asof::optimizer_rule()]
    }

    fn planners(&self) -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
        vec![asof::planner()]
    }

    fn analyzer_rules(&self) -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
        vec![Arc::new(gapfill::GapFilling)]
    }

    fn optimizer_rules(&self) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        vec![Arc::new(implied::ImpliedRanges)]
    }

    fn planners(&self) -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
        vec![Arc::new(gapfill::Planner)]
    }
}
