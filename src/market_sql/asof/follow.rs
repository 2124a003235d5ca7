//! An as-of join whose left side never ends: each left row is answered as it comes, with what the right side has sent.
//!
//! The right side is either a table, which is read once before the first left row, or a stream too. Of a stream those rows are
//! held that a left row may still be matched with: for each key the last before the present moment, and those behind it.

use super::merge::{Direction, Rule};
use super::piece::{Exprs, Form, Piece};
use super::right_rows::{Followed, LetGo, RightRows};
use crate::error::{ErrorKind, QueryError};
use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::PhysicalExpr;
use futures::StreamExt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The column of a live table that counts the events which its reader lost just before the row.
const MISSED: &str = "missed";
/// How long the left side has to have been waited for before what was newest then is taken for passed.
const SETTLED: Duration = Duration::from_secs(1);

/// The right side of a join.
pub(super) struct Right {
    pub(super) stream: SendableRecordBatchStream,
    pub(super) exprs: Exprs,
    pub(super) ties: Vec<Arc<dyn PhysicalExpr>>,
    /// Whether it never ends either.
    pub(super) live: bool,
}

/// The join of one execution.
pub(super) struct Follow {
    form: Form,
    rule: Rule,
    left: (SendableRecordBatchStream, Exprs),
    right: Right,
    schema: SchemaRef,
    rows: RightRows,
    /// Whether the right side has ended, and all of its rows are held.
    complete: bool,
    /// When the left side was first waited for without anything new, and what was newest on the right side then.
    waited: Option<(Instant, Option<Box<[u8]>>)>,
    /// Whether both sides are matched by plain columns, so that what comes later is not before what was there.
    plain: bool,
    memory: MemoryReservation,
}

impl Follow {
    /// The join of a stream with a right side; `schema` is that of the left rows with the right rows beside them.
    ///
    /// # Errors
    /// Columns or ties that have no form as bytes.
    pub(super) fn try_new(
        form: Form,
        rule: Rule,
        left: (SendableRecordBatchStream, Exprs),
        right: Right,
        schema: SchemaRef,
        memory: MemoryReservation,
    ) -> Result<Self> {
        let of_right = right.stream.schema();
        let missed = of_right.index_of(MISSED).ok();
        let counted = |place: &usize| right.live && of_right.field(*place).data_type() == &DataType::Int64;
        let ties = right.ties.iter().map(|tie| tie.data_type(&of_right)).collect::<Result<Vec<_>>>()?;
        let types: Vec<DataType> = of_right.fields().iter().map(|field| field.data_type().clone()).collect();
        let rows = RightRows::try_new(&types, &ties, missed.filter(counted))?;
        let is_column = |expr: &Arc<dyn PhysicalExpr>| expr.is::<datafusion::physical_expr::expressions::Column>();
        let plain = left.1.values.iter().chain(&right.exprs.values).all(is_column);
        let form = form.in_any_order();
        Ok(Self { form, rule, left, right, schema, rows, complete: false, waited: None, plain, memory })
    }

