//! Rows of parameters as a Flight client sends them: with a DoPut, or in a handle or ticket that it brings back.
//!
//! What they claim is checked before they are read ([`super::ipc_check`]). Arrow's reader trusts what it reads more than
//! it should even so: its panics are caught here.

use super::error::malformed;
use super::ipc_check::Claims;
use crate::heap::Promise;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use bytes::Bytes;
use futures::stream::{self, Stream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use tonic::Status;

/// Rows that were read, with room for them.
#[derive(Debug, Default)]
pub(super) struct SentRows {
    pub(super) batches: Vec<RecordBatch>,
    _room: Promise,
}

/// Parameters are carried by the handle, which is bounded.
pub(super) fn too_large(bytes_max: usize) -> Status {
    Status::resource_exhausted(format!("the parameters take more than {bytes_max} bytes (flight.handle)"))
}

/// The rows of a handle or ticket, which are an IPC stream; none where it is empty.
pub(super) fn decode(bytes: &Bytes) -> Result<SentRows, Status> {
    if bytes.is_empty() {
        return Ok(SentRows::default());
    }
    let mut claims = Claims::default();
    claims.add_stream(bytes)?;
    let read = || StreamReader::try_new(bytes.as_ref(), None)?.collect::<Result<Vec<_>, _>>();
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(batches)) => Ok(SentRows { batches, _room: claims.into_room() }),
        Ok(Err(_)) | Err(_) => Err(malformed("the parameters in it do not read")),
    }
}

/// Reads rows that a client sends, whose messages may be no more than so many bytes.
pub(super) async fn receive(
    first: FlightData,
    rest: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
    bytes_max: usize,
) -> Result<SentRows, Status> {
    // Shared with the stream, which is read to its end here.
    let claims = Arc::new(Mutex::new(Claims::default()));
    let (claimed, mut bytes) = (claims.clone(), 0);
    let checked = stream::iter([Ok(first)]).chain(rest).map(move |message: Result<FlightData, Status>| {
        let message = message?;
        bytes += message.data_header.len() + message.data_body.len();
        if bytes > bytes_max {
            return Err(too_large(bytes_max));
        }
        let mut claims = claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claims.add(&message.data_header, &message.data_body)?;
        Ok(message)
    });
    let mut decoded = FlightRecordBatchStream::new_from_flight_data(checked.map_err(FlightError::from));
    let collected = async {
        let mut batches: Vec<RecordBatch> = Vec::new();
        while let Some(batch) = decoded.try_next().await? {
            batches.push(batch);
        }
        // No rows are sent as no batch, but their columns are known.
        if let (true, Some(schema)) = (batches.is_empty(), decoded.schema()) {
            batches.push(RecordBatch::new_empty(schema.clone()));
        }
        Ok::<_, FlightError>(batches)
    };
    let batches = match AssertUnwindSafe(collected).catch_unwind().await {
        Ok(Ok(batches)) => batches,
        Ok(Err(FlightError::Tonic(status))) => return Err(*status),
        Ok(Err(_)) | Err(_) => return Err(malformed("the rows of parameters do not read as Arrow")),
    };
    let claims = std::mem::take(&mut *claims.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(SentRows { batches, _room: claims.into_room() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array};
    use arrow::ipc::CompressionType;
    use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
    use arrow_flight::utils::batches_to_flight_data;
    use tonic::Code;

    fn rows(values: Vec<i64>) -> RecordBatch {
        RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(values)) as ArrayRef)]).unwrap()
    }

    /// The messages of batches as a client sends them.
    fn messages(batches: Vec<RecordBatch>) -> Vec<FlightData> {
        let schema = batches[0].schema();
        batches_to_flight_data(&schema, batches).unwrap()
    }

    async fn received(messages: Vec<FlightData>, bytes_max: usize) -> Result<SentRows, Status> {
        let mut messages = messages.into_iter();
        let first = messages.next().unwrap();
        receive(first, stream::iter(messages.map(Ok)), bytes_max).await
    }

    #[tokio::test]
    async fn rows_come_as_they_were_sent() {
        let sent = vec![rows(vec![1, 2]), rows(vec![3])];
        assert_eq!(received(messages(sent.clone()), 1 << 20).await.unwrap().batches, sent);
        // Without any row, the columns are told.
        let mut none = messages(sent);
        none.truncate(1);
        let none = received(none, 1 << 20).await.unwrap().batches;
        assert_eq!((none.len(), none[0].num_rows(), none[0].num_columns()), (1, 0, 1));
        assert!(decode(&Bytes::new()).unwrap().batches.is_empty());
    }

    #[tokio::test]
    async fn messages_have_a_size_together() {
        let large = received(messages(vec![rows(vec![7; 600]), rows(vec![7; 600])]), 9_000).await.unwrap_err();
        assert_eq!(large.code(), Code::ResourceExhausted);
        assert!(large.message().contains("flight.handle"), "{large}");
        // So many batches that each alone would do.
        let many = received(messages(vec![rows(vec![7; 600_000]); 2]), 64 << 20).await.unwrap_err();
        assert_eq!(many.code(), Code::InvalidArgument);
        assert!(many.message().contains("rows"), "{many}");
    }

    #[tokio::test]
    async fn what_is_compressed_counts_as_what_it_holds() {
        // A few kilobytes, for a hundred megabytes.
        let zeros: ArrayRef = Arc::new(Int64Array::from(vec![0; 1_000_000]));
        let columns = (0..13).map(|number| (format!("c{number}"), zeros.clone()));
        let zeros = RecordBatch::try_from_iter(columns).unwrap();
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &zeros.schema(), options).unwrap();
        writer.write(&zeros).unwrap();
        let bytes = Bytes::from(writer.into_inner().unwrap());
        assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
        assert!(decode(&bytes).unwrap_err().message().contains("unpacked"));
    }
}
