//! Sorted rows, one group of equal keys after the other.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{concat, concat_batches, partition};
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use futures::StreamExt;
use std::collections::VecDeque;

/// The groups of a stream of rows.
pub(super) struct Groups {
    rows: SendableRecordBatchStream,
    /// The columns by which rows are of one group.
    keys: Vec<usize>,
    /// Rows of the group that may go on.
    open: Vec<RecordBatch>,
    /// Groups that are whole, of the batch that was read last; the last of them may go on.
    read: VecDeque<RecordBatch>,
    /// What the rows of the group that is given and of the one that may go on take.
    memory: MemoryReservation,
}

impl Groups {
    /// Those of a stream, by the places of the keys.
    pub(super) fn of(rows: SendableRecordBatchStream, keys: Vec<usize>, memory: MemoryReservation) -> Self {
        Self { rows, keys, open: Vec::new(), read: VecDeque::new(), memory }
    }

    /// The rows of the next group.
    ///
    /// # Errors
    /// What the stream fails with, and a group that does not fit into memory.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.memory.try_resize(self.open.iter().map(bytes).sum())?;
        loop {
            while let Some(rows) = self.read.pop_front() {
                if !self.goes_on(&rows)? {
                    let group = self.closed()?;
                    self.memory.try_grow(bytes(&rows))?;
                    self.open.push(rows);
                    return Ok(group);
                }
                self.memory.try_grow(bytes(&rows))?;
                self.open.push(rows);
            }
            match self.rows.next().await.transpose()? {
                Some(batch) => self.split(&batch)?,
                None if self.open.is_empty() => return Ok(None),
                None => return self.closed(),
            }
        }
    }

    /// Whether rows are of the group that may go on.
    fn goes_on(&self, rows: &RecordBatch) -> Result<bool> {
        let Some(last) = self.open.last() else { return Ok(true) };
        let both = |place: &usize| {
            let (before, after) = (last.column(*place), rows.column(*place));
            concat(&[before.slice(before.len() - 1, 1).as_ref(), after.slice(0, 1).as_ref()])
        };
        let columns = self.keys.iter().map(both).collect::<std::result::Result<Vec<ArrayRef>, _>>()?;
        Ok(columns.is_empty() || partition(&columns)?.len() == 1)
    }

    /// The group that does not go on, in one batch.
    fn closed(&mut self) -> Result<Option<RecordBatch>> {
        let batches = std::mem::take(&mut self.open);
        let Some(first) = batches.first() else { return Ok(None) };
        Ok(Some(concat_batches(&first.schema(), &batches)?))
    }

    fn split(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.keys.is_empty() {
            self.read.push_back(batch.clone());
            return Ok(());
        }
        let columns: Vec<ArrayRef> = self.keys.iter().map(|place| batch.column(*place).clone()).collect();
        let ranges = partition(&columns)?.ranges();
        self.read.extend(ranges.into_iter().map(|range| batch.slice(range.start, range.len())));
        Ok(())
    }
}

/// What rows take, of what they may share with others.
fn bytes(rows: &RecordBatch) -> usize {
    rows.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or_default()).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool};
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures::stream;
    use std::sync::Arc;

    /// Rows of a key and a number, in batches of so many rows.
    fn groups(rows: &[(&str, i64)], size: usize, limit: usize) -> Groups {
        let fields = vec![Field::new("k", DataType::Utf8, false), Field::new("n", DataType::Int64, false)];
        let schema = Arc::new(Schema::new(fields));
        let batch = |rows: &[(&str, i64)]| {
            let keys = StringArray::from_iter_values(rows.iter().map(|(key, _)| *key));
            let numbers = Int64Array::from_iter_values(rows.iter().map(|(_, number)| *number));
            Ok(RecordBatch::try_new(schema.clone(), vec![Arc::new(keys), Arc::new(numbers)])?)
        };
        let batches: Vec<Result<RecordBatch>> = rows.chunks(size).map(batch).collect();
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(limit));
        let rows = Box::pin(RecordBatchStreamAdapter::new(schema.clone(), stream::iter(batches)));
        Groups::of(rows, vec![0], MemoryConsumer::new("test").register(&pool))
    }

    #[tokio::test]
    async fn groups_are_whole_however_rows_are_split() {
        let rows = [("a", 1), ("a", 2), ("b", 3), ("c", 4), ("c", 5), ("c", 6), ("c", 7), ("d", 8)];
        for size in 1..=rows.len() {
            let mut groups = groups(&rows, size, 1 << 20);
            let mut found = Vec::new();
            while let Some(group) = groups.next().await.unwrap() {
                found.push(group.column(1).as_primitive::<Int64Type>().values().to_vec());
            }
            assert_eq!(found, [vec![1, 2], vec![3], vec![4, 5, 6, 7], vec![8]], "batches of {size}");
        }
    }

    #[tokio::test]
    async fn a_group_that_does_not_fit_into_memory_is_an_error() {
        let rows: Vec<(&str, i64)> = (0..1_000).map(|number| ("a", number)).collect();
        assert!(groups(&rows, 10, 4_096).next().await.is_err());
    }
}
