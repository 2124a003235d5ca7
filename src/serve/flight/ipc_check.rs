//! A check of Arrow IPC messages from a Flight client: the sizes that a message claims are held against its bytes before
//! Arrow's reader believes them.
//!
//! The reader reserves what a message says its body has, and what a compressed buffer says it holds, whatever that is; and
//! a reservation that fails ends the process. Both are looked at here first.

use super::error::malformed;
use arrow::ipc::{Buffer, RecordBatch, root_as_message};
use tonic::Status;

/// Bytes of one buffer, once it is no longer compressed.
const BUFFER_BYTES_MAX: i64 = 64 << 20;

/// What a length begins with in an IPC stream.
const CONTINUATION: u32 = u32::MAX;

fn unreadable() -> Status {
    malformed("the rows of parameters do not read as Arrow")
}

/// Checks the messages of an IPC stream.
pub(super) fn check_stream(stream: &[u8]) -> Result<(), Status> {
    let mut rest = stream;
    while let Some((word, after)) = rest.split_first_chunk::<4>() {
        let (mut length, mut after) = (u32::from_le_bytes(*word), after);
        if length == CONTINUATION {
            let (word, behind) = after.split_first_chunk::<4>().ok_or_else(unreadable)?;
            (length, after) = (u32::from_le_bytes(*word), behind);
        }
        if length == 0 {
            return Ok(());
        }
        let (header, body) = after.split_at_checked(length as usize).ok_or_else(unreadable)?;
        let taken = check(header, body)?;
        rest = body.get(taken..).ok_or_else(unreadable)?;
    }
    Ok(())
}

/// Checks one message, and gives the length its body claims. The body may be longer than that.
pub(super) fn check(header: &[u8], body: &[u8]) -> Result<usize, Status> {
    // Some messages of Flight carry no rows, and no header then.
    if header.is_empty() {
        return Ok(0);
    }
    let message = root_as_message(header).map_err(|_| unreadable())?;
    let length = usize::try_from(message.bodyLength()).ok().filter(|length| *length <= body.len());
    let length = length.ok_or_else(unreadable)?;
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    for batch in message.header_as_record_batch().into_iter().chain(dictionary) {
        check_batch(&batch, body)?;
    }
    Ok(length)
}

fn check_batch(batch: &RecordBatch<'_>, body: &[u8]) -> Result<(), Status> {
    if batch.compression().is_none() {
        return Ok(());
    }
    let claimed = |buffer: &Buffer| {
        let start = usize::try_from(buffer.offset()).ok()?;
        let prefix = body.get(start..)?.first_chunk::<8>()?;
        Some(i64::from_le_bytes(*prefix))
    };
    for buffer in batch.buffers().into_iter().flatten().filter(|buffer| buffer.length() > 0) {
        if claimed(buffer).ok_or_else(unreadable)? > BUFFER_BYTES_MAX {
            return Err(malformed(format!(
                "a compressed column of parameters is larger than {BUFFER_BYTES_MAX} bytes"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::venue::noise::Noise;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::ipc::CompressionType;
    use arrow::ipc::reader::StreamReader;
    use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
    use std::sync::Arc;

    fn stream(compression: Option<CompressionType>) -> Vec<u8> {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1_000).map(|n| n % 3)));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..1_000).map(|n| format!("S{}", n % 7))));
        let rows = arrow::record_batch::RecordBatch::try_from_iter([("n", numbers), ("t", texts)]).unwrap();
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let mut stream = Vec::new();
        let mut writer = StreamWriter::try_new_with_options(&mut stream, &rows.schema(), options).unwrap();
        writer.write(&rows).unwrap();
        writer.finish().unwrap();
        drop(writer);
        stream
    }

    #[test]
    fn honest_streams_are_taken() {
        for compression in [None, Some(CompressionType::ZSTD), Some(CompressionType::LZ4_FRAME)] {
            check_stream(&stream(compression)).unwrap();
        }
        check_stream(b"").unwrap();
    }

    #[test]
    fn a_buffer_that_claims_too_much_is_refused() {
        let mut bytes = stream(Some(CompressionType::ZSTD));
        // The length before a buffer: a thousand numbers of eight bytes.
        let prefix = 8_000_i64.to_le_bytes();
        let at = bytes.windows(8).position(|window| window == prefix).unwrap();
        bytes[at..at + 8].copy_from_slice(&(1_i64 << 40).to_le_bytes());
        assert!(check_stream(&bytes).unwrap_err().message().contains("compressed"));
    }

    #[test]
    fn no_bytes_make_the_reader_reserve_more_than_there_is() {
        let mut noise = Noise(0x5eed);
        let seeds = [stream(None), stream(Some(CompressionType::ZSTD)), stream(Some(CompressionType::LZ4_FRAME))];
        for _ in 0..3_000 {
            let seed = &seeds[noise.below(seeds.len())];
            let bytes = noise.mutated(seed);
            if check_stream(&bytes).is_ok() {
                // It may still panic, which its caller catches; it may not end the process.
                let read = || StreamReader::try_new(bytes.as_slice(), None)?.collect::<Result<Vec<_>, _>>();
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
            }
        }
    }
}
