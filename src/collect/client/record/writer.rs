//! The thread that writes a recording: it takes what is handed over in its order, removes the secrets, and adds whole lines
//! to the files.

use super::folder::{Folder, Lines};
use super::line::{Entry, Exchange, FeedEntry};
use super::queue::Progress;
use super::redact::Redactor;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

/// What a file counts for beside its lines, so that their number is bounded too.
const FILE_BYTES: u64 = 4096;

/// Writes into one folder until it is told to finish, or nobody records any more.
pub(super) struct Writer {
    folder: Folder,
    redactor: Redactor,
    progress: Arc<Progress>,
    /// The files of exchanges, by source.
    rest: BTreeMap<&'static str, Lines>,
    /// The files of connections that are open.
    feeds: BTreeMap<u64, Lines>,
    /// Nothing more is written.
    stopped: bool,
}

impl Writer {
    pub(super) fn new(folder: Folder, redactor: Redactor, progress: Arc<Progress>) -> Self {
        Self { folder, redactor, progress, rest: BTreeMap::new(), feeds: BTreeMap::new(), stopped: false }
    }

    /// Takes entries until the last.
    pub(super) fn run(mut self, entries: &Receiver<Entry>) {
        while let Ok(entry) = entries.recv() {
            let bytes = entry.bytes();
            if let Entry::Finish(done) = entry {
                self.sync();
                let _ = done.send(());
                return;
            }
            self.attempt(|writer| writer.take(entry));
            self.progress.taken(bytes);
        }
        self.sync();
    }

    /// Does something, unless it cannot be done any more. A failure is the end.
    fn attempt(&mut self, act: impl FnOnce(&mut Self) -> io::Result<()>) {
        if self.stopped {
            return;
        }
        if let Err(error) = act(self) {
            self.stop(error.to_string());
        }
    }

    fn stop(&mut self, reason: String) {
        self.stopped = true;
        self.progress.end(reason);
    }

    fn take(&mut self, entry: Entry) -> io::Result<()> {
        match entry {
            Entry::Hide(secret) => self.redactor.learn(secret.expose()),
            Entry::Exchange(source, exchange) => self.exchange(source, &exchange)?,
            Entry::Feed(number, at_ms, entry) => self.feed(number, at_ms, &entry)?,
            Entry::Finish(_) => {}
        }
        Ok(())
    }

    fn exchange(&mut self, source: &'static str, exchange: &Exchange) -> io::Result<()> {
        let line = exchange.line(&mut self.redactor);
        if !self.rest.contains_key(source) {
            if !self.has_room(FILE_BYTES) {
                return Ok(());
            }
            self.rest.insert(source, self.folder.lines(source, "rest.jsonl")?);
        }
        if self.has_room(line.len() as u64)
            && let Some(lines) = self.rest.get_mut(source)
        {
            lines.add(&line)?;
            self.progress.exchanges.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn feed(&mut self, number: u64, at_ms: u64, entry: &FeedEntry) -> io::Result<()> {
        if let FeedEntry::Opened(source, _) = entry
            && self.has_room(FILE_BYTES)
        {
            self.feeds.insert(number, self.folder.lines(source, &format!("feed-{number}.jsonl"))?);
        }
        let Some(line) = entry.line(at_ms, &mut self.redactor) else {
            return self.feeds.remove(&number).map_or(Ok(()), |lines| lines.sync());
        };
        if self.has_room(line.len() as u64)
            && let Some(lines) = self.feeds.get_mut(&number)
        {
            lines.add(&line)?;
            if matches!(entry, FeedEntry::Sent(_) | FeedEntry::Received(_)) {
                self.progress.frames.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Takes room for so many bytes. Where there is none left the recording ends.
    fn has_room(&mut self, bytes: u64) -> bool {
        let all = self.progress.bytes.load(Ordering::Relaxed).saturating_add(bytes);
        if self.stopped || all > self.progress.limit {
            if !self.stopped {
                self.stop(format!("it is full, at the limit of {} bytes", self.progress.limit));
            }
            return false;
        }
        self.progress.bytes.store(all, Ordering::Relaxed);
        true
    }

    /// What is told as recorded is on the disk, or it is told that it is not.
    fn sync(&mut self) {
        let synced = self.rest.values().chain(self.feeds.values()).try_for_each(Lines::sync);
        if let Err(error) = synced {
            self.stop(error.to_string());
        }
    }
}
