//! The rows of a portal: a running statement of the engine, the batch it was suspended in, and how its rows reach the
//! client.
//!
//! A few rows are encoded where they are sent. Of a large result every batch becomes bytes on the threads for
//! statements, several batches at once and in order, while those before it are written to the socket. Memory is bounded
//! by that many batches and their bytes.

use super::copy_out::CopyRows;
use super::encode::{Cells, data_row};
use super::error::{Failure, Stop};
use super::notice::send_notices;
use super::transport::{Transport, WRITE_BYTES};
use super::types::{Format, Formats, field_type, postgres_type};
use crate::engine::{MappedStream, RowStream, Running, Session};
use crate::text::style::Style;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use std::ops::Range;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

/// How long encoded rows wait for more before they leave.
const LINGER: Duration = Duration::from_millis(2);

/// Rows of a batch that promise more of its kind: from then on batches are encoded apart.
const LARGE_ROWS: usize = 4_096;

/// Room made for the bytes of a batch before it is encoded; it grows where that is too little.
const ENCODED_BYTES: usize = 1 << 20;

/// The rows of a statement that are not sent yet.
pub(super) struct Rows {
    /// Columns as they were described to the client.
    schema: SchemaRef,
    /// The running statement; `None` for rows at hand, and once it has ended.
    stream: Option<RowStream>,
    /// A batch, and its first row that is not sent.
    batch: Option<(RecordBatch, usize)>,
}

/// What becomes of a portal's rows: DataRow messages, CopyData messages, or only their number.
#[derive(Clone)]
pub(super) enum Sink {
    /// To the client as DataRow messages.
    Data(Formats),
    /// To the client as CopyData messages.
    Copy(CopyRows),
    /// Nowhere: they are only counted.
    Skip,
}

/// How far a send came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    /// Rows sent by this call, for the command tag.
    pub(super) rows: u64,
    /// No row is left.
    pub(super) finished: bool,
}

impl Rows {
    /// Rows that are made already, such as those of SHOW; they are described by their own schema and hold no statement.
    pub(super) fn at_hand(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), stream: None, batch: Some((batch, 0)) }
    }

    /// Rows that are made already, described to the client by `schema`.
    pub(super) fn described(batch: RecordBatch, schema: SchemaRef) -> Self {
        Self { schema, stream: None, batch: Some((batch, 0)) }
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

    /// Lets go of the statement: no more rows are wanted of it.
    pub(super) fn end(&mut self) {
        self.stream = None;
    }

    /// Waits for the client to ask for more.
    pub(super) fn suspend(&self) {
        if let Some(stream) = &self.stream {
            stream.suspend();
        }
    }

    /// The next batch, while the client is watched. Output waits for it [`LINGER`] and no longer.
    pub(super) async fn next(&mut self, transport: &mut Transport) -> Result<Option<RecordBatch>, Stop> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        let mut next = pin!(stream.next());
        if let Poll::Ready(batch) = futures::poll!(&mut next) {
            return Ok(batch.transpose()?);
        }
        if transport.unsent() > 0 {
            if let Ok(batch) = tokio::time::timeout(LINGER, transport.attend(&mut next)).await {
                return Ok(batch?.transpose()?);
            }
            tokio::select! {
                biased;
                batch = &mut next => return Ok(batch.transpose()?),
                flushed = transport.flush() => flushed?,
            }
        }
        Ok(transport.attend(next).await?.transpose()?)
    }

    /// Sends rows until none is left or `rows_max` are sent.
    pub(super) async fn send(
        &mut self,
        transport: &mut Transport,
        session: &Session,
        sink: &mut Sink,
        rows_max: Option<u64>,
    ) -> Result<Sent, Stop> {
        let style = session.settings().style();
        let mut rows = 0;
        let mut flushed_at = Instant::now();
        while rows_max != Some(rows) {
            let (batch, first) = match self.batch.take() {
                Some(batch) => batch,
                None => match self.next(transport).await? {
                    Some(batch) => (batch, 0),
                    None => {
                        self.stream = None;
                        return Ok(Sent { rows, finished: true });
                    }
                },
            };
            send_notices(transport, session);
            let left = rows_max.map_or(u64::MAX, |max| max - rows);
            let last = batch.num_rows().min(first.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
            let mut start = first;
            while start < last {
                // Piece by piece, so that the first rows of a large batch leave at once.
                let end = last.min(start + LARGE_ROWS / 4);
                transport.write(|out| sink.encode(&self.schema, &batch, start..end, &style, out))?;
                start = end;
                if transport.unsent() >= WRITE_BYTES {
                    self.flush(transport).await?;
                    flushed_at = Instant::now();
                }
            }
            rows += (last - first) as u64;
            if let Some(stream) = &self.stream {
                stream.sent((last - first) as u64);
            }
            if last < batch.num_rows() {
                self.batch = Some((batch, last));
            } else if rows_max.is_none()
                && batch.num_rows() >= LARGE_ROWS
                && let Some(stream) = self.stream.take()
            {
                let encoded = self.encoded(stream, sink.clone(), style);
                return Ok(Sent { rows: rows + send_encoded(encoded, transport, session).await?, finished: true });
            }
            // A batch that takes long to compute does not hold back those before it.
            if flushed_at.elapsed() >= LINGER && self.stream.is_some() {
                self.flush(transport).await?;
                flushed_at = Instant::now();
            }
        }
        self.suspend();
        Ok(Sent { rows, finished: false })
    }

    /// Waits for a client that reads slowly, but not longer than the statement may take.
    async fn flush(&mut self, transport: &mut Transport) -> Result<(), Stop> {
        let Some(stream) = &self.stream else { return Ok(transport.flush().await?) };
        tokio::select! {
            biased;
            error = stream.stopped() => Err(error.into()),
            flushed = transport.flush() => Ok(flushed?),
        }
    }

    /// The rest of a statement's rows as bytes, and how many rows these are.
    fn encoded(&self, stream: RowStream, sink: Sink, style: Style) -> MappedStream<Result<Encoded, Failure>> {
        let schema = self.schema.clone();
        stream.map(move |batch| {
            let rows = batch.num_rows();
            let mut bytes = Vec::with_capacity(ENCODED_BYTES);
            sink.clone().encode(&schema, &batch, 0..rows, &style, &mut bytes)?;
            Ok(Encoded { bytes, rows: rows as u64 })
        })
    }
}

