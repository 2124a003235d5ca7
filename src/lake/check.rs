//! Whether the data files of a table are what was written: each is read, checked against its digests, decoded, and its
//! rows are counted. Files are taken one by one, a few megabytes or a row group at a time.

use super::log::AddedFile;
use super::past::before;
use super::stored_file::{FileReader, StoredFile};
use super::{DataFile, LakeError, LakeTable, Snapshot, digest};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use std::collections::BTreeMap;
use std::ops::Range;
use std::pin::pin;
use std::time::Duration;

/// Bytes that are read at once for their digests.
const READ_BYTES: u64 = 8 << 20;

/// Rows that are decoded at once.
const DECODED_ROWS: usize = 16 * 1024;

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// The latest version; `None` when there is no table.
    pub version: Option<u64>,
    /// Files that were looked at.
    pub files: usize,
    /// Their bytes, as the log tells.
    pub bytes: u64,
    /// Their rows, of those that could be decoded.
    pub rows: u64,
    /// Files without digests: that they can be decoded says little about their values.
    pub uncheckable: usize,
    /// What is wrong, a file each.
    pub damaged: Vec<LakeError>,
}

/// A file and the rows that its log says it has.
struct Logged {
    file: StoredFile,
    rows: Option<u64>,
}

impl LakeTable {
    /// Checks every file of the latest version; with a `retention`, those of all versions that were in force within it
    /// before `now` too. A file that is damaged keeps no other from being looked at.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn check(&self, retention: Option<Duration>, now: DateTime<Utc>) -> Result<Checked, LakeError> {
        let Some(latest) = self.update().await? else { return Ok(Checked::default()) };
        let mut files = self.logged(&latest.files);
        if let Some(retention) = retention {
            files.extend(self.logged_since(before(now, retention), &latest).await?);
        }
        let mut checked = Checked { version: Some(latest.version), files: files.len(), ..Checked::default() };
        for Logged { file, rows } in files.into_values() {
            checked.bytes += file.size();
            checked.uncheckable += usize::from(!file.is_checkable());
            match self.check_file(file, rows).await {
                Ok(rows) => checked.rows += rows,
                Err(error) => checked.damaged.push(error),
            }
        }
        Ok(checked)
    }

    fn logged(&self, files: &[DataFile]) -> BTreeMap<Path, Logged> {
        let logged = |file: &DataFile| Logged { file: StoredFile::new(self.dataset.name, file), rows: file.rows };
        files.iter().map(|file| (file.path.clone(), logged(file))).collect()
    }

    /// The files of every version that was in force at a moment or later.
    async fn logged_since(&self, at: DateTime<Utc>, latest: &Snapshot) -> Result<BTreeMap<Path, Logged>, LakeError> {
        let oldest = match self.version_at(at, latest.version).await {
            Ok(version) => version.unwrap_or(0),
            Err(LakeError::Forgotten { .. }) => self.oldest_version().await?,
            Err(error) => return Err(error),
        };
        let mut files = self.logged(&self.load_version(oldest).await?.files);
        let mut commits = pin!(self.read_commits(oldest.saturating_add(1)..=latest.version));
        while let Some((_, commit)) = commits.try_next().await? {
            files.extend(commit.added.into_iter().map(|added| (added.path.clone(), self.logged_by(added))));
        }
        Ok(files)
    }

    fn logged_by(&self, added: AddedFile) -> Logged {
        let digests = digest::of_tags(added.tags.as_ref(), added.size);
        let file = StoredFile::logged(self.dataset.name, added.path, added.size, digests);
        Logged { file, rows: added.rows }
    }

    /// Whether a file is what was written, as far as its digests tell.
    pub(super) async fn check_digests(&self, file: &DataFile) -> Result<(), LakeError> {
        let file = StoredFile::new(self.dataset.name, file);
        if !file.is_checkable() {
            return Ok(());
        }
        for part in parts(file.size()) {
            file.read(self.root.store.as_ref(), &[part], None).await?;
        }
        Ok(())
    }

    /// The rows of a file in which nothing is wrong.
    async fn check_file(&self, file: StoredFile, expected: Option<u64>) -> Result<u64, LakeError> {
        file.look(self.root.store.as_ref()).await?;
        let fail = |error| as_lake_error(error, &file);
        let mut reader = FileReader::new(self.root.store.clone(), file.clone(), None);
        reader.get_metadata(None).await.map_err(fail)?;
        if file.is_checkable() {
            for part in parts(file.size()) {
                reader.get_bytes(part).await.map_err(fail)?;
            }
        }
        let rows = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(fail)?.with_batch_size(DECODED_ROWS);
        let mut rows = rows.build().map_err(fail)?;
        let mut counted = 0;
        while let Some(batch) = rows.try_next().await.map_err(fail)? {
            counted += batch.num_rows() as u64;
        }
        match expected {
            Some(expected) if expected != counted => {
                Err(file.damaged(&format!("it has {counted} rows, and its log says {expected}")))
            }
            _ => Ok(counted),
        }
    }
}

/// A file of so many bytes in parts.
fn parts(bytes: u64) -> impl Iterator<Item = Range<u64>> {
    let starts = (0..bytes).step_by(usize::try_from(READ_BYTES).unwrap_or(usize::MAX));
    starts.map(move |start| start..(start + READ_BYTES).min(bytes))
}

/// What the decoder says of a file; what the lake says of it comes out whole.
fn as_lake_error(error: ParquetError, file: &StoredFile) -> LakeError {
    match error {
        ParquetError::External(error) => match error.downcast::<LakeError>() {
            Ok(error) => *error,
            Err(error) => file.damaged(&error.to_string()),
        },
        error => file.damaged(&error.to_string()),
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
