//! Removes the part of a table's log that nobody can ask for any more.
//!
//! A checkpoint stands for everything before it. So what is older than one goes, once that one is known to be readable
//! and on the disk. Removals are not waited for: entries that a power failure brings back are older than the checkpoint,
//! and nobody reads them.

use super::log::{checkpoint_version, commit_version};
use super::{LakeError, LakeTable};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

impl LakeTable {
    /// Removes what of the log no version from `oldest` on needs, and tells how many files that were.
    ///
    /// # Errors
    /// The log cannot be listed, the checkpoint that would stand for the rest cannot be read or forced to the disk (then
    /// nothing is removed), or a file cannot be removed.
    pub(super) async fn trim_log(&self, oldest: u64) -> Result<usize, LakeError> {
        let files = self.log_files().await?;
        let Some(kept) = files.iter().filter_map(whole_checkpoint).filter(|version| *version <= oldest).max() else {
            return Ok(0);
        };
        let mut surplus: Vec<(u64, Path)> = files.into_iter().filter_map(entry).filter(|(at, _)| *at < kept).collect();
        if surplus.is_empty() {
            return Ok(0);
        }
        self.load_version(kept).await?;
        let folder = self.log_folder();
        let settled = self.root.settle(&folder).await;
        settled.map_err(|error| LakeError::file(self.dataset.name, self.root.name(&folder), error))?;
        // Oldest first, so that a stop in between leaves no gap.
        surplus.sort();
        for (_, path) in &surplus {
            self.remove(path).await?;
        }
        self.past.known().oldest = None;
        Ok(surplus.len())
    }

    /// Removes a file; one that another process has removed is no error.
    pub(super) async fn remove(&self, path: &Path) -> Result<(), LakeError> {
        match self.root.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(LakeError::file(self.dataset.name, self.root.name(path), error)),
        }
    }
}

/// The version of a checkpoint in one file, as this program writes them. Of one in parts, some may be missing.
fn whole_checkpoint(file: &ObjectMeta) -> Option<u64> {
    let name = file.location.filename()?;
    checkpoint_version(name).filter(|version| file.size > 0 && name == format!("{version:020}.checkpoint.parquet"))
}

/// The version of a commit, a checkpoint or a checksum; nothing else of the log is this program's to remove.
fn entry(file: ObjectMeta) -> Option<(u64, Path)> {
    let name = file.location.filename()?;
    let checksum = || name.strip_suffix(".crc")?.parse().ok();
    let version = commit_version(name).or_else(|| checkpoint_version(name)).or_else(checksum)?;
    Some((version, file.location))
}