/// Rows as they go to the client.
struct Encoded {
    bytes: Vec<u8>,
    rows: u64,
}

/// Sends all of them; says how many there were.
async fn send_encoded(
    mut encoded: MappedStream<Result<Encoded, Failure>>,
    transport: &mut Transport,
    session: &Session,
) -> Result<u64, Stop> {
    let mut rows = 0;
    while let Some(part) = transport.attend(encoded.next()).await? {
        let part = part??;
        send_notices(transport, session);
        if let Some(error) = transport.pass(&part.bytes, encoded.stopped()).await? {
            return Err(error.into());
        }
        encoded.sent(part.rows);
        rows += part.rows;
    }
    Ok(rows)
}

impl Sink {
    /// Writes rows of a batch as whole messages.
    ///
    /// # Errors
    /// A cell that has no form on the wire. `out` then ends anywhere.
    fn encode(
        &mut self,
        schema: &SchemaRef,
        batch: &RecordBatch,
        mut rows: Range<usize>,
        style: &Style,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let mut columns = self.columns(schema, batch, style)?;
        match self {
            Self::Data(_) => rows.try_for_each(|row| data_row(&mut columns, row, out)),
            Self::Copy(copy) => rows.try_for_each(|row| copy.row(&mut columns, row, out)),
            Self::Skip => Ok(()),
        }
    }

    /// Writers for the columns of a batch.
    ///
    /// # Errors
    /// XX000 for a column that turned out otherwise than it was described: it is never sent as something else.
    fn columns(&self, schema: &SchemaRef, batch: &RecordBatch, style: &Style) -> Result<Vec<Cells>, Failure> {
        let format = |index| match self {
            Self::Data(formats) => Some(formats.of(index)),
            Self::Copy(copy) => Some(copy.format()),
            Self::Skip => None,
        };
        let described = schema.fields();
        let changed = || Failure::new("0A000", "cached plan must not change result type");
        if described.len() != batch.num_columns() {
            return Err(changed());
        }
        let mut columns = Vec::with_capacity(described.len());
        for (index, (array, field)) in batch.columns().iter().zip(described).enumerate() {
            let Some(format) = format(index) else { continue };
            let (found, wanted) = (array.data_type(), field.data_type());
            if found != wanted && postgres_type(found) != postgres_type(wanted) {
                let name = field.name();
                let message = format!("column \"{name}\" is {found}, and was described to the client as {wanted}");
                return Err(Failure::new("XX000", message));
            }
            columns.push(match format {
                Format::Text => Cells::new(array, format, style)?,
                // Only binary forms tell types apart that share their Arrow type.
                Format::Binary => Cells::of_type(array, style, &field_type(field))?,
            });
        }
        Ok(columns)
    }
}
