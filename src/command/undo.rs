//! `tt import --undo`: takes back the last import, in one commit.

use super::configuration;
use crate::args::Common;
use crate::clock::Clock;
use crate::collect::take_back::{last_import, take_back};
use crate::console::say;
use crate::lake::{DatasetState, Lake, Run, UNDO, dataset};
use anyhow::{Result, anyhow, bail};
use std::process::ExitCode;

/// Takes the rows of the last import out of `eod`, brings back those that they replaced, and says how many. What was
/// committed since stays, and a second call takes back the import before.
///
/// # Errors
/// There is no import that is remembered, the versions around it are no longer kept, or the lake cannot be written.
pub async fn run(common: &Common) -> Result<ExitCode> {
    let config = configuration(common)?;
    let lake = Lake::open(&config.lake_location, &config.store).await?;
    let table = lake.table(dataset::EOD).ok_or_else(|| anyhow!("the lake has no table for daily bars"))?;
    let Some((import, version)) = last_import(table).await? else {
        bail!("there is no import to take back: none of the last runs that are remembered changed a row");
    };
    let started_at = Clock::System.now();
    let done = take_back(table, &import, version).await?;
    let mut run = Run {
        cause: UNDO.to_owned(),
        started_at,
        ended_at: Clock::System.now(),
        rows: done.restored,
        version: Some(done.version),
        ..Run::default()
    };
    run.made_of.inputs.insert(dataset::EOD.to_owned(), version);
    table.remember(run, &DatasetState::default()).await;
    say!(
        "the import of {} (version {version}) is taken back: {} rows removed, {} brought back (version {})",
        import.started_at.format("%Y-%m-%d %H:%M:%S UTC"),
        done.removed,
        done.restored,
        done.version,
    );
    Ok(ExitCode::SUCCESS)
}
