//! One Delta table of the lake: read its latest version, commit the next.

use super::dataset::Dataset;
use super::snapshot::{DataFile, Snapshot};
use super::version_cache::VersionCache;
use super::{DatasetState, FileCompression, LakeError, Root, Run, file, state, statistics};
use crate::clock::Clock;
use arc_swap::ArcSwapOption;
use arrow::record_batch::RecordBatch;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake_core::kernel::{Action, Add, Remove, StructType, Transaction};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableError};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStoreExt, PutPayload};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use url::Url;
use uuid::Uuid;

/// Commits between checkpoints of the log.
const CHECKPOINT_INTERVAL: &str = "100";

/// Where a commit names the items whose rows it changed, and how many it names at most.
pub(super) const ITEMS_KEY: &str = "changedItems";
const ITEMS_TOLD: usize = 1000;

/// What commits and files are dated by. The log's writer dates commits by the machine's clock; whatever is compared
/// with their dates reads the same clock, even where the rest of the program runs on a hand-set one.
pub(super) const LOG_CLOCK: Clock = Clock::System;

/// A query that comes this soon after a look at the log does not look again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A written file that waits for its commit. Never committed, it is an orphan that vacuum removes.
#[derive(Debug, Clone)]
pub struct StagedFile {
    add: Add,
}

/// How far a writer is in a numbered sequence of its own, committed together with the rows up to there.
///
/// It is the log's application transaction: after a crash the writer reads it back and commits nothing twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Identifies the sequence, over restarts and among all writers of the table.
    pub application: String,
    /// The last number whose row is in the table; lost numbers below it count as done.
    pub number: i64,
}

/// What a commit changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Rows,
    /// Files only: whoever follows the table's rows has nothing to read.
    Layout,
}

impl Change {
    fn operation(self) -> DeltaOperation {
        match self {
            Self::Rows => DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None },
            Self::Layout => DeltaOperation::Optimize {
                predicate: None,
                target_size: i64::try_from(file::TARGET_BYTES).unwrap_or(i64::MAX),
            },
        }
    }
}

/// One dataset's table. Readers take [`LakeTable::current`]; [`LakeTable::update`] looks for newer versions.
pub struct LakeTable {
    pub(super) dataset: Arc<Dataset>,
    pub(super) root: Root,
    /// Of files that are written.
    compression: FileCompression,
    pub(super) folder: Path,
    pub(super) log_store: LogStoreRef,
    /// The open log; `None` until the table exists. Held across awaits on purpose: one log read at a time.
    open: Mutex<Option<DeltaTable>>,
    current: watch::Sender<Option<Arc<Snapshot>>>,
    /// Versions below this one are known to outlive a power failure; see [`LakeTable::settle`].
    settled: AtomicU64,
    /// When the log was last looked at.
    looked: ArcSwapOption<Instant>,
    /// Entity tag of the state that was read last.
    state_tag: ArcSwapOption<String>,
    /// Why the last refresh is not remembered: told once, however often it is tried.
    not_remembered: ArcSwapOption<String>,
    /// Applications whose positions snapshots carry. Held for a look or an insertion, never across an await.
    followed: std::sync::Mutex<BTreeSet<String>>,
    /// How long a version can be read after it was replaced; [`LakeTable::keep_for`].
    retention: OnceLock<Duration>,
    /// Older versions that queries asked for.
    pub(super) past: VersionCache,
}

impl std::fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeTable").field("dataset", &self.dataset.name).finish_non_exhaustive()
    }
}

