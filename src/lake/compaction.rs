//! Merges the small files of a table that grows by appending. Rows stay the same.
//!
//! Files are merged a group at a time, and each group is a commit of its own: at most one group's rows are in memory, a
//! merge that is stopped keeps what is done, and no written file waits long for its commit. A merge gives way to whoever
//! was first; writers that add do not notice it.

use super::dataset::Dataset;
use super::file::{self, Encoded, TARGET_BYTES};
use super::table::StagedFile;
use super::{DataFile, LakeError, LakeTable, Snapshot, WriteMode};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use object_store::path::Path;
use std::collections::HashSet;
use std::sync::Arc;

/// Tries against other writers before giving up.
const CONFLICT_TRIES: usize = 20;

/// How many bytes of rows in memory are let stand for one of a file: rows that are packed more tightly count by their
/// memory, so that a group takes no more than this many times [`TARGET_BYTES`].
const UNPACKED: u64 = 4;

/// Bytes in memory of a text or list, guessed; and of those in a file, where the log does not tell its rows.
const TEXT_BYTES: u64 = 24;
const UNPACKED_GUESS: u64 = 8;

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

impl Snapshot {
    /// Small files that are worth a merge: all of the latest, without those before them that are larger than everything
    /// behind. A file that grew by merges so waits until as much has come behind it, and is rewritten a few times, not at
    /// every merge. Those left out at least double in size from one to the one before, which bounds them.
    pub fn mergeable_files(&self) -> usize {
        mergeable(&self.dataset, &self.files).len()
    }
}

impl LakeTable {
    /// Merges all small files of a table that grows by appending into sorted ones.
    ///
    /// Other tables are written whole, or a year at a time, and have nothing to merge. Dropping the future leaves what is
    /// committed.
    ///
    /// # Errors
    /// The table cannot be read or written. Another process that merges the same files is none: it does what was to be done.
    pub async fn compact(&self) -> Result<Compacted, LakeError> {
        self.merge_groups(small, usize::MAX).await
    }

    /// The same for files that are worth it (see [`Snapshot::mergeable_files`]), and so many groups of them at most.
    ///
    /// # Errors
    /// As [`LakeTable::compact`].
    pub async fn compact_some(&self, groups: usize) -> Result<Compacted, LakeError> {
        self.merge_groups(mergeable, groups).await
    }

