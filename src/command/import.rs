//! `tt import metastock`: files of daily bars, text or binary, into the dataset `eod`.
//!
//! The files are read on threads that may block, and their rows are merged into the table in one commit, so that a
//! server on the same lake sees all of them or none. The run is remembered beside the table as one with the cause
//! `import`, what was rejected or is odd in the record of the table's quality, and the files in a record of their own.

use super::configuration;
use crate::args::{Common, DateOrder, ImportFiles};
use crate::clock::Clock;
use crate::collect::import::Import;
use crate::collect::venue::metastock::{self, Options, Renames, Report};
use crate::collect::write::Written;
use crate::collect::{FailedItem, Progress, unknown_symbols};
use crate::config::Config;
use crate::console::progress::Display;
use crate::console::say;
use crate::lake::quality::{Doubt, Findings};
use crate::lake::{DatasetState, IMPORT, Lake, LakeTable, Run, dataset};
use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, Utc};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Exit code of an import of which some rows came in and some were rejected.
const SOME_REJECTED: u8 = 3;

/// Doubts that are printed.
const DOUBTS_SHOWN: usize = 20;

/// Longest name of a source.
const SOURCE_LETTERS: usize = 32;

/// Imports the file or the directory of files at `path` and says what became of them: counts on standard output,
/// refused files and rejected rows with line and reason on standard error. Exit code 0 when all rows came in, 3 when some
/// were rejected, 1 when none came in. With `dry_run` nothing is written.
///
/// # Errors
/// `path` cannot be listed, an option cannot be used, the lake cannot be opened, or the rows cannot be committed; then
/// nothing is.
pub async fn run(common: &Common, path: &Path, files: &ImportFiles) -> Result<ExitCode> {
    let config = configuration(common)?;
    let options = options(files)?;
    let lake = open(&config, files.dry_run).await?;
    let started_at = Clock::System.now();
    if let Some(lake) = &lake {
        bars(lake)?.overrule_by(config.precedence(dataset::EOD).unwrap_or_default());
    }
    let mut import = read(lake.as_ref(), path, options, started_at).await?;
    if let Some(lake) = &lake {
        unknown_symbols::find(lake, &import.report.symbols, &mut import.report.findings).await?;
    }
    let doubts = doubts(&import.report.findings);
    let written = match &lake {
        Some(lake) => merge(lake, started_at, &mut import, files.dry_run).await?,
        None => Written { added: import.report.rows, ..Written::default() },
    };
    let report = &import.report;
    print(report, &doubts, &written, files.dry_run);
    Ok(match (report.rows, report.rows_rejected, report.files_failed.len()) {
        (0, ..) => ExitCode::FAILURE,
        (_, 0, 0) => ExitCode::SUCCESS,
        _ => ExitCode::from(SOME_REJECTED),
    })
}

/// The lake; `None` where nothing is written and there is none yet.
async fn open(config: &Config, dry_run: bool) -> Result<Option<Lake>> {
    let location = &config.lake_location;
    if !dry_run {
        let lake = Lake::open_or_create(location, &config.store).await?;
        lake.check_writable().await?;
        return Ok(Some(lake));
    }
    if !location.contains("://") && !Path::new(location).exists() {
        return Ok(None);
    }
    Ok(Some(Lake::open(location, &config.store).await?))
}

fn bars(lake: &Lake) -> Result<&Arc<LakeTable>> {
    lake.table(dataset::EOD).ok_or_else(|| anyhow!("the lake has no table for daily bars"))
}

/// The options of a command line.
fn options(files: &ImportFiles) -> Result<Options> {
    let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '-');
    if !(1..=SOURCE_LETTERS).contains(&files.source.len()) || !files.source.chars().all(letters) {
        bail!("--source \"{}\" is not of 1 to {SOURCE_LETTERS} small letters, digits, _ and -", files.source);
    }
    if !files.volume_multiplier.is_finite() || files.volume_multiplier <= 0.0 {
        bail!("--volume-multiplier {} is not above 0", files.volume_multiplier);
    }
    let renames = match &files.rename {
        None => Renames::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            Renames::read(&text).map_err(|reason| anyhow!("{}: {reason}", path.display()))?
        }
    };
    let date_order = files.date_order.map(|order| match order {
        DateOrder::Mdy => metastock::DateOrder::MonthFirst,
        DateOrder::Dmy => metastock::DateOrder::DayFirst,
        DateOrder::Ymd => metastock::DateOrder::YearFirst,
    });
    Ok(Options {
        date_order,
        symbol: files.symbol.clone(),
        renames,
        source: files.source.clone(),
        volume_multiplier: files.volume_multiplier,
        ..Options::default()
    })
}

