//! Rows of a temporary table: batches that never change, each counted against the bound of its session for as long as
//! anybody reads it.

use crate::error::{ErrorKind, QueryError};
use crate::heap::Promise;
use arrow::array::{ArrayRef, AsArray, BooleanArray, UInt64Array};
use arrow::compute::{CastOptions, cast_with_options, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows of a batch that is made of smaller ones, at most.
const BATCH_ROWS: usize = 1 << 16;

/// Bytes that wait to become one batch, at most; what they are a part of counts in full.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// What the temporary tables of one session may take, and what they take.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    used: AtomicUsize,
}

impl Budget {
    /// A budget of so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, used: AtomicUsize::new(0) }
    }

    /// Room for so many bytes, until it is dropped.
    ///
    /// # Errors
    /// 53400 when the session has too much, 53200 when the server has no memory to promise.
    pub(crate) fn room(self: &Arc<Self>, bytes: usize) -> Result<Room, QueryError> {
        let within = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.most);
        if self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_err() {
            let most = bytesize::ByteSize::b(self.most as u64).display().iec().to_string();
            let message = format!("the temporary tables of a session, and what its cursors keep, take at most {most}");
            return Err(QueryError::new(ErrorKind::LimitExceeded, message)
                .with_hint("Drop those no longer needed, or raise limits.temporary_memory of the server."));
        }
        // Dropped, it gives back what it was for.
        let mut room = Room { bytes, budget: self.clone(), _promise: None };
        room._promise = Promise::of_all(bytes);
        match &room._promise {
            Some(_) => Ok(room),
            None => Err(QueryError::new(ErrorKind::OutOfMemory, "out of memory: no room for a temporary table")),
        }
    }
}

/// A part of a budget that is taken.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: usize,
    budget: Arc<Budget>,
    /// The same of what the whole server may promise its clients.
    _promise: Option<Promise>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A batch, and the room it has.
#[derive(Debug)]
struct Kept {
    batch: RecordBatch,
    _room: Room,
}

/// Rows in order. Cheap to clone; a change makes new ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows(Vec<Arc<Kept>>);

impl Rows {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|kept| kept.batch.num_rows()).sum()
    }

    /// Bytes they take, about.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|kept| kept.batch.get_array_memory_size()).sum()
    }

    /// The batches in order.
    pub(crate) fn batches(&self) -> impl Iterator<Item = &RecordBatch> {
        self.0.iter().map(|kept| &kept.batch)
    }

    /// The batch of a place, for one who reads them one after the other.
    pub(crate) fn batch(&self, place: usize) -> Option<&RecordBatch> {
        self.0.get(place).map(|kept| &kept.batch)
    }

    /// These and then others, of one schema. Small batches at the end become one, so that a table that is filled row by
    /// row is not read row by row.
    ///
    /// # Errors
    /// As [`Budget::room`].
    pub(crate) fn followed_by(&self, others: &Self, budget: &Arc<Budget>) -> Result<Self, QueryError> {
        let mut all: Vec<Arc<Kept>> = self.0.iter().chain(&others.0).cloned().collect();
        while let [.., before, last] = all.as_slice() {
            let (many, few) = (before.batch.num_rows(), last.batch.num_rows());
            if many > 2 * few || many + few > BATCH_ROWS {
                break;
            }
            let batch = concat_batches(before.batch.schema_ref(), [&before.batch, &last.batch]).map_err(failed)?;
            let kept = keep(batch, budget)?;
            all.truncate(all.len() - 2);
            all.push(kept);
        }
        Ok(Self(all))
    }

    /// The rows but those at some places, which are sorted.
    ///
    /// # Errors
    /// As [`Budget::room`].
    pub(crate) fn without(&self, places: &[u64], schema: &SchemaRef, budget: &Arc<Budget>) -> Result<Self, QueryError> {
        let (mut gathering, mut first, mut left) = (Gathering::new(schema.clone(), budget.clone()), 0_u64, places);
        let mut untouched = Vec::new();
        for kept in &self.0 {
            let rows = kept.batch.num_rows();
            let end = first + rows as u64;
            let here = left.partition_point(|place| *place < end);
            let (gone, later) = left.split_at(here);
            left = later;
            if gone.is_empty() && gathering.is_empty() {
                // What comes before the first change stays as it is.
                untouched.push(kept.clone());
            } else {
                let mut gone = gone.iter().map(|place| place - first).peekable();
                let stays = (0..rows as u64).map(|row| gone.next_if_eq(&row).is_none());
                let stays = BooleanArray::from(stays.collect::<Vec<_>>());
                gathering.push(&arrow::compute::filter_record_batch(&kept.batch, &stays).map_err(failed)?)?;
            }
            first = end;
        }
        untouched.extend(gathering.finish()?.0);
        Ok(Self(untouched))
    }
}

fn keep(batch: RecordBatch, budget: &Arc<Budget>) -> Result<Arc<Kept>, QueryError> {
    let room = budget.room(batch.get_array_memory_size())?;
    Ok(Arc::new(Kept { batch, _room: room }))
}

/// The same texts without the buffers of others that they are a part of.
fn own(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => column.clone(),
    }
}

