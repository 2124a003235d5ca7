//! Rows that a session keeps for one who goes back in them: those of a cursor with SCROLL, within the memory that it has
//! for temporary tables.

use super::Session;
use crate::error::QueryError;
use crate::temporary::rows::{Budget, Gathering, Rows, failed};
use arrow::array::UInt64Array;
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use std::ops::Range;
use std::sync::Arc;

/// Rows in the order in which they came.
pub struct KeptRows {
    budget: Arc<Budget>,
    rows: Rows,
}

impl Session {
    /// Room for rows that are kept; none yet.
    pub fn kept_rows(&self) -> KeptRows {
        KeptRows { budget: self.budget.clone(), rows: Rows::default() }
    }
}

impl KeptRows {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.rows.count() as u64
    }

    /// Keeps some more, copied.
    ///
    /// # Errors
    /// 53400 and 53200 when there are too many.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let mut gathering = Gathering::new(batch.schema(), self.budget.clone());
        gathering.push(batch)?;
        self.rows = self.rows.followed_by(&gathering.finish()?, &self.budget)?;
        Ok(())
    }

    /// The rows of some places, in order or the other way round.
    ///
    /// # Errors
    /// A fault of the copying.
    pub fn some(&self, places: Range<u64>, backward: bool) -> Result<Vec<RecordBatch>, QueryError> {
        let (mut found, mut first) = (Vec::new(), 0_u64);
        for batch in self.rows.batches() {
            let end = first + batch.num_rows() as u64;
            let (from, to) = (places.start.max(first), places.end.min(end));
            if from < to {
                let (offset, many) = ((from - first) as usize, (to - from) as usize);
                let part = batch.slice(offset, many);
                found.push(match backward {
                    false => part,
                    true => {
                        let order = UInt64Array::from_iter_values((0..many as u64).rev());
                        take_record_batch(&part, &order).map_err(failed)?
                    }
                });
            }
            first = end;
        }
        if backward {
            found.reverse();
        }
        Ok(found)
    }
}
