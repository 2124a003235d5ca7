//! Fetched rows into the lake: merge with what is held, stage the files, commit them all at once.

mod by_year;
mod packed;
mod rows_by_year;
mod spill_file;
mod staging;
mod table_rows;
mod year_runs;
mod years;

use super::merge::{Merged, changed_items};
use crate::lake::dataset::{Layout, WriteMode};
use crate::lake::{DataFile, FailedItem, LakeError, LakeTable, Scope, Snapshot};
use crate::progress::Progress;
use arrow::array::{AsArray, BooleanArray, StringArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use by_year::{Outcome, merge_by_year};
use chrono::NaiveDate;
use rows_by_year::Batches;
use std::collections::{BTreeSet, HashSet};
use table_rows::{files_of, merged_rows, one_batch, rows_error};
use years::Years;

pub use table_rows::Written;
pub use year_runs::YearRuns;

/// Tries against other writers before giving up.
const CONFLICT_TRIES: usize = 10;

/// Writes rows as the dataset's mode says. Rows equal to the held ones commit nothing.
///
/// Safe beside other writers: a lost race reads again and merges again. Dropping the future commits nothing.
pub async fn write(table: &LakeTable, rows: &[RecordBatch], failed: &[FailedItem]) -> Result<Written, LakeError> {
    write_scope(table, rows, &Scope::All, failed, None).await
}

/// The same for rows that are of some items alone: the rows of all others stay. Where rows leave by their date, those that
/// are not past `today` stay too; without a day they are replaced as all others.
pub async fn write_scope(
    table: &LakeTable,
    rows: &[RecordBatch],
    scope: &Scope,
    failed: &[FailedItem],
    today: Option<NaiveDate>,
) -> Result<Written, LakeError> {
    if scope.names().is_some_and(BTreeSet::is_empty) {
        let version = table.update().await?.map(|snapshot| snapshot.version);
        return Ok(Written { version, ..Written::default() });
    }
    for _ in 0..CONFLICT_TRIES {
        let outcome = match (table.dataset().mode, table.dataset().layout) {
            (WriteMode::Append, _) => append(table, rows).await,
            (WriteMode::Replace, _) => replace(table, rows, scope, failed, today).await,
            (WriteMode::Merge, Layout::ByYear(column)) => {
                let batches = Batches::new(&Years::new(table.dataset(), column), rows)?;
                merge_by_year(table, column, &batches, Outcome::Committed, &Progress::default()).await
            }
            (WriteMode::Merge, Layout::Whole) => merge_whole(table, rows).await,
        };
        match outcome {
            Err(LakeError::Conflict { .. }) => {}
            outcome => return settled(table, outcome).await,
        }
    }
    Err(conflict(table))
}

/// Writes very many rows, which are read again year by year, as [`write`] does. `progress` tells how many years are done.
///
/// # Errors
/// Those of [`write`], or the rows cannot be read again.
pub async fn write_runs(table: &LakeTable, rows: &YearRuns, progress: &Progress) -> Result<Written, LakeError> {
    for _ in 0..CONFLICT_TRIES {
        match merge_runs(table, rows, Outcome::Committed, progress).await {
            Err(LakeError::Conflict { .. }) => {}
            outcome => return settled(table, outcome).await,
        }
    }
    Err(conflict(table))
}

/// What [`write_runs`] would do, without doing it.
///
/// # Errors
/// What is held, or the rows, cannot be read.
pub async fn preview(table: &LakeTable, rows: &YearRuns, progress: &Progress) -> Result<Written, LakeError> {
    merge_runs(table, rows, Outcome::Counted, progress).await
}

async fn merge_runs(
    table: &LakeTable,
    rows: &YearRuns,
    outcome: Outcome,
    progress: &Progress,
) -> Result<Written, LakeError> {
    match table.dataset().layout {
        Layout::ByYear(column) => merge_by_year(table, column, rows, outcome, progress).await,
        Layout::Whole => Err(rows_error(table.dataset().name, "its rows are not kept by year")),
    }
}

async fn settled(table: &LakeTable, outcome: Result<Written, LakeError>) -> Result<Written, LakeError> {
    let written = outcome?;
    // Where nothing had to be written, the rows may be those of a commit that was never known to be on the disk.
    table.settle().await?;
    Ok(written)
}

fn conflict(table: &LakeTable) -> LakeError {
    LakeError::Conflict { table: table.dataset().name.to_owned() }
}

async fn append(table: &LakeTable, rows: &[RecordBatch]) -> Result<Written, LakeError> {
    let base = table.update().await?;
    let rows = one_batch(table, rows)?;
    let staged = table.stage(&rows).await?;
    let snapshot = table.commit(base.as_deref(), &[], vec![staged]).await?;
    Ok(Written { version: Some(snapshot.version), added: rows.num_rows() as u64, changed: 0 })
}

/// All rows of the scope are new, but an item that failed keeps the rows it had; where rows leave by their date, so does one
/// that did not fail, and no item keeps those that are past.
async fn replace(
    table: &LakeTable,
    rows: &[RecordBatch],
    scope: &Scope,
    failed: &[FailedItem],
    today: Option<NaiveDate>,
) -> Result<Written, LakeError> {
    let base = table.update().await?;
    let files = files_of(base.as_ref());
    let held = match table.read(&files).await {
        Ok(held) => Some(held),
        // Rows of which none stays need not be read: that is how a damaged file is mended.
        Err(error) if *scope == Scope::All && failed.is_empty() => {
            tracing::warn!("{error}");
            None
        }
        Err(error) => return Err(error),
    };
    let leaving = table.dataset().leaves_after.zip(today);
    let mut staying: HashSet<&str> = failed.iter().map(|failed| failed.item.as_str()).collect();
    if leaving.is_some() {
        staying.extend(rows.iter().filter_map(|rows| items_of(table, rows)).flatten().flatten());
    }
    let stays = |item: &str| staying.contains(item) || scope.names().is_some_and(|names| !names.contains(item));
    let mut all = Vec::with_capacity(rows.len() + 1);
    for held in held.iter().flatten() {
        let held = rows_of_items(table, held, stays)?;
        all.push(match leaving {
            Some((column, today)) => rows_since(table, &held, column, today)?,
            None => held,
        });
    }
    // Of two rows of one key the later one counts: that which was fetched now.
    all.extend_from_slice(rows);
    let merged = merged_rows(table, &[], &all)?;
    let dataset = table.dataset();
    let changed = |held| changed_items(dataset, held, std::slice::from_ref(&merged.rows));
    let items = held
        .as_deref()
        .filter(|_| dataset.by_item)
        .map(changed)
        .transpose()
        .map_err(|error| rows_error(table.dataset().name, error))?;
    commit(table, base.as_deref(), &files, &merged, items.as_ref()).await
}

async fn merge_whole(table: &LakeTable, rows: &[RecordBatch]) -> Result<Written, LakeError> {
    let base = table.update().await?;
    let files = files_of(base.as_ref());
    let held = table.read(&files).await?;
    let merged = merged_rows(table, &held, rows)?;
    commit(table, base.as_deref(), &files, &merged, Some(&merged.items)).await
}

async fn commit(
    table: &LakeTable,
    base: Option<&Snapshot>,
    files: &[DataFile],
    merged: &Merged,
    items: Option<&BTreeSet<String>>,
) -> Result<Written, LakeError> {
    if merged.added == 0 && merged.changed == 0 {
        return Ok(Written { version: base.map(|base| base.version), added: 0, changed: 0 });
    }
    let staged = table.stage(&merged.rows).await?;
    let items = items.filter(|_| table.dataset().by_item);
    let snapshot = table.commit_items(base, files, vec![staged], items).await?;
    Ok(Written { version: Some(snapshot.version), added: merged.added, changed: merged.changed })
}

/// The first key column of rows, which names their items; `None` where it is not text.
pub(super) fn items_of<'a>(table: &LakeTable, rows: &'a RecordBatch) -> Option<&'a StringArray> {
    let first = table.dataset().key.first().and_then(|key| rows.column_by_name(key));
    first.and_then(|column| column.as_string_opt::<i32>())
}

/// Rows whose date in a column is not past.
fn rows_since(
    table: &LakeTable,
    rows: &RecordBatch,
    column: &'static str,
    today: NaiveDate,
) -> Result<RecordBatch, LakeError> {
    let years = Years::new(table.dataset(), column);
    let dates = years.dates(rows)?;
    let keep: BooleanArray =
        (0..rows.num_rows()).map(|row| Some(dates.value_as_date(row).is_some_and(|date| date >= today))).collect();
    filter_record_batch(rows, &keep).map_err(|error| rows_error(table.dataset().name, error))
}

/// Rows whose first key column names an item that stays; none where it is not text.
fn rows_of_items(
    table: &LakeTable,
    rows: &RecordBatch,
    stays: impl Fn(&str) -> bool,
) -> Result<RecordBatch, LakeError> {
    let Some(column) = items_of(table, rows) else {
        return Ok(rows.slice(0, 0));
    };
    let keep: BooleanArray = column.iter().map(|item| item.map(&stays)).collect();
    filter_record_batch(rows, &keep).map_err(|error| rows_error(table.dataset().name, error))
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
