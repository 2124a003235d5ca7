//! The threads that plan and run statements, apart from those that serve connections.
//!
//! A sort or a join keeps its thread for seconds at a time. On the threads of the front ends it would hold up every
//! other client, and the cancel that should end it. Here it only holds up itself: a front end that cancels it stops
//! waiting at once, and the work ends where the operator next yields.

use crate::error::{ErrorKind, QueryError};
use crate::heap::Meter;
use crate::threads::{Threads, processors};
use crate::work::Work;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::{StreamExt, stream};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

/// Batches that wait for a client that reads slowly.
const BATCHES_AHEAD: usize = 1;

/// Threads for each processor. A function over a long text or the planning of a huge statement keeps its thread until
/// it is done; with one thread each, a few of those would hold up every other statement.
const THREADS_PER_CPU: usize = 4;

/// Does long work where it stands, after the other tasks of this thread were handed to another one.
pub(crate) fn beside_other_work<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// The threads. Dropping it stops what runs on them.
pub(crate) struct Cpu {
    threads: Option<Threads>,
}

impl Cpu {
    /// [`THREADS_PER_CPU`] for each processor. Without the means to start them, statements run where they are asked
    /// for.
    pub(crate) fn start() -> Self {
        let threads = Threads::start("tt-query", processors() * THREADS_PER_CPU);
        if let Err(error) = &threads {
            tracing::error!("the threads for statements cannot be started: {error}");
        }
        Self { threads: threads.ok() }
    }

    fn handle(&self) -> Handle {
        self.threads.as_ref().map_or_else(Handle::current, Threads::handle)
    }

    /// Pieces of work that have not ended.
    pub(crate) fn tasks(&self) -> usize {
        self.threads.as_ref().map_or(0, |threads| threads.handle().metrics().num_alive_tasks())
    }

    /// Runs one step of a statement, and counts what it takes. Dropping the future stops it; work that keeps its thread
    /// asks whether it is over. The steps are large: box them, or every caller's stack carries them.
    pub(crate) async fn run<T, E>(
        &self,
        meter: &Arc<Meter>,
        step: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, QueryError>
    where
        T: Send + 'static,
        E: Into<QueryError> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let work = work(meter, &stop);
        let _stop = stop.drop_guard();
        match AbortOnDropHandle::new(self.handle().spawn(work.steps(step))).await {
            Ok(outcome) => outcome.map_err(Into::into),
            Err(_) => Err(panicked()),
        }
    }

    /// Has a statement's rows opened and made, and what that takes counted; gives what opening told of them besides.
    /// Dropping the future, or the rows, stops it, and cancels the token that `open` is given: work that keeps its thread
    /// looks at it.
    pub(crate) async fn rows<T, E, O>(
        &self,
        meter: Arc<Meter>,
        open: impl FnOnce(CancellationToken) -> O,
    ) -> Result<(SchemaRef, T, Rows<RecordBatch>), QueryError>
    where
        T: Send + 'static,
        E: Into<QueryError> + Send + 'static,
        O: Future<Output = Result<(SendableRecordBatchStream, T), E>> + Send + 'static,
    {
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let (opened, first) = oneshot::channel();
        let stop = CancellationToken::new();
        // The steps are large, and every caller's stack would carry them.
        let open = Box::pin(open(stop.clone()));
        let work = work(&meter, &stop);
        let stop = stop.drop_guard();
        let task = AbortOnDropHandle::new(self.handle().spawn(work.steps(async move {
            let (mut rows, told) = match open.await {
                Ok(opened) => opened,
                Err(error) => return drop(opened.send(Err(error.into()))),
            };
            if opened.send(Ok((rows.schema(), told))).is_err() {
                return;
            }
            while let Some(batch) = rows.next().await {
                meter.hand_over(batch.as_ref().map_or(0, RecordBatch::get_array_memory_size));
                if sender.send(batch.map_err(QueryError::from)).await.is_err() {
                    return;
                }
            }
        })));
        let (schema, told) = first.await.unwrap_or_else(|_| Err(panicked()))?;
        Ok((schema, told, Rows { ready: None, batches: Some(batches), task: Some(task), stop: Some(stop) }))
    }

    /// Has `work` done on every batch, as many at once as there are processors, and keeps their order.
    pub(crate) fn map<T: Send + 'static>(
        &self,
        mut rows: Rows<RecordBatch>,
        work: impl Fn(RecordBatch) -> Result<T, QueryError> + Send + Sync + 'static,
    ) -> Rows<T> {
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let handle = self.handle();
        // Whoever drops the new rows stops the work at once, without waiting for a thread that drops the old ones.
        let stop = rows.stop.take();
        let (at_once, work) = (processors(), Arc::new(work));
        let task = self.handle().spawn(async move {
            let each = stream::unfold(rows, async |mut rows| Some((rows.next().await.transpose()?, rows)));
            let done = each.map(|batch| {
                let (handle, work) = (handle.clone(), work.clone());
                async move {
                    let batch = batch?;
                    let working = handle.spawn(async move { work(batch) });
                    AbortOnDropHandle::new(working).await.unwrap_or_else(|_| Err(panicked()))
                }
            });
            let mut done = pin!(done.buffered(at_once));
            while let Some(result) = done.next().await {
                if sender.send(result).await.is_err() {
                    return;
                }
            }
        });
        Rows { ready: None, batches: Some(batches), task: Some(AbortOnDropHandle::new(task)), stop }
    }
}

/// Work that is over when it is told to stop.
fn work(meter: &Arc<Meter>, stop: &CancellationToken) -> Work {
    let stop = stop.clone();
    Work::new(meter.clone(), move || stop.is_cancelled())
}

/// Rows that are made on the threads above. Dropping it stops the making.
pub(crate) struct Rows<T> {
    /// A batch that needed no making; it comes first.
    ready: Option<T>,
    batches: Option<mpsc::Receiver<Result<T, QueryError>>>,
    /// `None` once its end was seen.
    task: Option<AbortOnDropHandle<()>>,
    /// Stops what keeps its thread.
    stop: Option<DropGuard>,
}

impl<T> Rows<T> {
    /// Rows that are there already.
    pub(crate) fn ready(batch: T) -> Self {
        Self { ready: Some(batch), batches: None, task: None, stop: None }
    }

    /// The next batch, or the end, when neither has to be waited for.
    pub(crate) fn at_hand(&mut self) -> Option<Option<T>> {
        match self.ready.take() {
            None if self.batches.is_some() => None,
            ready => Some(ready),
        }
    }

    /// The next batch; `None` after the last. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<T>, QueryError> {
        if let Some(ready) = self.at_hand() {
            return Ok(ready);
        }
        let Some(batches) = &mut self.batches else { return Ok(None) };
        match batches.recv().await {
            Some(batch) => batch.map(Some),
            // The channel also closes when the making panics; that is no end of the rows.
            None => match self.task.take() {
                Some(task) => task.await.map(|()| None).map_err(|_| panicked()),
                None => Ok(None),
            },
        }
    }
}

fn panicked() -> QueryError {
    QueryError::new(ErrorKind::Internal, "the statement failed inside the server; its log tells where")
}
