//! Rows of a statement on their way to the Flight client: the engine's batches become messages as the client takes
//! them.
//!
//! Memory is bounded by a batch and its messages: the next batch is asked for when the client has taken the last.
//! Dropping the stream, which is what happens when the client goes or cancels, stops the statement.

use super::encode::Encoder;
use super::error::{internal, status};
use super::execution::Listed;
use super::message::{Messages, RowsMessage};
use super::options::Options;
use super::types::sent_batch;
use crate::engine::{LentSession, Progress, RowStream};
use crate::error::QueryError;
use crate::heap::Promise;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::stream;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Rows of an endless statement that leave without waiting for the flush interval.
const GATHERED_ROWS_MAX: usize = 8_192;

/// Bytes of a message that may wait for its client without having been counted.
const LITTLE: usize = 256 << 10;

/// How long a message waits until others were read, and how often it looks.
const ROOM_WAIT: Duration = Duration::from_secs(5);
const ROOM_LOOK: Duration = Duration::from_millis(20);

/// Opens the rows of the next execution of a statement: one for each row of its parameters.
pub(super) type Next =
    Box<dyn FnMut() -> Pin<Box<dyn Future<Output = Result<Option<RowStream>, Status>> + Send>> + Send>;

/// What a statement holds while its rows are sent: its places, and its session, which others find while it is there.
pub(super) type Held = (Listed, OwnedSemaphorePermit, Arc<LentSession>);

/// The rows of a statement that runs, with what the engine remarked while it was planned.
pub(super) struct Answer {
    pub(super) rows: Rows,
    /// Sentences for the client, such as that a table is stale; each becomes a header of the reply.
    pub(super) notices: Vec<String>,
}

impl Answer {
    /// The answer of SHOW or of a command about the catalog: a batch that exists already, without notices.
    pub(super) fn at_hand(rows: RecordBatch) -> Self {
        Self { rows: Rows::at_hand(rows), notices: Vec::new() }
    }
}

/// The rows of a statement: those of its executions, one after the other.
pub(super) struct Rows {
    schema: SchemaRef,
    /// Metadata of the first message: the freshness of the answer, as JSON.
    told: Bytes,
    /// A batch made before it was asked for: a result of SHOW, or the first rows of a polled statement.
    at_hand: Option<RecordBatch>,
    /// The stream of the execution that is being read; `None` between two executions.
    running: Option<RowStream>,
    /// Opens the next execution once the rows of the one before have ended; `None` when there are no more.
    next: Option<Next>,
    /// How long rows of an endless statement are gathered into one batch.
    flush: Duration,
    /// When the last gathered batch left.
    flushed_at: Instant,
    /// Given up when the rows end.
    held: Option<Held>,
}

impl Rows {
    /// Rows at hand, in their own schema.
    pub(super) fn at_hand(batch: RecordBatch) -> Self {
        Self {
            schema: batch.schema(),
            told: Bytes::new(),
            at_hand: Some(batch),
            running: None,
            next: None,
            flush: Duration::ZERO,
            flushed_at: Instant::now(),
            held: None,
        }
    }

    /// Rows of a running statement, to be sent in `schema`; then those of its further executions.
    pub(super) fn running(
        schema: SchemaRef,
        told: Bytes,
        running: Option<RowStream>,
        next: Option<Next>,
        options: &Options,
        held: Held,
    ) -> Self {
        let flush = options.flush;
        // The first rows are not held back.
        let flushed_at = Instant::now().checked_sub(flush).unwrap_or_else(Instant::now);
        Self { schema, told, at_hand: None, running, next, flush, flushed_at, held: Some(held) }
    }

    /// How far the statement is; `None` when it does not run.
    pub(super) fn progress(&self) -> Option<Arc<Progress>> {
        self.running.as_ref().map(RowStream::progress)
    }

    /// Has the first rows made, and keeps them. Rows without end are not waited for: they are there once they are
    /// opened.
    pub(super) async fn make_first(&mut self) -> Result<(), Status> {
        if !self.running.as_ref().is_some_and(RowStream::is_unbounded) {
            self.at_hand = self.batch().await.transpose()?;
        }
        Ok(())
    }

    /// The messages that bring the rows to the client.
    pub(super) fn into_messages(self, options: &Options, shutdown: &CancellationToken) -> Result<Messages, Status> {
        let encoder = Encoder::new(&self.schema, options.compression, options.message_bytes)?;
        let mut schema = encoder.schema();
        schema.app_metadata = self.told.clone();
        let terminated = self.held.as_ref().map(|(.., session)| session.terminated()).unwrap_or_default();
        let sending = Sending {
            rows: self,
            encoder,
            queue: VecDeque::from([schema]),
            first: true,
            shutdown: shutdown.clone(),
            terminated,
        };
        Ok(Box::pin(stream::try_unfold(sending, |mut sending| async move {
            Ok(sending.message().await?.map(|message| (message, sending)))
        })))
    }

