//! One Delta table of the lake: its latest version, its files, and what is remembered of it.

use super::dataset::Dataset;
use super::file::Encoded;
use super::seen::Seen;
use super::snapshot::Snapshot;
use super::version_cache::VersionCache;
use super::{DatasetState, FileCompression, LakeError, Root, Run, digest, state};
use crate::clock::Clock;
use arc_swap::ArcSwapOption;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use deltalake_core::kernel::Add;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::{DeltaTable, DeltaTableError};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStoreExt, PutPayload};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;

/// What commits and files are dated by. The log's writer dates commits by the machine's clock; whatever is compared
/// with their dates reads the same clock, even where the rest of the program runs on a hand-set one.
pub(super) const LOG_CLOCK: Clock = Clock::System;

/// A query that comes this soon after a look at the log does not look again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// On a local disk the next version is looked for by its name, which takes the same time however long the log is; and the
/// whole log is listed this often all the same, for the one case that a name does not tell: while this process slept, the
/// log went on and its entries up to there were removed.
const LIST_AGAIN: Duration = Duration::from_secs(60);

/// Versions behind the one at hand whose positions are read from their entries; for more the log is read anew.
const ENTRIES_READ: u64 = 100;

/// A written file that waits for its commit. Never committed, it is an orphan that vacuum removes.
#[derive(Debug, Clone)]
pub struct StagedFile {
    pub(super) add: Add,
}

/// One dataset's table. Readers take [`LakeTable::current`]; [`LakeTable::update`] looks for newer versions.
pub struct LakeTable {
    pub(super) dataset: Arc<Dataset>,
    pub(super) root: Root,
    /// Of files that are written.
    pub(super) compression: FileCompression,
    pub(super) folder: Path,
    pub(super) log_store: LogStoreRef,
    /// The open log; `None` until the table exists. Held across awaits on purpose: one log read at a time.
    pub(super) open: Mutex<Option<DeltaTable>>,
    current: watch::Sender<Option<Arc<Snapshot>>>,
    /// Versions below this one are known to outlive a power failure; see [`LakeTable::settle`].
    pub(super) settled: AtomicU64,
    /// When the log was last looked at.
    looked: ArcSwapOption<Instant>,
    /// When it was last listed.
    listed: ArcSwapOption<Instant>,
    /// Entity tag of the state that was read last.
    state_tag: ArcSwapOption<String>,
    /// Why the last refresh is not remembered: told once, however often it is tried.
    not_remembered: ArcSwapOption<String>,
    /// Held across the reading and writing of the record of its quality, so that no finding is lost.
    pub(super) telling: Mutex<()>,
    /// Applications whose positions snapshots carry. Held for a look or an insertion, never across an await.
    followed: std::sync::Mutex<BTreeSet<String>>,
    /// How long a version can be read after it was replaced; [`LakeTable::keep_for`].
    retention: OnceLock<Duration>,
    /// Sources of rows, the strongest first, where others than the dataset's own; [`LakeTable::overrule_by`].
    precedence: OnceLock<Vec<String>>,
    /// Older versions that queries asked for.
    pub(super) past: VersionCache,
    /// The version whose files were seen to be there last.
    pub(super) seen: Seen,
}

impl std::fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeTable").field("dataset", &self.dataset.name).finish_non_exhaustive()
    }
}

/// Rows that become the bytes of a file.
#[derive(Debug)]
pub(crate) struct Encoding(JoinHandle<Result<Encoded, LakeError>>);

impl LakeTable {
    pub(super) fn new(root: &Root, dataset: Arc<Dataset>, compression: FileCompression) -> Self {
        let folder = root.path(&["lake", dataset.name]);
        let mut location = root.url.clone();
        location.set_path(&format!("/{folder}/"));
        let log_store = log_store(root, &folder, &location);
        let current = watch::Sender::new(None);
        let (looked, listed, state_tag) = (ArcSwapOption::empty(), ArcSwapOption::empty(), ArcSwapOption::empty());
        let (open, settled, not_remembered) = (Mutex::new(None), AtomicU64::new(0), ArcSwapOption::empty());
        let (followed, retention, past) = (std::sync::Mutex::default(), OnceLock::new(), VersionCache::default());
        let root = root.clone();
        Self {
            dataset,
            root,
            compression,
            folder,
            log_store,
            open,
            current,
            settled,
            looked,
            listed,
            state_tag,
            not_remembered,
            telling: Mutex::new(()),
            followed,
            retention,
            precedence: OnceLock::new(),
            past,
            seen: Seen::default(),
        }
    }

