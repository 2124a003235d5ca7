//! What lies between those who record and the thread that writes: a queue within a bound, and what became of the recording.

use super::line::Entry;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Bytes that may wait for the disk: some of the largest bodies.
const WAITING_BYTES_MAX: usize = 192 << 20;

/// What a recording holds, and whether it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The folder that holds the recording.
    pub folder: PathBuf,
    /// REST exchanges, refused and broken ones included.
    pub exchanges: u64,
    /// Frames of the feeds' connections, both ways.
    pub frames: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Why the recording ended before it was to; `None` when it did not.
    pub ended: Option<String>,
}

/// Where entries are put. Putting one never waits for the disk.
#[derive(Debug)]
pub(super) struct Queue {
    entries: Sender<Entry>,
    begun: Instant,
    feeds: AtomicU64,
    progress: Arc<Progress>,
}

/// How far the recording is, and whether it goes on.
#[derive(Debug)]
pub(super) struct Progress {
    folder: PathBuf,
    /// Most bytes that are written.
    pub(super) limit: u64,
    waiting: AtomicUsize,
    is_over: AtomicBool,
    /// Held for a copy.
    ended: Mutex<Option<String>>,
    pub(super) exchanges: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) bytes: AtomicU64,
}

impl Queue {
    pub(super) fn new(folder: &Path, limit: u64) -> (Self, Receiver<Entry>) {
        let (sender, receiver) = channel();
        let progress = Progress {
            folder: folder.to_owned(),
            limit,
            waiting: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            ended: Mutex::new(None),
            exchanges: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        };
        let queue =
            Self { entries: sender, begun: Instant::now(), feeds: AtomicU64::new(0), progress: Arc::new(progress) };
        (queue, receiver)
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Milliseconds since the recording began.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The number of the next connection, from 1.
    pub(super) fn next_feed(&self) -> u64 {
        self.feeds.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// Hands an entry over, unless the recording is over.
    pub(super) fn put(&self, entry: Entry) {
        if self.progress.is_over() {
            return;
        }
        let bytes = entry.bytes();
        let waiting = self.progress.waiting.fetch_add(bytes, Ordering::Relaxed);
        if waiting.saturating_add(bytes) > WAITING_BYTES_MAX {
            self.progress.taken(bytes);
            return self.progress.end("the disk does not keep up with what comes".to_owned());
        }
        // A writer that is gone has ended the recording.
        let _ = self.entries.send(entry);
    }

    /// Asks for everything to be on the disk. Nothing is taken after that.
    pub(super) fn finish(&self, done: oneshot::Sender<()>) {
        let _ = self.entries.send(Entry::Finish(done));
        self.progress.is_over.store(true, Ordering::Relaxed);
    }
}

impl Progress {
    /// Whether nothing more is recorded.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// So many bytes wait no more.
    pub(super) fn taken(&self, bytes: usize) {
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Ends the recording early. The first reason is told, once.
    pub(super) fn end(&self, reason: String) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_over.store(true, Ordering::Relaxed);
        if ended.is_none() {
            tracing::warn!(
                "the recording in {} ends here, and the collection goes on: {reason}",
                self.folder.display()
            );
            *ended = Some(reason);
        }
    }

    pub(super) fn recorded(&self) -> Recorded {
        Recorded {
            folder: self.folder.clone(),
            exchanges: self.exchanges.load(Ordering::Relaxed),
            frames: self.frames.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            ended: self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
