//! Whether the files of a version are there, for answers that come from the log alone: `count(*)` opens no file.

use super::stored_file::StoredFile;
use super::{LakeError, LakeTable, Snapshot};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use object_store::path::Path;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Up to so many files are asked for, all at once; of more the folder is listed.
const FILES_ASKED: usize = 16;

/// Whoever comes this soon after files were seen takes them for present: on a local disk, and in another store.
const LOOK_AGAIN_LOCAL: Duration = Duration::from_millis(20);
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl LakeTable {
    /// Returns when every file of a version is known to be there with the length that its log names, as of a moment ago.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] names one that is not.
    pub async fn check_presence(&self, snapshot: &Snapshot) -> Result<(), LakeError> {
        let again = if self.root.url.scheme() == "file" { LOOK_AGAIN_LOCAL } else { LOOK_AGAIN };
        if self.seen.within(snapshot.version, again) {
            return Ok(());
        }
        let at = Instant::now();
        let mut files = Vec::with_capacity(snapshot.files.len());
        for file in &snapshot.files {
            files.push(StoredFile::new(self.dataset.name, file));
        }
        if files.len() > FILES_ASKED {
            self.check_listed(&files).await?
        } else {
            self.check_each(&files).await?
        }
        self.seen.set(snapshot.version, at);
        Ok(())
    }

    async fn check_each(&self, files: &[StoredFile]) -> Result<(), LakeError> {
        let mut looks = FuturesUnordered::new();
        for file in files {
            looks.push(file.look(self.root.store.as_ref()));
        }
        while let Some(look) = looks.next().await {
            look?;
        }
        Ok(())
    }

    async fn check_listed(&self, files: &[StoredFile]) -> Result<(), LakeError> {
        let listed = self.data_files().await?;
        let sizes: HashMap<Path, u64> = listed.into_iter().map(|object| (object.location, object.size)).collect();
        for file in files {
            match sizes.get(file.path()) {
                // One in another folder is in no listing of this one.
                None => file.look(self.root.store.as_ref()).await?,
                size => file.check_size(size.copied())?,
            }
        }
        Ok(())
    }
}
