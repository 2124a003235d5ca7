//! Removes the files of a table that no version within the retention needs, and what crashes have left.
//!
//! It may run beside readers and writers, in this process or another: a file is removed only long after the last version
//! that named it.

use super::past::before;
use super::store::leftovers::{self, Leftover};
use super::{LakeError, LakeTable, Snapshot};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

/// The shortest retention, and the age below which no file goes: one that no version names yet may be about to be committed.
pub const RETENTION_MIN: Duration = Duration::from_secs(3600);

/// How long a query may read: files stay this much longer than their version can be asked for, so that one that began at
/// the very end of the retention ends in peace.
pub(super) const READING_MAX: Duration = Duration::from_secs(86_400);

/// What vacuum removed, or would remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// Paths of the files in the lake's store, sorted.
    pub files: Vec<Path>,
    /// Files that their writers never finished; only a local lake has them.
    pub leftovers: Vec<Leftover>,
    /// Bytes of the files and of the leftovers.
    pub bytes: u64,
    /// Files of the log that went with them.
    pub log_files: usize,
}

impl LakeTable {
    /// Removes files that no version within `retention` and [`READING_MAX`] before `now` is made of, files that were never
    /// committed or never finished, and what of the log no such version needs. A retention below [`RETENTION_MIN`] counts as that. With
    /// `dry_run` it only tells. No running query loses a file as long as the retention is no shorter than the one that
    /// readers go by ([`LakeTable::keep_for`]). Dropping the future leaves what is not removed yet to the next call.
    pub async fn vacuum(&self, retention: Duration, now: DateTime<Utc>, dry_run: bool) -> Result<Vacuumed, LakeError> {
        let cutoff = before(now, retention.max(RETENTION_MIN).saturating_add(READING_MAX));
        let young = before(now, RETENTION_MIN);
        // Files are listed before the log is read: one that is committed in between is known to be needed.
        let listed = self.data_files().await?;
        let leftovers = self.leftovers(young).await?;
        let bytes = leftovers.iter().map(|leftover| leftover.bytes).sum();
        let mut vacuumed = Vacuumed { leftovers, bytes, ..Vacuumed::default() };
        let Some(latest) = self.update().await? else { return Ok(vacuumed) };
        let oldest = match self.version_at(cutoff, latest.version).await {
            Ok(version) => version.unwrap_or(0),
            Err(LakeError::Forgotten { .. }) => self.oldest_version().await?,
            Err(error) => return Err(error),
        };
        let needed = self.files_since(oldest, &latest).await?;
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
            self.remove(path).await?;
        }
        self.remove_leftovers(vacuumed.leftovers.clone()).await?;
        vacuumed.log_files = self.trim_log(oldest).await?;
        Ok(vacuumed)
    }

    /// Files of this dataset, in whatever folder of the lake, that were begun before a moment and never got their names.
    async fn leftovers(&self, before: DateTime<Utc>) -> Result<Vec<Leftover>, LakeError> {
        let own = format!("{}.", self.dataset.name);
        let places = [
            (self.folder.clone(), ""),
            (self.log_folder(), ""),
            (self.root.path(&["state"]), own.as_str()),
            (self.root.path(&["csv"]), own.as_str()),
        ];
        let mut found = Vec::new();
        for (folder, named) in places {
            let here = self.root.leftovers(&folder, named, before).await;
            found.extend(here.map_err(|error| LakeError::file(self.dataset.name, self.root.name(&folder), error))?);
        }
        Ok(found)
    }

    async fn remove_leftovers(&self, leftovers: Vec<Leftover>) -> Result<(), LakeError> {
        let removed = tokio::task::spawn_blocking(move || leftovers::remove(&leftovers)).await;
        let removed = removed.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        removed.map_err(|error| LakeError::file(self.dataset.name, self.root.name(&self.folder), error))
    }

    /// Every file that a version from `oldest` on is made of.
    pub(super) async fn files_since(&self, oldest: u64, latest: &Snapshot) -> Result<HashSet<Path>, LakeError> {
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

#[cfg(test)]
#[path = "upkeep_tests.rs"]
mod tests;
