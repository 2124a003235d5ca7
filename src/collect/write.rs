//! Fetched rows into the lake: merge with what is held, stage the files, commit them all at once.

use super::merge::{self, Merged, changed_items};
use crate::lake::dataset::{Layout, WriteMode};
use crate::lake::{DataFile, Encoding, FailedItem, LakeError, LakeTable, Scope, Snapshot, StagedFile, StatisticValue};
use arrow::array::{AsArray, BooleanArray, Date32Array, StringArray};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::Date32Type;
use arrow::record_batch::RecordBatch;
use chrono::{Datelike, Days, NaiveDate};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// Tries against other writers before giving up.
const CONFLICT_TRIES: usize = 10;

/// Files that are encoded at once while further rows are merged.
const ENCODING_MAX: usize = 2;

/// What a write did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Version of the table afterwards; `None` when there is no table yet.
    pub version: Option<u64>,
    /// Rows whose key was new.
    pub added: u64,
    /// Rows that replaced one of the same key.
    pub changed: u64,
}

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
            (WriteMode::Merge, Layout::ByYear(column)) => merge_by_year(table, column, rows, Outcome::Committed).await,
            (WriteMode::Merge, Layout::Whole) => merge_whole(table, rows).await,
        };
        match outcome {
            Err(LakeError::Conflict { .. }) => {}
            outcome => {
                let written = outcome?;
                // Where nothing had to be written, the rows may be those of a commit that was never known to be on the disk.
                table.settle().await?;
                return Ok(written);
            }
        }
    }
    Err(LakeError::Conflict { table: table.dataset().name.to_owned() })
}

/// What a write of rows to a dataset that is merged by year would do, without doing it.
pub async fn preview(table: &LakeTable, rows: &[RecordBatch]) -> Result<Written, LakeError> {
    match table.dataset().layout {
        Layout::ByYear(column) => merge_by_year(table, column, rows, Outcome::Counted).await,
        Layout::Whole => Err(rows_error(table, "what a write would do is not told of it")),
    }
}

/// What becomes of merged rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Committed,
    /// They are only counted.
    Counted,
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
        .map_err(|error| rows_error(table, error))?;
    commit(table, base.as_deref(), &files, &merged, items.as_ref()).await
}

async fn merge_whole(table: &LakeTable, rows: &[RecordBatch]) -> Result<Written, LakeError> {
    let base = table.update().await?;
    let files = files_of(base.as_ref());
    let held = table.read(&files).await?;
    let merged = merged_rows(table, &held, rows)?;
    commit(table, base.as_deref(), &files, &merged, Some(&merged.items)).await
}

/// Files hold one year of a date column each: only those of the years that new rows are of are read and rewritten.
async fn merge_by_year(
    table: &LakeTable,
    column: &'static str,
    rows: &[RecordBatch],
    outcome: Outcome,
) -> Result<Written, LakeError> {
    let years = Years { table, column };
    let base = table.update().await?;
    let runs = years.runs(rows)?;
    let mut left: BTreeSet<i32> = runs.keys().copied().collect();
    let (mut removed, mut staging, mut written) = (Vec::new(), Staging::new(table), Written::default());
    let mut items = BTreeSet::new();
    while let Some(year) = left.pop_first() {
        // A file of another writer may span years: then those years are merged together.
        let mut merged_years = BTreeSet::from([year]);
        let mut touched = loop {
            let touched: Vec<DataFile> =
                files_of(base.as_ref()).into_iter().filter(|file| years.overlaps(file, &merged_years)).collect();
            let reached: BTreeSet<i32> = touched.iter().flat_map(|file| years.of_file(file)).collect();
            if reached.is_subset(&merged_years) {
                break touched;
            }
            merged_years.extend(reached);
        };
        left = left.difference(&merged_years).copied().collect();
        let held = table.read(&touched).await?;
        let runs = merged_years.iter().filter_map(|year| runs.get(year)).flatten();
        let new: Vec<RecordBatch> =
            runs.filter_map(|run| Some(rows.get(run.batch)?.slice(run.rows.start, run.rows.len()))).collect();
        let mut merged = merged_rows(table, &held, &new)?;
        drop(held);
        if merged.added == 0 && merged.changed == 0 {
            continue;
        }
        written.added += merged.added;
        written.changed += merged.changed;
        if outcome == Outcome::Counted {
            continue;
        }
        let present = years.of(&merged.rows)?;
        if present.len() == 1 {
            staging.begin(merged.rows).await?;
        } else {
            for year in present {
                staging.begin(years.rows_in(&merged.rows, &BTreeSet::from([year]))?).await?;
            }
        }
        removed.append(&mut touched);
        items.append(&mut merged.items);
    }
    written.version = base.as_ref().map(|base| base.version);
    let staged = staging.finish().await?;
    if !staged.is_empty() {
        let snapshot = table.commit_items(base.as_deref(), &removed, staged, Some(&items)).await?;
        written.version = Some(snapshot.version);
    }
    Ok(written)
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

fn files_of(snapshot: Option<&Arc<Snapshot>>) -> Vec<DataFile> {
    snapshot.map(|snapshot| snapshot.files.clone()).unwrap_or_default()
}

fn rows_error(table: &LakeTable, error: impl std::fmt::Display) -> LakeError {
    LakeError::Rows { table: table.dataset().name.to_owned(), reason: error.to_string() }
}

fn one_batch(table: &LakeTable, rows: &[RecordBatch]) -> Result<RecordBatch, LakeError> {
    concat_batches(&table.dataset().schema, rows).map_err(|error| rows_error(table, error))
}

fn merged_rows(table: &LakeTable, held: &[RecordBatch], new: &[RecordBatch]) -> Result<Merged, LakeError> {
    merge::merge_by(table.dataset(), &table.precedence(), held, new).map_err(|error| rows_error(table, error))
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
    let dates = Years { table, column }.dates(rows)?;
    let keep: BooleanArray =
        (0..rows.num_rows()).map(|row| Some(dates.value_as_date(row).is_some_and(|date| date >= today))).collect();
    filter_record_batch(rows, &keep).map_err(|error| rows_error(table, error))
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
    filter_record_batch(rows, &keep).map_err(|error| rows_error(table, error))
}

fn year_of(days: i32) -> i32 {
    let epoch = NaiveDate::default();
    let date = match u64::try_from(days) {
        Ok(days) => epoch.checked_add_days(Days::new(days)),
        Err(_) => epoch.checked_sub_days(Days::new(u64::from(days.unsigned_abs()))),
    };
    date.map_or(0, |date| date.year())
}

/// The days of a year, counted from the epoch; none where the calendar ends.
fn days_of(year: i32) -> Range<i32> {
    let first = |year| NaiveDate::from_yo_opt(year, 1).map(|date| date.signed_duration_since(NaiveDate::default()));
    let days = |year: i32| first(year).and_then(|span| i32::try_from(span.num_days()).ok());
    match (days(year), year.checked_add(1).and_then(days)) {
        (Some(from), Some(to)) => from..to,
        _ => 0..0,
    }
}

/// Files of one commit, a few of which are encoded while the rows of the next are merged.
struct Staging<'a> {
    table: &'a LakeTable,
    encoding: VecDeque<Encoding>,
    staged: Vec<StagedFile>,
}

