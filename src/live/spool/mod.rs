//! The spool: every live event on this machine's disk within a moment of its arrival, until the lake has it.
//!
//! A book offers each frame it publishes to an [`Intake`], which never waits. A thread of the spool's own takes what
//! has gathered, every [`FLUSH`] or [`FLUSH_EVENTS`] events, numbers it, appends it to a file and only then shows it in
//! the [`Tail`]. Whoever commits to the lake takes the tail's blocks, and gives the position back with
//! [`Spool::committed`]; files that are wholly below it go.
//!
//! What is kept, and when: an event that a query has seen in the tail is with the operating system and outlives
//! `kill -9`; what is still in the intake, at most the last [`FLUSH`] under normal load, does not. Files are forced to
//! the disk, each with its name in the directory, [`SYNC`] after the first event that waits for it, so that a power
//! failure costs no more than the last second. Where the disk refuses that, the failure is told until the lake has those
//! events. When the disk does not keep up the intake fills; beyond its bound events are lost, counted, and leave a gap in
//! the numbers. So do events of which a file was damaged. No number is given twice (`numbers`).
//!
//! A spool belongs to one process at a time; a lock on its directory says so.

mod error;
mod file;
mod identity;
mod intake;
mod numbers;
mod recovery;
mod row;
mod segment;
mod status;
mod symbol_index;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

pub use error::SpoolError;
pub use intake::Intake;
pub use segment::Segment;
pub use status::{FLUSH, FLUSH_EVENTS, SYNC, SpoolStatus};
pub use tail::{Block, Tail, Uncommitted};

use crate::disk::{self, Disk, LocalDisk};
use crate::live::Book;
use crate::market::event::Event;
use arrow::datatypes::SchemaRef;
use numbers::{Given, Numbers};
use std::fs::{self, File};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
    disk: Arc<dyn Disk>,
    schema: SchemaRef,
    recovered: Vec<Segment>,
    blocks: Vec<Block>,
    /// Numbers whose events cannot be read back.
    holes: Vec<RangeInclusive<i64>>,
    given: Option<Given>,
    /// The first number of the last file, by its name.
    named: i64,
    /// Held for its lock; closing it frees the directory.
    lock: File,
}

impl OpenSpool {
    /// Opens a directory and reads what an earlier process left there; a batch cut by a crash is cut off.
    ///
    /// `schema` is that of the rows: the event's columns, `sequence`, `fetched_at`.
    ///
    /// # Errors
    /// Another process keeps the spool, a file of it cannot be read or was written by another version, or the disk fails.
    pub fn open(directory: &Path, schema: SchemaRef) -> Result<Self, SpoolError> {
        Self::open_on(directory, schema, Arc::new(LocalDisk))
    }

    /// The same on a disk of the caller's.
    ///
    /// # Errors
    /// As [`OpenSpool::open`].
    pub fn open_on(directory: &Path, schema: SchemaRef, disk: Arc<dyn Disk>) -> Result<Self, SpoolError> {
        let fail = |error: std::io::Error| SpoolError::io(directory, &error);
        disk::make_folders(disk.as_ref(), directory).map_err(fail)?;
        let lock = File::create(directory.join("lock")).map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(SpoolError::Busy { directory: directory.to_owned() }),
            Err(fs::TryLockError::Error(error)) => return Err(fail(error)),
        }
        let paths = segment::list(directory)?;
        let application = identity::read_or_make(disk.as_ref(), directory, paths.is_empty())?;
        let (mut recovered, mut blocks, mut holes, mut torn_at) = (Vec::new(), Vec::new(), Vec::new(), None);
        let mut named = 0;
        let mut paths = paths.into_iter().peekable();
        while let Some(path) = paths.next() {
            let mut found = recovery::recover(&path, &schema)?;
            // Files follow each other: what is missing at the end of one reaches to the next.
            holes.extend(torn_at.take().map(|from| from..=found.first - 1));
            holes.append(&mut found.holes);
            (torn_at, named) = (found.torn_at, found.first);
            match found.segment {
                Some(mut segment) => {
                    segment.sync(disk.as_ref())?;
                    recovered.push(segment);
                }
                // A crash leaves the last file without a whole batch, never one before it.
                None => match paths.peek() {
                    Some(_) => fs::rename(&path, path.with_extension("damaged")),
                    None => fs::remove_file(&path),
                }
                .map_err(|error| SpoolError::io(&path, &error))?,
            }
            blocks.append(&mut found.blocks);
        }
        let given = numbers::read(directory)?;
        // A spool that did not stop does not know whether there was more.
        if let (Some(from), Some(Given::Exactly(last))) = (torn_at, given) {
            holes.push(from..=last);
        }
        let directory = directory.to_owned();
        Ok(Self { application, directory, disk, schema, recovered, blocks, holes, given, named, lock })
    }

    /// Identifies this spool's numbers among all writers of the lake's table.
    pub fn application(&self) -> &str {
        &self.application
    }

    /// Events that cannot be read back and are not in the lake, which is at `position`.
    fn missed(&self, position: i64) -> u64 {
        let missing = |hole: &RangeInclusive<i64>| {
            let first = position.saturating_add(1).max(*hole.start());
            u64::try_from(hole.end().saturating_sub(first).saturating_add(1)).unwrap_or(0)
        };
        self.holes.iter().map(missing).sum()
    }

    /// Starts taking the book's events, those first that wait in its intake already. `position` is how far the lake is: what
    /// it has is not handed over again, so it must be there after a power failure too.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start<E: Event>(self, book: &Book<E>, position: i64, limits: SpoolLimits) -> Result<Spool, SpoolError> {
        let missed = self.missed(position);
        let Self { application, directory, disk, schema, mut recovered, blocks, holes: _, given, named, lock } = self;
        if missed > 0 {
            tracing::error!(events = missed, directory = %directory.display(), "live events are lost: their file is damaged");
        }
        let known = blocks.last().map_or(0, Block::last).max(position).max(named);
        let last = given.map_or(known, |given| given.last(known));
        recovered.retain(|segment| segment.last() > position || segment.remove().is_err());
        let tail = Arc::new(Tail::new(application, schema.clone(), limits.memory_bytes));
        blocks.into_iter().filter(|block| block.last() > position).for_each(|block| tail.push(block));
        let intake = book.record(limits.intake_events);
        let status = Arc::new(SpoolStatus::default());
        status.missed.store(missed, Ordering::Relaxed);
        let committed = Arc::new(AtomicI64::new(position));
        let writer = writer::Writer {
            numbers: Numbers::new(&directory, disk.clone()),
            directory: directory.clone(),
            disk,
            schema,
            intake: intake.clone(),
            tail: tail.clone(),
            status: status.clone(),
            committed: committed.clone(),
            segments: recovered.into(),
            active: None,
            next: last.saturating_add(1),
            unsynced_since: None,
            at_risk: None,
            behind: false,
            disk_bytes_max: limits.disk_bytes,
            _lock: lock,
        };
        let thread = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| SpoolError::io(&directory, &error))?;
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

    /// How far the lake is, as far as the spool was told.
    pub fn position(&self) -> i64 {
        self.committed.load(Ordering::Relaxed)
    }

    /// Everything up to `position` is in a version of the lake's table that readers already see and that outlives a power
    /// failure: it leaves the tail now, and the disk with the next file.
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
