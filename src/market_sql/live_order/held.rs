//! Events that are held back until those before them have come.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::interleave;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Where a row is: its time in microseconds, how many came before it, its batch, and its row there.
type Place = (i64, u64, u64, usize);

/// The rows that are held.
#[derive(Debug, Default)]
pub(super) struct Held {
    places: BinaryHeap<Reverse<Place>>,
    /// Batches by their number, each with how many of its rows are held.
    batches: BTreeMap<u64, (RecordBatch, usize)>,
    batches_come: u64,
    rows_come: u64,
    /// The latest time that has come.
    newest: i64,
    /// Rows before this have been given out.
    given: i64,
}

impl Held {
    /// Nothing is held yet.
    pub(super) fn new() -> Self {
        Self { newest: i64::MIN, given: i64::MIN, ..Self::default() }
    }

    /// Takes the rows of a batch, and tells how many of them come too late, or have no time: these are let go.
    ///
    /// # Errors
    /// A column of another type.
    pub(super) fn take(&mut self, batch: RecordBatch, time: usize) -> Result<usize> {
        let times = batch.column(time).as_primitive_opt::<TimestampMicrosecondType>();
        let times = times.ok_or_else(|| exec_datafusion_err!("events are put in order by a moment"))?.clone();
        let mut held = 0;
        for row in (0..times.len()).filter(|row| times.is_valid(*row) && times.value(*row) >= self.given) {
            self.newest = self.newest.max(times.value(row));
            self.places.push(Reverse((times.value(row), self.rows_come, self.batches_come, row)));
            self.rows_come += 1;
            held += 1;
        }
        if held > 0 {
            self.batches.insert(self.batches_come, (batch, held));
            self.batches_come += 1;
        }
        Ok(times.len() - held)
    }

    /// The rows that are older than the newest by a lateness in microseconds, in order of time, those of equal times as they
    /// came; `None` where there is none yet. Rows that come later and are older still come too late.
    ///
    /// # Errors
    /// Arrow's, of columns that do not fit.
    pub(super) fn give(&mut self, lateness: i64, rows_max: usize) -> Result<Option<RecordBatch>> {
        let until = self.newest.saturating_sub(lateness);
        self.given = self.given.max(until);
        self.give_until(until, rows_max)
    }

    /// All that is held, as [`Self::give`] does.
    ///
    /// # Errors
    /// As there.
    pub(super) fn give_all(&mut self, rows_max: usize) -> Result<Option<RecordBatch>> {
        self.give_until(i64::MAX, rows_max)
    }

    fn give_until(&mut self, until: i64, rows_max: usize) -> Result<Option<RecordBatch>> {
        let mut rows: Vec<(u64, usize)> = Vec::new();
        while rows.len() < rows_max
            && let Some(Reverse((time, _, batch, row))) = self.places.peek().copied()
            && time <= until
        {
            self.places.pop();
            rows.push((batch, row));
        }
        let Some((first, _)) = rows.first() else { return Ok(None) };
        let Some((batch, _)) = self.batches.get(first) else { return Ok(None) };
        let schema = batch.schema();
        let numbers: Vec<u64> = self.batches.keys().copied().collect();
        let at = |(batch, row): &(u64, usize)| (numbers.binary_search(batch).unwrap_or_default(), *row);
        let picks: Vec<(usize, usize)> = rows.iter().map(at).collect();
        let column = |place: usize| {
            let arrays: Vec<&dyn Array> =
                self.batches.values().map(|(batch, _)| batch.column(place).as_ref()).collect();
            interleave(&arrays, &picks)
        };
        let columns = (0..schema.fields().len()).map(column).collect::<Result<Vec<ArrayRef>, _>>()?;
        for (number, _) in rows {
            if let Some((_, held)) = self.batches.get_mut(&number) {
                *held -= 1;
                if *held == 0 {
                    self.batches.remove(&number);
                }
            }
        }
        Ok(Some(RecordBatch::try_new(schema, columns)?))
    }

    /// Bytes that the batches and the places take.
    pub(super) fn size(&self) -> usize {
        let batches: usize = self.batches.values().map(|(batch, _)| batch.get_array_memory_size()).sum();
        batches + self.places.len() * size_of::<Place>()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, TimestampMicrosecondArray};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit};
    use std::sync::Arc;

    fn batch(rows: &[(Option<i64>, i64)]) -> RecordBatch {
        let fields = [("t", DataType::Timestamp(TimeUnit::Microsecond, None)), ("n", DataType::Int64)];
        let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true)).to_vec();
        let times: TimestampMicrosecondArray = rows.iter().map(|row| row.0).collect();
        let numbers: Int64Array = rows.iter().map(|row| Some(row.1)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![Arc::new(times), Arc::new(numbers)]).unwrap()
    }

    fn numbers(batch: Option<RecordBatch>) -> Vec<i64> {
        batch.map(|batch| batch.column(1).as_primitive::<Int64Type>().values().to_vec()).unwrap_or_default()
    }

    #[test]
    fn rows_come_out_in_order_once_later_ones_have_come() {
        let mut held = Held::new();
        assert_eq!(held.take(batch(&[(Some(10), 1), (Some(8), 2), (Some(10), 3)]), 0).unwrap(), 0);
        assert_eq!(numbers(held.give(5, 100).unwrap()), [0_i64; 0]);
        assert_eq!(held.take(batch(&[(Some(9), 4), (Some(15), 5)]), 0).unwrap(), 0);
        assert_eq!(numbers(held.give(5, 100).unwrap()), [2, 4, 1, 3]);
        assert_eq!(numbers(held.give_all(100).unwrap()), [5]);
        assert_eq!(numbers(held.give_all(100).unwrap()), [0_i64; 0]);
        assert_eq!(held.size(), 0);
    }

    #[test]
    fn what_comes_too_late_is_let_go_and_counted() {
        let mut held = Held::new();
        held.take(batch(&[(Some(20), 1)]), 0).unwrap();
        assert_eq!(numbers(held.give(5, 100).unwrap()), [0_i64; 0]);
        assert_eq!(held.take(batch(&[(Some(14), 2), (Some(15), 3), (None, 4)]), 0).unwrap(), 2);
        assert_eq!(numbers(held.give(5, 100).unwrap()), [3]);
    }

    #[test]
    fn a_batch_has_no_more_rows_than_are_asked_for() {
        let mut held = Held::new();
        held.take(batch(&[(Some(1), 1), (Some(2), 2), (Some(3), 3)]), 0).unwrap();
        assert_eq!(numbers(held.give(0, 2).unwrap()), [1, 2]);
        assert_eq!(numbers(held.give(0, 2).unwrap()), [3]);
    }
}
