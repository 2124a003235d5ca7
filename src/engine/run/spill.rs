//! The directory that an engine spills to: a new one under the system's for temporary files, which nobody else may list,
//! and which goes with the engine. What a process left that was killed goes when the next one starts. Where none can be
//! made, the statements that need one end, and the next one tries again.

use crate::dialect::error::SPILL_FAILED;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::{DiskManager, DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::spill_file::{SpillFile, TempFileFactory};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How the names of all such directories begin.
const PREFIX: &str = "tt-spill-";

/// Where all statements of an engine spill to, within one limit.
pub(crate) struct Spills {
    parent: PathBuf,
    bytes_max: u64,
    /// Made when it is first needed or at the start, whichever succeeds. Held while it is made.
    open: Mutex<Option<Open>>,
}

/// A directory that is there, and who counts what is in it.
struct Open {
    manager: Arc<DiskManager>,
    /// Removed after the manager has removed what it made in it.
    _directory: SpillDirectory,
}

impl Spills {
    /// Spills below `parent`. Where no directory can be made there now, that is told, and tried again when one is needed.
    pub(crate) fn below(parent: &Path, bytes_max: u64) -> Self {
        let spills = Self { parent: parent.to_owned(), bytes_max, open: Mutex::default() };
        if let Err(error) = spills.manager() {
            tracing::warn!(%error, "statements cannot spill to the disk");
        }
        spills
    }

    fn manager(&self) -> Result<Arc<DiskManager>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*open {
            return Ok(open.manager.clone());
        }
        let directory = SpillDirectory::new_in(&self.parent)?;
        let manager = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![directory.path().to_owned()]))
            .with_max_temp_directory_size(self.bytes_max)
            .build()?;
        let manager = Arc::new(manager);
        *open = Some(Open { manager: manager.clone(), _directory: directory });
        Ok(manager)
    }
}

impl TempFileFactory for Spills {
    fn create_temp_file(&self, description: &str) -> Result<Arc<dyn SpillFile>> {
        let file = self.manager().and_then(|manager| manager.create_tmp_file(description));
        file.map_err(|error| DataFusionError::IoError(io::Error::other(format!("{SPILL_FAILED}{error}"))))
    }
}

/// A directory, as long as this is kept.
#[derive(Debug)]
pub(crate) struct SpillDirectory {
    path: PathBuf,
    /// Tells other processes that it is in use.
    _lock: File,
}

impl SpillDirectory {
    /// A new one in `parent`, after those there were removed that nobody uses any more.
    ///
    /// # Errors
    /// The directory, or the lock in it, cannot be made.
    pub(crate) fn new_in(parent: &Path) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        remove_abandoned(parent);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
        // One of that name is of a process that had the same number before.
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        let lock = File::create(path.join("lock"))?;
        lock.try_lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// Where files may be made in it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpillDirectory {
    fn drop(&mut self) {
        // What stays is removed at the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes directories whose lock is free. One without a lock may be on its way to have one, and stays.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let lock = File::options().write(true).open(entry.path().join("lock"));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok())
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(directory = %entry.path().display(), %error, "an abandoned spill directory stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_and_goes_with_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        let spill = SpillDirectory::new_in(parent.path()).unwrap();
        let path = spill.path().to_owned();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
        let other = SpillDirectory::new_in(parent.path()).unwrap();
        assert!(path.exists());
        drop(spill);
        assert!(!path.exists() && other.path().exists());
    }

    #[test]
    fn where_nothing_can_be_made_only_who_needs_it_is_told_and_tries_again() {
        use crate::error::{ErrorKind, QueryError};
        let parent = tempfile::tempdir().unwrap();
        let missing = parent.path().join("later");
        let spills = Spills::below(&missing, 1 << 20);
        let error = QueryError::from(spills.create_temp_file("sort").err().unwrap());
        assert_eq!(error.kind, ErrorKind::DiskFull, "{error}");
        fs::create_dir(&missing).unwrap();
        spills.create_temp_file("sort").unwrap();
        drop(spills);
        assert_eq!(fs::read_dir(&missing).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join("tt-spill-1-0");
        fs::create_dir_all(left.join("datafusion-x")).unwrap();
        fs::write(left.join("lock"), b"").unwrap();
        fs::create_dir(parent.path().join("other")).unwrap();
        let _spill = SpillDirectory::new_in(parent.path()).unwrap();
        assert!(!left.exists() && parent.path().join("other").exists());
    }
}