    /// Says how long a version can be read after it was replaced; said once, and for ever when it is not said. Whoever
    /// asks for one that was replaced earlier is refused, whether its files are still there or not: vacuum may be about
    /// to remove them.
    pub(crate) fn keep_for(&self, retention: Duration) {
        self.retention.get_or_init(|| retention);
    }

    /// Says which sources of rows are stronger than which, the strongest first; said once.
    pub(crate) fn overrule_by(&self, sources: &[String]) {
        self.precedence.get_or_init(|| sources.to_vec());
    }

    /// Sources of rows, the strongest first; none where the dataset has no such order.
    pub(crate) fn precedence(&self) -> Vec<&str> {
        match (self.dataset.precedence, self.precedence.get()) {
            (None, _) => Vec::new(),
            (Some(_), Some(sources)) => sources.iter().map(String::as_str).collect(),
            (Some(own), None) => own.sources.to_vec(),
        }
    }

    /// How long a version can be read after it was replaced.
    pub(super) fn retention(&self) -> Duration {
        self.retention.get().copied().unwrap_or(Duration::MAX)
    }

    /// What the table holds.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// The latest version seen; `None` when the table does not exist yet, or was never looked at.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.borrow().clone()
    }

    /// Follows new versions as they are seen.
    pub fn watch(&self) -> watch::Receiver<Option<Arc<Snapshot>>> {
        self.current.subscribe()
    }

    /// Looks for a newer version, whoever committed it, and returns the latest. `None`: the table does not exist yet.
    pub async fn update(&self) -> Result<Option<Arc<Snapshot>>, LakeError> {
        let mut open = self.open.lock().await;
        self.update_locked(&mut open).await
    }

    /// The latest version for a query. On a local disk, where a look costs less than a millisecond, another process's
    /// commit is seen at once; elsewhere whoever watches the lake sees it within a moment.
    pub async fn latest(&self) -> Result<Option<Arc<Snapshot>>, LakeError> {
        let current = self.current();
        let looked_just_now = self.looked.load().as_ref().is_some_and(|looked| looked.elapsed() < LOOK_AGAIN);
        if current.is_some() && (looked_just_now || self.root.url.scheme() != "file") {
            return Ok(current);
        }
        self.update().await
    }

    pub(super) async fn update_locked(
        &self,
        open: &mut Option<DeltaTable>,
    ) -> Result<Option<Arc<Snapshot>>, LakeError> {
        match open.take() {
            // Whoever stops waiting meanwhile leaves it closed, to be read anew.
            Some(table) if self.has_news(table.version()).await? => *open = Some(self.open_later(table).await?),
            Some(table) => *open = Some(table),
            None => {
                let exists = self.log_store.is_delta_table_location().await;
                if !exists.map_err(|error| LakeError::log(self.dataset.name, &error))? {
                    return Ok(None);
                }
                *open = Some(self.open_latest().await?);
            }
        }
        let Some(table) = open else { return Ok(None) };
        self.looked.store(Some(Arc::new(Instant::now())));
        let current = self.current();
        if current.as_ref().map(|snapshot| snapshot.version) != table.version() {
            let snapshot = self.snapshot_of(table, current.as_deref()).await?;
            self.current.send_replace(Some(Arc::new(snapshot)));
        }
        Ok(self.current())
    }

    /// Whether the log may have a version behind this one.
    async fn has_news(&self, version: Option<u64>) -> Result<bool, LakeError> {
        let listed_lately = self.listed.load().as_ref().is_some_and(|listed| listed.elapsed() < LIST_AGAIN);
        if let Some(version) = version
            && listed_lately
            && self.root.url.scheme() == "file"
        {
            return self.has_commit(version + 1).await;
        }
        self.listed.store(Some(Arc::new(Instant::now())));
        Ok(true)
    }

    /// Forgets what was read of the log, and reads it anew.
    pub(super) async fn reopen(&self) -> Result<Option<Arc<Snapshot>>, LakeError> {
        let mut open = self.open.lock().await;
        *open = None;
        self.current.send_replace(None);
        self.update_locked(&mut open).await
    }

    /// The open version, with the positions that are followed: those of an earlier version go on from there.
    async fn snapshot_of(&self, table: &DeltaTable, earlier: Option<&Snapshot>) -> Result<Snapshot, LakeError> {
        let fail = |error: DeltaTableError| LakeError::log(self.dataset.name, &error);
        let state = table.snapshot().map_err(fail)?;
        let mut snapshot = Snapshot::new(&self.dataset, &self.folder, state)?;
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if followed.is_empty() {
            return Ok(snapshot);
        }
        if let Some(positions) = self.positions_since(earlier, snapshot.version).await {
            snapshot.positions = positions;
            snapshot.positions.retain(|application, _| followed.contains(application));
            return Ok(snapshot);
        }
        for application in followed {
            let position = state.snapshot().transaction_version(self.log_store.as_ref(), &application).await;
            if let Some(position) = position.map_err(fail)? {
                snapshot.positions.insert(application, position);
            }
        }
        Ok(snapshot)
    }

    /// The positions of a version, by those of an earlier one and the entries in between; `None` where these are too many
    /// or cannot be read. To read them from the log as a whole takes a checkpoint and all entries behind it.
    async fn positions_since(&self, earlier: Option<&Snapshot>, version: u64) -> Option<BTreeMap<String, i64>> {
        let earlier =
            earlier.filter(|earlier| earlier.version <= version && version - earlier.version <= ENTRIES_READ)?;
        let mut positions = earlier.positions.clone();
        for version in earlier.version + 1..=version {
            positions.extend(self.read_commit(version).await.ok()?.positions);
        }
        Some(positions)
    }

    /// From now on every snapshot carries how far this application is. Returns how far it is now; `None` when it never
    /// committed.
    pub async fn follow(&self, application: &str) -> Result<Option<i64>, LakeError> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).insert(application.to_owned());
        let mut open = self.open.lock().await;
        self.update_locked(&mut open).await?;
        let Some(table) = &*open else { return Ok(None) };
        let snapshot = self.snapshot_of(table, None).await?;
        let position = snapshot.positions.get(application).copied();
        self.current.send_replace(Some(Arc::new(snapshot)));
        Ok(position)
    }

    /// Returns when the latest version seen outlives a power failure: whoever committed it may have been killed between the
    /// log entry and the sync of its folder. What follows from it and cannot be undone waits for this.
    ///
    /// # Errors
    /// The log's folder cannot be forced to the disk.
    pub async fn settle(&self) -> Result<(), LakeError> {
        let Some(version) = self.current().map(|snapshot| snapshot.version) else { return Ok(()) };
        if version < self.settled.load(Ordering::Relaxed) {
            return Ok(());
        }
        let log = self.log_folder();
        let synced = self.root.settle(&log).await;
        synced.map_err(|error| LakeError::file(self.dataset.name, self.root.name(&log), error))?;
        self.settled.fetch_max(version + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Writes rows, in any order, as a file that no version names yet.
    pub async fn stage(&self, rows: &RecordBatch) -> Result<StagedFile, LakeError> {
        self.check_columns(rows)?;
        let encoded = Encoded::of(&self.dataset, rows.clone(), self.compression)?;
        self.stage_encoded(encoded, LOG_CLOCK.now()).await
    }

    /// Begins to encode rows, in any order, beside other work; [`LakeTable::stage_encoding`] then writes them.
    pub(crate) fn encoding(&self, rows: RecordBatch) -> Result<Encoding, LakeError> {
        self.check_columns(&rows)?;
        let (dataset, compression) = (self.dataset.clone(), self.compression);
        Ok(Encoding(tokio::task::spawn_blocking(move || Encoded::of(&dataset, rows, compression))))
    }

    /// Writes rows that are being encoded as a file that no version names yet.
    pub(crate) async fn stage_encoding(&self, encoding: Encoding) -> Result<StagedFile, LakeError> {
        let encoded = encoding.0.await.map_err(|error| LakeError::rows(self.dataset.name, error))??;
        self.stage_encoded(encoded, LOG_CLOCK.now()).await
    }

    fn check_columns(&self, rows: &RecordBatch) -> Result<(), LakeError> {
        match rows.schema().fields() == self.dataset.schema.fields() {
            true => Ok(()),
            false => Err(LakeError::rows(self.dataset.name, "rows do not have the table's columns")),
        }
    }

    /// Writes the bytes of a file that no version names yet. The log will say that its rows are of that moment.
    pub(super) async fn stage_encoded(
        &self,
        encoded: Encoded,
        modified_at: DateTime<Utc>,
    ) -> Result<StagedFile, LakeError> {
        let name = format!("part-{}.parquet", Uuid::new_v4());
        let path = self.folder.clone().join(name.as_str());
        let size = i64::try_from(encoded.bytes.len()).unwrap_or(i64::MAX);
        let tags = digest::tags(&encoded.bytes, &encoded.statistics);
        let put = self.root.store.put(&path, PutPayload::from_bytes(encoded.bytes)).await;
        // Not the file's own name: it is another one at each try, and a reason is told once.
        put.map_err(|error| LakeError::file(self.dataset.name, self.root.name(&self.folder), error))?;
        let add = Add {
            path: name,
            size,
            modification_time: modified_at.timestamp_millis(),
            data_change: true,
            stats: Some(encoded.statistics),
            tags: Some(tags),
            ..Default::default()
        };
        Ok(StagedFile { add })
    }

    /// When and how this dataset was last refreshed; the default when it never was.
    pub async fn read_state(&self) -> Result<DatasetState, LakeError> {
        state::read(&self.root, self.dataset.name).await
    }

    /// The same for one watcher: `None` when it has not changed since the last call.
    pub async fn read_state_change(&self) -> Result<Option<DatasetState>, LakeError> {
        let known = self.state_tag.load_full().map(Arc::unwrap_or_clone);
        let changed = state::read_changed(&self.root, self.dataset.name, known).await?;
        Ok(changed.map(|(state, tag)| {
            self.state_tag.store(tag.map(Arc::new));
            state
        }))
    }

    /// Keeps a run across restarts, beside the runs that other processes have added, and returns what is remembered then.
    ///
    /// A record that cannot be read is begun anew from what this process knows of the dataset, so that a failed read does
    /// not make its rows look as if they were never loaded. A record that cannot be written is told in the log: the rows
    /// are safe.
    pub async fn remember(&self, run: Run, known: &DatasetState) -> DatasetState {
        let mut state = self.read_state().await.unwrap_or_else(|error| {
            tracing::warn!("{error}; the record goes on from what this process knows");
            known.clone()
        });
        state.record(run);
        // What is remembered speaks of the latest version, and must not outlive it.
        let written = match self.settle().await {
            Ok(()) => self.write_state(&state).await,
            Err(error) => Err(error),
        };
        let reason = written.err().map(|error| Arc::new(error.to_string()));
        let before = self.not_remembered.swap(reason.clone());
        if let Some(reason) = reason.filter(|reason| before.as_ref() != Some(reason)) {
            tracing::warn!("the refresh of {} is not remembered: {reason}", self.dataset.name);
        }
        state
    }

    /// Replaces what is remembered.
    pub async fn write_state(&self, state: &DatasetState) -> Result<(), LakeError> {
        state::write(&self.root, self.dataset.name, state).await
    }
}

fn log_store(root: &Root, folder: &Path, location: &Url) -> LogStoreRef {
    let table_store = Arc::new(PrefixStore::new(root.store.clone(), folder.clone()));
    default_logstore(table_store, root.store.clone(), location, &StorageConfig::default())
}
