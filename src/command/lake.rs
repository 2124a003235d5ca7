//! `tt lake`: upkeep of the lake's Delta tables and files by hand; a server that collects does the first two by itself.
//! Safe beside a running server, for each change is a commit that the server sees, and files within the retention stay.

use super::configuration;
use super::query::print;
use crate::args::Common;
use crate::clock::Clock;
use crate::console::table::Format;
use crate::console::{Output, say};
use crate::lake::dataset::instant;
use crate::lake::{Checked, HistoryEntry, Lake, LakeError, LakeTable, Repaired};
use anyhow::{Context, Result, anyhow, bail};
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Merges the small files of one dataset, or of all that grow by appending, and says how many became how many. Rows
/// stay the same; the old files stay too, for readers of older versions, until [`vacuum`].
///
/// # Errors
/// There is no such dataset, the lake cannot be opened, or another process committed at the same time.
pub async fn compact(common: &Common, dataset: Option<&str>) -> Result<ExitCode> {
    let config = configuration(common)?;
    let lake = Lake::open(&config.lake_location, &config.store).await?;
    for table in tables(&lake, dataset)? {
        let done = table.compact().await?;
        match (done.version, done.merged) {
            (None, _) if dataset.is_some() => say!("{}: no table yet", name(table)),
            (Some(version), 0) if dataset.is_some() => {
                say!("{}: nothing to merge (version {version})", name(table));
            }
            (None, _) | (Some(_), 0) => {}
            (Some(version), merged) => {
                say!("{}: {merged} files became {}, {} rows (version {version})", name(table), done.written, done.rows);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes the files that no version within the retention needs, of one dataset or of all, and says how many files of
/// how many bytes went. With `dry_run` the files are named and left.
///
/// # Errors
/// There is no such dataset, `retention` is less than the configuration promises to readers, or the lake cannot be
/// opened.
pub async fn vacuum(
    common: &Common,
    dataset: Option<&str>,
    retention: Option<Duration>,
    dry_run: bool,
) -> Result<ExitCode> {
    let config = configuration(common)?;
    let lake = Lake::open(&config.lake_location, &config.store).await?;
    let tables = tables(&lake, dataset)?;
    for table in &tables {
        let promised = config.retention(name(table));
        if let Some(asked) = retention.filter(|asked| *asked < promised) {
            let (asked, promised) = (humantime::format_duration(asked), humantime::format_duration(promised));
            bail!(
                "--retention {asked} is less than dataset.{}.retention = \"{promised}\", which readers go by: lower it in \
                 the configuration of every server first",
                name(table)
            );
        }
    }
    for table in tables {
        let retention = retention.unwrap_or_else(|| config.retention(name(table)));
        let vacuumed = table.vacuum(retention, Clock::System.now(), dry_run).await?;
        if dry_run {
            vacuumed.files.iter().for_each(|path| say!("{path}"));
            vacuumed.leftovers.iter().for_each(|leftover| say!("{}", leftover.path.display()));
        }
        let verb = if dry_run { "would be removed" } else { "removed" };
        let files = vacuumed.files.len() + vacuumed.leftovers.len();
        say!("{}: {files} files of {} {verb}", name(table), bytesize::ByteSize(vacuumed.bytes));
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads every data file of one dataset or of all, and says which are gone, damaged, or cannot be checked for want of
/// digests. With `all_versions` those of older versions too, as long as they can be read. Exit code 1 when something is wrong
/// with one of them, or a log cannot be read.
///
/// # Errors
/// There is no such dataset, or the lake cannot be opened.
pub async fn check(common: &Common, dataset: Option<&str>, all_versions: bool) -> Result<ExitCode> {
    let config = configuration(common)?;
    let lake = Lake::open(&config.lake_location, &config.store).await?;
    let mut whole = true;
    for table in tables(&lake, dataset)? {
        let retention = all_versions.then(|| config.retention(name(table)));
        match table.check(retention, Clock::System.now()).await {
            Ok(done) => {
                whole &= done.damaged.is_empty();
                tell_checked(table, &done, dataset.is_some());
            }
            Err(error) => {
                whole = false;
                eprintln!("tt: {error}");
            }
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was found of a table; of one that does not exist only where it was asked for.
fn tell_checked(table: &LakeTable, done: &Checked, asked_for: bool) {
    let name = name(table);
    let Some(version) = done.version else {
        if asked_for {
            say!("{name}: no table yet");
        }
        return;
    };
    done.damaged.iter().for_each(|error| eprintln!("tt: {error}"));
    if let Some(advice) = done.damaged.first().and_then(LakeError::advice) {
        eprintln!("tt: {advice}");
    }
    let (files, bytes, rows) = (done.files, bytesize::ByteSize(done.bytes), done.rows);
    let state = match done.damaged.len() {
        0 if done.uncheckable == 0 => "whole".to_owned(),
        0 => "no damage seen".to_owned(),
        damaged => format!("{damaged} damaged"),
    };
    let uncheckable = match done.uncheckable {
        0 => String::new(),
        number => format!("; {number} of them without digests: decoded, but not checkable"),
    };
    say!("{name}: {files} files of {bytes}, {rows} rows (version {version}): {state}{uncheckable}");
}

/// Makes the tables readable again whose log or files are damaged, of one dataset or of all, and says what was lost. A table that
/// cannot be repaired is told on standard error and leaves the others alone. Exit code 1 when rows were lost, or a table
/// is not readable yet.
///
/// # Errors
/// There is no such dataset, or the lake cannot be opened.
pub async fn repair(common: &Common, dataset: Option<&str>) -> Result<ExitCode> {
    let config = configuration(common)?;
    let lake = Lake::open(&config.lake_location, &config.store).await?;
    let mut whole = true;
    for table in tables(&lake, dataset)? {
        match table.repair().await {
            Ok(done) => {
                whole &= done.lost_versions.is_empty() && done.lost_files.is_empty();
                tell_repaired(table, &done);
            }
            Err(error) => {
                whole = false;
                eprintln!("tt: {error}");
            }
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell_repaired(table: &LakeTable, done: &Repaired) {
    let name = name(table);
    done.aside
        .iter()
        .for_each(|path| say!("{name}: {} was damaged and is put aside; it is not needed", table.shown(path)));
    done.lost_versions.iter().for_each(|version| say!("{name}: what version {version} did is lost"));
    done.lost_files.iter().for_each(|path| say!("{name}: the rows of {} are lost", table.shown(path)));
    if done.replaced_rows > 0 {
        say!(
            "{name}: {} rows that a lost version had replaced, and later files have anew, are gone again",
            done.replaced_rows
        );
    }
    match done.version {
        Some(version) if done.is_whole() => say!("{name}: whole (version {version})"),
        Some(version) => say!("{name}: readable again (version {version})"),
        None => {}
    }
}

/// Prints the versions of a dataset that the log still tells of, oldest first: number, time of the commit, operation,
/// files, rows.
///
/// # Errors
/// There is no such dataset, or its log cannot be read.
pub async fn history(common: &Common, dataset: &str, format: Format) -> Result<ExitCode> {
    let config = configuration(common)?;
    let lake = Lake::open(&config.lake_location, &config.store).await?;
    let rows = versions(&find(&lake, dataset)?.history().await?)?;
    print(&rows.schema(), &[rows], format)?;
    Ok(ExitCode::SUCCESS)
}

/// The versions as rows of columns `version`, `committed_at`, `operation`, `files`, `rows`.
fn versions(history: &[HistoryEntry]) -> Result<RecordBatch> {
    let number = |value: u64| i64::try_from(value).ok();
    let committed_at = history.iter().map(|entry| Some(entry.committed_at.timestamp_micros()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(history.iter().map(|entry| number(entry.version)).collect::<Int64Array>()),
        Arc::new(committed_at.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        Arc::new(StringArray::from_iter_values(history.iter().map(|entry| &entry.operation))),
        Arc::new(history.iter().map(|entry| number(entry.files)).collect::<Int64Array>()),
        Arc::new(history.iter().map(|entry| entry.rows.and_then(number)).collect::<Int64Array>()),
    ];
    let schema = Schema::new(vec![
        Field::new("version", DataType::Int64, true),
        Field::new("committed_at", instant(), true),
        Field::new("operation", DataType::Utf8, true),
        Field::new("files", DataType::Int64, true),
        Field::new("rows", DataType::Int64, true),
    ]);
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// Writes the latest version of a dataset as CSV: to a file, to standard output (`-`), or without `file` as its twin in
/// the lake's `csv/`. Row groups pass through one after the other, so that memory stays flat.
///
/// # Errors
/// There is no such dataset, it has no rows yet, or the file cannot be written.
pub async fn export_csv(common: &Common, dataset: &str, file: Option<&Path>) -> Result<ExitCode> {
    let config = configuration(common)?;
    let lake = Lake::open(&config.lake_location, &config.store).await?;
    let table = find(&lake, dataset)?;
    match file {
        None => {
            let (path, rows) = table.write_csv_twin().await?;
            let path = if lake.store().0.scheme() == "file" { format!("/{path}") } else { path.to_string() };
            say!("{rows} rows in {path}");
        }
        Some(path) if path == Path::new("-") => {
            write_csv(table, &mut Output::lock()).await.context("write to standard output")?;
        }
        Some(path) => {
            let writing = || format!("write {}", path.display());
            let mut out = std::fs::File::create(path).with_context(writing)?;
            let rows = write_csv(table, &mut out).await.with_context(writing)?;
            say!("{rows} rows in {}", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the rows to `out`, and tells how many they were.
async fn write_csv(table: &LakeTable, out: &mut impl Write) -> Result<u64> {
    let mut parts = table.csv_parts().await?;
    while let Some(part) = parts.next().await? {
        out.write_all(&part)?;
    }
    out.flush()?;
    Ok(parts.rows())
}

fn name(table: &LakeTable) -> &'static str {
    table.dataset().name
}

/// The named table, or all.
fn tables<'a>(lake: &'a Lake, dataset: Option<&str>) -> Result<Vec<&'a Arc<LakeTable>>> {
    match dataset {
        Some(dataset) => Ok(vec![find(lake, dataset)?]),
        None => Ok(lake.tables().collect()),
    }
}

/// The named table; an unknown name is refused with those there are.
fn find<'a>(lake: &'a Lake, dataset: &str) -> Result<&'a Arc<LakeTable>> {
    lake.table(dataset).ok_or_else(|| {
        let known: Vec<&str> = lake.tables().map(|table| name(table)).collect();
        anyhow!("no dataset \"{dataset}\"; there are {}", known.join(", "))
    })
}
