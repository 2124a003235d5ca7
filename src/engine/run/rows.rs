//! The rows of a running statement, with its time limit and its cancellation; front ends pull them batch by batch.

use super::cpu::{Cpu, Rows};
use super::queries::{Listed, Progress, QueryState};
use crate::error::{ErrorKind, QueryError};
use crate::work::Work;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::error::DataFusionError;
use std::future::Future;
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A statement's time limit and cancellation, from its arrival to its last row.
pub struct Running {
    /// Its place among the running statements.
    pub(crate) listed: Listed,
    /// Cancelled by the client, another session or the server's end.
    pub(crate) cancel: CancellationToken,
    /// When `statement_timeout` ends it; `None` is never.
    pub(crate) deadline: Option<Instant>,
    /// The text of the statement, for the log.
    pub(crate) sql: String,
    pub(crate) cpu: Arc<Cpu>,
}

impl Running {
    /// Runs a step of the statement, unless it is cancelled or out of time first.
    pub async fn guard<T, E: Into<QueryError>>(
        &self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, QueryError> {
        tokio::select! {
            biased;
            error = self.stopped() => Err(error),
            result = step => result.map_err(|error| self.reason(error.into())),
        }
    }

    /// What a failure is told as. Work that is out of time ends by itself, up to a tick before the timer says so, with an
    /// error that means nothing.
    fn reason(&self, error: QueryError) -> QueryError {
        match error.kind {
            ErrorKind::Internal => self.ended()().unwrap_or(error),
            _ => error,
        }
    }

    /// Does a step that keeps its thread, which ends early when the statement is cancelled or out of time.
    pub(crate) fn step<T>(&self, step: impl FnOnce() -> Result<T, QueryError>) -> Result<T, QueryError> {
        let ended = self.ended();
        let work = Work::new(self.listed.progress.meter().clone(), move || ended().is_some());
        let done = work.step(step);
        // A step that found it over has done nothing that is of use.
        self.ended()().map_or(done, Err)
    }

    /// Tells at any time how the statement was ended, if it was.
    fn ended(&self) -> impl Fn() -> Option<QueryError> + Send + Sync + 'static {
        let (cancel, deadline, progress) = (self.cancel.clone(), self.deadline, self.listed.progress.clone());
        move || match () {
            () if cancel.is_cancelled() => Some(cancelled()),
            () if progress.is_out_of_memory() => Some(out_of_memory()),
            () => deadline.is_some_and(|deadline| deadline <= Instant::now()).then(timed_out),
        }
    }

    /// Waits until it is cancelled or out of time, and says which.
    pub async fn stopped(&self) -> QueryError {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => cancelled(),
            () = self.listed.progress.memory_gone() => out_of_memory(),
            () = until(self.deadline) => timed_out(),
        }
    }
}

/// Waits for the deadline; for ever when there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The error of kind Cancelled (57014), in PostgreSQL's words.
pub(crate) fn cancelled() -> QueryError {
    QueryError::new(ErrorKind::Cancelled, "canceling statement due to user request")
}

/// The error of kind OutOfMemory (53200) for the statement that ends when the memory of the program runs out.
fn out_of_memory() -> QueryError {
    QueryError::new(
        ErrorKind::OutOfMemory,
        "out of memory: the server's limit is reached, and this statement is what it ends",
    )
    .with_hint("Select fewer rows or columns, or group by fewer values.")
}

/// The error of kind Timeout (57014), in PostgreSQL's words.
pub(crate) fn timed_out() -> QueryError {
    QueryError::new(ErrorKind::Timeout, "canceling statement due to statement timeout")
}

/// Rows of a running statement. Dropping it stops the statement and frees what it holds.
pub struct RowStream {
    pub(crate) running: Running,
    pub(crate) rows: Rows<RecordBatch>,
    pub(crate) schema: SchemaRef,
    pub(crate) unbounded: bool,
    /// What the statement did to temporary tables or views, where it did anything; it has no rows then.
    pub(crate) changed: Option<Changed>,
}

/// What a change did, as the client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// What PostgreSQL calls the statement: `INSERT 0`, `CREATE TABLE`.
    pub tag: &'static str,
    /// Rows that it made, changed or deleted; `None` where the client is not told.
    pub rows: Option<u64>,
}

/// Rows of a running statement, each batch with something done to it. Dropping it stops the statement.
pub struct MappedStream<T> {
    running: Running,
    rows: Rows<T>,
}

impl<T> MappedStream<T> {
    /// What was made of the next batch; `None` after the last. Ends with an error when cancelled or out of time.
    pub async fn next(&mut self) -> Option<Result<T, QueryError>> {
        self.running.guard(self.rows.next()).await.transpose()
    }

    /// Counts rows that were handed to the client, as [`RowStream::sent`] does.
    pub fn sent(&self, rows: u64) {
        self.running.listed.progress.sent(rows);
    }

    /// Waits until the statement is cancelled or out of time, as [`RowStream::stopped`] does.
    pub async fn stopped(&self) -> QueryError {
        self.running.stopped().await
    }
}

impl RowStream {
    /// Whether the rows have no end: they come as events happen.
    pub fn is_unbounded(&self) -> bool {
        self.unbounded
    }

    /// What the statement did to temporary tables or views, where it did anything.
    pub fn changed(&self) -> Option<Changed> {
        self.changed
    }

    /// The progress of the statement, which outlives the rows when it is kept.
    pub fn progress(&self) -> Arc<Progress> {
        self.running.listed.progress.clone()
    }

    /// Columns of the rows, as the plan describes them.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Goes on under the time limit and cancellation of a later statement: a cursor's next FETCH.
    pub fn resume(&mut self, running: Running) {
        running.listed.progress.enter(QueryState::Running);
        self.running = running;
    }

    /// Waits for the client to ask for more.
    pub fn suspend(&self) {
        self.running.listed.progress.enter(QueryState::Suspended);
    }

    /// Counts rows that were handed to the client.
    pub fn sent(&self, rows: u64) {
        self.running.listed.progress.sent(rows);
    }

    /// Waits until the statement is cancelled or out of time. For a client that takes rows slowly or not at all, where
    /// the front end does not poll for the [`RowStream::next`] batch.
    pub async fn stopped(&self) -> QueryError {
        self.running.stopped().await
    }

    /// The next batch; `None` after the last. Ends with an error when cancelled or out of time.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        let batch = match self.rows.at_hand() {
            Some(ready) => Ok(ready?),
            None => self.running.guard(self.rows.next()).await.transpose()?,
        };
        Some(batch.and_then(|batch| relabelled(batch, &self.schema)))
    }

    /// Has `work` done on each further batch where statements run, several at once. The order stays, and only as many
    /// are taken ahead as there are processors.
    pub fn map<T: Send + 'static>(self, work: impl Fn(RecordBatch) -> T + Send + Sync + 'static) -> MappedStream<T> {
        let Self { running, rows, schema, .. } = self;
        let rows = running.cpu.clone().map(rows, move |batch| Ok(work(relabelled(batch, &schema)?)));
        MappedStream { running, rows }
    }
}

/// The same columns under other names.
fn relabelled(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, QueryError> {
    if Arc::ptr_eq(batch.schema_ref(), schema) {
        return Ok(batch);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(schema.clone(), batch.columns().to_vec(), &options);
    batch.map_err(|error| DataFusionError::from(error).into())
}