    async fn merge_groups(
        &self,
        choose: for<'a> fn(&Dataset, &'a [DataFile]) -> Vec<&'a DataFile>,
        groups_max: usize,
    ) -> Result<Compacted, LakeError> {
        let Some(base) = self.update().await? else { return Ok(Compacted::default()) };
        let mut done = Compacted { version: Some(base.version), ..Compacted::default() };
        if self.dataset.mode != WriteMode::Append {
            return Ok(done);
        }
        for group in groups(&self.dataset, &choose(&self.dataset, &base.files)).into_iter().take(groups_max) {
            let (snapshot, rows) = match self.merge_group(&group).await {
                Err(LakeError::Conflict { .. }) => continue,
                outcome => outcome?,
            };
            done.merged += group.len();
            done.written += 1;
            done.rows += rows;
            done.version = Some(snapshot.version);
        }
        Ok(done)
    }

    /// It is a conflict when another process took away a file that was being merged.
    async fn merge_group(&self, group: &[DataFile]) -> Result<(Arc<Snapshot>, u64), LakeError> {
        let (file, rows) = self.merge(group).await?;
        for _ in 0..CONFLICT_TRIES {
            let base = self.still_with(group).await?;
            match self.commit_layout(&base, group, vec![file.clone()]).await {
                Err(LakeError::Conflict { .. }) => {}
                outcome => return Ok((outcome?, rows)),
            }
        }
        Err(self.conflict())
    }

    /// Writes the rows of several files as one, sorted by the dataset's key and as old as the youngest of them.
    async fn merge(&self, files: &[DataFile]) -> Result<(StagedFile, u64), LakeError> {
        let mut rows = Vec::new();
        for file in files {
            rows.extend(self.decoded(file).await?);
        }
        let count = rows.iter().map(|rows| rows.num_rows() as u64).sum();
        let expected: Option<u64> = files.iter().map(|file| file.rows).sum();
        if expected.is_some_and(|expected| expected != count) {
            return Err(LakeError::rows(self.dataset.name, "its files hold other numbers of rows than its log tells"));
        }
        let (dataset, compression) = (self.dataset.clone(), self.compression);
        let encoding = move || {
            let one = concat_batches(&dataset.schema, &rows).map_err(|error| LakeError::rows(dataset.name, error))?;
            drop(rows);
            Encoded::of(&dataset, one, compression)
        };
        let encoded = tokio::task::spawn_blocking(encoding).await;
        let encoded = encoded.map_err(|error| LakeError::rows(self.dataset.name, error))??;
        let modified_at = files.iter().map(|file| file.modified_at).max().unwrap_or_default();
        Ok((self.stage_encoded(encoded, modified_at).await?, count))
    }

    /// The rows of a file, unpacked where it keeps nobody waiting.
    async fn decoded(&self, file: &DataFile) -> Result<Vec<RecordBatch>, LakeError> {
        let bytes = self.bytes_of(file).await?;
        let decoded = tokio::task::spawn_blocking(move || file::decode(bytes, None)).await;
        let rows = decoded.map_err(|error| self.undecodable(file, &error))?;
        self.conformed(file, rows.map_err(|error| self.undecodable(file, &error))?, None)
    }

    /// The latest version, provided that it still has the files.
    async fn still_with(&self, files: &[DataFile]) -> Result<Arc<Snapshot>, LakeError> {
        let latest = self.update().await?.ok_or_else(|| self.conflict())?;
        let held: HashSet<&Path> = latest.files.iter().map(|file| &file.path).collect();
        let complete = files.iter().all(|file| held.contains(&file.path));
        drop(held);
        if complete { Ok(latest) } else { Err(self.conflict()) }
    }
}

/// What a file takes of a group's room: its bytes, or a part of those of its rows in memory where these are many more.
fn weight(dataset: &Dataset, file: &DataFile) -> u64 {
    let row: u64 = dataset.schema.fields().iter().map(|field| value_bytes(field.data_type())).sum();
    let unpacked = file.rows.map_or(file.size.saturating_mul(UNPACKED_GUESS), |rows| rows.saturating_mul(row));
    file.size.max(unpacked / UNPACKED)
}

fn value_bytes(data_type: &DataType) -> u64 {
    data_type.primitive_width().map_or(TEXT_BYTES, |width| width as u64)
}

/// Files of which two fit into a group, oldest first, so that a merged file holds one stretch of time.
fn small<'a>(dataset: &Dataset, files: &'a [DataFile]) -> Vec<&'a DataFile> {
    let mut small: Vec<&DataFile> = files.iter().filter(|file| weight(dataset, file) < TARGET_BYTES / 2).collect();
    small.sort_by_key(|file| (file.modified_at, &file.path));
    small
}

/// See [`Snapshot::mergeable_files`]. A single file is none.
fn mergeable<'a>(dataset: &Dataset, files: &'a [DataFile]) -> Vec<&'a DataFile> {
    let mut small = small(dataset, files);
    let mut behind: u64 = small.iter().map(|file| weight(dataset, file)).sum();
    let left_out = small.iter().map(|file| weight(dataset, file)).take_while(|weight| {
        behind -= weight;
        *weight > behind
    });
    let left_out = left_out.count();
    small.split_off(left_out)
}

/// Divides files, in their order, into groups of at most [`TARGET_BYTES`].
fn groups(dataset: &Dataset, files: &[&DataFile]) -> Vec<Vec<DataFile>> {
    let mut groups = vec![Vec::new()];
    let mut bytes = 0;
    for &file in files {
        let weight = weight(dataset, file);
        if bytes + weight > TARGET_BYTES {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += weight;
        if let Some(group) = groups.last_mut() {
            group.push(file.clone());
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

#[cfg(test)]
#[path = "compaction_tests.rs"]
mod tests;
