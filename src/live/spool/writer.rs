//! The spool's thread: takes events, numbers them, writes them, and removes files the lake has made needless.

use super::error::SpoolError;
use super::intake::Intake;
use super::row;
use super::segment::Segment;
use super::status::{FLUSH, FLUSH_EVENTS, SYNC, SpoolStatus};
use super::tail::Tail;
use crate::market::event::Event;
use arrow::datatypes::SchemaRef;
use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Events per batch.
const BATCH_EVENTS: usize = 64 * 1024;
/// A file that has grown to this is followed by another.
const SEGMENT_BYTES: u64 = 64 << 20;
/// Wait before a failed write is tried again.
const RETRY: Duration = Duration::from_millis(200);

pub(super) struct Writer<E> {
    pub(super) directory: PathBuf,
    pub(super) schema: SchemaRef,
    pub(super) intake: Arc<Intake<E>>,
    pub(super) tail: Arc<Tail>,
    pub(super) status: Arc<SpoolStatus>,
    /// How far the lake is.
    pub(super) committed: Arc<AtomicI64>,
    /// Finished files, oldest first.
    pub(super) segments: VecDeque<Segment>,
    /// The file that grows.
    pub(super) active: Option<Segment>,
    /// Number of the next event.
    pub(super) next: i64,
    pub(super) disk_bytes_max: u64,
    /// Keeps other processes out until the thread ends.
    pub(super) _lock: File,
}

impl<E: Event> Writer<E> {
    pub(super) fn run(mut self) {
        let mut unsynced: Option<Instant> = None;
        loop {
            let taken = self.intake.take(FLUSH_EVENTS, FLUSH);
            self.remove_committed();
            for events in taken.events.chunks(BATCH_EVENTS) {
                if self.keep(events) {
                    unsynced.get_or_insert_with(Instant::now);
                } else {
                    self.lose(events.len() as u64);
                }
            }
            self.lose(taken.lost);
            if unsynced.is_some_and(|since| taken.closed || since.elapsed() >= SYNC) {
                self.sync();
                unsynced = None;
            }
            if taken.closed {
                return;
            }
        }
    }

    /// Lost events leave a gap in the numbers.
    fn lose(&mut self, events: u64) {
        self.next = self.next.saturating_add_unsigned(events);
        let before = self.status.missed.fetch_add(events, Ordering::Relaxed);
        if events > 0 && before == 0 {
            tracing::warn!(events, directory = %self.directory.display(), "live events are not kept: the spool is behind");
        }
    }

    /// Writes events, again and again while the disk refuses. `false`: there is no room, or no time any more.
    fn keep(&mut self, events: &[Arc<E>]) -> bool {
        loop {
            if self.disk_bytes() >= self.disk_bytes_max {
                self.status.set_error(Some(format!("the spool has reached {} bytes", self.disk_bytes_max)));
                return false;
            }
            let error = match self.write(events) {
                Ok(()) => {
                    if self.status.last_error().is_some() {
                        self.status.set_error(None);
                    }
                    return true;
                }
                Err(error) => error.to_string(),
            };
            if self.status.last_error().as_ref() != Some(&error) {
                tracing::error!("{error}");
                self.status.set_error(Some(error));
            }
            if self.intake.closed() {
                return false;
            }
            std::thread::sleep(RETRY);
        }
    }

    fn write(&mut self, events: &[Arc<E>]) -> Result<(), SpoolError> {
        let first = self.next;
        let after = first.saturating_add_unsigned(events.len() as u64);
        let rows = row::rows(&self.schema, events, first)
            .map_err(|error| SpoolError::Unreadable { file: self.directory.clone(), reason: error.to_string() })?;
        let active = match &mut self.active {
            Some(active) => active,
            None => self.active.insert(Segment::create(&self.directory, first)?),
        };
        self.tail.push(active.append(rows, first, after - 1)?);
        self.next = after;
        self.status.written.fetch_add(events.len() as u64, Ordering::Relaxed);
        let newest = events.last().map_or(0, |event| event.received_at().timestamp_micros());
        self.status.last_received_at.store(newest, Ordering::Relaxed);
        if active.bytes() >= SEGMENT_BYTES {
            self.finish_file();
        }
        self.status.disk_bytes.store(self.disk_bytes(), Ordering::Relaxed);
        Ok(())
    }

    /// A file of which the lake has a part is followed by another, so that it can go when the lake has the rest.
    fn remove_committed(&mut self) {
        let committed = self.committed.load(Ordering::Relaxed);
        if self.active.as_ref().is_some_and(|active| active.first() <= committed) {
            self.finish_file();
        }
        while self.segments.front().is_some_and(|segment| segment.last() <= committed) {
            if let Some(segment) = self.segments.pop_front() {
                // A file that stays is read again at the next start, where its numbers tell that it is done.
                let _ = segment.remove();
            }
        }
        self.status.disk_bytes.store(self.disk_bytes(), Ordering::Relaxed);
    }

    fn finish_file(&mut self) {
        self.sync();
        self.segments.extend(self.active.take());
    }

    fn sync(&self) {
        if let Some(Err(error)) = self.active.as_ref().map(Segment::sync) {
            tracing::error!("{error}");
        }
    }

    fn disk_bytes(&self) -> u64 {
        self.segments.iter().chain(&self.active).map(Segment::bytes).sum()
    }
}
