//! Encoding of record batches for the Flight client: Arrow IPC messages, split to a size that clients take, and
//! compressed where the configuration says so.

use super::error::internal;
use super::message::RowsMessage;
use crate::config::Compression;
use arrow::buffer::Buffer;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::writer::{IpcWriteOptions, StreamEncoder};
use arrow::ipc::{CompressionType, MessageHeader, root_as_message};
use arrow::record_batch::RecordBatch;
use arrow_flight::{FlightData, IpcMessage, SchemaAsIpc};
use bytes::Bytes;
use tonic::Status;

/// Bytes of a schema as it stands in a FlightInfo.
pub(super) fn schema_bytes(schema: &Schema) -> Result<Bytes, Status> {
    let message = IpcMessage::try_from(SchemaAsIpc::new(schema, &IpcWriteOptions::default()));
    message.map(|IpcMessage(bytes)| bytes).map_err(|error| internal("describe the columns", error))
}

/// Encodes the batches of one stream of rows: it keeps the Arrow IPC state and the size a message is filled to.
pub(super) struct Encoder {
    stream: StreamEncoder,
    schema: FlightData,
    message_bytes: usize,
}

impl Encoder {
    /// For batches of a schema, in messages of about so many bytes.
    pub(super) fn new(schema: &Schema, compression: Compression, message_bytes: usize) -> Result<Self, Status> {
        let kind = match compression {
            Compression::None => None,
            Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
            Compression::Zstd => Some(CompressionType::ZSTD),
        };
        let failed = |error| internal("encode rows", error);
        let options = IpcWriteOptions::default().try_with_compression(kind).map_err(failed)?;
        Ok(Self {
            schema: SchemaAsIpc::new(schema, &options).into(),
            stream: StreamEncoder::try_new_with_options(schema, options).map_err(failed)?,
            message_bytes: message_bytes.max(1),
        })
    }

    /// The first message of a stream: the Arrow schema in its header, without metadata of the server and without a
    /// body.
    pub(super) fn schema(&self) -> RowsMessage {
        let header = self.schema.data_header.clone();
        RowsMessage { header, app_metadata: Bytes::new(), body: Vec::new(), room: None }
    }

    /// Messages of a batch, handed to `out` in order. They hold the columns themselves, not copies.
    pub(super) fn batch(&mut self, batch: &RecordBatch, mut out: impl FnMut(RowsMessage)) -> Result<(), Status> {
        let rows_max = rows_of_a_message(batch, self.message_bytes);
        let mut first = 0;
        while first < batch.num_rows() {
            let rows = rows_max.min(batch.num_rows() - first);
            let encoded = self.stream.encode(&batch.slice(first, rows));
            encoded.and_then(|stream| messages(stream, &mut out)).map_err(|error| internal("encode rows", error))?;
            first += rows;
        }
        Ok(())
    }
}

/// Takes a piece of an IPC stream apart: a prefix of 8 bytes with the length of the header, the header, its body. The
/// schema before the first batch is left out.
fn messages(stream: Vec<Buffer>, out: &mut impl FnMut(RowsMessage)) -> Result<(), ArrowError> {
    let broken = || ArrowError::IpcError("a message without its header".to_owned());
    // Columns without values have empty buffers, also after the end of the body.
    let mut pieces = stream.into_iter().filter(|piece| !piece.is_empty());
    while let Some(prefix) = pieces.next() {
        let length: [u8; 4] = prefix.get(4..8).and_then(|bytes| bytes.try_into().ok()).ok_or_else(broken)?;
        let header = pieces.next().ok_or_else(broken)?;
        let message = root_as_message(&header).map_err(|error| ArrowError::IpcError(error.to_string()))?;
        let body_length = usize::try_from(message.bodyLength()).map_err(|_| broken())?;
        let is_schema = message.header_type() == MessageHeader::Schema;
        // What the header is filled up with comes on its own.
        let mut missing = (u32::from_le_bytes(length) as usize).saturating_sub(header.len());
        while missing > 0 {
            missing = missing.saturating_sub(pieces.next().ok_or_else(broken)?.len());
        }
        let (mut body, mut taken) = (Vec::new(), 0);
        while taken < body_length {
            let piece = pieces.next().ok_or_else(broken)?;
            taken += piece.len();
            body.push(piece);
        }
        if !is_schema {
            let header = Bytes::copy_from_slice(&header);
            out(RowsMessage { header, app_metadata: Bytes::new(), body, room: None });
        }
    }
    Ok(())
}

/// Rows that fill a message; at least one.
fn rows_of_a_message(batch: &RecordBatch, message_bytes: usize) -> usize {
    // The part of the buffers that belongs to the batch: a slice of a large one is not large.
    let bytes: usize = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum();
    let messages = bytes.div_ceil(message_bytes).max(1);
    batch.num_rows().div_ceil(messages).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
    use arrow_flight::utils::flight_data_to_batches;
    use std::sync::Arc;

    #[test]
    fn a_batch_is_split_by_the_bytes_that_are_its_own() {
        let numbers = Int64Array::from_iter_values(0..100_000);
        let batch = RecordBatch::try_from_iter([("n", Arc::new(numbers) as _)]).unwrap();
        let count = |batch: &RecordBatch| {
            let mut encoder = Encoder::new(&batch.schema(), Compression::None, 100_000).unwrap();
            let mut messages = 0;
            encoder.batch(batch, |_| messages += 1).unwrap();
            messages
        };
        assert_eq!(count(&batch), 8);
        assert_eq!(count(&batch.slice(50_000, 10)), 1);
        assert_eq!(count(&batch.slice(0, 0)), 0);
    }

    #[test]
    fn messages_bring_the_rows_back() {
        let columns: [(&str, ArrayRef); 4] = [
            ("symbol", Arc::new(StringArray::from_iter((0..1_000).map(|n| (n % 7 > 0).then(|| format!("S{n}")))))),
            ("price", Arc::new(Float64Array::from_iter((0..1_000).map(|n| (n % 3 > 0).then_some(f64::from(n)))))),
            ("nothing", Arc::new(Int64Array::new_null(1_000))),
            ("empty", Arc::new(StringArray::from(vec![""; 1_000]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
            let mut encoder = Encoder::new(&batch.schema(), compression, 5_000).unwrap();
            let data = |message: RowsMessage| {
                FlightData::new()
                    .with_data_header(message.header)
                    .with_data_body(message.body.iter().flat_map(|piece| piece.to_vec()).collect::<Vec<u8>>())
            };
            let mut messages = vec![data(encoder.schema())];
            encoder.batch(&batch.slice(3, 990), |message| messages.push(data(message))).unwrap();
            assert!(messages.len() > 3, "{} messages", messages.len());
            let parts = flight_data_to_batches(&messages).unwrap();
            let whole = arrow::compute::concat_batches(&batch.schema(), &parts).unwrap();
            assert_eq!(whole, batch.slice(3, 990), "{compression:?}");
        }
    }
}
