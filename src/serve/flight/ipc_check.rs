//! A check of Arrow IPC messages from a Flight client: what a message claims is held against its bytes, and against
//! what clients may take of memory, before Arrow's reader believes it.
//!
//! The reader reserves what a message says its body has, and what a compressed buffer says it holds, whatever that is;
//! and a reservation that fails ends the process. Columns of nothing, or of one repeated name, cost their sender next
//! to nothing. All of it is looked at here first.

use super::error::{malformed, no_room};
use super::lz4_frame;
use crate::heap::Promise;
use arrow::ipc::{Buffer, CompressionType, Field, KeyValue, RecordBatch, Schema, root_as_message};
use tonic::Status;

/// Bytes of all rows that come with one call, once they are no longer compressed or repeated.
pub(super) const UNPACKED_BYTES_MAX: usize = 64 << 20;

/// Rows that come with one call, those of dictionaries among them.
const ROWS_MAX: usize = 1 << 20;

/// What a column takes beside its values, in a schema or in a batch.
pub(super) const COLUMN_BYTES: usize = 256;

/// What a length begins with in an IPC stream.
const CONTINUATION: u32 = u32::MAX;

/// What a buffer begins with that is not compressed, in a batch whose buffers are.
const NOT_COMPRESSED: i64 = -1;

/// INVALID_ARGUMENT for rows whose claimed lengths do not fit the bytes that came.
fn unreadable() -> Status {
    malformed("the rows of parameters do not read as Arrow")
}

/// INVALID_ARGUMENT for rows that take more than one call may bring.
pub(super) fn unpacked_too_large() -> Status {
    malformed(format!("the parameters take more than {UNPACKED_BYTES_MAX} bytes once they are unpacked"))
}

/// What the messages of one call claim to hold together, and room for it.
#[derive(Debug, Default)]
pub(super) struct Claims {
    bytes: usize,
    rows: usize,
    room: Promise,
}

impl Claims {
    /// Checks the messages of an IPC stream.
    pub(super) fn add_stream(&mut self, stream: &[u8]) -> Result<(), Status> {
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
            let taken = self.add(header, body)?;
            rest = body.get(taken..).ok_or_else(unreadable)?;
        }
        Ok(())
    }

    /// Checks one message, and gives the length its body claims. The body may be longer than that.
    pub(super) fn add(&mut self, header: &[u8], body: &[u8]) -> Result<usize, Status> {
        // Some messages of Flight carry no rows, and no header then.
        if header.is_empty() {
            return Ok(0);
        }
        let message = root_as_message(header).map_err(|_| unreadable())?;
        let length = usize::try_from(message.bodyLength()).ok().filter(|length| *length <= body.len());
        let length = length.ok_or_else(unreadable)?;
        let dictionary = message.header_as_dictionary_batch();
        // Each piece would be put to a copy of those before.
        if dictionary.is_some_and(|dictionary| dictionary.isDelta()) {
            return Err(malformed("dictionaries of parameters have to come whole"));
        }
        let mut bytes = message.header_as_schema().map_or(0, |schema| schema_bytes(&schema));
        let values = dictionary.and_then(|dictionary| dictionary.data());
        for batch in message.header_as_record_batch().into_iter().chain(values) {
            let rows = usize::try_from(batch.length()).map_err(|_| unreadable())?;
            self.rows = self.rows.saturating_add(rows);
            bytes = bytes.saturating_add(batch_bytes(&batch, body)?);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.rows > ROWS_MAX {
            return Err(malformed(format!("there are more than {ROWS_MAX} rows of parameters")));
        }
        if self.bytes > UNPACKED_BYTES_MAX {
            return Err(unpacked_too_large());
        }
        if self.room.grow(bytes) { Ok(length) } else { Err(no_room()) }
    }

    /// The room for all that was claimed.
    pub(super) fn into_room(self) -> Promise {
        self.room
    }
}

/// Bytes of the columns that a schema describes. Names may stand in it once and be used by many.
fn schema_bytes(schema: &Schema<'_>) -> usize {
    let fields: usize = schema.fields().into_iter().flatten().map(field_bytes).sum();
    fields + pairs_bytes(schema.custom_metadata().into_iter().flatten())
}

/// Bytes of a column in a schema, and of those within it.
fn field_bytes(field: Field<'_>) -> usize {
    let zone = field.type_as_timestamp().and_then(|moment| moment.timezone());
    let texts: usize = [field.name(), zone].into_iter().flatten().map(str::len).sum();
    let within: usize = field.children().into_iter().flatten().map(field_bytes).sum();
    COLUMN_BYTES + texts + within + pairs_bytes(field.custom_metadata().into_iter().flatten())
}

/// Bytes of what is remarked on a column or on all of them.
fn pairs_bytes<'a>(pairs: impl Iterator<Item = KeyValue<'a>>) -> usize {
    pairs.map(|pair| COLUMN_BYTES + pair.key().map_or(0, str::len) + pair.value().map_or(0, str::len)).sum()
}

