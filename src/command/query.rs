//! `tt query`: one statement over the lake, in this process: no server need run, and one that runs is not asked.
//!
//! With credentials of the vendor a stale table is refreshed first, as for a client of a server; without them the rows
//! that are there are served, with a notice on standard error. Live tables are empty: only a server follows the feed.

use super::configuration;
use crate::args::Common;
use crate::clock::Clock;
use crate::console::Output;
use crate::console::table::{Format, write_batches};
use crate::engine::Engine;
use crate::server::{self, Role};
use crate::shutdown;
use anyhow::{Result, bail};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use std::process::ExitCode;

/// Runs one statement over the lake and prints its rows once it has ended; with `plan`, DataFusion's physical plan and
/// what its operators did instead.
///
/// # Errors
/// The configuration or the lake cannot be used, the text is not one statement, or the statement failed.
pub async fn run(common: &Common, sql: &str, format: Format, plan: bool) -> Result<ExitCode> {
    let explained = plan.then(|| format!("EXPLAIN (ANALYZE, ENGINE) {sql}"));
    let sql = explained.as_deref().unwrap_or(sql);
    let config = configuration(common)?;
    let shutdown = shutdown::on_signal();
    let server = server::start(&config, Role::OnDemand, Clock::System, &shutdown).await?;
    let (schema, batches) = tokio::select! {
        rows = rows(&server.engine, sql) => rows?,
        () = shutdown.cancelled() => bail!("stopped"),
    };
    shutdown.cancel();
    print(&schema, &batches, format)?;
    Ok(ExitCode::SUCCESS)
}

/// All rows of one statement.
pub(crate) async fn rows(engine: &Engine, sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let session = engine.open_session("tt", crate::role::Role::Admin, "local");
    let statements = session.parse(sql)?;
    let [statement] = statements.as_slice() else { bail!("give one statement, not {}", statements.len()) };
    let running = session.start(sql);
    let plan = session.plan(&running, statement).await?;
    let mut stream = session.execute(running, &plan, Vec::new()).await?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch?);
    }
    for notice in session.take_notices() {
        eprintln!("tt: {notice}");
    }
    Ok((stream.schema(), batches))
}

/// Prints rows to standard output.
pub(crate) fn print(schema: &SchemaRef, batches: &[RecordBatch], format: Format) -> Result<()> {
    Ok(write_batches(format, schema, batches, &mut Output::lock())?)
}