    /// The next rows of the result; `None` when the left side ends.
    ///
    /// # Errors
    /// Those of the inputs and their expressions, a memory limit without room for what is held, and left rows that go back
    /// behind what is held.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while !self.right.live && !self.complete {
            let batch = self.right.stream.next().await.transpose()?;
            self.take(batch)?;
        }
        loop {
            // Streams that are asked often pretend to have nothing, so that others have their turn; a right side that does
            // would leave left rows without what is there.
            let ready = tokio::task::unconstrained(poll_fn(|context| self.poll(context))).await;
            let Some(batch) = ready.transpose()? else { return Ok(None) };
            if batch.num_rows() > 0 {
                let rows = self.joined(batch)?;
                self.account()?;
                if rows.num_rows() > 0 {
                    return Ok(Some(rows));
                }
            }
        }
    }

    /// A batch of the left side, when everything has been taken that the right side sent before it.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        if let Err(error) = self.drain(context) {
            return Poll::Ready(Some(Err(error)));
        }
        match self.left.0.poll_next_unpin(context) {
            Poll::Ready(batch) => match self.drain(context) {
                Ok(()) => Poll::Ready(batch),
                Err(error) => Poll::Ready(Some(Err(error))),
            },
            Poll::Pending => {
                self.settle();
                Poll::Pending
            }
        }
    }

    /// Takes what the right side has sent.
    fn drain(&mut self, context: &mut Context<'_>) -> Result<()> {
        while !self.complete {
            match self.right.stream.poll_next_unpin(context) {
                Poll::Ready(batch) => self.take(batch.transpose()?)?,
                Poll::Pending => break,
            }
        }
        self.account()
    }

    /// Takes a batch of the right side, or its end.
    fn take(&mut self, batch: Option<RecordBatch>) -> Result<()> {
        let Some(batch) = batch else {
            self.complete = true;
            self.rows.sort();
            return self.account();
        };
        if batch.num_rows() > 0 {
            let piece = self.form.piece(batch, &self.right.exprs)?;
            match self.right.live {
                true => self.rows.follow(&piece)?,
                false => self.rows.add(&piece, &columns(&self.right.ties, &piece.batch)?)?,
            }
        }
        self.account()
    }

    fn account(&mut self) -> Result<()> {
        self.memory.try_resize(self.rows.size())
    }

    /// Nothing is left to answer: left rows to come are not before what the right side had sent a while ago.
    fn settle(&mut self) {
        if !self.right.live || !self.plain {
            return;
        }
        match &mut self.waited {
            Some((since, _)) if since.elapsed() < SETTLED => {}
            waited => {
                if let Some((_, Some(newest))) = waited.replace((Instant::now(), self.rows.newest())) {
                    self.rows.pass(&newest);
                }
            }
        }
    }

    /// The rows of a left batch with their matches beside them.
    fn joined(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let left = self.form.piece(batch, &self.left.1)?;
        let mut matches = Vec::with_capacity(left.rows());
        for row in 0..left.rows() {
            matches.push(self.matched(&left, row)?);
        }
        let right = self.rows.columns(&matches)?;
        let found: BooleanArray = matches.iter().map(|found| Some(found.is_some())).collect();
        if self.right.live {
            let values = (0..left.rows()).filter(|row| !left.values.is_null(*row)).map(|row| left.values.bytes(row));
            values.max().iter().for_each(|last| self.rows.pass(last));
        }
        let columns: Vec<ArrayRef> = left.batch.columns().iter().cloned().chain(right).collect();
        // The schema of an inner join may say that there are no NULLs, and here there are still some.
        let nullable = self.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        let all = RecordBatch::try_new(Arc::new(Schema::new(nullable.collect::<Vec<_>>())), columns)?;
        let kept = if self.rule.keeps_left { all } else { filter_record_batch(&all, &found)? };
        Ok(RecordBatch::try_new(self.schema.clone(), kept.columns().to_vec())?)
    }

    /// What a left row is matched with.
    fn matched(&mut self, left: &Piece, row: usize) -> Result<Option<Followed>> {
        if left.has_no_key(row) || left.values.is_null(row) {
            return Ok(None);
        }
        let value = left.values.bytes(row);
        let bound = match &left.bounds {
            Some(bounds) if bounds.is_null(row) => return Ok(None),
            bounds => bounds.as_ref().map(|bounds| bounds.bytes(row)),
        };
        let within = |found: &[u8]| match (bound.as_deref(), self.rule.direction) {
            (None, _) => true,
            (Some(bound), _) if bound == found => !self.rule.bound_strict,
            (Some(bound), Direction::Backward) => bound < found,
            (Some(bound), Direction::Forward) => bound > found,
        };
        let (key, strict) = (left.key(row), self.rule.strict);
        match self.rule.direction {
            Direction::Backward => self.rows.last_before(key, &value, strict, within).map_err(|LetGo| goes_back()),
            Direction::Forward => Ok(self.rows.first_after(key, &value, strict, within)),
        }
    }
}

/// The columns of expressions over a batch.
fn columns(exprs: &[Arc<dyn PhysicalExpr>], batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    exprs.iter().map(|expr| expr.evaluate(batch)?.into_array(batch.num_rows())).collect()
}

/// 0A000: a left row before what is held of the right side.
fn goes_back() -> DataFusionError {
    let message = "the left side of an as-of join of live streams goes back in time";
    let error = QueryError::new(ErrorKind::NotSupported, message);
    DataFusionError::External(Box::new(error.with_hint("Match by received_at, which never goes back.")))
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
