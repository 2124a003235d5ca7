//! The rows of a portal: a running statement and the batch it was stopped in, and how they reach the client.
//!
//! Memory is bounded by one batch and one buffer of output: rows are encoded as the socket takes them.

use super::connection::send_notices;
use super::copy::CopyRows;
use super::encode::{Cells, Style, data_row};
use super::error::{Failure, Stop};
use super::link::{Link, WRITE_BYTES};
use super::types::{Format, Formats, postgres_type};
use crate::engine::{RowStream, Running, Session};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

/// How long encoded rows wait for more before they leave.
const LINGER: Duration = Duration::from_millis(2);

/// The rows of a statement that are not sent yet.
pub(super) struct Rows {
    /// Columns as they were described to the client.
    schema: SchemaRef,
    stream: Option<RowStream>,
    /// A batch, and its first row that is not sent.
    batch: Option<(RecordBatch, usize)>,
}

/// Where rows go.
pub(super) enum Sink<'a> {
    /// To the client as DataRow messages.
    Data(&'a Formats),
    /// To the client as CopyData messages.
    Copy(CopyRows, Format),
    /// Nowhere: they are only counted.
    Skip,
}

/// How far a send came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) rows: u64,
    /// No row is left.
    pub(super) finished: bool,
}

impl Rows {
    /// Rows at hand.
    pub(super) fn at_hand(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), stream: None, batch: Some((batch, 0)) }
    }

    /// Rows of a running statement, described to the client by `schema`.
    pub(super) fn running(stream: RowStream, schema: SchemaRef) -> Self {
        Self { schema, stream: Some(stream), batch: None }
    }

    /// Columns as they were described to the client.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Goes on under another time limit and cancellation: those of the statement that asks for more rows.
    pub(super) fn resume(&mut self, running: Running) {
        if let Some(stream) = &mut self.stream {
            stream.resume(running);
        }
    }

    /// Waits for the client to ask for more.
    pub(super) fn suspend(&self) {
        if let Some(stream) = &self.stream {
            stream.suspend();
        }
    }

    /// The next batch, while the client is watched. Output waits for it [`LINGER`] and no longer.
    async fn next(&mut self, link: &mut Link) -> Result<Option<RecordBatch>, Stop> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        let mut next = pin!(stream.next());
        if let Poll::Ready(batch) = futures::poll!(&mut next) {
            return Ok(batch.transpose()?);
        }
        if link.unsent() > 0 {
            if let Ok(batch) = tokio::time::timeout(LINGER, link.attend(&mut next)).await {
                return Ok(batch?.transpose()?);
            }
            tokio::select! {
                biased;
                batch = &mut next => return Ok(batch.transpose()?),
                flushed = link.flush() => flushed?,
            }
        }
        Ok(link.attend(next).await?.transpose()?)
    }

    /// Sends rows until none is left or `rows_max` are sent.
    pub(super) async fn send(
        &mut self,
        link: &mut Link,
        session: &Session,
        sink: &mut Sink<'_>,
        rows_max: Option<u64>,
    ) -> Result<Sent, Stop> {
        let style = Style { zone: session.settings().time_zone() };
        let mut rows = 0;
        let mut flushed_at = Instant::now();
        while rows_max != Some(rows) {
            let (batch, first) = match self.batch.take() {
                Some(batch) => batch,
                None => match self.next(link).await? {
                    Some(batch) => (batch, 0),
                    None => {
                        self.stream = None;
                        return Ok(Sent { rows, finished: true });
                    }
                },
            };
            send_notices(link, session);
            let left = rows_max.map_or(u64::MAX, |max| max - rows);
            let last = batch.num_rows().min(first.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
            let mut columns = self.columns(&batch, sink, &style)?;
            for row in first..last {
                link.write(|out| match sink {
                    Sink::Data(_) => data_row(&mut columns, row, out),
                    Sink::Copy(copy, _) => copy.row(&mut columns, row, out),
                    Sink::Skip => Ok(()),
                })?;
                if link.unsent() >= WRITE_BYTES {
                    self.flush(link).await?;
                    flushed_at = Instant::now();
                }
            }
            rows += (last - first) as u64;
            if let Some(stream) = &self.stream {
                stream.sent((last - first) as u64);
            }
            if last < batch.num_rows() {
                self.batch = Some((batch, last));
            }
            // A batch that takes long to compute does not hold back those before it.
            if flushed_at.elapsed() >= LINGER && self.stream.is_some() {
                self.flush(link).await?;
                flushed_at = Instant::now();
            }
        }
        self.suspend();
        Ok(Sent { rows, finished: false })
    }

    /// Waits for a client that reads slowly, but not longer than the statement may take.
    async fn flush(&mut self, link: &mut Link) -> Result<(), Stop> {
        let Some(stream) = &self.stream else { return Ok(link.flush().await?) };
        tokio::select! {
            biased;
            error = stream.stopped() => Err(error.into()),
            flushed = link.flush() => Ok(flushed?),
        }
    }

    /// Writers for the columns of a batch. A column that turned out otherwise than described is cast.
    fn columns(&self, batch: &RecordBatch, sink: &Sink<'_>, style: &Style) -> Result<Vec<Cells>, Failure> {
        let format = |index| match sink {
            Sink::Data(formats) => Some(formats.of(index)),
            Sink::Copy(_, format) => Some(*format),
            Sink::Skip => None,
        };
        let described = self.schema.fields();
        if described.len() != batch.num_columns() {
            return Err(Failure::new("0A000", "cached plan must not change result type"));
        }
        let mut columns = Vec::with_capacity(described.len());
        for (index, (array, field)) in batch.columns().iter().zip(described).enumerate() {
            let Some(format) = format(index) else { continue };
            columns.push(if postgres_type(array.data_type()) == postgres_type(field.data_type()) {
                Cells::new(array, format, style)?
            } else {
                let cast = cast(array, field.data_type())
                    .map_err(|_| Failure::new("0A000", "cached plan must not change result type"))?;
                Cells::new(&cast, format, style)?
            });
        }
        Ok(columns)
    }
}
