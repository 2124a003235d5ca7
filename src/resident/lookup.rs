//! The rows of some keys, from the columns in memory alone: what a lookup reads instead of a scan.

use super::column::copied;
use super::file::{ResidentFile, Rows};
use crate::lake::{DataFile, Snapshot, StatisticValue};
use arrow::array::{ArrayRef, new_empty_array};
use arrow::compute::{SortColumn, concat, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use std::ops::{Bound, Range};
use std::sync::Arc;

/// Which rows are wanted: those with one of these values in the key's first column, and the second within bounds.
#[derive(Debug, Clone)]
pub struct KeyRange<'a> {
    /// Values of the first column of the key, in ascending order and each once.
    pub first: &'a [&'a str],
    /// Bounds of the second: days, numbers or microseconds as the column's type counts them.
    pub second: (Bound<i64>, Bound<i64>),
}

/// What is wanted of those rows.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Places of the columns in the dataset's schema.
    pub columns: &'a [usize],
    /// A schema of those columns.
    pub schema: &'a SchemaRef,
    /// So many rows of each value, in the order of the key, from its beginning; negative from its end.
    pub count: Option<i64>,
    /// Rows of all values together at most; more are for a scan.
    pub most: usize,
}

/// The files of one version.
#[derive(Debug)]
pub(super) struct Version {
    number: u64,
    files: Vec<VersionFile>,
}

/// A file of a version.
#[derive(Debug)]
struct VersionFile {
    file: Arc<ResidentFile>,
    /// Least and greatest value of the key's second column.
    second: Option<(i64, i64)>,
}

/// Rows of one value in one file.
struct Run<'a> {
    rows: &'a Rows,
    range: Range<usize>,
    ends: Option<(i64, i64)>,
}

impl Version {
    /// The files of a version; `file` gives the place of each.
    pub(super) fn of(snapshot: &Snapshot, file: impl Fn(&DataFile) -> Arc<ResidentFile>) -> Self {
        let second = key_places(snapshot).get(1).copied();
        let of = |one: &DataFile| VersionFile {
            file: file(one),
            second: second.and_then(|place| {
                let statistics = one.columns.get(place)?;
                Some((number(statistics.min.as_ref()?, false)?, number(statistics.max.as_ref()?, true)?))
            }),
        };
        Self { number: snapshot.version, files: snapshot.files.iter().map(of).collect() }
    }

    /// Its number in the table's log.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Files that may have rows within bounds of the second key.
    pub(super) fn files_within(&self, bounds: &(Bound<i64>, Bound<i64>)) -> impl Iterator<Item = &Arc<ResidentFile>> {
        self.files.iter().filter(|one| one.may_hold(bounds)).map(|one| &one.file)
    }
}

/// Places of the columns that a lookup reads: those that are wanted, then those of the key.
pub(super) fn needed(snapshot: &Snapshot, wanted: &Wanted<'_>) -> Vec<usize> {
    wanted.columns.iter().copied().chain(key_places(snapshot)).collect()
}

/// The rows of a key range among files of which the columns that are [`needed`] are here; `None` where they are too many.
pub(super) fn rows_of(
    files: &[Rows],
    range: &KeyRange<'_>,
    wanted: &Wanted<'_>,
) -> Option<Result<RecordBatch, ArrowError>> {
    let mut pieces = Vec::new();
    let mut sorted = true;
    for value in range.first {
        let (runs, in_order) = runs(files, value, &range.second);
        sorted &= in_order;
        pieces.extend(if in_order { cut(runs, wanted.count) } else { runs });
    }
    if pieces.iter().map(|run| run.range.len()).sum::<usize>() > wanted.most {
        return None;
    }
    Some(if sorted { batch(&pieces, wanted) } else { sort(&pieces, wanted, range) })
}

impl VersionFile {
    /// Whether the file may have rows within bounds of the second key.
    fn may_hold(&self, bounds: &(Bound<i64>, Bound<i64>)) -> bool {
        let Some((least, most)) = self.second else { return true };
        let from = match bounds.0 {
            Bound::Unbounded => true,
            Bound::Included(from) => most >= from,
            Bound::Excluded(from) => most > from,
        };
        let to = match bounds.1 {
            Bound::Unbounded => true,
            Bound::Included(to) => least <= to,
            Bound::Excluded(to) => least < to,
        };
        from && to
    }
}

/// A bound of the log as a number. Instants may have been cut to milliseconds by whoever wrote it.
fn number(value: &StatisticValue, upper: bool) -> Option<i64> {
    match value {
        StatisticValue::Integer(number) => Some(*number),
        StatisticValue::Date(days) => Some(i64::from(*days)),
        StatisticValue::Instant(micros) if upper => micros.checked_add(1_000),
        StatisticValue::Instant(micros) => Some(*micros),
        StatisticValue::Text(_) | StatisticValue::Double(_) => None,
    }
}