impl LakeTable {
    pub(super) fn new(root: &Root, dataset: Arc<Dataset>, compression: FileCompression) -> Self {
        let folder = root.path(&["lake", dataset.name]);
        let mut location = root.url.clone();
        location.set_path(&format!("/{folder}/"));
        let log_store = log_store(root, &folder, &location);
        let current = watch::Sender::new(None);
        let (open, looked, state_tag) = (Mutex::new(None), ArcSwapOption::empty(), ArcSwapOption::empty());
        let not_remembered = ArcSwapOption::empty();
        let settled = AtomicU64::new(0);
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
            state_tag,
            not_remembered,
            followed,
            retention,
            past,
        }
    }

    /// Says how long a version can be read after it was replaced; said once, and for ever when it is not said. Whoever
    /// asks for one that was replaced earlier is refused, whether its files are still there or not: vacuum may be about
    /// to remove them.
    pub(crate) fn keep_for(&self, retention: Duration) {
        self.retention.get_or_init(|| retention);
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

    async fn update_locked(&self, open: &mut Option<DeltaTable>) -> Result<Option<Arc<Snapshot>>, LakeError> {
        let fail = |error: DeltaTableError| LakeError::log(self.dataset.name, &error);
        match open {
            Some(table) => table.update_state().await.map_err(fail)?,
            None => {
                let exists = self.log_store.is_delta_table_location().await.map_err(fail)?;
                if !exists {
                    return Ok(None);
                }
                let mut table = DeltaTable::new(self.log_store.clone());
                table.load().await.map_err(fail)?;
                *open = Some(table);
            }
        }
        let Some(table) = open else { return Ok(None) };
        self.looked.store(Some(Arc::new(Instant::now())));
        if self.current.borrow().as_ref().map(|snapshot| snapshot.version) != table.version() {
            let snapshot = self.snapshot_of(table).await?;
            self.current.send_replace(Some(Arc::new(snapshot)));
        }
        Ok(self.current())
    }

    /// Forgets what was read of the log, and reads it anew.
    pub(super) async fn reopen(&self) -> Result<Option<Arc<Snapshot>>, LakeError> {
        let mut open = self.open.lock().await;
        *open = None;
        self.current.send_replace(None);
        self.update_locked(&mut open).await
    }

    async fn snapshot_of(&self, table: &DeltaTable) -> Result<Snapshot, LakeError> {
        let fail = |error: DeltaTableError| LakeError::log(self.dataset.name, &error);
        let state = table.snapshot().map_err(fail)?;
        let mut snapshot = Snapshot::new(&self.dataset, &self.folder, state)?;
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for application in followed {
            let position = state.snapshot().transaction_version(self.log_store.as_ref(), &application).await;
            if let Some(position) = position.map_err(fail)? {
                snapshot.positions.insert(application, position);
            }
        }
        Ok(snapshot)
    }

    /// From now on every snapshot carries how far this application is. Returns how far it is now; `None` when it never
    /// committed.
    pub async fn follow(&self, application: &str) -> Result<Option<i64>, LakeError> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).insert(application.to_owned());
        let mut open = self.open.lock().await;
        self.update_locked(&mut open).await?;
        let Some(table) = &*open else { return Ok(None) };
        let snapshot = self.snapshot_of(table).await?;
        let position = snapshot.positions.get(application).copied();
        self.current.send_replace(Some(Arc::new(snapshot)));
        Ok(position)
    }

    /// Reads the named columns of the rows of some items; of files that are sorted by item, little else is decoded.
    pub async fn read_items(
        &self,
        files: &[DataFile],
        columns: &[&str],
        items: &BTreeSet<String>,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let Some(column) = self.dataset.item_column() else { return self.read_columns(files, Some(columns)).await };
        let mut rows = Vec::new();
        for file in files {
            let fail =
                |error: &dyn std::fmt::Display| LakeError::file(self.dataset.name, self.root.name(&file.path), error);
            let object = self.root.store.get(&file.path).await.map_err(|error| fail(&error))?;
            let bytes = object.bytes().await.map_err(|error| fail(&error))?;
            rows.extend(file::decode_items(bytes, columns, column, items).map_err(|error| fail(&error))?);
        }
        Ok(rows)
    }

    /// Reads whole files. For merging, not for queries.
    pub async fn read(&self, files: &[DataFile]) -> Result<Vec<RecordBatch>, LakeError> {
        self.read_columns(files, None).await
    }

    /// Reads the named columns of whole files, in schema order; `None` is all columns.
    pub async fn read_columns(
        &self,
        files: &[DataFile],
        columns: Option<&[&str]>,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let mut rows = Vec::new();
        for file in files {
            let fail =
                |error: &dyn std::fmt::Display| LakeError::file(self.dataset.name, self.root.name(&file.path), error);
            let object = self.root.store.get(&file.path).await.map_err(|error| fail(&error))?;
            let bytes = object.bytes().await.map_err(|error| fail(&error))?;
            rows.extend(file::decode(bytes, columns).map_err(|error| fail(&error))?);
        }
        Ok(rows)
    }

    /// Commits the version after `base`: the files of `remove` go, the staged ones come, all at once.
    ///
    /// `base` is `None` for a table that does not exist yet. Fails with [`LakeError::Conflict`] when somebody
    /// committed after `base`; nothing is visible then, and the caller reads again.
    pub async fn commit(
        &self,
        base: Option<&Snapshot>,
        remove: &[DataFile],
        add: Vec<StagedFile>,
    ) -> Result<Arc<Snapshot>, LakeError> {
        self.commit_change(base, remove, add, Change::Rows, None, None).await
    }

    /// As [`LakeTable::commit`], and says in the same commit which items' rows are others than before, so that what is
    /// made of them need not look (see [`LakeTable::changed_items`]). Very many items are not named.
    pub async fn commit_items(
        &self,
        base: Option<&Snapshot>,
        remove: &[DataFile],
        add: Vec<StagedFile>,
        items: Option<&BTreeSet<String>>,
    ) -> Result<Arc<Snapshot>, LakeError> {
        let items = items.filter(|items| items.len() <= ITEMS_TOLD);
        self.commit_change(base, remove, add, Change::Rows, None, items).await
    }

    /// As [`LakeTable::commit`], and says in the same commit how far the writer's own sequence is now.
    pub async fn commit_position(
        &self,
        base: Option<&Snapshot>,
        remove: &[DataFile],
        add: Vec<StagedFile>,
        position: &Position,
    ) -> Result<Arc<Snapshot>, LakeError> {
        self.commit_change(base, remove, add, Change::Rows, Some(position), None).await
    }

    /// Commits the same rows in other files, as [`LakeTable::commit`] does with other rows.
    pub(super) async fn commit_layout(
        &self,
        base: &Snapshot,
        remove: &[DataFile],
        add: Vec<StagedFile>,
    ) -> Result<Arc<Snapshot>, LakeError> {
        self.commit_change(Some(base), remove, add, Change::Layout, None, None).await
    }

    async fn commit_change(
        &self,
        base: Option<&Snapshot>,
        remove: &[DataFile],
        add: Vec<StagedFile>,
        change: Change,
        position: Option<&Position>,
        items: Option<&BTreeSet<String>>,
    ) -> Result<Arc<Snapshot>, LakeError> {
        let mut open = self.open.lock().await;
        let latest = self.update_locked(&mut open).await?;
        if latest.as_ref().map(|snapshot| snapshot.version) != base.map(|snapshot| snapshot.version) {
            return Err(LakeError::Conflict { table: self.dataset.name.to_owned() });
        }
        let data_change = change == Change::Rows;
        let mut actions: Vec<Action> =
            add.into_iter().map(|file| Action::Add(Add { data_change, ..file.add })).collect();
        actions.extend(remove.iter().map(|file| Action::Remove(Remove { data_change, ..removal(&file.add) })));
        actions.extend(position.map(|position| {
            let now = Some(LOG_CLOCK.now().timestamp_millis());
            Action::Txn(Transaction::new_with_last_update(&position.application, position.number, now))
        }));
        match &*open {
            None => *open = Some(self.create(actions).await?),
            Some(table) => {
                let state = table.snapshot().map_err(|error| LakeError::log(self.dataset.name, &error))?;
                // The log is trimmed by vacuum: to look for what is too old would list the whole log at each commit.
                let told = items.map(|items| (ITEMS_KEY.to_owned(), items.iter().cloned().collect()));
                let properties = CommitProperties::default().with_max_retries(0).with_cleanup_expired_logs(Some(false));
                let properties = properties.with_metadata(told);
                CommitBuilder::from(properties)
                    .with_actions(actions)
                    .build(Some(state), self.log_store.clone(), change.operation())
                    .await
                    .map_err(|error| self.commit_error(&error))?;
            }
        }
        self.settled.fetch_max(base.map_or(0, |base| base.version + 1) + 1, Ordering::Relaxed);
        let committed = self.update_locked(&mut open).await?;
        committed.ok_or_else(|| LakeError::Conflict { table: self.dataset.name.to_owned() })
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

    async fn create(&self, actions: Vec<Action>) -> Result<DeltaTable, LakeError> {
        let columns: StructType = self
            .dataset
            .schema
            .as_ref()
            .try_into_kernel()
            .map_err(|error| LakeError::rows(self.dataset.name, error))?;
        CreateBuilder::new()
            .with_log_store(self.log_store.clone())
            .with_table_name(self.dataset.name)
            .with_comment(self.dataset.comment)
            .with_columns(columns.fields().cloned())
            .with_configuration([("delta.checkpointInterval", Some(CHECKPOINT_INTERVAL))])
            .with_actions(actions)
            .await
            .map_err(|error| self.commit_error(&error))
    }

    /// Writes rows, in any order, as a file that no version names yet.
    pub async fn stage(&self, rows: &RecordBatch) -> Result<StagedFile, LakeError> {
        if rows.schema().fields() != self.dataset.schema.fields() {
            return Err(LakeError::rows(self.dataset.name, "rows do not have the table's columns"));
        }
        let sorted = file::sort(&self.dataset, rows)?;
        let bytes = file::encode(&self.dataset, &sorted, self.compression)?;
        let name = format!("part-{}.parquet", Uuid::new_v4());
        let path = self.folder.clone().join(name.as_str());
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let put = self.root.store.put(&path, PutPayload::from_bytes(bytes)).await;
        // Not the file's own name: it is another one at each try, and a reason is told once.
        put.map_err(|error| LakeError::file(self.dataset.name, self.root.name(&self.folder), error))?;
        let add = Add {
            path: name,
            size,
            modification_time: LOG_CLOCK.now().timestamp_millis(),
            data_change: true,
            stats: Some(statistics::to_json(&sorted)),
            ..Default::default()
        };
        Ok(StagedFile { add })
    }

    fn commit_error(&self, error: &DeltaTableError) -> LakeError {
        match error {
            DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source:
                    TransactionError::MaxCommitAttempts(_)
                    | TransactionError::VersionAlreadyExists(_)
                    | TransactionError::CommitConflict(_),
            } => LakeError::Conflict { table: self.dataset.name.to_owned() },
            other => LakeError::commit(self.dataset.name, other),
        }
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

fn removal(add: &Add) -> Remove {
    Remove {
        path: add.path.clone(),
        data_change: true,
        deletion_timestamp: Some(LOG_CLOCK.now().timestamp_millis()),
        extended_file_metadata: Some(true),
        partition_values: Some(HashMap::new()),
        size: Some(add.size),
        ..Default::default()
    }
}
