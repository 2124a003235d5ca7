//! `tt query`: one statement, in process.

use super::configuration;
use crate::args::{Common, OutputFormat};
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

/// Runs one statement over the lake and prints its rows.
pub async fn run(common: &Common, sql: &str, format: OutputFormat) -> Result<ExitCode> {
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
pub(crate) fn print(schema: &SchemaRef, batches: &[RecordBatch], format: OutputFormat) -> Result<()> {
    let format = match format {
        OutputFormat::Table => Format::Table,
        OutputFormat::Csv => Format::Csv,
        OutputFormat::Json => Format::Json,
    };
    Ok(write_batches(format, schema, batches, &mut Output::lock())?)
}
