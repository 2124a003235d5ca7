//! Keeps a table small and quick to read: merges small files, removes what no version within the retention needs.
//!
//! Both may run beside readers and writers, in this process or another: a merge is one commit that gives way to whoever
//! was first, and a file is removed only long after the last version that named it.

use super::file::TARGET_BYTES;
use super::past::before;
use super::table::StagedFile;
use super::{DataFile, LakeError, LakeTable, Snapshot, WriteMode};
use arrow::compute::concat_batches;
use chrono::{DateTime, Utc};
use deltalake_core::protocol::checkpoints::cleanup_expired_logs_for;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Tries against other writers before giving up.
const CONFLICT_TRIES: usize = 20;

/// The shortest retention, and the age below which no file goes: one that no version names yet may be about to be committed.
pub const RETENTION_MIN: Duration = Duration::from_secs(3600);

/// How long a query may read: files stay this much longer than their version can be asked for, so that one that began at
/// the very end of the retention ends in peace.
pub(super) const READING_MAX: Duration = Duration::from_secs(86_400);

/// What a merge of small files did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Small files that went into larger ones.
    pub merged: usize,
    /// Files that hold their rows now.
    pub written: usize,
    /// Rows in the files that were written.
    pub rows: u64,
    /// Version of the table afterwards; `None` when there is no table.
    pub version: Option<u64>,
}

/// What vacuum removed, or would remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// Paths of the files in the lake's store, sorted.
    pub files: Vec<Path>,
    /// Bytes of the files.
    pub bytes: u64,
    /// Files of the log that went with them.
    pub log_files: usize,
}

impl LakeTable {
    /// Merges the small files of a table that grows by appending into sorted ones, in one commit. Rows stay the same.
    ///
    /// Other tables are written whole, or a year at a time, and have nothing to merge. Dropping the future commits nothing.
    pub async fn compact(&self) -> Result<Compacted, LakeError> {
        for _ in 0..CONFLICT_TRIES {
            match self.compact_once().await {
                Err(LakeError::Conflict { .. }) => {}
                outcome => return outcome,
            }
        }
        Err(LakeError::Conflict { table: self.dataset.name.to_owned() })
    }

    /// A conflict is an error here only when another writer took away a file that was being merged.
    async fn compact_once(&self) -> Result<Compacted, LakeError> {
        let Some(mut base) = self.update().await? else { return Ok(Compacted::default()) };
        let mut done = Compacted { version: Some(base.version), ..Compacted::default() };
        if self.dataset.mode != WriteMode::Append {
            return Ok(done);
        }
        let mut staged = Vec::new();
        let mut merged = Vec::new();
        for group in groups(&base.files) {
            let (file, rows) = self.merge(&group).await?;
            done.rows += rows;
            staged.push(file);
            merged.extend(group);
        }
        if staged.is_empty() {
            return Ok(done);
        }
        (done.merged, done.written) = (merged.len(), staged.len());
        for _ in 0..CONFLICT_TRIES {
            match self.commit_layout(&base, &merged, staged.clone()).await {
                Ok(snapshot) => return Ok(Compacted { version: Some(snapshot.version), ..done }),
                Err(LakeError::Conflict { .. }) => base = self.still_with(&merged).await?,
                Err(error) => return Err(error),
            }
        }
        Err(LakeError::Conflict { table: self.dataset.name.to_owned() })
    }

    /// Writes the rows of several files as one, sorted by the dataset's key.
    async fn merge(&self, files: &[DataFile]) -> Result<(StagedFile, u64), LakeError> {
        let rows = self.read(files).await?;
        let rows = concat_batches(&self.dataset.schema, &rows);
        let rows = rows.map_err(|error| LakeError::rows(self.dataset.name, error))?;
        let expected: Option<u64> = files.iter().map(|file| file.rows).sum();
        let count = rows.num_rows() as u64;
        if expected.is_some_and(|expected| expected != count) {
            return Err(LakeError::rows(self.dataset.name, "its files hold other numbers of rows than its log tells"));
        }
        Ok((self.stage(&rows).await?, count))
    }

