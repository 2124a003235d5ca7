//! Segment files of the spool: batches stand one after the other, each an Arrow IPC stream of its own behind a header.
//!
//! The header is the magic [`MAGIC`], the length of the stream and its CRC-32, both 32 bits, little-endian. A batch
//! that a crash cut short, or that the disk did not keep, fails one of the three; the others of the file can be read. The file's
//! name is the number of its first event.

use super::error::SpoolError;
use super::file::SegmentFile;
use super::tail::Block;
use crate::disk::{Disk, folder_of};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) const MAGIC: [u8; 4] = *b"TTS1";
pub(super) const HEADER_BYTES: usize = 12;
/// No batch is larger; a length beyond it is damage.
const BATCH_BYTES_MAX: u32 = 1 << 30;
const EXTENSION: &str = "spool";

/// A file of the spool and the last number in it.
#[derive(Debug)]
pub struct Segment {
    file: Arc<SegmentFile>,
    length: u64,
    first: i64,
    last: i64,
    /// Something before its last whole batch could not be read: it is put aside rather than removed.
    damaged: bool,
    /// Whether its name is known to be on the disk.
    named: bool,
}

impl Segment {
    /// A new file whose first event has this number.
    pub(super) fn create(directory: &Path, first: i64) -> Result<Self, SpoolError> {
        let path = directory.join(format!("{first:020}.{EXTENSION}"));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|error| SpoolError::io(&path, &error))?;
        let file = Arc::new(SegmentFile { path, file: Mutex::new(file) });
        Ok(Self { file, length: 0, first, last: first - 1, damaged: false, named: false })
    }

    /// A file of an earlier process, which may have been killed before it synced it: its bytes, first and last number.
    pub(super) fn recovered(file: Arc<SegmentFile>, length: u64, (first, last): (i64, i64), damaged: bool) -> Self {
        Self { file, length, first, last, damaged, named: false }
    }

    /// Appends a batch whose last event has the number `last`, and hands it to the operating system.
    ///
    /// After an error the file is as before, as far as the disk allows; the batch may be appended again.
    pub(super) fn append(&mut self, rows: RecordBatch, first: i64, last: i64) -> Result<Block, SpoolError> {
        let stream = encode(&rows).map_err(|error| SpoolError::arrow(&self.file.path, &error))?;
        let length = u32::try_from(stream.len()).ok().filter(|length| *length <= BATCH_BYTES_MAX).ok_or_else(|| {
            SpoolError::Unreadable { file: self.file.path.clone(), reason: "a batch is too large".to_owned() }
        })?;
        let mut bytes = Vec::with_capacity(stream.len() + HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&stream).to_le_bytes());
        bytes.extend_from_slice(&stream);
        {
            let mut file = self.file.file.lock().unwrap_or_else(PoisonError::into_inner);
            let written = file.seek(SeekFrom::Start(self.length)).and_then(|_| file.write_all(&bytes));
            if let Err(error) = written {
                let _ = file.set_len(self.length);
                return Err(SpoolError::io(&self.file.path, &error));
            }
        }
        let offset = self.length + HEADER_BYTES as u64;
        self.length = offset + u64::from(length);
        self.last = last;
        Ok(Block::new(first, last, rows.num_rows(), self.file.clone(), offset, length).with_rows(rows))
    }

    /// Returns when what was appended is on the disk, and the file's name.
    pub(super) fn sync(&mut self, disk: &dyn Disk) -> Result<(), SpoolError> {
        let path = &self.file.path;
        let synced = {
            let file = self.file.file.lock().unwrap_or_else(PoisonError::into_inner);
            disk.sync_file(&file, path)
        };
        let synced = synced.and_then(|()| if self.named { Ok(()) } else { disk.sync_folder(folder_of(path)) });
        synced.map_err(|error| SpoolError::io(path, &error))?;
        self.named = true;
        Ok(())
    }

    /// Removes the file from its directory.
    pub(super) fn remove(&self) -> Result<(), SpoolError> {
        let path = &self.file.path;
        let outcome = match self.damaged {
            true => fs::rename(path, path.with_extension("damaged")),
            false => fs::remove_file(path),
        };
        outcome.map_err(|error| {
            tracing::warn!(file = %path.display(), %error, "a committed spool file cannot be removed");
            SpoolError::io(path, &error)
        })
    }

    pub(super) fn first(&self) -> i64 {
        self.first
    }

    pub(super) fn last(&self) -> i64 {
        self.last
    }

    pub(super) fn bytes(&self) -> u64 {
        self.length
    }
}

/// The files of a spool, oldest first.
pub(super) fn list(directory: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    let fail = |error: std::io::Error| SpoolError::io(directory, &error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            paths.push(path);
        }
    }
    // Names have one length: their order is the order of their numbers.
    paths.sort();
    Ok(paths)
}

/// The stream of the whole batch that begins at a place; `None` where none does.
pub(super) fn batch_at(bytes: &[u8], place: usize) -> Option<&[u8]> {
    let (header, rest) = bytes.get(place..)?.split_first_chunk::<HEADER_BYTES>()?;
    let (magic, numbers) = header.split_first_chunk::<4>()?;
    let (length, numbers) = numbers.split_first_chunk::<4>()?;
    let checksum = numbers.first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    if *magic != MAGIC || length > BATCH_BYTES_MAX {
        return None;
    }
    let stream = rest.get(..usize::try_from(length).ok()?)?;
    (crc32fast::hash(stream) == u32::from_le_bytes(*checksum)).then_some(stream)
}

fn encode(rows: &RecordBatch) -> Result<Vec<u8>, arrow::error::ArrowError> {
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &rows.schema())?;
    writer.write(rows)?;
    writer.finish()?;
    drop(writer);
    Ok(stream)
}
