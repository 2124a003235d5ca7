//! `tt lake backup` and `tt lake restore`: a lake as it was at one moment, elsewhere and back. A backup may be taken beside
//! a running server.

use super::configuration;
use super::query::print;
use crate::args::Common;
use crate::console::progress::Display;
use crate::console::say;
use crate::console::table::Format;
use crate::lake::Lake;
use crate::lake::backup::{Backup, Manifest, Target, restore as restore_lake};
use crate::lake::dataset::instant;
use crate::progress::Progress;
use anyhow::Result;
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use bytesize::ByteSize;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

/// Adds a backup of the lake to a target, and says what it holds and what had to be copied. With `keep`, only so many of
/// the newest backups stay.
///
/// # Errors
/// There is no lake, a file of it is missing or damaged, or the target cannot be written: there is no new backup then. Or
/// older ones cannot be removed.
pub async fn backup(common: &Common, target: &str, keep: Option<NonZeroUsize>) -> Result<ExitCode> {
    let config = configuration(common)?;
    let lake = Lake::open(&config.lake_location, &config.store).await?;
    let target = Target::create(target, &config.store)?;
    let progress = Arc::new(Progress::default());
    let tracked = Display::new().track("backup", progress.clone());
    let done = lake.back_up(&target, &config.spool_directory(), &progress).await;
    tracked.finish(if done.is_ok() { "done" } else { "failed" });
    let done = done?;
    say!(
        "backup {}: {}; {} files of {} were copied",
        done.manifest.id(),
        told(&done.manifest),
        done.copied_files,
        ByteSize(done.copied_bytes)
    );
    if let Some(keep) = keep {
        let pruned = target.keep(keep).await?;
        pruned.backups.iter().for_each(|id| say!("backup {id}: removed"));
        if pruned.files > 0 {
            say!("{} files of {} removed, which no backup needs", pruned.files, ByteSize(pruned.bytes));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings a backup back, the newest unless `id` names one, into a data directory that holds no lake. Files of rows that the
/// target has lost are named, and the others brought; exit code 1 then.
///
/// # Errors
/// There is no such backup, there is a lake already, or what other files are read by is damaged. What is there then is no lake until a
/// restore has succeeded.
pub async fn restore(common: &Common, target: &str, id: Option<&str>) -> Result<ExitCode> {
    let config = configuration(common)?;
    let target = Target::open(target, &config.store)?;
    let progress = Arc::new(Progress::default());
    let tracked = Display::new().track("restore", progress.clone());
    let (location, spool) = (&config.lake_location, config.spool_directory());
    let done = restore_lake(&target, id, location, &config.store, &spool, &progress).await;
    tracked.finish(if done.is_ok() { "done" } else { "failed" });
    let done = done?;
    done.kept.iter().for_each(|name| say!("{name} was there already and stays as it was"));
    say!("backup {} is in {location}: {}", done.manifest.id(), told(&done.manifest));
    for name in &done.damaged {
        eprintln!("tt: {name} is damaged in the target (tt lake repair takes lost files out of their tables)");
    }
    Ok(if done.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the backups of a target, oldest first. Exit code 1 when one cannot be read, which is told on standard error.
///
/// # Errors
/// The target cannot be listed.
pub async fn list(common: &Common, target: &str, format: Format) -> Result<ExitCode> {
    let config = configuration(common)?;
    let backups = Target::open(target, &config.store)?.backups().await?;
    let mut readable = Vec::new();
    let mut whole = true;
    for Backup { id: _, manifest } in backups {
        match manifest {
            Ok(manifest) => readable.push(manifest),
            Err(error) => {
                whole = false;
                eprintln!("tt: {error}");
            }
        }
    }
    let rows = rows(&readable)?;
    print(&rows.schema(), &[rows], format)?;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a backup holds, in a few words.
fn told(manifest: &Manifest) -> String {
    let (tables, files) = (manifest.tables.len(), manifest.files.len());
    let at = manifest.taken_at.format("%Y-%m-%d %H:%M:%S UTC");
    format!("{tables} tables as of {at}, {files} files of {}", ByteSize(manifest.bytes()))
}

/// Backups as rows of columns `backup`, `taken_at`, `tables`, `files`, `bytes`.
fn rows(backups: &[Manifest]) -> Result<RecordBatch> {
    let number = |value: usize| i64::try_from(value).ok();
    let taken_at = backups.iter().map(|backup| Some(backup.taken_at.timestamp_micros()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(backups.iter().map(Manifest::id))),
        Arc::new(taken_at.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        Arc::new(backups.iter().map(|backup| number(backup.tables.len())).collect::<Int64Array>()),
        Arc::new(backups.iter().map(|backup| number(backup.files.len())).collect::<Int64Array>()),
        Arc::new(backups.iter().map(|backup| i64::try_from(backup.bytes()).ok()).collect::<Int64Array>()),
    ];
    let schema = Schema::new(vec![
        Field::new("backup", DataType::Utf8, true),
        Field::new("taken_at", instant(), true),
        Field::new("tables", DataType::Int64, true),
        Field::new("files", DataType::Int64, true),
        Field::new("bytes", DataType::Int64, true),
    ]);
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}
