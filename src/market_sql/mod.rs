//! Market SQL: what PostgreSQL lacks and a market needs, in spellings that other systems have.
//!
//! - `calendar`: sessions of exchanges;
//! - `exchange_rows`: `exchanges()`, and what `sessions()` gives.
//!
//! It comes to the dialect as an [`Extension`], and is the same over every front end.

mod calendar;
mod exchange_rows;

use crate::dialect::extension::Extension;
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use std::sync::Arc;

/// All of market SQL.
#[derive(Debug)]
pub(crate) struct MarketSql;

impl Extension for MarketSql {
    fn register(&self, state: &mut SessionState) -> Result<()> {
        for function in calendar::functions().into_iter().chain(exchange_rows::functions()) {
            state.register_udf(Arc::new(function))?;
        }
        state.register_udtf("exchanges", Arc::new(exchange_rows::Exchanges));
        Ok(())
    }
}
