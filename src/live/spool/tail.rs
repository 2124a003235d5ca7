//! The tail of a spool: blocks of events that the lake does not have yet, which queries read beside the lake's table.

use super::error::SpoolError;
use super::file::SegmentFile;
use super::symbol_index::SymbolIndex;
use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Whoever keeps events until the lake has them. What reads a history asks it for those the lake does not have yet.
pub trait Uncommitted: std::fmt::Debug + Send + Sync {
    /// The events the lake may not have yet; `None` while there is no spool to keep them.
    fn tail(&self) -> Option<Arc<Tail>>;
}

/// Some consecutive events: on the disk, and in memory as well unless memory is short.
#[derive(Debug, Clone)]
pub struct Block {
    first: i64,
    last: i64,
    count: usize,
    file: Arc<SegmentFile>,
    offset: u64,
    length: u32,
    rows: Option<RecordBatch>,
    /// Made when somebody asks for rows of a symbol.
    symbols: OnceLock<SymbolIndex>,
}

impl Block {
    pub(super) fn new(first: i64, last: i64, count: usize, file: Arc<SegmentFile>, offset: u64, length: u32) -> Self {
        Self { first, last, count, file, offset, length, rows: None, symbols: OnceLock::new() }
    }

    pub(super) fn with_rows(mut self, rows: RecordBatch) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Sequence number of the first event.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// Sequence number of the last event.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// Events in the block, whether its rows are in memory or on the disk alone.
    pub fn count(&self) -> usize {
        self.count
    }

    fn memory_bytes(&self) -> usize {
        self.rows.as_ref().map_or(0, RecordBatch::get_array_memory_size)
    }

    /// Its rows and the places of those of a symbol among them, in their order; `None` where its rows are on the disk alone.
    pub fn rows_of(&self, symbol: &str) -> Option<(&RecordBatch, &[u32])> {
        let rows = self.rows.as_ref()?;
        let column = rows.column_by_name("symbol").and_then(|column| column.as_string_opt::<i32>())?;
        Some((rows, self.symbols.get_or_init(|| SymbolIndex::of(column)).places(column, symbol)))
    }

    /// Its rows beyond a position, in the order of their numbers; from memory, or else from the disk.
    pub fn rows_after(&self, position: i64, schema: &SchemaRef) -> Result<RecordBatch, SpoolError> {
        let rows = match &self.rows {
            Some(rows) => rows.clone(),
            None => self.file.read(self.offset, self.length, schema)?,
        };
        if position < self.first {
            return Ok(rows);
        }
        let numbers = rows.column_by_name("sequence").map(|column| column.as_primitive::<Int64Type>());
        let done = numbers.map_or(0, |numbers| numbers.values().partition_point(|number| *number <= position));
        Ok(rows.slice(done, rows.num_rows() - done))
    }
}

/// What was spooled and is in no visible version of the lake's table. The spool adds, the committer trims, queries
/// read.
///
/// A query takes the blocks first and the table's version after: what it does not find here any more was trimmed, and
/// so is in every version visible by then. Rows that are in both are told apart by their number.
#[derive(Debug)]
pub struct Tail {
    application: String,
    schema: SchemaRef,
    memory_bytes_max: usize,
    /// Held for a copy of references, never across an await.
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    blocks: VecDeque<Arc<Block>>,
    events: usize,
    memory_bytes: usize,
}

impl Tail {
    pub(super) fn new(application: String, schema: SchemaRef, memory_bytes_max: usize) -> Self {
        Self { application, schema, memory_bytes_max, held: Mutex::default() }
    }

    /// Whose numbers these are: the application of the table's positions.
    pub fn application(&self) -> &str {
        &self.application
    }

    /// Columns of the rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Events that are spooled and not yet trimmed, over all blocks.
    pub fn events(&self) -> usize {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).events
    }

    /// Every block, oldest first; they are shared, not copied.
    pub fn blocks(&self) -> Vec<Arc<Block>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).blocks.iter().cloned().collect()
    }

    /// The oldest blocks, as many as hold `events_max` events together, and at least one if there is any.
    pub fn oldest(&self, events_max: usize) -> Vec<Arc<Block>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = 0;
        let fits = |block: &&Arc<Block>| {
            let first = events == 0;
            events += block.count;
            first || events <= events_max
        };
        held.blocks.iter().take_while(fits).cloned().collect()
    }

    pub(super) fn push(&self, mut block: Block) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = block.memory_bytes();
        if held.memory_bytes.saturating_add(bytes) > self.memory_bytes_max {
            block.rows = None;
        } else {
            held.memory_bytes += bytes;
        }
        held.events += block.count;
        held.blocks.push_back(Arc::new(block));
    }

    pub(super) fn trim(&self, position: i64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while held.blocks.front().is_some_and(|block| block.last <= position) {
            let Some(block) = held.blocks.pop_front() else { return };
            held.events -= block.count;
            held.memory_bytes -= block.memory_bytes();
        }
    }
}