impl<'a> Staging<'a> {
    fn new(table: &'a LakeTable) -> Self {
        Self { table, encoding: VecDeque::new(), staged: Vec::new() }
    }

    /// Begins a file of these rows.
    async fn begin(&mut self, rows: RecordBatch) -> Result<(), LakeError> {
        self.encoding.push_back(self.table.encoding(rows)?);
        self.finish_beyond(ENCODING_MAX).await
    }

    /// All files, once they are written.
    async fn finish(mut self) -> Result<Vec<StagedFile>, LakeError> {
        self.finish_beyond(0).await?;
        Ok(self.staged)
    }

    async fn finish_beyond(&mut self, most: usize) -> Result<(), LakeError> {
        while self.encoding.len() > most
            && let Some(encoding) = self.encoding.pop_front()
        {
            self.staged.push(self.table.stage_encoding(encoding).await?);
        }
        Ok(())
    }
}

/// Consecutive rows of one year in one batch.
struct YearRun {
    batch: usize,
    rows: Range<usize>,
}

/// The years that rows and files are of, by a date column of a table.
#[derive(Clone, Copy)]
struct Years<'a> {
    table: &'a LakeTable,
    column: &'static str,
}

impl Years<'_> {
    fn dates(self, rows: &RecordBatch) -> Result<&Date32Array, LakeError> {
        let column = rows.column_by_name(self.column).and_then(|column| column.as_primitive_opt::<Date32Type>());
        column.ok_or_else(|| rows_error(self.table, format!("rows without a {}", self.column)))
    }

    fn of(self, rows: &RecordBatch) -> Result<BTreeSet<i32>, LakeError> {
        let mut last_days = None;
        let mut years = BTreeSet::new();
        for days in self.dates(rows)?.iter().flatten() {
            if last_days != Some(days) {
                years.insert(year_of(days));
                last_days = Some(days);
            }
        }
        Ok(years)
    }

    /// Where the rows of each year stand, in the order in which they come; rows without a date are left out.
    fn runs(self, batches: &[RecordBatch]) -> Result<BTreeMap<i32, Vec<YearRun>>, LakeError> {
        let mut runs: BTreeMap<i32, Vec<YearRun>> = BTreeMap::new();
        for (batch, rows) in batches.iter().enumerate() {
            let mut run: Option<(i32, usize)> = None;
            // Days of the year of the run, so that not each has to be read.
            let mut within = 0..0;
            let mut end = |run: Option<(i32, usize)>, end: usize| {
                if let Some((year, first)) = run {
                    runs.entry(year).or_default().push(YearRun { batch, rows: first..end });
                }
            };
            for (row, days) in self.dates(rows)?.iter().enumerate() {
                let Some(days) = days else {
                    end(run.take(), row);
                    continue;
                };
                if run.is_some() && within.contains(&days) {
                    continue;
                }
                end(run.take(), row);
                let year = year_of(days);
                within = days_of(year);
                run = Some((year, row));
            }
            end(run, rows.num_rows());
        }
        Ok(runs)
    }

    fn rows_in(self, rows: &RecordBatch, years: &BTreeSet<i32>) -> Result<RecordBatch, LakeError> {
        let within = |days: Option<i32>| Some(days.is_some_and(|days| years.contains(&year_of(days))));
        let keep: BooleanArray = self.dates(rows)?.iter().map(within).collect();
        filter_record_batch(rows, &keep).map_err(|error| rows_error(self.table, error))
    }

    /// Years a file holds by its statistics; none when they are missing.
    fn of_file(self, file: &DataFile) -> Vec<i32> {
        let column = self.table.dataset().schema.index_of(self.column).ok();
        match column.and_then(|column| file.columns.get(column)).map(|column| (&column.min, &column.max)) {
            Some((Some(StatisticValue::Date(min)), Some(StatisticValue::Date(max)))) => {
                (year_of(*min)..=year_of(*max)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether a file may hold rows of some years. One without statistics may hold anything.
    fn overlaps(self, file: &DataFile, years: &BTreeSet<i32>) -> bool {
        let held = self.of_file(file);
        held.is_empty() || held.iter().any(|year| years.contains(year))
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
