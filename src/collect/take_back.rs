//! Takes an import back: its rows go as far as they are still in force, and the rows come back that they replaced. One
//! commit, which leaves alone what was committed since.

use crate::lake::dataset::FETCHED_AT;
use crate::lake::{DataFile, IMPORT, LakeError, LakeTable, Run, UNDO};
use arrow::array::{AsArray, BooleanArray, UInt64Array};
use arrow::compute::{concat_batches, filter_record_batch, not, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Tries against other writers before giving up.
const CONFLICT_TRIES: usize = 10;

/// What was taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Version of the table afterwards.
    pub version: u64,
    /// Rows of the import that are gone.
    pub removed: u64,
    /// Rows that came back in the place of some of them.
    pub restored: u64,
}

/// The last import that is still in force, and the version it made; `None` where there is none that is remembered.
///
/// # Errors
/// What is remembered of the table, or its log, cannot be read.
pub async fn last_import(table: &LakeTable) -> Result<Option<(Run, u64)>, LakeError> {
    let name = table.dataset().name;
    let state = table.read_state().await?;
    let undone: BTreeSet<u64> = state
        .runs
        .iter()
        .filter(|run| run.cause == UNDO)
        .filter_map(|run| run.made_of.inputs.get(name).copied())
        .collect();
    for run in state.runs.iter().rev().filter(|run| run.cause == IMPORT) {
        let Some(version) = run.version.filter(|version| !undone.contains(version)) else { continue };
        // One that changed nothing is remembered with the version of somebody else.
        let own = table.snapshot_by_version(version).await?;
        let started_at = run.started_at.timestamp_millis();
        if own.committed_at.is_some_and(|committed_at| committed_at.timestamp_millis() >= started_at) {
            return Ok(Some((run.clone(), version)));
        }
    }
    Ok(None)
}

/// Takes back the import that made a version.
///
/// # Errors
/// The version, or the one before it, is no longer kept; or the lake cannot be read or written.
pub async fn take_back(table: &LakeTable, run: &Run, version: u64) -> Result<TakenBack, LakeError> {
    let import = Import::read(table, run, version).await?;
    for _ in 0..CONFLICT_TRIES {
        match import.take_back(table).await {
            Err(LakeError::Conflict { .. }) => {}
            outcome => return outcome,
        }
    }
    Err(LakeError::Conflict { table: table.dataset().name.to_owned() })
}

/// What an import brought, and what it replaced.
struct Import {
    keys: Keys,
    /// What stands in `fetched_at` of its rows, in microseconds.
    fetched_at: i64,
    brought: HashSet<OwnedRow>,
    replaced: RecordBatch,
    /// Key to row of `replaced`.
    places: HashMap<OwnedRow, u64>,
}

impl Import {
    async fn read(table: &LakeTable, run: &Run, version: u64) -> Result<Self, LakeError> {
        let after = table.snapshot_by_version(version).await?;
        let before = match version.checked_sub(1) {
            Some(version) => table.snapshot_by_version(version).await?.files.clone(),
            None => Vec::new(),
        };
        let keys = Keys::of(table)?;
        let fetched_at = run.started_at.timestamp_micros();
        let mut brought = HashSet::new();
        for file in without(&after.files, &before) {
            for rows in table.read(&[file]).await? {
                let (marks, keyed) = (brought_at(table, &rows, fetched_at)?, keys.rows(table, &rows)?);
                brought.extend(
                    keyed.iter().zip(marks.iter()).filter(|(_, mark)| *mark == Some(true)).map(|(key, _)| key.owned()),
                );
            }
        }
        let mut replaced = Vec::new();
        for file in without(&before, &after.files) {
            for rows in table.read(&[file]).await? {
                let keyed = keys.rows(table, &rows)?;
                let of_import: BooleanArray = keyed.iter().map(|key| Some(brought.contains(&key.owned()))).collect();
                replaced.push(filter_record_batch(&rows, &of_import).map_err(|error| fault(table, &error))?);
            }
        }
        let replaced = concat_batches(&table.dataset().schema, &replaced).map_err(|error| fault(table, &error))?;
        let places = (0..).zip(keys.rows(table, &replaced)?.iter()).map(|(place, key)| (key.owned(), place)).collect();
        Ok(Self { keys, fetched_at, brought, replaced, places })
    }

