//! `tt lake rollback` and `tt lake delete`: what people do to the rows of a dataset by hand. Each is one commit, and what
//! was there before stays readable for the retention.

use super::configuration;
use crate::args::{Common, RollbackTo};
use crate::clock::Clock;
use crate::console::say;
use crate::lake::{DELETE, DatasetState, Lake, LakeTable, ROLLBACK, Run};
use anyhow::{Result, anyhow, bail};
use chrono::{DateTime, Utc};
use std::process::ExitCode;
use std::sync::Arc;

/// Brings back an earlier version of a dataset, by its number or as the one in force before a moment.
///
/// # Errors
/// There is no such dataset or version, it is no longer kept, or the lake cannot be written.
pub async fn roll_back(common: &Common, dataset: &str, to: RollbackTo) -> Result<ExitCode> {
    let (_lake, table) = open(common, dataset).await?;
    let Some(latest) = table.update().await? else { bail!("{dataset} has no table yet") };
    let started_at = Clock::System.now();
    let to = match (to.version, to.before) {
        (Some(version), _) if version > latest.version => {
            bail!("{dataset} has no version {version}: the latest is {}", latest.version)
        }
        (Some(version), _) => table.snapshot_by_version(version).await?,
        (None, Some(before)) => table.snapshot_before(before).await?,
        (None, None) => bail!("--version or --before tells what to bring back"),
    };
    let done = table.roll_back(&to).await?;
    remember(&table, ROLLBACK, started_at, done.rows.unwrap_or_default(), done.version).await;
    let rows = |rows: Option<u64>| rows.map_or_else(|| "an unknown number of".to_owned(), |rows| rows.to_string());
    say!(
        "{dataset}: version {} is back as version {}: {} rows instead of {}",
        done.to,
        done.version,
        rows(done.rows),
        rows(done.rows_before)
    );
    Ok(ExitCode::SUCCESS)
}

/// Deletes the rows of a source, of a symbol, or of both together. Exit code 1 when there were none.
///
/// # Errors
/// There is no such dataset, it has no such column, or the lake cannot be written.
pub async fn delete(common: &Common, dataset: &str, source: Option<&str>, symbol: Option<&str>) -> Result<ExitCode> {
    let (_lake, table) = open(common, dataset).await?;
    let started_at = Clock::System.now();
    let first = table.dataset().key.first().copied().unwrap_or_default();
    let values: Vec<(&str, &str)> =
        [source.map(|source| ("source", source)), symbol.map(|symbol| (first, symbol))].into_iter().flatten().collect();
    for (column, _) in &values {
        if table.dataset().column(column).is_none() {
            bail!("{dataset} has no column {column}");
        }
    }
    let done = table.delete(&values).await?;
    let (Some(version), 1..) = (done.version, done.rows) else {
        eprintln!("tt: {dataset} has no such rows");
        return Ok(ExitCode::FAILURE);
    };
    remember(&table, DELETE, started_at, done.rows, version).await;
    say!("{dataset}: {} rows deleted (version {version})", done.rows);
    Ok(ExitCode::SUCCESS)
}

async fn open(common: &Common, dataset: &str) -> Result<(Lake, Arc<LakeTable>)> {
    let config = configuration(common)?;
    let lake = Lake::open(&config.lake_location, &config.store).await?;
    let table = lake.table(dataset).cloned().ok_or_else(|| {
        let known: Vec<&str> = lake.tables().map(|table| table.dataset().name).collect();
        anyhow!("no dataset \"{dataset}\"; there are {}", known.join(", "))
    })?;
    // What is no longer kept may be about to be removed.
    table.keep_for(config.retention(table.dataset().name));
    Ok((lake, table))
}

async fn remember(table: &LakeTable, cause: &str, started_at: DateTime<Utc>, rows: u64, version: u64) {
    let run = Run {
        cause: cause.to_owned(),
        started_at,
        ended_at: Clock::System.now(),
        rows,
        version: Some(version),
        ..Run::default()
    };
    table.remember(run, &DatasetState::default()).await;
}
