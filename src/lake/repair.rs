//! Makes a table whose log is damaged readable again, from what of it is whole.
//!
//! What cannot be read is put aside under another name, never removed. A damaged commit is followed by the whole ones
//! behind it as if it had done nothing: its rows are lost, and the versions keep their numbers, so that whoever has
//! read a later one goes on. Ages say no more than the rows that are left.

use super::log::{self, checkpoint_version};
use super::table::LOG_CLOCK;
use super::{DataFile, DatasetState, LakeError, LakeTable, Snapshot, file, store};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{CopyMode, CopyOptions, ObjectStore, ObjectStoreExt, PutPayload};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is behind the name of a file that was put aside.
const ASIDE: &str = "damaged";

/// Commits that are filled in at most. More are no damage but another log, or a file that bears a name like a commit's.
const MISSING_MAX: u64 = 1000;

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Version of the table afterwards; `None` when there is no table.
    pub version: Option<u64>,
    /// Versions whose commit was damaged or missing: what they did is lost.
    pub lost_versions: Vec<u64>,
    /// Data files that are missing, cut short or not what was written, and left the table: their rows are lost.
    pub lost_files: Vec<Path>,
    /// Damaged files of the log that are not needed, and were put aside.
    pub aside: Vec<Path>,
    /// Rows of files that a lost commit had taken out, and that later files have anew: they are gone again.
    pub replaced_rows: u64,
}

impl Repaired {
    /// Whether nothing was wrong.
    pub fn is_whole(&self) -> bool {
        self.lost_versions.is_empty() && self.lost_files.is_empty() && self.aside.is_empty()
    }
}

/// What the file `_last_checkpoint` says.
#[derive(Deserialize)]
struct LastCheckpoint {
    version: u64,
}

/// The files of a log, by version.
#[derive(Default)]
struct Listed {
    commits: BTreeSet<u64>,
    checkpoints: BTreeMap<u64, Vec<Path>>,
}

impl LakeTable {
    /// A path in the lake as people write it: `/data/lake/eod/...` or `s3://bucket/lake/eod/...`.
    pub fn shown(&self, path: &Path) -> String {
        self.root.name(path)
    }

    /// Reads the whole log, puts aside what is damaged, and makes the table readable from the rest. Of a table that is
    /// whole nothing is changed. No other process may write the table meanwhile.
    ///
    /// # Errors
    /// The lake cannot be read or written; or neither a checkpoint nor the table's first commit is whole, and nothing
    /// tells what the table is.
    pub async fn repair(&self) -> Result<Repaired, LakeError> {
        let listed = self.listed_log().await?;
        let newest = listed.commits.last().max(listed.checkpoints.keys().next_back()).copied();
        let Some(newest) = newest else { return Ok(Repaired::default()) };
        let mut repaired = Repaired::default();
        let (checkpoints, damaged) = self.whole_checkpoints(&listed, &mut repaired).await?;
        let base = checkpoints.last().copied();
        if base.is_none() && !self.is_whole(0).await? {
            return Err(self.beyond_repair("neither its first commit nor a checkpoint is whole"));
        }
        let first_needed = base.map_or(0, |base| base.saturating_add(1));
        let there = listed.commits.range(first_needed..).count() as u64;
        if newest.saturating_sub(first_needed) > there.saturating_add(MISSING_MAX) {
            return Err(self.beyond_repair("too many of its commits are missing"));
        }
        let versions: BTreeSet<u64> = listed.commits.iter().copied().chain(first_needed..=newest).collect();
        for version in versions {
            if !self.is_whole(version).await? {
                repaired.lost_versions.push(version);
            }
        }
        // From here on it is changed. Ages go first: whoever is stopped in between leaves rows of which none are told.
        let ages = self.read_state().await;
        if !repaired.lost_versions.is_empty() {
            self.write_state(&without_age(ages.as_ref().ok())).await?;
        }
        for path in damaged {
            self.put_aside(&path).await?;
            repaired.aside.push(path);
        }
        self.check_last_checkpoint(&checkpoints, &mut repaired).await?;
        for version in &repaired.lost_versions {
            self.replace_commit(*version, listed.commits.contains(version)).await?;
        }
        let Some(mut latest) = self.reopen().await? else { return Ok(repaired) };
        let lost = self.lost_files(&latest).await?;
        if !lost.is_empty() {
            latest = self.commit(Some(&latest), &lost, Vec::new()).await?;
            repaired.lost_files = lost.into_iter().map(|file| file.path).collect();
        }
        if !repaired.lost_versions.is_empty() {
            (latest, repaired.replaced_rows) = self.drop_replaced(&latest).await?;
        }
        repaired.version = Some(latest.version);
        self.mend_ages(ages, &repaired).await?;
        Ok(repaired)
    }