/// Bytes of a batch once it is no longer compressed.
fn batch_bytes(batch: &RecordBatch<'_>, body: &[u8]) -> Result<usize, Status> {
    let codec = batch.compression().map(|compression| compression.codec());
    let mut bytes = batch.nodes().map_or(0, |nodes| nodes.len()).saturating_mul(COLUMN_BYTES);
    for buffer in batch.buffers().into_iter().flatten() {
        bytes = bytes.saturating_add(buffer_bytes(buffer, codec, body).ok_or_else(unreadable)?);
    }
    Ok(bytes)
}

/// Bytes of a buffer once it is no longer compressed; a compressed one tells them in its first 8. Buffers may lie over
/// each other: each counts. `None` when it does not lie in the body.
fn buffer_bytes(buffer: &Buffer, codec: Option<CompressionType>, body: &[u8]) -> Option<usize> {
    let length = usize::try_from(buffer.length()).ok()?;
    if length == 0 {
        return Some(0);
    }
    let bytes = body.get(usize::try_from(buffer.offset()).ok()?..)?.get(..length)?;
    let Some(codec) = codec else { return Some(length) };
    let (told, packed) = bytes.split_first_chunk::<8>()?;
    match i64::from_le_bytes(*told) {
        0 => Some(0),
        NOT_COMPRESSED => Some(packed.len()),
        told => {
            let told = usize::try_from(told).ok()?;
            let held = if codec == CompressionType::LZ4_FRAME { lz4_frame::bytes_max(packed)? } else { 0 };
            Some(told.max(held))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::venue::noise::Noise;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::ipc::reader::StreamReader;
    use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
    use std::sync::Arc;

    fn stream(compression: Option<CompressionType>) -> Vec<u8> {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1_000).map(|n| n % 3)));
        let others: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1_000).map(|n| n % 5)));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..1_000).map(|n| format!("S{}", n % 7))));
        let columns = [("n", numbers), ("o", others), ("t", texts)];
        let rows = arrow::record_batch::RecordBatch::try_from_iter(columns).unwrap();
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let mut stream = Vec::new();
        let mut writer = StreamWriter::try_new_with_options(&mut stream, &rows.schema(), options).unwrap();
        writer.write(&rows).unwrap();
        writer.finish().unwrap();
        drop(writer);
        stream
    }

    fn check(stream: &[u8]) -> Result<(), Status> {
        Claims::default().add_stream(stream)
    }

    /// Where a number of 8 bytes stands.
    fn places(bytes: &[u8], number: i64) -> Vec<usize> {
        let wanted = number.to_le_bytes();
        bytes.windows(8).enumerate().filter(|(_, window)| *window == wanted).map(|(place, _)| place).collect()
    }

    #[test]
    fn honest_streams_are_taken() {
        for compression in [None, Some(CompressionType::ZSTD), Some(CompressionType::LZ4_FRAME)] {
            let mut claims = Claims::default();
            claims.add_stream(&stream(compression)).unwrap();
            assert_eq!(claims.rows, 1_000);
            // Two columns of numbers, the texts and where they begin; beside them the schema and what pads the buffers.
            let least = 2 * 8_000 + 2_000 + 4_004 + 6 * COLUMN_BYTES;
            assert!((least..least + 300_000).contains(&claims.bytes), "{compression:?}: {}", claims.bytes);
        }
        check(b"").unwrap();
    }

    #[test]
    fn what_buffers_claim_is_counted_together() {
        let mut bytes = stream(Some(CompressionType::ZSTD));
        // The length before a buffer: a thousand numbers of eight bytes.
        let places = places(&bytes, 8_000);
        assert_eq!(places.len(), 2);
        for (place, refused) in places.into_iter().zip([false, true]) {
            bytes[place..place + 8].copy_from_slice(&(40_i64 << 20).to_le_bytes());
            assert_eq!(check(&bytes).is_err_and(|status| status.message().contains("unpacked")), refused);
        }
    }

    #[test]
    fn streams_of_one_call_are_counted_together() {
        let (mut claims, stream) = (Claims::default(), stream(None));
        let refused = (0..1_049).find_map(|_| claims.add_stream(&stream).err()).unwrap();
        assert!(refused.message().contains("rows"), "{refused}");
    }

    #[test]
    fn rows_that_cost_nothing_are_counted() {
        let mut bytes = stream(None);
        for place in places(&bytes, 1_000) {
            bytes[place..place + 8].copy_from_slice(&(1_i64 << 62).to_le_bytes());
        }
        assert!(check(&bytes).unwrap_err().message().contains("rows"));
    }

    #[test]
    fn no_bytes_make_the_reader_reserve_more_than_there_is() {
        let mut noise = Noise(0x5eed);
        let seeds = [stream(None), stream(Some(CompressionType::ZSTD)), stream(Some(CompressionType::LZ4_FRAME))];
        for _ in 0..3_000 {
            let seed = &seeds[noise.below(seeds.len())];
            let bytes = noise.mutated(seed);
            if check(&bytes).is_ok() {
                // It may still panic, which its caller catches; it may not end the process.
                let read = || StreamReader::try_new(bytes.as_slice(), None)?.collect::<Result<Vec<_>, _>>();
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
            }
        }
    }
}
