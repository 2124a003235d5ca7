//! `tt status`: how old every dataset of the lake is, once, as `system.freshness` tells it.
//!
//! Nothing is fetched, and no server is asked: the ages stand beside the tables in the lake, so a running server's are
//! seen too.

use super::configuration;
use super::query::{print, rows};
use crate::args::Common;
use crate::clock::Clock;
use crate::console::table::Format;
use crate::server::{self, Role};
use crate::shutdown;
use anyhow::Result;
use std::process::ExitCode;

const QUERY: &str = "
SELECT dataset, state, age, ttl, expires_at, version, rows, bytes, last_error
FROM system.freshness
ORDER BY dataset";

/// Prints a row per dataset, as a table or as a JSON array: state, age, time to live, version, rows, bytes, last error.
///
/// # Errors
/// The configuration or the lake cannot be used.
pub async fn run(common: &Common, json: bool) -> Result<ExitCode> {
    let config = configuration(common)?;
    let shutdown = shutdown::on_signal();
    let server = server::start(&config, Role::ReadOnly, Clock::System, &shutdown).await?;
    let (schema, batches) = rows(&server.engine, QUERY).await?;
    shutdown.cancel();
    print(&schema, &batches, if json { Format::Json } else { Format::Table })?;
    Ok(ExitCode::SUCCESS)
}