    /// The latest version, provided that it still has the files.
    async fn still_with(&self, files: &[DataFile]) -> Result<Arc<Snapshot>, LakeError> {
        let conflict = || LakeError::Conflict { table: self.dataset.name.to_owned() };
        let latest = self.update().await?.ok_or_else(conflict)?;
        let held: HashSet<&Path> = latest.files.iter().map(|file| &file.path).collect();
        let complete = files.iter().all(|file| held.contains(&file.path));
        drop(held);
        if complete { Ok(latest) } else { Err(conflict()) }
    }

    /// Removes files that no version within `retention` and [`READING_MAX`] before `now` is made of, files that were never
    /// committed, and what of the log no such version needs. A retention below [`RETENTION_MIN`] counts as that. With
    /// `dry_run` it only tells. No running query loses a file as long as the retention is no shorter than the one that
    /// readers go by ([`LakeTable::keep_for`]).
    pub async fn vacuum(&self, retention: Duration, now: DateTime<Utc>, dry_run: bool) -> Result<Vacuumed, LakeError> {
        let cutoff = before(now, retention.max(RETENTION_MIN).saturating_add(READING_MAX));
        let young = before(now, RETENTION_MIN);
        // Files are listed before the log is read: one that is committed in between is known to be needed.
        let listed = self.data_files().await?;
        let Some(latest) = self.update().await? else { return Ok(Vacuumed::default()) };
        let oldest = match self.version_at(cutoff, latest.version).await {
            Ok(version) => version.unwrap_or(0),
            Err(LakeError::Forgotten { .. }) => self.oldest_version().await?,
            Err(error) => return Err(error),
        };
        let needed = self.files_since(oldest, &latest).await?;
        let mut vacuumed = Vacuumed::default();
        for object in listed {
            if needed.contains(&object.location) || object.last_modified > young {
                continue;
            }
            vacuumed.bytes += object.size;
            vacuumed.files.push(object.location);
        }
        vacuumed.files.sort();
        if dry_run {
            return Ok(vacuumed);
        }
        for path in &vacuumed.files {
            match self.root.store.delete(path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(LakeError::file(self.dataset.name, path, error)),
            }
        }
        let trimmed = cleanup_expired_logs_for(oldest, self.log_store.as_ref(), cutoff.timestamp_millis(), None).await;
        vacuumed.log_files = trimmed.map_err(|error| LakeError::log(self.dataset.name, &error))?;
        Ok(vacuumed)
    }

    /// Every file that a version from `oldest` on is made of.
    async fn files_since(&self, oldest: u64, latest: &Snapshot) -> Result<HashSet<Path>, LakeError> {
        let mut files: HashSet<Path> = latest.files.iter().map(|file| file.path.clone()).collect();
        if oldest < latest.version {
            files.extend(self.load_version(oldest).await?.files.into_iter().map(|file| file.path));
        }
        let mut commits = pin!(self.read_commits(oldest.saturating_add(1)..=latest.version));
        while let Some((_, commit)) = commits.try_next().await? {
            files.extend(commit.added.into_iter().map(|added| added.path));
        }
        Ok(files)
    }
}

/// Small files to be merged, oldest first, so that a merged file holds one stretch of time.
fn groups(files: &[DataFile]) -> Vec<Vec<DataFile>> {
    let mut small: Vec<&DataFile> = files.iter().filter(|file| file.size < TARGET_BYTES / 2).collect();
    small.sort_by_key(|file| (file.modified_at, &file.path));
    let mut groups = vec![Vec::new()];
    let mut bytes = 0;
    for file in small {
        if bytes + file.size > TARGET_BYTES {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += file.size;
        if let Some(group) = groups.last_mut() {
            group.push(file.clone());
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

#[cfg(test)]
#[path = "upkeep_tests.rs"]
mod tests;
