//! The spool: every live event on this machine's disk within a moment of its arrival, until the lake has it.
//!
//! A book offers each frame it publishes to an [`Intake`], which never waits. A thread of the spool's own takes what
//! has gathered, every [`FLUSH`] or [`FLUSH_EVENTS`] events, numbers it, appends it to a file and only then shows it in
//! the [`Tail`]. Whoever commits to the lake takes the tail's blocks, and gives the position back with
//! [`Spool::committed`]; files that are wholly below it go.
//!
//! What is kept, and when: an event that a query has seen in the tail is with the operating system and outlives
//! `kill -9`; what is still in the intake, at most the last [`FLUSH`] under normal load, does not. Files are synced to
//! the disk every [`SYNC`], so that a power failure costs no more than that. When the disk does not keep up the intake
//! fills; beyond its bound events are lost, counted, and leave a gap in the numbers.
//!
//! A spool belongs to one process at a time; a lock on its directory says so.

mod error;
mod file;
mod intake;
mod row;
mod segment;
mod status;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

pub use error::SpoolError;
pub use intake::Intake;
pub use segment::Segment;
pub use status::{FLUSH, FLUSH_EVENTS, SYNC, SpoolStatus};
pub use tail::{Block, Tail, Uncommitted};

use crate::live::Book;
use crate::market::event::Event;
use arrow::datatypes::SchemaRef;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Limits of a spool, in bytes and events, as the configuration sets them.
#[derive(Debug, Clone, Copy)]
pub struct SpoolLimits {
    /// Events that wait for the disk; more are lost and counted.
    pub intake_events: usize,
    /// Bytes of uncommitted events kept in memory; more are read back from the disk when asked for.
    pub memory_bytes: usize,
    /// Bytes of files; while the lake takes nothing and this is reached, events are lost and counted.
    pub disk_bytes: u64,
}

/// An open spool whose thread has not started. Recovered events are its to hand over.
#[derive(Debug)]
pub struct OpenSpool {
    application: String,
    directory: PathBuf,
    schema: SchemaRef,
    recovered: Vec<Segment>,
    blocks: Vec<Block>,
    /// Held for its lock; closing it frees the directory.
    lock: File,
}

impl OpenSpool {
    /// Opens a directory and reads what an earlier process left there; a batch cut by a crash is cut off.
    ///
    /// `schema` is that of the rows: the event's columns, `sequence`, `fetched_at`.
    pub fn open(directory: &Path, schema: SchemaRef) -> Result<Self, SpoolError> {
        let fail = |error: std::io::Error| SpoolError::io(directory, &error);
        fs::create_dir_all(directory).map_err(fail)?;
        let lock = File::create(directory.join("lock")).map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(SpoolError::Busy { directory: directory.to_owned() }),
            Err(fs::TryLockError::Error(error)) => return Err(fail(error)),
        }
        let paths = segment::list(directory)?;
        let application = identity(directory, paths.is_empty())?;
        let (mut recovered, mut blocks) = (Vec::new(), Vec::new());
        for path in paths {
            let (segment, mut found) = segment::recover(&path, &schema)?;
            match segment {
                Some(segment) => recovered.push(segment),
                None => fs::remove_file(&path).map_err(|error| SpoolError::io(&path, &error))?,
            }
            blocks.append(&mut found);
        }
        Ok(Self { application, directory: directory.to_owned(), schema, recovered, blocks, lock })
    }

    /// Identifies this spool's numbers among all writers of the lake's table.
    pub fn application(&self) -> &str {
        &self.application
    }

    /// Starts taking the book's events. `position` is how far the lake is: what it has is not handed over again.
    pub fn start<E: Event>(self, book: &Book<E>, position: i64, limits: SpoolLimits) -> Result<Spool, SpoolError> {
        let Self { application, directory, schema, mut recovered, blocks, lock } = self;
        let last = blocks.last().map_or(0, Block::last).max(position);
        recovered.retain(|segment| segment.last() > position || segment.remove().is_err());
        let tail = Arc::new(Tail::new(application, schema.clone(), limits.memory_bytes));
        blocks.into_iter().filter(|block| block.last() > position).for_each(|block| tail.push(block));
        let intake = Arc::new(Intake::new(limits.intake_events));
        let status = Arc::new(SpoolStatus::default());
        let committed = Arc::new(AtomicI64::new(position));
        let writer = writer::Writer {
            directory: directory.clone(),
            schema,
            intake: intake.clone(),
            tail: tail.clone(),
            status: status.clone(),
            committed: committed.clone(),
            segments: recovered.into(),
            active: None,
            next: last.saturating_add(1),
            disk_bytes_max: limits.disk_bytes,
            _lock: lock,
        };
        let thread = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| SpoolError::io(&directory, &error))?;
        book.record(intake.clone());
        let close: Box<dyn Fn() + Send + Sync> = Box::new(move || intake.close());
        Ok(Spool { tail, status, committed, close, thread: Mutex::new(Some(thread)) })
    }
}

/// A running spool: its thread takes the feed's events and writes them to the disk; the collector commits them to the
/// lake from the tail and reports each commit. Dropping it stops the thread and blocks until the last events are
/// written.
pub struct Spool {
    tail: Arc<Tail>,
    status: Arc<SpoolStatus>,
    committed: Arc<AtomicI64>,
    close: Box<dyn Fn() + Send + Sync>,
    /// Held for a take, never across an await.
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("tail", &self.tail).finish_non_exhaustive()
    }
}

impl Spool {
    /// The events the lake does not have yet.
    pub fn tail(&self) -> &Arc<Tail> {
        &self.tail
    }

    /// Counts of the spool, which metrics and `system.spools` read.
    pub fn status(&self) -> &Arc<SpoolStatus> {
        &self.status
    }

    /// Everything up to `position` is in a version of the lake's table that readers already see: it leaves the tail
    /// now, and the disk with the next file.
    pub fn committed(&self, position: i64) {
        self.committed.fetch_max(position, Ordering::Relaxed);
        self.tail.trim(position);
    }

    /// Writes what has been taken and stops. Blocks until that is done; later events are not kept.
    pub fn stop(&self) {
        (self.close)();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the spool's thread ended by a panic");
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The spool's own identity: made once, kept as long as the directory.
fn identity(directory: &Path, is_new: bool) -> Result<String, SpoolError> {
    let path = directory.join("id");
    let fail = |error: std::io::Error| SpoolError::io(&path, &error);
    match fs::read_to_string(&path) {
        Ok(text) => match Uuid::parse_str(text.trim()) {
            Ok(id) => Ok(format!("tt-spool-{id}")),
            Err(error) => Err(SpoolError::Unreadable { file: path, reason: error.to_string() }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_new => {
            let id = Uuid::new_v4();
            let fresh = directory.join("id.new");
            let mut file = File::create(&fresh).map_err(fail)?;
            writeln!(file, "{id}").and_then(|()| file.sync_all()).map_err(fail)?;
            fs::rename(&fresh, &path).map_err(fail)?;
            Ok(format!("tt-spool-{id}"))
        }
        Err(error) => Err(fail(error)),
    }
}
