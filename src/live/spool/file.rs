//! A segment file of the spool, read by place: the spool's tail and queries get a batch of rows from its offset and
//! length.

use super::error::SpoolError;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// An open file that blocks read from. It stays readable after it was removed from its directory.
#[derive(Debug)]
pub(super) struct SegmentFile {
    pub(super) path: PathBuf,
    /// Held for a seek and a read or write, never across an await.
    pub(super) file: Mutex<File>,
}

impl SegmentFile {
    /// Cuts the file off at a length.
    pub(super) fn cut(&self, length: u64) -> Result<(), SpoolError> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.set_len(length).map_err(|error| SpoolError::io(&self.path, &error))
    }

    pub(super) fn read(&self, offset: u64, length: u32, schema: &SchemaRef) -> Result<RecordBatch, SpoolError> {
        let mut bytes = vec![0; length as usize];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
            read.map_err(|error| SpoolError::io(&self.path, &error))?;
        }
        decode(&self.path, &bytes, schema)
    }
}

pub(super) fn decode(path: &Path, stream: &[u8], schema: &SchemaRef) -> Result<RecordBatch, SpoolError> {
    let unreadable = |reason: String| SpoolError::Unreadable { file: path.to_owned(), reason };
    let mut reader = StreamReader::try_new(stream, None).map_err(|error| SpoolError::arrow(path, &error))?;
    let rows = reader.next().ok_or_else(|| unreadable("a batch is empty".to_owned()))?;
    let rows = rows.map_err(|error| SpoolError::arrow(path, &error))?;
    if rows.schema().fields() != schema.fields() {
        return Err(unreadable("it was written by another version: its columns differ".to_owned()));
    }
    Ok(rows)
}
