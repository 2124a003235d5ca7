//! `tt status`: freshness of every dataset, once.

use super::configuration;
use super::query::{print, rows};
use crate::args::{Common, OutputFormat};
use crate::clock::Clock;
use crate::server::{self, Role};
use crate::shutdown;
use anyhow::Result;
use std::process::ExitCode;

const QUERY: &str = "
SELECT dataset, state, age, ttl, expires_at, version, rows, bytes, last_error
FROM system.freshness
ORDER BY dataset";

/// Prints the freshness of the lake, as a table or as JSON.
pub async fn run(common: &Common, json: bool) -> Result<ExitCode> {
    let config = configuration(common)?;
    let shutdown = shutdown::on_signal();
    let server = server::start(&config, Role::ReadOnly, Clock::System, &shutdown).await?;
    let (schema, batches) = rows(&server.engine, QUERY).await?;
    shutdown.cancel();
    print(&schema, &batches, if json { OutputFormat::Json } else { OutputFormat::Table })?;
    Ok(ExitCode::SUCCESS)
}
