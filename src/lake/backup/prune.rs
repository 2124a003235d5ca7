//! Removes older backups, and the files that no backup needs any more.

use super::super::LakeError;
use super::super::store::leftovers;
use super::super::table::LOG_CLOCK;
use super::target::Target;
use object_store::ObjectStoreExt;
use std::collections::HashSet;
use std::num::NonZeroUsize;

/// What was removed from a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Backups that are no longer there.
    pub backups: Vec<String>,
    /// Files that no backup needed any more, and those that an interrupted one had left.
    pub files: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

impl Target {
    /// Keeps the newest backups. One at a time for a target on S3, where nothing keeps another process out: it would take
    /// the files of a backup that is being made.
    ///
    /// # Errors
    /// A manifest cannot be read, so that nobody knows which files it needs; then no file is removed.
    pub async fn keep(&self, newest: NonZeroUsize) -> Result<Pruned, LakeError> {
        let mut pruned = Pruned::default();
        let mut kept = self.ids().await?;
        let surplus = kept.len().saturating_sub(newest.get());
        pruned.backups = kept.drain(..surplus).collect();
        let mut needed = HashSet::new();
        for id in &kept {
            needed.extend(self.read(id).await?.files.into_iter().map(|file| file.stored));
        }
        for id in &pruned.backups {
            self.remove(&self.manifest_path(id)).await?;
        }
        // A manifest that came back after a power failure would name files that are gone.
        let settled = self.root.settle(&self.root.path(&["backups"])).await;
        settled.map_err(|error| self.fail(error))?;
        for (stored, object) in self.files().await? {
            if !needed.contains(&stored) {
                self.remove(&object.location).await?;
                pruned.files += 1;
                pruned.bytes += object.size;
            }
        }
        if let Some(folder) = self.root.local_folder() {
            // Nobody else writes here.
            let left = leftovers::find_below(&folder, LOG_CLOCK.now().into());
            let left =
                left.and_then(|left| leftovers::remove(&left).map(|()| left)).map_err(|error| self.fail(error))?;
            pruned.files += left.len() as u64;
            pruned.bytes += left.iter().map(|left| left.bytes).sum::<u64>();
        }
        Ok(pruned)
    }

    async fn remove(&self, path: &object_store::path::Path) -> Result<(), LakeError> {
        match self.root.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.fail(error)),
        }
    }
}