/// Reads the files, on threads that may block.
async fn read(lake: Option<&Lake>, path: &Path, options: Options, started_at: DateTime<Utc>) -> Result<Import> {
    let progress = Arc::new(Progress::default());
    let tracked = Display::new().track("metastock", progress.clone());
    let read = Import::read(lake, path, options, started_at, progress).await;
    tracked.finish(if read.is_ok() { "read" } else { "failed" });
    read
}

/// Merges the rows into the table, or says what that would do.
async fn merge(lake: &Lake, started_at: DateTime<Utc>, import: &mut Import, dry_run: bool) -> Result<Written> {
    let table = bars(lake)?;
    let progress = Arc::new(Progress::default());
    let tracked = Display::new().track(dataset::EOD, progress.clone());
    let written = match dry_run {
        true => import.preview(table, &progress).await,
        false => import.write(table, &progress).await,
    };
    tracked.finish(if written.is_ok() { "years merged" } else { "failed" });
    let written = written?;
    if !dry_run {
        remember(table, started_at, &written, &mut import.report).await;
        import.remember(lake, table, &written).await;
    }
    Ok(written)
}

/// Remembers the run, and what was found wrong.
async fn remember(table: &LakeTable, started_at: DateTime<Utc>, written: &Written, report: &mut Report) {
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
    table.tell(std::mem::take(&mut report.findings), started_at).await;
}

/// A refused file as the failed item of a run: `line 7: ...` where a line is to blame.
fn failed_item(failed: &metastock::FailedFile) -> FailedItem {
    let line = failed.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    FailedItem { item: failed.file.clone(), reason: format!("{line}{}", failed.reason) }
}

/// The doubts in words, the gravest first.
fn doubts(findings: &Findings) -> Vec<String> {
    let mut all: Vec<_> = findings.doubts().collect();
    all.sort_by_key(|(doubt, _)| std::cmp::Reverse(doubt.severity));
    let line = |(doubt, count): (&Doubt, u64)| {
        let symbol = doubt.symbol.as_deref().unwrap_or(dataset::EOD);
        let (severity, kind) = (doubt.severity.name(), doubt.kind.name());
        format!("{severity}: {symbol}: {kind}, {count} rows: {}", doubt.example)
    };
    all.into_iter().map(line).collect()
}

/// Refused files, rejected rows, doubts and warnings to standard error, one line of counts to standard output.
fn print(report: &Report, doubts: &[String], written: &Written, dry_run: bool) {
    for failed in &report.files_failed {
        let failed = failed_item(failed);
        eprintln!("tt: refused {}: {}", failed.item, failed.reason);
    }
    for row in &report.rejected {
        eprintln!("tt: rejected {row}");
    }
    if report.rows_rejected > 0 {
        let verb = if dry_run { "would list" } else { "lists" };
        eprintln!("tt: {} rows are rejected; system.rejected_rows {verb} them", report.rows_rejected);
    }
    doubts.iter().take(DOUBTS_SHOWN).for_each(|doubt| eprintln!("tt: {doubt}"));
    if doubts.len() > DOUBTS_SHOWN {
        let verb = if dry_run { "would list" } else { "lists" };
        eprintln!("tt: {} doubts in all; system.data_quality {verb} them", doubts.len());
    }
    for warning in &report.warnings {
        eprintln!("tt: {warning}");
    }
    say!(
        "{}{} rows of {} symbols from {} files ({} refused); {} new, {} changed, {} as they were, {} rejected, {} \
         duplicate, {} conflicting, {} not daily",
        if dry_run { "nothing is written; would import " } else { "" },
        report.rows,
        report.symbols.len(),
        report.files,
        report.files_failed.len(),
        written.added,
        written.changed,
        report.rows.saturating_sub(written.added).saturating_sub(written.changed),
        report.rows_rejected,
        report.duplicates_dropped,
        report.conflicts,
        report.rows_skipped,
    );
}
