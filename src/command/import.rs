//! `tt import metastock`: MetaStock files, text or binary, into the dataset `eod`.
//!
//! The files are read on a thread that may block, and their rows are merged into the table in one commit, so that a
//! server on the same lake sees all of them or none. The run is remembered beside the table as one with the cause
//! `import`.

use super::configuration;
use crate::args::Common;
use crate::clock::Clock;
use crate::collect::venue::metastock::{self, Report};
use crate::collect::write::{Written, write};
use crate::collect::{FailedItem, Progress};
use crate::console::progress::Display;
use crate::console::say;
use crate::lake::{DatasetState, IMPORT, Lake, Run, dataset};
use anyhow::{Context, Result, anyhow};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Imports the file or the directory of files at `path` and says what became of them: counts on standard output,
/// refused files with line and reason on standard error. Exit code 1 when a file was refused; the others are imported
/// all the same.
///
/// # Errors
/// `path` cannot be listed, the lake cannot be opened, or the rows cannot be committed; then nothing is.
pub async fn run(common: &Common, path: &Path) -> Result<ExitCode> {
    let config = configuration(common)?;
    let lake = Lake::open_or_create(&config.lake_location, &config.store).await?;
    lake.check_writable().await?;
    let table = lake.table(dataset::EOD).ok_or_else(|| anyhow!("the lake has no table for daily bars"))?;
    let started_at = Clock::System.now();
    let progress = Arc::new(Progress::default());
    let tracked = Display::new().track("metastock", progress.clone());
    let folder = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut batches = Vec::new();
        let report = metastock::import(&folder, &metastock::Options::default(), started_at, &progress, |batch| {
            batches.push(batch);
            Ok(())
        });
        report.map(|report| (report, batches))
    });
    let (report, batches) = match read.await.context("read the files")? {
        Ok(read) => read,
        Err(error) => {
            tracked.finish("failed");
            return Err(error);
        }
    };
    let written = if batches.is_empty() { Written::default() } else { write(table, &batches, &[]).await? };
    tracked.finish(&format!("{} new, {} changed", written.added, written.changed));
    let run = Run {
        cause: IMPORT.to_owned(),
        started_at,
        ended_at: Clock::System.now(),
        items: report.files,
        failed: report.files_failed.iter().map(failed_item).collect(),
        rows: report.rows,
        origin_calls: 0,
        version: written.version.or_else(|| table.current().map(|snapshot| snapshot.version)),
        ..Run::default()
    };
    // This process knows nothing of the dataset beyond this run.
    table.remember(run, &DatasetState::default()).await;
    print(&report, &written);
    Ok(if report.files_failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A refused file as the failed item of a run: `line 7: ...` where a line is to blame.
fn failed_item(failed: &metastock::FailedFile) -> FailedItem {
    let line = failed.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    FailedItem { item: failed.file.clone(), reason: format!("{line}{}", failed.reason) }
}

/// Refused files and warnings to standard error, one line of counts to standard output.
fn print(report: &Report, written: &Written) {
    for failed in &report.files_failed {
        let failed = failed_item(failed);
        eprintln!("tt: refused {}: {}", failed.item, failed.reason);
    }
    for warning in &report.warnings {
        eprintln!("tt: {warning}");
    }
    say!(
        "{} rows of {} symbols from {} files ({} refused); {} new, {} changed, {} duplicate, {} conflicting, {} not daily",
        report.rows,
        report.symbols,
        report.files,
        report.files_failed.len(),
        written.added,
        written.changed,
        report.duplicates_dropped,
        report.conflicts,
        report.rows_skipped,
    );
}