    /// The next batch in the schema it is sent in.
    async fn batch(&mut self) -> Option<Result<RecordBatch, Status>> {
        if let Some(batch) = self.at_hand.take() {
            return Some(Ok(batch));
        }
        loop {
            let Some(running) = &mut self.running else {
                let next = self.next.as_mut()?;
                match next().await {
                    Ok(Some(running)) => self.running = Some(running),
                    Ok(None) => self.next = None,
                    Err(status) => return Some(Err(status)),
                }
                continue;
            };
            let batch = if running.is_unbounded() {
                let until = self.flushed_at + self.flush;
                let batch = gathered(running, until).await;
                self.flushed_at = Instant::now();
                batch
            } else {
                running.next().await
            };
            match batch {
                Some(Ok(batch)) => {
                    return Some(sent_batch(&batch, &self.schema).map_err(|error| internal("encode rows", error)));
                }
                Some(Err(error)) => return Some(Err(status(error))),
                None => self.running = None,
            }
        }
    }
}

/// Rows that come until an instant, from the first on: many small batches would cost more than they tell.
async fn gathered(rows: &mut RowStream, until: Instant) -> Option<Result<RecordBatch, QueryError>> {
    let first = match rows.next().await? {
        Ok(batch) => batch,
        Err(error) => return Some(Err(error)),
    };
    let mut count = first.num_rows();
    let mut batches = vec![first];
    while count < GATHERED_ROWS_MAX && Instant::now() < until {
        match tokio::time::timeout_at(until, rows.next()).await {
            Ok(Some(Ok(batch))) => {
                count += batch.num_rows();
                batches.push(batch);
            }
            Ok(Some(Err(error))) => return Some(Err(error)),
            Ok(None) | Err(_) => break,
        }
    }
    match batches.as_slice() {
        [one] => Some(Ok(one.clone())),
        all => {
            let joined = concat_batches(&all[0].schema(), all);
            Some(joined.map_err(|error| QueryError::new(crate::error::ErrorKind::Internal, error.to_string())))
        }
    }
}

/// A stream of messages while it is sent.
struct Sending {
    rows: Rows,
    encoder: Encoder,
    queue: VecDeque<RowsMessage>,
    /// No batch has been sent yet.
    first: bool,
    shutdown: CancellationToken,
    /// Cancelled when an admin ends the session.
    terminated: CancellationToken,
}

impl Sending {
    /// The message, once there is room for it beside those that other clients have not read yet. RESOURCE_EXHAUSTED when
    /// there is none for a while; a server or session that ends says so behind it.
    async fn with_room(&mut self, mut message: RowsMessage) -> Result<RowsMessage, Status> {
        let bytes = message.body_length();
        if bytes < LITTLE {
            return Ok(message);
        }
        let until = Instant::now() + ROOM_WAIT;
        loop {
            if let Some(room) = Promise::of_all(bytes) {
                message.room = Some(Arc::new(room));
                return Ok(message);
            }
            if self.terminated.is_cancelled() || self.shutdown.is_cancelled() {
                return Ok(message);
            }
            if Instant::now() >= until || self.rows.progress().is_some_and(|progress| progress.is_out_of_memory()) {
                let told = "out of memory: too much waits for clients who do not read; try again later";
                return Err(Status::resource_exhausted(told));
            }
            tokio::time::sleep(ROOM_LOOK).await;
        }
    }

    /// The next message: UNAVAILABLE when the server shuts down, CANCELLED when an admin terminates the session, `None`
    /// at the end of the rows. Dropping the future between messages loses no rows.
    async fn message(&mut self) -> Result<Option<RowsMessage>, Status> {
        loop {
            if let Some(message) = self.queue.pop_front() {
                return self.with_room(message).await.map(Some);
            }
            let batch = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(Status::unavailable("the server is shutting down")),
                () = self.terminated.cancelled() => {
                    return Err(Status::cancelled("terminating connection due to administrator command"));
                }
                batch = self.rows.batch() => batch,
            };
            let Some(batch) = batch.transpose()? else { return Ok(None) };
            let (queue, told) = (&mut self.queue, &self.rows.told);
            let mut first = std::mem::take(&mut self.first) && batch.num_rows() > 0;
            self.encoder.batch(&batch, |mut message| {
                // Some clients show what comes with rows, others what comes with the schema.
                if std::mem::take(&mut first) {
                    message.app_metadata = told.clone();
                }
                queue.push_back(message);
            })?;
        }
    }
}
