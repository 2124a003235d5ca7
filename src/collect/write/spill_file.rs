//! A temporary file that batches are put into and read from again. It has no name, so that nobody else can open it, and is
//! gone with the process, however that ends.

use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes that are written or read at once, where a column has no more.
const BLOCK_BYTES: usize = 256 << 10;

/// The file. Its bytes are batches in Arrow's IPC format, a stream for each call of [`SpillFile::put`].
#[derive(Debug)]
pub(super) struct SpillFile {
    /// Held while batches are put or read, for its position is theirs.
    file: Mutex<File>,
    end: u64,
}

impl SpillFile {
    /// An empty one in a folder.
    ///
    /// # Errors
    /// The folder is not there or cannot be written.
    pub(super) fn new_in(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: Mutex::new(tempfile::tempfile_in(folder)?), end: 0 })
    }

    /// Puts batches of one schema behind what is there, and says where they are.
    ///
    /// # Errors
    /// The disk is full, or fails. What was put before can still be read.
    pub(super) fn put(&mut self, batches: &[RecordBatch]) -> Result<Range<u64>, ArrowError> {
        let Some(first) = batches.first() else { return Ok(self.end..self.end) };
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.end))?;
        let mut writer = StreamWriter::try_new(BufWriter::with_capacity(BLOCK_BYTES, &mut *file), &first.schema())?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        let mut written = writer.into_inner()?;
        written.flush()?;
        drop(written);
        let place = self.end..file.stream_position()?;
        self.end = place.end;
        Ok(place)
    }

    /// Reads batches from where they were put.
    ///
    /// # Errors
    /// The disk fails, or has other bytes than were put there.
    pub(super) fn read(&self, place: &Range<u64>) -> Result<Vec<RecordBatch>, ArrowError> {
        if place.is_empty() {
            return Ok(Vec::new());
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place.start))?;
        let bytes = Read::take(&mut *file, place.end - place.start);
        StreamReader::try_new(BufReader::with_capacity(BLOCK_BYTES, bytes), None)?.collect()
    }
}
