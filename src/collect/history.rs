//! Live events into the lake: the spool takes every event of a book, and now and then what it holds is committed.
//!
//! A commit carries the spool's position, so that an event is in the lake's table exactly once whatever happens: after
//! a crash between a commit and its consequences here, the position read back tells what is already there.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::lake::freshness::Freshness;
use crate::lake::{LakeError, LakeTable, Position, Run, StagedFile};
use crate::live::Book;
use crate::live::spool::{Block, OpenSpool, Spool, SpoolError, SpoolLimits, Tail, Uncommitted};
use crate::market::event::Event;
use anyhow::{Context, Result};
use arc_swap::ArcSwapOption;
use arrow::compute::concat_batches;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the amount that waits is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Wait before a spool that could not be opened is tried again.
const REOPEN: Duration = Duration::from_secs(5);
/// Wait after a commit that failed: what waits for it is full, and would have it tried at every look.
const RETRY: Duration = Duration::from_secs(2);
/// Tries against other writers of the table before the next flush.
const CONFLICT_TRIES: usize = 10;
/// Cause of a commit in `system.refreshes`.
const CAUSE: &str = "live";

/// How a history is kept.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// Where its spool is.
    pub directory: PathBuf,
    /// Longest time between commits while events arrive.
    pub flush: Duration,
    /// Events that are committed without waiting for that; a commit takes no more.
    pub flush_events: usize,
    /// What the spool may hold.
    pub limits: SpoolLimits,
    /// What the spool stands on.
    pub disk: Arc<dyn Disk>,
}

/// One history being kept: a book's events, their spool and their table.
pub struct History {
    table: Arc<LakeTable>,
    freshness: Arc<Freshness>,
    options: HistoryOptions,
    clock: Clock,
    /// Empty until the spool is open.
    spool: ArcSwapOption<Spool>,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("dataset", &self.table.dataset().name).finish_non_exhaustive()
    }
}

impl Uncommitted for History {
    fn tail(&self) -> Option<Arc<Tail>> {
        self.spool().map(|spool| spool.tail().clone())
    }
}

impl History {
    /// A history whose spool is not open yet.
    pub fn new(table: Arc<LakeTable>, freshness: Arc<Freshness>, options: HistoryOptions, clock: Clock) -> Self {
        Self { table, freshness, options, clock, spool: ArcSwapOption::empty() }
    }

