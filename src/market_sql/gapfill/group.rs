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
