//! The spool's thread: it takes events, numbers them, writes them, and removes files whose events the lake has.

use super::error::SpoolError;
use super::intake::Intake;
use super::numbers::Numbers;
use super::row;
use super::segment::Segment;
use super::status::{FLUSH, FLUSH_EVENTS, SYNC, SpoolStatus};
use super::tail::Tail;
use crate::disk::Disk;
use crate::market::event::Event;
use arrow::datatypes::SchemaRef;
use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Events in one record batch at most, and so rows of one block.
const BATCH_EVENTS: usize = 64 * 1024;
/// A file that has grown to this is followed by another.
const SEGMENT_BYTES: u64 = 64 << 20;
/// Wait before a failed write is tried again.
const RETRY: Duration = Duration::from_millis(200);

pub(super) struct Writer<E> {
    pub(super) directory: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
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
    pub(super) numbers: Numbers,
    /// Number of the next event.
    pub(super) next: i64,
    /// When the oldest event was written that is not synced.
    pub(super) unsynced_since: Option<Instant>,
    /// The last event whose sync failed: no later sync tells whether it is on the disk, only the lake does.
    pub(super) at_risk: Option<i64>,
    /// Whether it was told that events are lost.
    pub(super) behind: bool,
    pub(super) disk_bytes_max: u64,
    /// Keeps other processes out until the thread ends.
    pub(super) _lock: File,
}

impl<E: Event> Writer<E> {
    pub(super) fn run(mut self) {
        loop {
            let taken = self.intake.take(FLUSH_EVENTS, FLUSH);
            self.remove_committed();
            for events in taken.events.chunks(BATCH_EVENTS) {
                if self.keep(events) {
                    self.unsynced_since.get_or_insert_with(Instant::now);
                } else {
                    self.lose(events.len() as u64);
                }
            }
            self.lose(taken.lost);
            self.sync_after(if taken.closed { Duration::ZERO } else { SYNC });
            if taken.closed {
                return self.close();
            }
        }
    }

    /// Without the note the numbers jump at the next start.
    fn close(&self) {
        if self.at_risk.is_none()
            && let Err(error) = self.numbers.close(self.next.saturating_sub(1))
        {
            tracing::warn!("{error}");
        }
    }

    /// Lost events leave a gap in the numbers.
    fn lose(&mut self, events: u64) {
        self.next = self.next.saturating_add_unsigned(events);
        self.status.missed.fetch_add(events, Ordering::Relaxed);
        if events > 0 && !std::mem::replace(&mut self.behind, true) {
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
                    if self.at_risk.is_none() && self.status.last_error().is_some() {
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
            // What the lake has meanwhile makes room here.
            self.remove_committed();
            self.sync_after(SYNC);
            std::thread::sleep(RETRY);
        }
    }

    fn write(&mut self, events: &[Arc<E>]) -> Result<(), SpoolError> {
        let first = self.next;
        let after = first.saturating_add_unsigned(events.len() as u64);
        let rows = row::rows(&self.schema, events, first)
            .map_err(|error| SpoolError::Unreadable { file: self.directory.clone(), reason: error.to_string() })?;
        self.numbers.set_aside(after - 1)?;
        let active = match &mut self.active {
            Some(active) => active,
            None => self.active.insert(Segment::create(&self.directory, first)?),
        };
        match active.append(rows, first, after - 1) {
            Ok(block) => self.tail.push(block),
            Err(error) => {
                // One that holds nothing yet is begun anew, whatever became of its directory.
                self.active.take_if(|active| active.bytes() == 0);
                return Err(error);
            }
        }
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
        if self.at_risk.is_some_and(|last| last <= committed) {
            self.at_risk = None;
            self.status.at_risk.store(false, Ordering::Relaxed);
            self.status.set_error(None);
        }
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

    /// Syncs when an event has waited for it so long.
    fn sync_after(&mut self, time: Duration) {
        if self.unsynced_since.is_some_and(|since| since.elapsed() >= time) {
            self.sync();
        }
    }

    /// Forces what was written to the disk. A file whose sync failed is followed by another: the disk may have dropped
    /// what it could not write, and a later sync of it would not tell.
    fn sync(&mut self) {
        self.unsynced_since = None;
        let Some(active) = &mut self.active else { return };
        if let Err(error) = active.sync(self.disk.as_ref()) {
            tracing::error!("{error}");
            self.at_risk = Some(active.last());
            self.status.at_risk.store(true, Ordering::Relaxed);
            self.status.set_error(Some(error.to_string()));
            self.segments.extend(self.active.take());
        }
    }

    fn disk_bytes(&self) -> u64 {
        self.segments.iter().chain(&self.active).map(Segment::bytes).sum()
    }
}
