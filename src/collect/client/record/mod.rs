//! Records what sources send, without secrets, so that odd traffic can be kept, sent to somebody and turned into a test.
//!
//! A [`Recorder`] is handed to whoever makes sources; each client holds its [`Tap`], and each socket a [`FeedTap`]. They only
//! hand copies over to one thread, which removes what is secret and then writes. Without a recorder all of it is nothing.
//! A recording that cannot go on ends with one warning and holds nobody up: the collection goes on.
//!
//! The folder, which only its owner can read:
//!
//! ```text
//! recording.json              {"format":1,"program":"ttapi 0.1.0","started_at":"2026-06-10T15:00:00Z"}
//! tastytrade/rest.jsonl       an exchange a line, in the order in which the answers were there
//! tastytrade/feed-1.jsonl     a frame a line; one file for each connection
//! ```

mod folder;
mod json;
mod line;
mod queue;
mod redact;
#[cfg(test)]
mod tests;
mod writer;

use super::answer::Received;
use crate::clock::Clock;
use crate::secret::Secret;
use folder::Folder;
pub(super) use line::Asked;
use line::{Entry, Exchange, FeedEntry};
use queue::Queue;
pub use queue::Recorded;
use redact::Redactor;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::oneshot;
use writer::Writer;

/// Records the traffic of a process. Clones record into the same folder.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Option<Arc<Queue>>);

/// Records the traffic of one source.
#[derive(Debug, Clone, Default)]
pub struct Tap {
    queue: Option<Arc<Queue>>,
    source: &'static str,
}

/// Records the frames of one connection, which ends when it is dropped.
#[derive(Debug, Default)]
pub struct FeedTap {
    queue: Option<Arc<Queue>>,
    number: u64,
}

impl Recorder {
    /// Records nothing, and costs nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// Records into a folder that is new or empty, at most `limit` bytes. `secrets` are left out wherever they stand, and so
    /// is what looks like one. To be called within a runtime.
    ///
    /// # Errors
    /// A sentence: the folder is in use, or cannot be made or written.
    pub fn start(folder: &Path, limit: u64, secrets: &[Secret], clock: &Clock) -> Result<Self, String> {
        let cannot = |error: std::io::Error| format!("cannot record into {}: {error}", folder.display());
        let made = Folder::create(folder, clock.now()).map_err(cannot)?;
        let (queue, entries) = Queue::new(folder, limit);
        let queue = Arc::new(queue);
        let writer = Writer::new(made, Redactor::new(secrets), queue.progress());
        std::thread::Builder::new().name("tt-record".to_owned()).spawn(move || writer.run(&entries)).map_err(cannot)?;
        Ok(Self(Some(queue)))
    }

    /// What records the traffic of a source of this name.
    pub fn tap(&self, source: &'static str) -> Tap {
        Tap { queue: self.0.clone(), source }
    }

    /// Ends the recording: returns when it is on the disk. `None` where nothing was to be recorded.
    pub async fn finish(&self) -> Option<Recorded> {
        let queue = self.0.as_ref()?;
        let (done, synced) = oneshot::channel();
        queue.finish(done);
        // A writer that is gone has said why, or has nothing to say.
        let _ = synced.await;
        Some(queue.progress().recorded())
    }
}

impl Tap {
    /// The moment, in milliseconds of the recording.
    pub(super) fn now_ms(&self) -> u64 {
        self.queue.as_ref().map_or(0, |queue| queue.now_ms())
    }

    /// Leaves a text out of everything that is recorded from now on.
    pub(crate) fn hide(&self, secret: &Secret) {
        if let Some(queue) = &self.queue {
            queue.put(Entry::Hide(secret.clone()));
        }
    }

    /// Records an exchange: what came, or why nothing did.
    pub(super) fn exchange(&self, asked: &Asked<'_>, received: Result<&Received, &str>) {
        if let Some(queue) = &self.queue {
            queue.put(Entry::Exchange(self.source, Exchange::new(asked, received, queue.now_ms())));
        }
    }

    /// What records the frames of a connection to this address, begun now.
    pub(super) fn feed(&self, url: &str) -> FeedTap {
        let Some(queue) = &self.queue else { return FeedTap::default() };
        let number = queue.next_feed();
        queue.put(Entry::Feed(number, queue.now_ms(), FeedEntry::Opened(self.source, url.to_owned())));
        FeedTap { queue: Some(queue.clone()), number }
    }
}

impl FeedTap {
    /// Records a text frame that was sent.
    pub(super) fn sent(&self, text: &str) {
        self.put(|| FeedEntry::Sent(text.to_owned()));
    }

    /// Records a text frame that came.
    pub(super) fn received(&self, text: &str) {
        self.put(|| FeedEntry::Received(text.to_owned()));
    }

    /// Records that the other side ended the connection, and why.
    pub(super) fn ended(&self, reason: &str) {
        self.put(|| FeedEntry::Ended(reason.to_owned()));
    }

    fn put(&self, entry: impl FnOnce() -> FeedEntry) {
        if let Some(queue) = &self.queue {
            queue.put(Entry::Feed(self.number, queue.now_ms(), entry()));
        }
    }
}

impl Drop for FeedTap {
    fn drop(&mut self) {
        self.put(|| FeedEntry::Left);
    }
}
