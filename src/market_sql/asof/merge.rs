//! The merge of two sorted inputs: for each row of the left one, the row of the right one that it matches.
//!
//! Both inputs come in the order of their keys and match values, so that one pass over each is enough. Of the right input
//! only the batches are held that rows of the left batch have matched.

use super::piece::{Exprs, Form, Piece};
use arrow::array::{ArrayRef, BooleanArray, UInt32Array, new_null_array};
use arrow::compute::{filter_record_batch, interleave, take};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use futures::StreamExt;
use std::cmp::Ordering;
use std::sync::Arc;

/// Batches of the right side that one batch of the result takes rows from.
const HELD_MAX: usize = 32;

/// Which row of the right side a row of the left side is matched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Direction {
    /// The last row whose value is not above that of the left side, or lies below it.
    Backward,
    /// The first row whose value is not below that of the left side, or lies above it.
    Forward,
}

/// How rows are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Rule {
    pub(super) direction: Direction,
    /// Whether an equal value does not match.
    pub(super) strict: bool,
    /// Whether a value that reaches the bound does not match.
    pub(super) bound_strict: bool,
    /// Whether left rows without a match stay, with NULLs.
    pub(super) keeps_left: bool,
}

/// A sorted input and where the merge stands in it.
struct Input {
    stream: SendableRecordBatchStream,
    exprs: Exprs,
    piece: Option<Arc<Piece>>,
    /// The row of the piece that comes next.
    row: usize,
}

/// The row of the right side that the last left row of a group matched.
struct Candidate {
    piece: Arc<Piece>,
    row: usize,
}

/// The right rows of the present key that are not passed yet.
#[derive(Clone, Copy)]
enum Run {
    /// Nobody has looked yet whether there are any in the right piece.
    Unknown,
    /// They go on to this row of the right piece.
    To(usize),
    /// All of them are passed.
    Over,
}

/// The merge of one execution.
pub(super) struct Merge {
    form: Form,
    rule: Rule,
    left: Input,
    right: Input,
    schema: SchemaRef,
    /// The key whose rows are matched now; `None` before the first.
    key: Option<Box<[u8]>>,
    run: Run,
    candidate: Option<Candidate>,
    /// Batches that matches point into.
    held: Vec<Arc<Piece>>,
    /// For each left row since the last result, its match: a place in `held` and a row there.
    matches: Vec<Option<(usize, usize)>>,
    memory: MemoryReservation,
}

impl Input {
    fn new(stream: SendableRecordBatchStream, exprs: Exprs) -> Self {
        Self { stream, exprs, piece: None, row: 0 }
    }

    /// The piece in which rows are left, which is the next one when the last has none; `None` at the end.
    async fn piece(&mut self, form: &Form) -> Result<Option<&Arc<Piece>>> {
        while self.piece.as_ref().is_none_or(|piece| self.row >= piece.rows()) {
            self.row = 0;
            self.piece = match self.stream.next().await.transpose()? {
                Some(batch) if batch.num_rows() == 0 => None,
                Some(batch) => Some(Arc::new(form.piece(batch, &self.exprs)?)),
                None => {
                    self.piece = None;
                    return Ok(None);
                }
            };
        }
        Ok(self.piece.as_ref())
    }
}

impl Merge {
    /// The merge of two inputs, which are in the order of their keys and values; `schema` is that of the left rows with
    /// the right rows beside them.
    pub(super) fn new(
        form: Form,
        rule: Rule,
        left: (SendableRecordBatchStream, Exprs),
        right: (SendableRecordBatchStream, Exprs),
        schema: SchemaRef,
        memory: MemoryReservation,
    ) -> Self {
        let (left, right) = (Input::new(left.0, left.1), Input::new(right.0, right.1));
        let (held, matches) = (Vec::new(), Vec::new());
        Self { form, rule, left, right, schema, key: None, run: Run::Unknown, candidate: None, held, matches, memory }
    }