    /// Name of the dataset it is of.
    pub fn dataset(&self) -> &'static str {
        self.table.dataset().name
    }

    /// The spool; `None` while it cannot be opened.
    pub fn spool(&self) -> Option<Arc<Spool>> {
        self.spool.load_full()
    }

    /// Why events cannot be kept; `None` when they are.
    pub fn failure(&self) -> Option<String> {
        self.freshness.live_failure()
    }

    /// Opens the spool and takes the book's events from now on. What an earlier process left is committed first.
    pub async fn open<E: Event>(&self, book: &Book<E>) -> Result<()> {
        let opened = self.try_open(book).await;
        let is_busy = |error: &anyhow::Error| matches!(error.downcast_ref(), Some(SpoolError::Busy { .. }));
        if opened.as_ref().is_err_and(|error| !is_busy(error)) {
            // Events wait in memory for a disk that may have room again, or a table that can be read. Those of a spool that
            // another process keeps do not: it has them.
            book.record(self.options.limits.intake_events);
        }
        opened
    }

    async fn try_open<E: Event>(&self, book: &Book<E>) -> Result<()> {
        let (directory, schema) = (self.options.directory.clone(), self.table.dataset().schema.clone());
        let disk = self.options.disk.clone();
        let spool = tokio::task::spawn_blocking(move || OpenSpool::open_on(&directory, schema, disk)).await??;
        let position = self.table.follow(spool.application()).await.context("read how far the lake is")?;
        // What the lake has goes from the spool at once.
        self.table.settle().await?;
        let spool = spool.start(book, position.unwrap_or(0), self.options.limits)?;
        self.spool.store(Some(Arc::new(spool)));
        self.freshness.set_live(self.clock.now());
        self.freshness.set_live_failure(None);
        Ok(())
    }

    /// Commits now and then until `ended`, when the book gets no more events; then stops the spool and commits the rest.
    ///
    /// Dropping the future stops the commits and leaves the events to the spool: the next process commits them.
    pub async fn run<E: Event>(self: Arc<Self>, book: Arc<Book<E>>, ended: CancellationToken) {
        let Some(spool) = self.opened(&book, &ended).await else { return };
        let mut tick = tokio::time::interval(LOOK.min(self.options.flush));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // What an earlier process left goes at once.
        let mut due = Instant::now();
        let (mut wait_until, mut committing) = (due, true);
        loop {
            tokio::select! {
                () = ended.cancelled() => break,
                _ = tick.tick() => {}
            }
            self.show(&spool, committing);
            let full = spool.tail().events() >= self.options.flush_events;
            let now = Instant::now();
            if now >= due || now >= wait_until && (full || spool.status().at_risk()) {
                due = now + self.options.flush;
                committing = self.commit_or_tell(&spool).await;
                if !committing {
                    wait_until = Instant::now() + RETRY.min(self.options.flush);
                    due = wait_until;
                }
            }
        }
        let stopping = spool.clone();
        if tokio::task::spawn_blocking(move || stopping.stop()).await.is_ok() {
            self.commit_or_tell(&spool).await;
        }
    }

    /// The open spool, tried for as long as it takes.
    async fn opened<E: Event>(&self, book: &Book<E>, ended: &CancellationToken) -> Option<Arc<Spool>> {
        loop {
            if let Some(spool) = self.spool() {
                return Some(spool);
            }
            tokio::select! {
                () = ended.cancelled() => return None,
                () = tokio::time::sleep(REOPEN) => {}
            }
            if let Err(error) = self.open(book).await {
                self.tell(&format!("{error:#}"));
            }
        }
    }

    /// Tells of a failure once, in the log and in the dataset's freshness, until events are kept again.
    pub fn tell(&self, error: &str) {
        if let Some(error) = self.freshness.set_live_failure(Some(error.to_owned())) {
            tracing::error!(dataset = self.dataset(), "live events are not committed: {error}");
        }
    }

    /// Tells what the spool says. `committing`: the last commit did not fail.
    fn show(&self, spool: &Spool, committing: bool) {
        let newest = spool.status().last_received_at().and_then(chrono::DateTime::from_timestamp_micros);
        if let Some(newest) = newest {
            self.freshness.set_live(newest);
        }
        match spool.status().last_error() {
            Some(error) => self.tell(&error),
            // The next commit may be a while away.
            None if committing => drop(self.freshness.set_live_failure(None)),
            None => {}
        }
    }

    /// Whether everything that waited is committed.
    async fn commit_or_tell(&self, spool: &Spool) -> bool {
        let outcome = self.commit(spool).await;
        if let Err(error) = &outcome {
            self.tell(&format!("{error:#}"));
        }
        outcome.is_ok()
    }

    /// Commits everything that waits, oldest first.
    async fn commit(&self, spool: &Spool) -> Result<()> {
        // Events that arrive meanwhile are the next commit's.
        let until = spool.tail().blocks().last().map_or(0, |block| block.last());
        loop {
            let mut blocks = spool.tail().oldest(self.options.flush_events);
            blocks.retain(|block| block.last() <= until);
            let Some(number) = blocks.last().map(|block| block.last()) else { return Ok(()) };
            self.commit_blocks(spool, &blocks, number).await?;
        }
    }

    async fn commit_blocks(&self, spool: &Spool, blocks: &[Arc<Block>], number: i64) -> Result<()> {
        let position = Position { application: spool.tail().application().to_owned(), number };
        let started_at = self.clock.now();
        let mut staged: Option<(StagedFile, u64)> = None;
        for _ in 0..CONFLICT_TRIES {
            let base = self.table.update().await?;
            // A commit whose answer was lost, or a crash after it: these events, or some, are there already.
            let done = base.as_ref().and_then(|base| base.positions.get(&position.application)).copied().unwrap_or(0);
            if done > spool.position() {
                self.table.settle().await?;
                spool.committed(done);
            }
            if done >= number {
                return Ok(());
            }
            let (file, rows) = match staged.take() {
                Some(staged) => staged,
                None => self.stage(blocks, done).await?,
            };
            staged = Some((file.clone(), rows));
            match self.table.commit_position(base.as_deref(), &[], vec![file], &position).await {
                Err(LakeError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(snapshot) => {
                    self.remember(started_at, rows, snapshot.version).await;
                    spool.committed(number);
                    return Ok(());
                }
            }
        }
        Err(LakeError::Conflict { table: self.dataset().to_owned() }.into())
    }

    /// Sorts and encodes the rows beyond `done`, on a thread that may take its time.
    async fn stage(&self, blocks: &[Arc<Block>], done: i64) -> Result<(StagedFile, u64)> {
        let (table, blocks) = (self.table.clone(), blocks.to_vec());
        let runtime = tokio::runtime::Handle::current();
        let staging = move || {
            let schema = &table.dataset().schema;
            let rows: Result<Vec<_>, SpoolError> = blocks.iter().map(|block| block.rows_after(done, schema)).collect();
            let rows = concat_batches(schema, &rows?)?;
            drop(blocks);
            let file = runtime.block_on(table.stage(&rows))?;
            Ok((file, rows.num_rows() as u64))
        };
        tokio::task::spawn_blocking(staging).await?
    }

    async fn remember(&self, started_at: chrono::DateTime<chrono::Utc>, rows: u64, version: u64) {
        let run = Run {
            cause: CAUSE.to_owned(),
            started_at,
            ended_at: self.clock.now(),
            items: 0,
            failed: Vec::new(),
            rows,
            origin_calls: 0,
            version: Some(version),
            ..Run::default()
        };
        self.freshness.set_state(self.table.remember(run, &self.freshness.remembered()).await);
        self.freshness.set_live_failure(None);
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
