//! The directory that an engine spills to: a new one under the system's for temporary files, which nobody else may list,
//! and which goes with the engine. What a process left that was killed goes when the next one starts.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How the names of all such directories begin.
const PREFIX: &str = "tt-spill-";

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
