//! Commits the next version of a table, or finds that somebody else did.
//!
//! A commit says which version it follows and fails when there is a later one. One kind of later version stands in
//! nobody's way: the same rows in other files. A writer that only adds follows it as if it had known it, so that upkeep
//! never makes a writer try again.

use super::file::TARGET_BYTES;
use super::table::{LOG_CLOCK, StagedFile};
use super::{DataFile, LakeError, LakeTable, Snapshot};
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake_core::kernel::{Action, Add, Metadata, MetadataExt, Remove, StructType, Transaction};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableError};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Commits between checkpoints of the log.
const CHECKPOINT_INTERVAL: &str = "100";

/// Where a commit names the items whose rows it changed, and how many it names at most.
const ITEMS_KEY: &str = "changedItems";
const ITEMS_TOLD: usize = 1000;

/// Versions of the same rows that a writer who adds may have missed; more are read anew by the writer.
const LAYOUTS_MISSED: u64 = 16;

/// Tries of a commit that only adds, against other processes that put the same rows into other files.
const LAYOUT_TRIES: usize = 10;

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
                target_size: i64::try_from(TARGET_BYTES).unwrap_or(i64::MAX),
            },
        }
    }
}

impl LakeTable {
    /// Commits the version after `base`: the files of `remove` go, the staged ones come, all at once.
    ///
    /// `base` is `None` for a table that does not exist yet. Fails with [`LakeError::Conflict`] when somebody
    /// committed after `base`; nothing is visible then, and the caller reads again. Merged files are no such commit where
    /// nothing is removed.
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
        let only_adds = remove.is_empty();
        let actions = actions(remove, add, change, position);
        let mut open = self.open.lock().await;
        for _ in 0..LAYOUT_TRIES {
            let latest = self.update_locked(&mut open).await?;
            if !self.has_rows_of(base, latest.as_deref(), only_adds).await {
                return Err(self.conflict());
            }
            let written = match &*open {
                None => self.create(actions.clone()).await.map(|table| *open = Some(table)),
                Some(table) => self.write_entry(table, actions.clone(), change, items).await,
            };
            match written {
                // Somebody was quicker: perhaps with the same rows in other files.
                Err(LakeError::Conflict { .. }) if only_adds && base.is_some() => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    let version = latest.map_or(0, |latest| latest.version + 1);
                    self.settled.fetch_max(version + 1, Ordering::Relaxed);
                    return self.update_locked(&mut open).await?.ok_or_else(|| self.conflict());
                }
            }
        }
        Err(self.conflict())
    }

    /// Whether the latest version is the one that a writer knows, or has the same rows and the writer only adds.
    async fn has_rows_of(&self, base: Option<&Snapshot>, latest: Option<&Snapshot>, only_adds: bool) -> bool {
        let (base, latest) = match (base, latest) {
            (None, None) => return true,
            (Some(base), Some(latest)) => (base.version, latest.version),
            _ => return false,
        };
        let missed = latest.checked_sub(base);
        match missed {
            Some(0) => true,
            Some(missed) if only_adds && missed <= LAYOUTS_MISSED => self.only_layouts(base + 1..=latest).await,
            _ => false,
        }
    }

    /// Whether these versions have the same rows as the one before them; not when one cannot be read.
    async fn only_layouts(&self, versions: std::ops::RangeInclusive<u64>) -> bool {
        for version in versions {
            match self.read_commit(version).await {
                Ok(commit) if commit.is_layout() => {}
                _ => return false,
            }
        }
        true
    }

    /// Writes the log entry behind the open version.
    async fn write_entry(
        &self,
        table: &DeltaTable,
        actions: Vec<Action>,
        change: Change,
        items: Option<&BTreeSet<String>>,
    ) -> Result<(), LakeError> {
        let state = table.snapshot().map_err(|error| LakeError::log(self.dataset.name, &error))?;
        // The log is trimmed by vacuum: to look for what is too old would list the whole log at each commit.
        let told = items.map(|items| (ITEMS_KEY.to_owned(), items.iter().cloned().collect()));
        let actions = match self.new_columns(table)? {
            Some(metadata) => actions.into_iter().chain([Action::Metadata(metadata)]).collect(),
            None => actions,
        };
        let properties = CommitProperties::default().with_max_retries(0).with_cleanup_expired_logs(Some(false));
        let commit = CommitBuilder::from(properties.with_metadata(told))
            .with_actions(actions)
            .build(Some(state), self.log_store.clone(), change.operation())
            .await;
        commit.map(drop).map_err(|error| self.commit_error(&error))
    }

    /// What the log is to say of the table's columns, where it lacks some that the dataset has since.
    pub(super) fn new_columns(&self, table: &DeltaTable) -> Result<Option<Metadata>, LakeError> {
        if !self.dataset.has_added_columns() {
            return Ok(None);
        }
        let fail = |error: &DeltaTableError| LakeError::log(self.dataset.name, error);
        let state = table.snapshot().map_err(|error| fail(&error))?;
        let known = state.schema();
        if self.dataset.columns().all(|column| known.field(column.name).is_some()) {
            return Ok(None);
        }
        let metadata = state.metadata().clone().with_schema(&self.columns()?);
        metadata.map(Some).map_err(|error| fail(&error.into()))
    }

    fn columns(&self) -> Result<StructType, LakeError> {
        self.dataset.schema.as_ref().try_into_kernel().map_err(|error| LakeError::rows(self.dataset.name, error))
    }

    async fn create(&self, actions: Vec<Action>) -> Result<DeltaTable, LakeError> {
        let columns = self.columns()?;
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

    pub(super) fn conflict(&self) -> LakeError {
        LakeError::Conflict { table: self.dataset.name.to_owned() }
    }

    fn commit_error(&self, error: &DeltaTableError) -> LakeError {
        match error {
            DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source:
                    TransactionError::MaxCommitAttempts(_)
                    | TransactionError::VersionAlreadyExists(_)
                    | TransactionError::CommitConflict(_),
            } => self.conflict(),
            other => LakeError::commit(self.dataset.name, other),
        }
    }
}

/// What the log says of a commit.
fn actions(remove: &[DataFile], add: Vec<StagedFile>, change: Change, position: Option<&Position>) -> Vec<Action> {
    let data_change = change == Change::Rows;
    let mut actions: Vec<Action> = add.into_iter().map(|file| Action::Add(Add { data_change, ..file.add })).collect();
    actions.extend(remove.iter().map(|file| Action::Remove(Remove { data_change, ..removal(&file.add) })));
    actions.extend(position.map(|position| {
        let now = Some(LOG_CLOCK.now().timestamp_millis());
        Action::Txn(Transaction::new_with_last_update(&position.application, position.number, now))
    }));
    actions
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
