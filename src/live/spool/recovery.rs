//! What an earlier process left of a spool file: every batch that is whole, and which numbers are missing between them.

use super::error::SpoolError;
use super::file::{SegmentFile, decode};
use super::segment::{HEADER_BYTES, MAGIC, Segment, batch_at};
use super::tail::Block;
use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, SchemaRef};
use std::fs::OpenOptions;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A file that was read back.
#[derive(Debug)]
pub(super) struct Recovered {
    /// The file; `None` where no batch in it is whole.
    pub(super) segment: Option<Segment>,
    /// Its whole batches, in the order of their numbers.
    pub(super) blocks: Vec<Block>,
    /// The number of its first event, as its name says.
    pub(super) first: i64,
    /// Numbers that stood between its batches and cannot be read.
    pub(super) holes: Vec<RangeInclusive<i64>>,
    /// The number that its unreadable end begins with, or the file where no batch of it is whole; `None` where its end is.
    pub(super) torn_at: Option<i64>,
}

/// Reads a file. A crash leaves one unfinished batch at the end, which is cut off; what is unreadable before a whole batch
/// is damage: the file is kept when its events are in the lake, under another name.
pub(super) fn recover(path: &Path, schema: &SchemaRef) -> Result<Recovered, SpoolError> {
    let fail = |error: std::io::Error| SpoolError::io(path, &error);
    let name = path.file_stem().and_then(|name| name.to_str()?.parse::<i64>().ok());
    let first = name.filter(|first| *first > 0).unwrap_or(1);
    let bytes = std::fs::read(path).map_err(fail)?;
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(fail)?;
    let shared = Arc::new(SegmentFile { path: path.to_owned(), file: Mutex::new(file) });
    let (mut blocks, mut holes, mut last, mut end) = (Vec::new(), Vec::new(), first - 1, 0);
    while let Some((offset, stream)) = next_batch(&bytes, end) {
        let rows = decode(path, stream, schema)?;
        let skipped = offset > end;
        let start = offset + HEADER_BYTES;
        end = start + stream.len();
        let numbers = rows.column_by_name("sequence").map(|column| column.as_primitive::<Int64Type>());
        let bounds = numbers.and_then(|numbers| Some((*numbers.values().first()?, *numbers.values().last()?)));
        let Some((from, to)) = bounds else { continue };
        if skipped {
            holes.push(last.saturating_add(1)..=from.saturating_sub(1));
        }
        let length = u32::try_from(stream.len()).unwrap_or(u32::MAX);
        blocks.push(Block::new(from, to, rows.num_rows(), shared.clone(), start as u64, length));
        last = to;
    }
    let torn = bytes.len() - end;
    let damaged = !holes.is_empty();
    if torn > 0 || damaged {
        tracing::warn!(file = %path.display(), end_bytes = torn, damaged, "a spool file is unreadable in part");
    }
    if torn > 0 && !damaged && !blocks.is_empty() {
        shared.cut(end as u64)?;
    }
    let segment = (!blocks.is_empty()).then(|| Segment::recovered(shared, bytes.len() as u64, (first, last), damaged));
    let torn_at = (torn > 0 || segment.is_none()).then(|| last.saturating_add(1));
    Ok(Recovered { segment, blocks, first, holes, torn_at })
}

/// The next whole batch at or after a place: its own place, and its stream.
fn next_batch(bytes: &[u8], from: usize) -> Option<(usize, &[u8])> {
    if let Some(stream) = batch_at(bytes, from) {
        return Some((from, stream));
    }
    let starts = bytes.get(from..)?.windows(MAGIC.len()).enumerate().skip(1).filter(|(_, window)| *window == MAGIC);
    starts.map(|(place, _)| from + place).find_map(|place| Some((place, batch_at(bytes, place)?)))
}
