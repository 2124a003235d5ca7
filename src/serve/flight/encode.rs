//! Record batches as messages: Arrow IPC, split so that clients take them, compressed if so configured.

use super::error::internal;
use arrow::datatypes::Schema;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow::record_batch::RecordBatch;
use arrow_flight::{FlightData, IpcMessage, SchemaAsIpc};
use bytes::Bytes;
use serde::Deserialize;
use tonic::Status;

/// How bodies of messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all: on a fast network nothing is faster.
    #[default]
    None,
    /// LZ4: cheap, and a half to a third of the bytes.
    Lz4,
    /// Zstandard: dearer, and fewer bytes still.
    Zstd,
}

/// Bytes of a schema as it stands in a FlightInfo.
pub(super) fn schema_bytes(schema: &Schema) -> Result<Bytes, Status> {
    let message = IpcMessage::try_from(SchemaAsIpc::new(schema, &IpcWriteOptions::default()));
    message.map(|IpcMessage(bytes)| bytes).map_err(|error| internal("describe the columns", error))
}

/// Makes the messages of one stream.
pub(super) struct Encoder {
    options: IpcWriteOptions,
    generator: IpcDataGenerator,
    dictionaries: DictionaryTracker,
    context: IpcWriteContext,
    message_bytes: usize,
}

impl Encoder {
    /// For messages of about so many bytes.
    pub(super) fn new(compression: Compression, message_bytes: usize) -> Result<Self, Status> {
        let kind = match compression {
            Compression::None => None,
            Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
            Compression::Zstd => Some(CompressionType::ZSTD),
        };
        let options = IpcWriteOptions::default().try_with_compression(kind);
        Ok(Self {
            options: options.map_err(|error| internal("compress", error))?,
            generator: IpcDataGenerator::default(),
            dictionaries: DictionaryTracker::new(false),
            context: IpcWriteContext::default(),
            message_bytes: message_bytes.max(1),
        })
    }

    /// The first message.
    pub(super) fn schema(&self, schema: &Schema) -> FlightData {
        SchemaAsIpc::new(schema, &self.options).into()
    }

    /// Messages of a batch, handed to `out` in order.
    pub(super) fn batch(&mut self, batch: &RecordBatch, mut out: impl FnMut(FlightData)) -> Result<(), Status> {
        let rows_max = rows_of_a_message(batch, self.message_bytes);
        let mut first = 0;
        while first < batch.num_rows() {
            let rows = rows_max.min(batch.num_rows() - first);
            let part = batch.slice(first, rows);
            let encoded = self.generator.encode(&part, &mut self.dictionaries, &self.options, &mut self.context);
            let (dictionaries, data) = encoded.map_err(|error| internal("encode rows", error))?;
            dictionaries.into_iter().for_each(|dictionary| out(dictionary.into()));
            out(data.into());
            first += rows;
        }
        Ok(())
    }
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
    use arrow::array::Int64Array;
    use std::sync::Arc;

    #[test]
    fn a_batch_is_split_by_the_bytes_that_are_its_own() {
        let numbers = Int64Array::from_iter_values(0..100_000);
        let batch = RecordBatch::try_from_iter([("n", Arc::new(numbers) as _)]).unwrap();
        let count = |batch: &RecordBatch| {
            let (mut encoder, mut messages) = (Encoder::new(Compression::None, 100_000).unwrap(), 0);
            encoder.batch(batch, |_| messages += 1).unwrap();
            messages
        };
        assert_eq!(count(&batch), 8);
        assert_eq!(count(&batch.slice(50_000, 10)), 1);
        assert_eq!(count(&batch.slice(0, 0)), 0);
    }
}
