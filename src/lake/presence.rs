//! Whether the files of a version are there, for answers that come from the log alone: `count(*)` opens no file.

use super::stored_file::StoredFile;
use super::{LakeError, LakeTable, Snapshot};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Up to so many files are asked for one by one; of more the folder is listed.
const FILES_ASKED: usize = 16;

/// Files that are asked for at once.
const ASKED_AT_ONCE: usize = 8;

/// Whoever comes this soon after files were seen takes them for present: on a local disk, and in another store.
const LOOK_AGAIN_LOCAL: Duration = Duration::from_millis(20);
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl LakeTable {
    /// Returns when every file of a version is known to be there with the length that its log names, as of a moment ago.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] names the first that is not.
    pub async fn check_presence(&self, snapshot: &Snapshot) -> Result<(), LakeError> {
        let again = if self.root.url.scheme() == "file" { LOOK_AGAIN_LOCAL } else { LOOK_AGAIN };
        if self.seen.within(snapshot.version, again) {
            return Ok(());
        }
        let at = Instant::now();
        let files = || snapshot.files.iter().map(|file| StoredFile::new(self.dataset.name, file));
        if snapshot.files.len() > FILES_ASKED {
            self.check_listed(files()).await?;
        } else {
            let looks = files().map(|file| async move { file.look(self.root.store.as_ref()).await });
            futures::stream::iter(looks).buffered(ASKED_AT_ONCE).try_collect::<()>().await?;
        }
        self.seen.set(snapshot.version, at);
        Ok(())
    }

    async fn check_listed(&self, files: impl Iterator<Item = StoredFile>) -> Result<(), LakeError> {
        let listed = self.data_files().await?;
        let sizes: HashMap<&Path, u64> = listed.iter().map(|object| (&object.location, object.size)).collect();
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
