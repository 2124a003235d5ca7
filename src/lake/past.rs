//! Older versions of a table: which was in force at a moment, and what each commit did.

use super::snapshot::Snapshot;
use super::table::LOG_CLOCK;
use super::version_cache::{SNAPSHOTS_KEPT, TIMES_KEPT};
use super::{DataFile, LakeError, LakeTable};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Files that are asked for one by one whether they are there; for more the folder is listed, which holds those of all
/// versions that are kept.
const FILES_ASKED: usize = 64;

/// One version, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Version of the table, counted from 0.
    pub version: u64,
    /// When it was committed.
    pub committed_at: DateTime<Utc>,
    /// What the commit did, in Delta's words: `WRITE`, `OPTIMIZE`, ...
    pub operation: String,
    /// Files of the version.
    pub files: u64,
    /// Rows of the version; `None` when the log does not tell for one of its files.
    pub rows: Option<u64>,
}

impl LakeTable {
    /// The version that was in force at a moment: the last one committed at or before it. `None`: the table did not
    /// exist yet.
    ///
    /// # Errors
    /// [`LakeError::Forgotten`] for a moment of which the log or the files are no longer kept.
    pub async fn snapshot_at(&self, at: DateTime<Utc>) -> Result<Option<Arc<Snapshot>>, LakeError> {
        let Some(latest) = self.latest().await? else { return Ok(None) };
        let Some(version) = self.version_at(at, latest.version).await? else { return Ok(None) };
        self.snapshot_or_forgotten(version, at).await.map(Some)
    }

    /// A version by its number, such as a reader was told before.
    ///
    /// # Errors
    /// [`LakeError::Forgotten`] when its log or files are no longer kept; that of the log when there never was one.
    pub async fn snapshot_by_version(&self, version: u64) -> Result<Arc<Snapshot>, LakeError> {
        let latest = self.current().filter(|latest| latest.version == version);
        match latest {
            Some(latest) => Ok(latest),
            None => {
                let at = self.committed_at(version).await?;
                self.snapshot_or_forgotten(version, at).await
            }
        }
    }

    /// A version, which was in force at a moment. It is readable for the retention from when it was replaced.
    async fn snapshot_or_forgotten(&self, version: u64, at: DateTime<Utc>) -> Result<Arc<Snapshot>, LakeError> {
        match self.current() {
            Some(latest) if latest.version == version => return Ok(latest),
            Some(latest) if latest.version > version => {
                let replaced_at = self.committed_at(version + 1).await?;
                if replaced_at < before(LOG_CLOCK.now(), self.retention()) {
                    return Err(self.forgotten(at));
                }
            }
            _ => {}
        }
        let held = self.past.known().snapshots.iter().find(|snapshot| snapshot.version == version).cloned();
        if let Some(held) = held {
            return Ok(held);
        }
        let snapshot = Arc::new(self.load_version(version).await?);
        self.check_files(&snapshot, at).await?;
        let mut known = self.past.known();
        known.snapshots.push_back(snapshot.clone());
        if known.snapshots.len() > SNAPSHOTS_KEPT {
            known.snapshots.pop_front();
        }
        Ok(snapshot)
    }

    /// Every version the log still tells of, oldest first.
    pub async fn history(&self) -> Result<Vec<HistoryEntry>, LakeError> {
        let Some(latest) = self.update().await? else { return Ok(Vec::new()) };
        let oldest = self.oldest_version().await?;
        let mut files: HashMap<Path, Option<u64>> = HashMap::new();
        if oldest > 0 {
            let snapshot = self.load_version(oldest).await?;
            files.extend(snapshot.files.into_iter().map(|file| (file.path, file.rows)));
        }
        let mut history = Vec::new();
        let mut commits = pin!(self.read_commits(oldest..=latest.version));
        while let Some((version, commit)) = commits.try_next().await? {
            // A checkpoint holds what its own commit did.
            if version > oldest || oldest == 0 {
                files.retain(|path, _| !commit.removed.contains(path));
                files.extend(commit.added.into_iter().map(|added| (added.path, added.rows)));
            }
            history.push(HistoryEntry {
                version,
                committed_at: commit.committed_at,
                operation: commit.operation,
                files: files.len() as u64,
                rows: files.values().copied().sum(),
            });
        }
        Ok(history)
    }