/// Values as those of another type of the same kind; one that does not fit is an error.
fn fitted(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, QueryError> {
    if column.data_type() == wanted {
        return Ok(column.clone());
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |column: &ArrayRef, to: &DataType| {
        cast_with_options(column, to, &options).map_err(|error| {
            QueryError::new(
                ErrorKind::OutOfRange,
                format!("a value does not fit its column of a temporary table: {error}"),
            )
        })
    };
    let fitted = cast(column, wanted)?;
    let is_decimal = |data_type: &DataType| matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..));
    if is_decimal(wanted)
        && is_decimal(column.data_type())
        && cast(&fitted, column.data_type())?.as_ref() != column.as_ref()
    {
        let message = "a number has more digits than the numeric column of a temporary table keeps";
        return Err(QueryError::new(ErrorKind::OutOfRange, message)
            .with_hint("Declare the column as numeric in CREATE TEMP TABLE."));
    }
    Ok(fitted)
}

/// A fault of an Arrow kernel over rows that were checked before.
pub(crate) fn failed(error: ArrowError) -> QueryError {
    QueryError::new(ErrorKind::Internal, format!("rows of a temporary table: {error}"))
}

/// Gathers the rows of a statement: copied, so that they hold nothing else in memory, and counted as they come.
pub(crate) struct Gathering {
    schema: SchemaRef,
    budget: Arc<Budget>,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    done: Vec<Arc<Kept>>,
}

impl Gathering {
    /// None yet, of columns of these types.
    pub(crate) fn new(schema: SchemaRef, budget: Arc<Budget>) -> Self {
        Self { schema, budget, waiting: Vec::new(), waiting_rows: 0, waiting_bytes: 0, done: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.done.is_empty() && self.waiting.is_empty()
    }

    /// Takes the rows of a batch, whose columns are of these types but for how their texts lie in memory.
    ///
    /// # Errors
    /// As [`Budget::room`].
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let fit = |(column, field): (&ArrayRef, &Arc<arrow::datatypes::Field>)| fitted(column, field.data_type());
        let columns = batch.columns().iter().zip(self.schema.fields()).map(fit).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let fitted = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(failed)?;
        if fitted.num_rows() == 0 {
            return Ok(());
        }
        self.waiting_rows += fitted.num_rows();
        self.waiting_bytes = self.waiting_bytes.saturating_add(fitted.get_array_memory_size());
        self.waiting.push(fitted);
        let many = self.waiting_rows >= BATCH_ROWS || self.waiting_bytes >= WAITING_BYTES_MAX;
        if many { self.take() } else { Ok(()) }
    }

    /// Makes one batch of those that wait, which has memory of its own and no more than it needs.
    fn take(&mut self) -> Result<(), QueryError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        let waiting = std::mem::take(&mut self.waiting);
        let whole = match waiting.as_slice() {
            [only] => {
                let all = UInt64Array::from_iter_values(0..only.num_rows() as u64);
                take_record_batch(only, &all).map_err(failed)?
            }
            several => concat_batches(&self.schema, several).map_err(failed)?,
        };
        let options = RecordBatchOptions::new().with_row_count(Some(whole.num_rows()));
        let columns = whole.columns().iter().map(own).collect();
        let whole = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(failed)?;
        self.done.push(keep(whole, &self.budget)?);
        Ok(())
    }

    /// All of them.
    ///
    /// # Errors
    /// As [`Budget::room`].
    pub(crate) fn finish(mut self) -> Result<Rows, QueryError> {
        self.take()?;
        Ok(Rows(self.done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]))
    }

    fn rows(values: std::ops::Range<i64>, budget: &Arc<Budget>) -> Rows {
        let mut gathering = Gathering::new(schema(), budget.clone());
        let column = Arc::new(Int64Array::from_iter_values(values));
        gathering.push(&RecordBatch::try_new(schema(), vec![column]).unwrap()).unwrap();
        gathering.finish().unwrap()
    }

    fn values(rows: &Rows) -> Vec<i64> {
        rows.batches().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    #[test]
    fn rows_that_come_one_by_one_lie_in_few_batches() {
        let budget = Arc::new(Budget::new(1 << 30));
        let mut all = Rows::default();
        for value in 0..1_000 {
            all = all.followed_by(&rows(value..value + 1, &budget), &budget).unwrap();
        }
        assert_eq!(values(&all), (0..1_000).collect::<Vec<_>>());
        assert!(all.batches().count() < 12, "{}", all.batches().count());
    }

    #[test]
    fn some_rows_go_and_the_others_stay_in_order() {
        let budget = Arc::new(Budget::new(1 << 30));
        let mut all = Rows::default();
        for first in [0, 100, 110] {
            let many = if first == 100 { 10 } else { 100 };
            let more = rows(first..first + many, &budget);
            all = Rows(all.0.into_iter().chain(more.0).collect());
        }
        let gone = [5, 99, 100, 209];
        let left = all.without(&gone, &schema(), &budget).unwrap();
        assert_eq!(values(&left), (0..210).filter(|value| !gone.contains(&(*value as u64))).collect::<Vec<_>>());
        assert_eq!(values(&all.without(&[], &schema(), &budget).unwrap()), (0..210).collect::<Vec<_>>());
        assert_eq!(all.without(&(0..210).collect::<Vec<_>>(), &schema(), &budget).unwrap().count(), 0);
    }

    #[test]
    fn a_budget_is_kept_and_given_back() {
        let budget = Arc::new(Budget::new(100_000));
        let first = rows(0..10_000, &budget);
        let used = budget.used.load(Ordering::Relaxed);
        assert!((80_000..90_000).contains(&used), "{used}");
        assert_eq!(budget.room(50_000).unwrap_err().kind, ErrorKind::LimitExceeded);
        let reader = first.clone();
        drop(first);
        assert_eq!(budget.used.load(Ordering::Relaxed), used);
        drop(reader);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }
}