    async fn listed_log(&self) -> Result<Listed, LakeError> {
        let folder = self.log_folder();
        let objects: Result<Vec<_>, _> = self.root.store.list(Some(&folder)).try_collect().await;
        let objects = match objects {
            Ok(objects) => objects,
            Err(object_store::Error::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(LakeError::file(self.dataset.name, self.root.name(&folder), error)),
        };
        let mut listed = Listed::default();
        for path in objects.into_iter().map(|object| object.location) {
            let Some(name) = path.filename() else { continue };
            if let Some(version) = name.strip_suffix(".json").and_then(|version| version.parse().ok()) {
                listed.commits.insert(version);
            } else if let Some(version) = checkpoint_version(name) {
                listed.checkpoints.entry(version).or_default().push(path);
            }
        }
        Ok(listed)
    }

    /// The versions of checkpoints that are whole, ascending, and the files of the others.
    async fn whole_checkpoints(
        &self,
        listed: &Listed,
        repaired: &mut Repaired,
    ) -> Result<(Vec<u64>, Vec<Path>), LakeError> {
        let (mut whole, mut damaged) = (Vec::new(), Vec::new());
        for (version, parts) in &listed.checkpoints {
            let mut reads = true;
            for part in parts {
                let bytes = self.bytes(part).await?;
                // The Parquet reader panics at some bytes.
                let decoded = tokio::task::spawn_blocking(move || file::decode(bytes, None).is_ok()).await;
                reads &= decoded.unwrap_or(false);
            }
            if reads {
                whole.push(*version);
            } else {
                damaged.extend(parts.iter().cloned());
            }
        }
        // A wrong hint hides the checkpoints that are there.
        self.check_last_checkpoint(&whole, repaired).await?;
        // What can be decoded may still be no checkpoint of this table.
        while let Some(version) = whole.last().copied()
            && self.open_version(version).await.is_err()
        {
            whole.pop();
            damaged.extend(listed.checkpoints.get(&version).into_iter().flatten().cloned());
        }
        Ok((whole, damaged))
    }

    /// Whether a commit is there and can be read. One that the store does not give is neither whole nor damaged.
    async fn is_whole(&self, version: u64) -> Result<bool, LakeError> {
        let path = self.commit_path(version);
        let object = match self.root.store.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) if store::is_damage(&error) => return Ok(false),
            object => object.map_err(|error| self.unreadable(&path, error))?,
        };
        let bytes = object.bytes().await.map_err(|error| self.unreadable(&path, error))?;
        Ok(std::str::from_utf8(&bytes).is_ok_and(|text| log::is_whole(text, &self.folder)))
    }

    /// It is a hint alone: without it the checkpoints are found by their names.
    async fn check_last_checkpoint(&self, checkpoints: &[u64], repaired: &mut Repaired) -> Result<(), LakeError> {
        let path = self.log_folder().join("_last_checkpoint");
        let object = match self.root.store.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(()),
            object => object.map_err(|error| self.unreadable(&path, error))?,
        };
        let bytes = object.bytes().await.map_err(|error| self.unreadable(&path, error))?;
        let hint = serde_json::from_slice::<LastCheckpoint>(&bytes);
        if !hint.is_ok_and(|hint| checkpoints.contains(&hint.version)) {
            self.put_aside(&path).await?;
            repaired.aside.push(path);
        }
        Ok(())
    }

    /// Puts a commit that does nothing in the place of a damaged or missing one.
    async fn replace_commit(&self, version: u64, exists: bool) -> Result<(), LakeError> {
        let path = self.commit_path(version);
        if exists {
            let options = CopyOptions::new().with_mode(CopyMode::Overwrite);
            let copied = self.root.store.copy_opts(&path, &aside(&path), options).await;
            copied.map_err(|error| self.unreadable(&path, error))?;
        }
        let now = LOG_CLOCK.now().timestamp_millis();
        let line = format!("{{\"commitInfo\":{{\"timestamp\":{now},\"operation\":\"REPAIR\"}}}}\n");
        let put = self.root.store.put(&path, PutPayload::from(line.into_bytes())).await;
        put.map(drop).map_err(|error| self.unreadable(&path, error))
    }

    /// Files of a version that are not there, not as long as its log says, or not what was written.
    async fn lost_files(&self, snapshot: &Snapshot) -> Result<Vec<DataFile>, LakeError> {
        let there: BTreeMap<_, _> =
            self.data_files().await?.into_iter().map(|object| (object.location, object.size)).collect();
        let here = |file: &&DataFile| file.path.prefix_match(&self.folder).is_some_and(|parts| parts.count() == 1);
        let mut lost = Vec::new();
        for file in snapshot.files.iter().filter(here) {
            let whole = there.get(&file.path) == Some(&file.size);
            match self.check_digests(file).await {
                Ok(()) if whole => {}
                Ok(()) | Err(LakeError::Damaged { .. }) => lost.push(file.clone()),
                // A file that the disk does not give today may be whole.
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    }

    /// Rows whose loading may be lost are as old as their newest file, and as their oldest one where a lost commit had
    /// replaced some; a record that cannot be read is begun anew.
    async fn mend_ages(&self, ages: Result<DatasetState, LakeError>, repaired: &Repaired) -> Result<(), LakeError> {
        let rows_lost = !repaired.lost_versions.is_empty() || !repaired.lost_files.is_empty();
        if ages.is_ok() && !rows_lost {
            return Ok(());
        }
        let before = ages.unwrap_or_default();
        let latest = self.current();
        let written = latest.iter().flat_map(|latest| latest.files.iter().map(|file| file.modified_at));
        let written = if repaired.replaced_rows > 0 { written.min() } else { written.max() };
        let loaded_at = written.map(|written| before.loaded_at.map_or(written, |loaded_at| loaded_at.min(written)));
        let last_error = rows_lost.then(|| "rows were lost: the table was repaired".to_owned());
        self.write_state(&DatasetState { loaded_at, last_error, ..without_age(Some(&before)) }).await
    }

    async fn bytes(&self, path: &Path) -> Result<bytes::Bytes, LakeError> {
        let object = self.root.store.get(path).await.map_err(|error| self.unreadable(path, error))?;
        object.bytes().await.map_err(|error| self.unreadable(path, error))
    }

    async fn put_aside(&self, path: &Path) -> Result<(), LakeError> {
        self.root.store.rename(path, &aside(path)).await.map_err(|error| self.unreadable(path, error))
    }

    fn beyond_repair(&self, reason: &str) -> LakeError {
        LakeError::Log { table: self.dataset.name.to_owned(), reason: format!("{reason}: take it from a backup") }
    }

    fn unreadable(&self, path: &Path, error: object_store::Error) -> LakeError {
        LakeError::file(self.dataset.name, self.root.name(path), error)
    }
}

/// What is remembered of a table whose rows are not known to be of any age.
fn without_age(before: Option<&DatasetState>) -> DatasetState {
    let before = before.cloned().unwrap_or_default();
    let last_error = Some("the table is being repaired".to_owned());
    DatasetState { imported_at: before.imported_at, runs: before.runs, last_error, ..DatasetState::default() }
}

/// The name of a file that is put aside.
fn aside(path: &Path) -> Path {
    Path::from(format!("{path}.{ASIDE}"))
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
