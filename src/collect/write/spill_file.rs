//! A temporary file that batches are put into and read from again. It has no name, so that nobody else can open it, and is
//! gone with the process, however that ends.

use super::packed::Packed;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes that are written or read at once, where a column has no more.
const BLOCK_BYTES: usize = 256 << 10;

/// The file. Its bytes are the two parts of each batch ([`Packed`]), each a stream in Arrow's IPC format.
#[derive(Debug)]
pub(super) struct SpillFile {
    schema: SchemaRef,
    /// Held while batches are put or read, for its position is theirs.
    file: Mutex<File>,
    end: u64,
}

impl SpillFile {
    /// An empty one in a folder, for batches of one schema.
    ///
    /// # Errors
    /// The folder is not there or cannot be written.
    pub(super) fn new_in(folder: &Path, schema: SchemaRef) -> io::Result<Self> {
        Ok(Self { schema, file: Mutex::new(tempfile::tempfile_in(folder)?), end: 0 })
    }

    /// Puts batches behind what is there, and says where they are.
    ///
    /// # Errors
    /// The disk is full, or fails. What was put before can still be read.
    pub(super) fn put(&mut self, batches: &[RecordBatch]) -> Result<Range<u64>, ArrowError> {
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.end))?;
        let mut bytes = BufWriter::with_capacity(BLOCK_BYTES, &mut *file);
        for batch in batches {
            let packed = Packed::of(batch)?;
            put(&mut bytes, &packed.once)?;
            put(&mut bytes, &packed.rows)?;
        }
        bytes.flush()?;
        drop(bytes);
        let place = self.end..file.stream_position()?;
        self.end = place.end;
        Ok(place)
    }

    /// Reads batches from where they were put.
    ///
    /// # Errors
    /// The disk fails, or has other bytes than were put there.
    pub(super) fn read(&self, place: &Range<u64>) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place.start))?;
        let bytes = Read::take(&mut *file, place.end.saturating_sub(place.start));
        let mut bytes = BufReader::with_capacity(BLOCK_BYTES, bytes);
        let mut batches = Vec::new();
        while !bytes.fill_buf()?.is_empty() {
            let packed = Packed { once: next(&mut bytes)?, rows: next(&mut bytes)? };
            batches.push(packed.unpacked(&self.schema)?);
        }
        Ok(batches)
    }
}

/// Writes a part as a stream of its own.
fn put(bytes: &mut impl Write, part: &RecordBatch) -> Result<(), ArrowError> {
    let mut stream = StreamWriter::try_new(bytes, &part.schema())?;
    stream.write(part)?;
    stream.finish()
}

/// Reads the next part, with the end of its stream.
fn next(bytes: &mut impl Read) -> Result<RecordBatch, ArrowError> {
    let mut stream = StreamReader::try_new(bytes, None)?;
    match (stream.next().transpose()?, stream.next().transpose()?) {
        (Some(part), None) => Ok(part),
        _ => Err(ArrowError::IpcError("a stream has not one batch".to_owned())),
    }
}