    async fn take_back(&self, table: &LakeTable) -> Result<TakenBack, LakeError> {
        let Some(base) = table.update().await? else { return Ok(TakenBack::default()) };
        let mut done = TakenBack { version: base.version, ..TakenBack::default() };
        let (mut removed, mut staged, mut items) = (Vec::new(), Vec::new(), BTreeSet::new());
        for file in &base.files {
            let fetched = table.read_columns(std::slice::from_ref(file), Some(&[FETCHED_AT])).await?;
            let mut concerned = false;
            for rows in &fetched {
                concerned |= brought_at(table, rows, self.fetched_at)?.true_count() > 0;
            }
            if !concerned {
                continue;
            }
            let rows = table.read(std::slice::from_ref(file)).await?;
            let rows = concat_batches(&table.dataset().schema, &rows).map_err(|error| fault(table, &error))?;
            let Some(left) = self.without_import(table, &rows, &mut done, &mut items)? else { continue };
            if left.num_rows() > 0 {
                staged.push(table.stage(&left).await?);
            }
            removed.push(file.clone());
        }
        if !removed.is_empty() {
            let items = Some(&items).filter(|_| table.dataset().by_item);
            done.version = table.commit_items(Some(&base), &removed, staged, items).await?.version;
        }
        table.settle().await?;
        Ok(done)
    }

    /// Rows of a file without those of the import that are still in force, and with those that they replaced. `None` where
    /// there are none of the import.
    fn without_import(
        &self,
        table: &LakeTable,
        rows: &RecordBatch,
        done: &mut TakenBack,
        items: &mut BTreeSet<String>,
    ) -> Result<Option<RecordBatch>, LakeError> {
        let (at, keyed) = (brought_at(table, rows, self.fetched_at)?, self.keys.rows(table, rows)?);
        let is_of_import = |(mark, key): (Option<bool>, &OwnedRow)| mark == Some(true) && self.brought.contains(key);
        let keys: Vec<OwnedRow> = keyed.iter().map(|key| key.owned()).collect();
        let gone: BooleanArray = at.iter().zip(&keys).map(|pair| Some(is_of_import(pair))).collect();
        if gone.true_count() == 0 {
            return Ok(None);
        }
        let back: UInt64Array = gone
            .iter()
            .zip(&keys)
            .filter(|(gone, _)| *gone == Some(true))
            .filter_map(|(_, key)| self.places.get(key).copied())
            .collect();
        done.removed += gone.true_count() as u64;
        done.restored += back.len() as u64;
        let build = || -> Result<RecordBatch, ArrowError> {
            let left = filter_record_batch(rows, &not(&gone)?)?;
            let back = take_record_batch(&self.replaced, &back)?;
            concat_batches(&table.dataset().schema, [&left, &back])
        };
        let of_import = filter_record_batch(rows, &gone).map_err(|error| fault(table, &error))?;
        items.extend(items_of(table, &of_import));
        build().map(Some).map_err(|error| fault(table, &error))
    }
}

/// Files that are not among others.
fn without(files: &[DataFile], others: &[DataFile]) -> Vec<DataFile> {
    let others: HashSet<_> = others.iter().map(|file| &file.path).collect();
    files.iter().filter(|file| !others.contains(&file.path)).cloned().collect()
}

/// Which rows were fetched at a moment.
fn brought_at(table: &LakeTable, rows: &RecordBatch, moment: i64) -> Result<BooleanArray, LakeError> {
    let column =
        rows.column_by_name(FETCHED_AT).and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let column = column.ok_or_else(|| rows_error(table, "rows without a time of fetching"))?;
    Ok(column.iter().map(|at| Some(at == Some(moment))).collect())
}

/// First key column, where it is text.
fn items_of(table: &LakeTable, rows: &RecordBatch) -> BTreeSet<String> {
    let column = table.dataset().key.first().and_then(|key| rows.column_by_name(key));
    let texts = column.and_then(|column| column.as_string_opt::<i32>());
    texts.into_iter().flat_map(|texts| texts.iter().flatten()).map(str::to_owned).collect()
}

/// The keys of rows as something that can be looked up.
struct Keys {
    converter: RowConverter,
}

impl Keys {
    fn of(table: &LakeTable) -> Result<Self, LakeError> {
        let dataset = table.dataset();
        let fields = dataset.key.iter().filter_map(|key| dataset.schema.field_with_name(key).ok());
        let fields = fields.map(|field| SortField::new(field.data_type().clone())).collect();
        Ok(Self { converter: RowConverter::new(fields).map_err(|error| fault(table, &error))? })
    }

    fn rows(&self, table: &LakeTable, rows: &RecordBatch) -> Result<Rows, LakeError> {
        let columns: Vec<_> = table.dataset().key.iter().filter_map(|key| rows.column_by_name(key)).cloned().collect();
        self.converter.convert_columns(&columns).map_err(|error| fault(table, &error))
    }
}

fn fault(table: &LakeTable, error: &ArrowError) -> LakeError {
    rows_error(table, &error.to_string())
}

fn rows_error(table: &LakeTable, reason: &str) -> LakeError {
    LakeError::Rows { table: table.dataset().name.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
#[path = "take_back_tests.rs"]
mod tests;