    /// The next rows of the result; `None` at its end.
    ///
    /// # Errors
    /// Those of the inputs and their expressions, and a memory limit without room for what is held.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(left) = self.left.piece(&self.form).await?.cloned() else { return Ok(None) };
            let from = self.left.row;
            self.hold_none();
            while self.left.row < left.rows() && self.held.len() <= HELD_MAX {
                self.group(&left).await?;
            }
            self.memory.try_resize(self.held.iter().map(|piece| piece.batch.get_array_memory_size()).sum())?;
            let rows = self.result(&left.batch.slice(from, self.left.row - from))?;
            if rows.num_rows() > 0 {
                return Ok(Some(rows));
            }
        }
    }

    /// Matches the rows of the left piece that have the key of the next one, or as many as may point into the batches
    /// that are held.
    async fn group(&mut self, left: &Arc<Piece>) -> Result<()> {
        let (first, end) = (self.left.row, left.run_end(self.left.row));
        if left.has_no_key(first) {
            self.matches.resize(self.matches.len() + end - first, None);
            self.left.row = end;
            return Ok(());
        }
        let key = left.key(first);
        if self.key.as_deref() != Some(key) {
            self.key = Some(key.into());
            self.candidate = None;
            self.seek(key).await?;
        }
        for row in first..end {
            if self.held.len() > HELD_MAX {
                break;
            }
            if !left.values.is_null(row) {
                match self.rule.direction {
                    Direction::Backward => self.look_back(left, row).await?,
                    Direction::Forward => self.look_ahead(left, row).await?,
                }
            }
            let found = self.matched(left, row);
            self.matches.push(found);
            self.left.row = row + 1;
        }
        Ok(())
    }

    /// Passes over right rows of lower keys.
    async fn seek(&mut self, key: &[u8]) -> Result<()> {
        while let Some(piece) = self.right.piece(&self.form).await?.cloned() {
            self.right.row = piece.first_from_key(self.right.row, key);
            if self.right.row < piece.rows() {
                break;
            }
        }
        self.run = Run::Unknown;
        Ok(())
    }

    /// Where the right rows of the present key end in the right piece, which is the next one when the last is passed;
    /// `None` when all are passed.
    async fn run(&mut self) -> Result<Option<usize>> {
        loop {
            match self.run {
                Run::Over => return Ok(None),
                Run::To(end) if self.right.row < end => return Ok(Some(end)),
                Run::To(end) => {
                    let ends_piece = self.right.piece.as_ref().is_none_or(|piece| end == piece.rows());
                    self.run = if ends_piece { Run::Unknown } else { Run::Over };
                }
                Run::Unknown => {
                    let piece = self.right.piece(&self.form).await?.cloned();
                    let row = self.right.row;
                    let same = piece.filter(|piece| Some(piece.key(row)) == self.key.as_deref());
                    self.run = same.map_or(Run::Over, |piece| Run::To(piece.run_end(row)));
                }
            }
        }
    }

    /// Makes the last right row that is not beyond a left row the candidate.
    async fn look_back(&mut self, left: &Piece, row: usize) -> Result<()> {
        while let Some(end) = self.run().await?
            && let Some(piece) = &self.right.piece
        {
            let beyond = piece.first_beyond(self.right.row..end, left, row, self.rule.strict);
            if beyond > self.right.row && !piece.values.is_null(beyond - 1) {
                choose(&mut self.candidate, piece, beyond - 1);
            }
            self.right.row = beyond;
            if beyond < end {
                break;
            }
        }
        Ok(())
    }

    /// Makes the first right row that is not before a left row the candidate; of rows of equal values the last.
    async fn look_ahead(&mut self, left: &Piece, row: usize) -> Result<()> {
        let least = if self.rule.strict { Ordering::Less } else { Ordering::Equal };
        let compare = |found: &Candidate| left.values.compare(row, &found.piece.values, found.row);
        if self.candidate.as_ref().is_some_and(|found| compare(found) <= least) {
            return Ok(());
        }
        self.candidate = None;
        while let Some(end) = self.run().await?
            && let Some(piece) = &self.right.piece
        {
            if self.candidate.is_none() {
                let first = piece.first_beyond(self.right.row..end, left, row, !self.rule.strict);
                self.right.row = first;
                if first == end {
                    continue;
                }
                choose(&mut self.candidate, piece, first);
            }
            let Some(found) = &self.candidate else { break };
            // Rows of equal values may go on in the next piece.
            let above = piece.first_beyond(self.right.row..end, &found.piece, found.row, false);
            if above > self.right.row {
                choose(&mut self.candidate, piece, above - 1);
            }
            self.right.row = above;
            if above < end {
                break;
            }
        }
        Ok(())
    }

    /// Where the match of a left row is, if it has one.
    fn matched(&mut self, left: &Piece, row: usize) -> Option<(usize, usize)> {
        let candidate = self.candidate.as_ref().filter(|_| !left.values.is_null(row))?;
        if let Some(bounds) = &left.bounds {
            let way = bounds.compare(row, &candidate.piece.values, candidate.row);
            let within = match (self.rule.direction, way) {
                (_, Ordering::Equal) => !self.rule.bound_strict,
                (Direction::Backward, way) => way == Ordering::Less,
                (Direction::Forward, way) => way == Ordering::Greater,
            };
            if bounds.is_null(row) || !within {
                return None;
            }
        }
        if !self.held.last().is_some_and(|held| Arc::ptr_eq(held, &candidate.piece)) {
            self.held.push(candidate.piece.clone());
        }
        Some((self.held.len() - 1, candidate.row))
    }

    /// Lets go of the batches that the last result was made of.
    fn hold_none(&mut self) {
        self.held.clear();
        self.matches.clear();
    }

    /// The left rows with their matches beside them.
    fn result(&self, left: &RecordBatch) -> Result<RecordBatch> {
        let count = self.schema.fields().len() - left.num_columns();
        let types = self.schema.fields().iter().skip(left.num_columns()).map(|field| field.data_type());
        let right: Vec<ArrayRef> = match self.held.as_slice() {
            [] => types.map(|data_type| new_null_array(data_type, left.num_rows())).collect(),
            [only] => {
                let rows = self.matches.iter().map(|found| found.and_then(|(_, row)| u32::try_from(row).ok()));
                let rows: UInt32Array = rows.collect();
                only.batch.columns().iter().map(|column| take(column, &rows, None)).collect::<Result<_, _>>()?
            }
            held => {
                let rows: Vec<_> =
                    self.matches.iter().map(|found| found.map_or((0, 0), |(place, row)| (place + 1, row))).collect();
                let column = |(place, data_type)| {
                    let none = new_null_array(data_type, 1);
                    let values = held.iter().map(|piece| piece.batch.column(place).as_ref());
                    let values: Vec<_> = std::iter::once(none.as_ref()).chain(values).collect();
                    interleave(&values, &rows)
                };
                (0..count).zip(types).map(column).collect::<Result<_, _>>()?
            }
        };
        let columns = left.columns().iter().cloned().chain(right).collect();
        if self.rule.keeps_left || self.matches.iter().all(Option::is_some) {
            return Ok(RecordBatch::try_new(self.schema.clone(), columns)?);
        }
        // The schema of an inner join may say that there are no NULLs, and here there are still some.
        let nullable: Vec<_> =
            self.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let all = RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(nullable)), columns)?;
        let found: BooleanArray = self.matches.iter().map(|found| Some(found.is_some())).collect();
        let found = filter_record_batch(&all, &found)?;
        Ok(RecordBatch::try_new(self.schema.clone(), found.columns().to_vec())?)
    }
}

/// Makes a row the candidate.
fn choose(candidate: &mut Option<Candidate>, piece: &Arc<Piece>, row: usize) {
    match candidate {
        Some(candidate) if Arc::ptr_eq(&candidate.piece, piece) => candidate.row = row,
        _ => *candidate = Some(Candidate { piece: piece.clone(), row }),
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.direction, self.strict) {
            (Direction::Backward, false) => ">=",
            (Direction::Backward, true) => ">",
            (Direction::Forward, false) => "<=",
            (Direction::Forward, true) => "<",
        })
    }
}