    /// The last version committed at or before a moment, up to `latest`.
    pub(super) async fn version_at(&self, at: DateTime<Utc>, latest: u64) -> Result<Option<u64>, LakeError> {
        if self.committed_at(latest).await? <= at {
            return Ok(Some(latest));
        }
        let oldest = self.oldest_version().await?;
        if self.committed_at(oldest).await? > at {
            return if oldest == 0 { Ok(None) } else { Err(self.forgotten(at)) };
        }
        let (mut before, mut after) = (oldest, latest);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.committed_at(middle).await? <= at {
                before = middle;
            } else {
                after = middle;
            }
        }
        Ok(Some(before))
    }

    /// When a version was committed.
    pub(super) async fn committed_at(&self, version: u64) -> Result<DateTime<Utc>, LakeError> {
        if let Some(at) = self.past.known().times.get(&version) {
            return Ok(*at);
        }
        let at = self.read_commit(version).await?.committed_at;
        let mut known = self.past.known();
        if known.times.len() >= TIMES_KEPT {
            known.times.clear();
        }
        known.times.insert(version, at);
        Ok(at)
    }

    /// Reads a version from the log, whether its files are still there or not.
    pub(super) async fn load_version(&self, version: u64) -> Result<Snapshot, LakeError> {
        let fail = |error| LakeError::log(self.dataset.name, &error);
        let table = self.open_version(version).await?;
        Snapshot::new(&self.dataset, &self.folder, table.snapshot().map_err(fail)?)
    }

    /// Refuses a version whose files vacuum has removed, before a scan stumbles over them.
    async fn check_files(&self, snapshot: &Snapshot, at: DateTime<Utc>) -> Result<(), LakeError> {
        let own = |file: &&DataFile| file.path.prefix_match(&self.folder).is_some_and(|parts| parts.count() == 1);
        let own: Vec<&Path> = snapshot.files.iter().filter(own).map(|file| &file.path).collect();
        let complete = if own.len() <= FILES_ASKED {
            self.all_there(&own).await?
        } else {
            let there = self.data_files().await?;
            let there: HashSet<&Path> = there.iter().map(|object| &object.location).collect();
            own.iter().all(|path| there.contains(path))
        };
        if complete { Ok(()) } else { Err(self.forgotten(at)) }
    }

    async fn all_there(&self, files: &[&Path]) -> Result<bool, LakeError> {
        for &path in files {
            match self.root.store.head(path).await {
                Ok(_) => {}
                Err(object_store::Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(LakeError::file(self.dataset.name, self.root.name(path), error)),
            }
        }
        Ok(true)
    }

    /// Parquet files in the table's folder, of whatever version.
    pub(super) async fn data_files(&self) -> Result<Vec<object_store::ObjectMeta>, LakeError> {
        let listed = self.root.store.list_with_delimiter(Some(&self.folder)).await;
        let listed = listed.map_err(|error| LakeError::file(self.dataset.name, &self.folder, error))?;
        Ok(listed.objects.into_iter().filter(|object| object.location.extension() == Some("parquet")).collect())
    }

    fn forgotten(&self, at: DateTime<Utc>) -> LakeError {
        let at = at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        LakeError::Forgotten { table: self.dataset.name.to_owned(), at }
    }
}

/// A moment some time before another; the first of all when it would be earlier.
pub(super) fn before(now: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    let moment = TimeDelta::from_std(duration).ok().and_then(|duration| now.checked_sub_signed(duration));
    moment.unwrap_or(DateTime::<Utc>::MIN_UTC)
}
