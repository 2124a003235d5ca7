//! One file of the spool: batches one after the other, each an Arrow IPC stream of its own behind a header.
//!
//! The header is the magic [`MAGIC`], the length of the stream and its CRC-32, both 32 bits, little-endian. A batch that
//! a crash cut short, or that the disk did not keep, fails one of the three; the file ends before it. The file's name is
//! the number of its first event.

use super::error::SpoolError;
use super::file::{SegmentFile, decode};
use super::tail::Block;
use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const MAGIC: [u8; 4] = *b"TTS1";
const HEADER_BYTES: u64 = 12;
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
    /// Something after its last good batch could not be read: it is put aside rather than removed.
    damaged: bool,
}

impl Segment {
    /// A new file whose first event has this number.
    pub(super) fn create(directory: &Path, first: i64) -> Result<Self, SpoolError> {
        let path = directory.join(format!("{first:020}.{EXTENSION}"));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|error| SpoolError::io(&path, &error))?;
        let file = Arc::new(SegmentFile { path, file: Mutex::new(file) });
        Ok(Self { file, length: 0, first, last: first - 1, damaged: false })
    }

    /// Appends a batch whose last event has the number `last`, and hands it to the operating system.
    ///
    /// After an error the file is as before, as far as the disk allows; the batch may be appended again.
    pub(super) fn append(&mut self, rows: RecordBatch, first: i64, last: i64) -> Result<Block, SpoolError> {
        let stream = encode(&rows).map_err(|error| SpoolError::arrow(&self.file.path, &error))?;
        let length = u32::try_from(stream.len()).ok().filter(|length| *length <= BATCH_BYTES_MAX).ok_or_else(|| {
            SpoolError::Unreadable { file: self.file.path.clone(), reason: "a batch is too large".to_owned() }
        })?;
        let mut bytes = Vec::with_capacity(stream.len() + HEADER_BYTES as usize);
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
        let offset = self.length + HEADER_BYTES;
        self.length = offset + u64::from(length);
        self.last = last;
        Ok(Block::new(first, last, rows.num_rows(), self.file.clone(), offset, length).with_rows(rows))
    }

    /// Forces what was appended to the disk.
    pub(super) fn sync(&self) -> Result<(), SpoolError> {
        let file = self.file.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.sync_data().map_err(|error| SpoolError::io(&self.file.path, &error))
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

/// Reads a file that an earlier process wrote, up to its last whole batch, and cuts off what comes after. No segment:
/// the file holds no whole batch and nothing worth keeping.
pub(super) fn recover(path: &Path, schema: &SchemaRef) -> Result<(Option<Segment>, Vec<Block>), SpoolError> {
    let fail = |error: std::io::Error| SpoolError::io(path, &error);
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(fail)?;
    let size = file.metadata().map_err(fail)?.len();
    let shared = Arc::new(SegmentFile { path: path.to_owned(), file: Mutex::new(file.try_clone().map_err(fail)?) });
    let (mut length, mut blocks) = (0_u64, Vec::new());
    {
        let mut reader = BufReader::with_capacity(1 << 20, &file);
        while let Some(stream) = read_batch(&mut reader, size - length) {
            let rows = decode(path, &stream, schema)?;
            let numbers = rows.column_by_name("sequence").map(|column| column.as_primitive::<Int64Type>());
            let bounds = numbers.and_then(|numbers| Some((*numbers.values().first()?, *numbers.values().last()?)));
            let stream_bytes = u32::try_from(stream.len()).unwrap_or(u32::MAX);
            if let Some((first, last)) = bounds {
                let offset = length + HEADER_BYTES;
                blocks.push(Block::new(first, last, rows.num_rows(), shared.clone(), offset, stream_bytes));
            }
            length += HEADER_BYTES + u64::from(stream_bytes);
        }
    }
    let torn = size - length;
    let mut damaged = false;
    if torn > 0 {
        // A crash leaves one unfinished batch at the end; whole batches behind a bad one are damage, and are kept.
        damaged = holds_batch(&file, length).map_err(fail)?;
        tracing::warn!(file = %path.display(), bytes = torn, damaged, "the end of a spool file is unreadable");
        if !damaged {
            file.set_len(length).map_err(fail)?;
        }
    }
    let (Some(first), Some(last)) = (blocks.first().map(Block::first), blocks.last().map(Block::last)) else {
        if damaged {
            fs::rename(path, path.with_extension("damaged")).map_err(fail)?;
            return Err(SpoolError::Unreadable {
                file: path.to_owned(),
                reason: "it was put aside: no batch is readable".to_owned(),
            });
        }
        return Ok((None, Vec::new()));
    };
    Ok((Some(Segment { file: shared, length, first, last, damaged }), blocks))
}

/// The next whole batch; `None` at the end of what is good.
fn read_batch(reader: &mut impl Read, left: u64) -> Option<Vec<u8>> {
    let (mut magic, mut length, mut checksum) = ([0; 4], [0; 4], [0; 4]);
    for part in [&mut magic, &mut length, &mut checksum] {
        reader.read_exact(part).ok()?;
    }
    let length = u32::from_le_bytes(length);
    if magic != MAGIC || length > BATCH_BYTES_MAX || u64::from(length) + HEADER_BYTES > left {
        return None;
    }
    let mut stream = vec![0; length as usize];
    reader.read_exact(&mut stream).ok()?;
    (crc32fast::hash(&stream) == u32::from_le_bytes(checksum)).then_some(stream)
}

/// Whether a whole batch begins somewhere after `offset`.
fn holds_batch(mut file: &File, offset: u64) -> std::io::Result<bool> {
    file.seek(SeekFrom::Start(offset))?;
    let mut rest = Vec::new();
    file.take(u64::from(BATCH_BYTES_MAX)).read_to_end(&mut rest)?;
    let starts = rest.windows(MAGIC.len()).enumerate().skip(1).filter(|(_, window)| *window == MAGIC);
    let mut tails = starts.filter_map(|(start, _)| rest.get(start..));
    Ok(tails.any(|mut tail| {
        let left = tail.len() as u64;
        read_batch(&mut tail, left).is_some()
    }))
}

fn encode(rows: &RecordBatch) -> Result<Vec<u8>, arrow::error::ArrowError> {
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &rows.schema())?;
    writer.write(rows)?;
    writer.finish()?;
    drop(writer);
    Ok(stream)
}
