//! What it takes to have something on the disk rather than in the machine's memory: the one place that waits for it.
//!
//! The bytes of a file outlive a power failure once the file was synced, its name once its folder was, and the name may
//! get there before the bytes. So a file that others read is written under another name, synced, given its name, and
//! then its folder is synced. A sync that failed says nothing of the bytes for ever, not even when the next one
//! succeeds: whoever needs them writes them anew.
//!
//! Lake and spool are handed their [`Disk`]; tests hand in one that fails, or forgets what was not synced.

#[cfg(test)]
pub(crate) mod power;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What waits until something is on the disk. Every call blocks for as long as the disk takes.
pub trait Disk: std::fmt::Debug + Send + Sync {
    /// Returns when the bytes of an open file are on the disk. `path` is where it stands now.
    ///
    /// # Errors
    /// The disk failed; the bytes may be lost whatever a later call says. The error names the file.
    fn sync_file(&self, file: &File, path: &Path) -> io::Result<()>;

    /// Returns when the names in a folder are on the disk: what was added is there, what was removed is gone.
    ///
    /// # Errors
    /// The folder cannot be read, or the disk failed. The error names the folder.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// The disk of this machine, by way of its operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn sync_file(&self, file: &File, path: &Path) -> io::Result<()> {
        file.sync_data().map_err(|error| not_synced(path, &error))
    }

    #[cfg(unix)]
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| not_synced(path, &error))
    }

    /// Elsewhere a folder cannot be opened to be synced, and the file system keeps names with the files.
    #[cfg(not(unix))]
    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}

fn not_synced(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} cannot be forced to the disk: {error}", path.display()))
}

/// The folder that a path has its name in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => path,
    }
}

/// Makes a folder and those above it that are missing, and returns when their names are on the disk.
///
/// # Errors
/// A folder cannot be made, or the one it is in cannot be synced.
pub fn make_folders(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(missing).collect();
    fs::create_dir_all(path)?;
    // The outermost first: a name is of use only where its folder has one.
    missing.into_iter().rev().try_for_each(|folder| disk.sync_folder(folder_of(folder)))
}

/// Replaces a small file as a whole, and returns when the new one is on the disk. After a failure, whether or not of
/// the machine's power, it is the old one or the new one. One writer at a time.
///
/// # Errors
/// The file cannot be written or synced.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    disk.sync_file(&file, &fresh)?;
    fs::rename(&fresh, path)?;
    disk.sync_folder(folder_of(path))
}

#[cfg(test)]
mod tests {
    use super::power::Power;
    use super::*;

    #[test]
    fn folders_and_small_files_outlive_a_power_failure() {
        let (place, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let power = Power::new(place.path());
        let folder = place.path().join("a/b/c");
        make_folders(&power, &folder).unwrap();
        let file = folder.join("id");
        replace(&power, &file, b"one").unwrap();
        fs::write(folder.join("other"), b"not synced").unwrap();
        power.fail_at("id.new");
        assert!(replace(&power, &file, b"two").is_err());
        power.image(after.path());
        assert_eq!(fs::read(after.path().join("a/b/c/id")).unwrap(), b"one");
        assert!(!after.path().join("a/b/c/other").exists());
    }
}