/// Places of the first two columns of the key.
pub(super) fn key_places(snapshot: &Snapshot) -> Vec<usize> {
    let schema = &snapshot.dataset.schema;
    snapshot.dataset.key.iter().take(2).filter_map(|key| schema.index_of(key).ok()).collect()
}

/// Whether the key begins with a text, by which lookups go.
pub(super) fn has_text_key(snapshot: &Snapshot) -> bool {
    let (schema, key) = (&snapshot.dataset.schema, snapshot.dataset.key.first());
    key.and_then(|key| schema.field_with_name(key).ok()).is_some_and(|field| *field.data_type() == DataType::Utf8)
}

/// Rows of one value, file by file; and whether they are in the order of the key, one after the other.
fn runs<'a>(files: &'a [Rows], value: &str, second: &(Bound<i64>, Bound<i64>)) -> (Vec<Run<'a>>, bool) {
    let run = |rows: &'a Rows| {
        let index = rows.index.as_ref()?;
        let range = index.within(index.rows_of(value), *second);
        (!range.is_empty()).then(|| Run { rows, ends: index.ends(&range), range })
    };
    let mut runs: Vec<Run<'a>> = files.iter().filter_map(run).collect();
    if runs.len() < 2 {
        return (runs, true);
    }
    runs.sort_by_key(|run| run.ends);
    let in_order = runs.iter().zip(runs.iter().skip(1)).all(|(one, next)| match (one.ends, next.ends) {
        (Some((_, last)), Some((first, _))) => last < first,
        _ => false,
    });
    (runs, in_order)
}

/// The first or the last rows of runs that are in order.
fn cut(mut runs: Vec<Run<'_>>, count: Option<i64>) -> Vec<Run<'_>> {
    let Some(count) = count else { return runs };
    let mut left = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let from_end = count < 0;
    if from_end {
        runs.reverse();
    }
    for run in &mut runs {
        let taken = run.range.len().min(left);
        left -= taken;
        run.range = match from_end {
            true => run.range.end - taken..run.range.end,
            false => run.range.start..run.range.start + taken,
        };
    }
    runs.retain(|run| !run.range.is_empty());
    if from_end {
        runs.reverse();
    }
    runs
}

/// The rows of some runs, one after the other; of all columns that were read, those that are wanted come first.
fn batch(runs: &[Run<'_>], wanted: &Wanted<'_>) -> Result<RecordBatch, ArrowError> {
    let count = runs.iter().map(|run| run.range.len()).sum();
    let column = |place: usize| joined(runs, place, wanted.schema.field(place).data_type());
    let columns = (0..wanted.columns.len()).map(column).collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(wanted.schema.clone(), columns, &options)
}

/// The values of a column, by its place among those that were read, in some runs.
fn joined(runs: &[Run<'_>], column: usize, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let of = |run: &Run<'_>| run.rows.columns.get(column).map(|all| all.slice(run.range.start, run.range.len()));
    let slices: Vec<ArrayRef> = runs.iter().filter_map(of).collect();
    match slices.as_slice() {
        [] => Ok(new_empty_array(data_type)),
        [one] => copied(one, &(0..one.len())),
        many => concat(&many.iter().map(AsRef::as_ref).collect::<Vec<_>>()),
    }
}

/// The rows of runs whose files overlap, brought into the order of the key, and of each value as many as are wanted.
fn sort(runs: &[Run<'_>], wanted: &Wanted<'_>, range: &KeyRange<'_>) -> Result<RecordBatch, ArrowError> {
    let rows = batch(runs, wanted)?;
    let read = |place: usize| runs.first().and_then(|run| run.rows.columns.get(place));
    let key = |place: usize| match read(place) {
        Some(column) => Ok(SortColumn { values: joined(runs, place, column.data_type())?, options: None }),
        None => Err(ArrowError::ComputeError("a lookup without its key".to_owned())),
    };
    let read_columns = runs.first().map_or(0, |run| run.rows.columns.len());
    let order = (wanted.columns.len()..read_columns).map(key).collect::<Result<Vec<_>, ArrowError>>()?;
    let rows = take_record_batch(&rows, &lexsort_to_indices(&order, None)?)?;
    // A count is asked for of one value alone.
    let Some(count) = wanted.count.filter(|_| range.first.len() == 1) else { return Ok(rows) };
    let taken = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(rows.num_rows());
    Ok(if count < 0 { rows.slice(rows.num_rows() - taken, taken) } else { rows.slice(0, taken) })
}
