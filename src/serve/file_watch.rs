//! A watch over files that an operator may change under a running server: the users file, certificates and keys.
//!
//! The files' dates are looked at whenever the contents are asked for, so that a change counts from the next client on,
//! without a signal and without a task. A change that cannot be used is logged once and changes nothing.

use anyhow::Result;
use arc_swap::ArcSwap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

type Read<T> = Box<dyn Fn() -> Result<T> + Send + Sync>;

/// Contents of files, as new as the files.
pub(super) struct FileWatch<T> {
    paths: Vec<PathBuf>,
    read: Read<T>,
    contents: ArcSwap<T>,
    /// The files as they were when they were last read, well or not. Held while they are read, so that one caller reads
    /// them; never across an await.
    seen: Mutex<Vec<Option<Stamp>>>,
}

impl<T> FileWatch<T> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// What `read` says.
    pub(super) fn load(paths: Vec<PathBuf>, read: impl Fn() -> Result<T> + Send + Sync + 'static) -> Result<Self> {
        // A file that changes while it is read is read again.
        let seen = stamps(&paths);
        let contents = ArcSwap::from_pointee(read()?);
        Ok(Self { paths, read: Box::new(read), contents, seen: Mutex::new(seen) })
    }

    /// What the files say now; while they cannot be used, what they said before. Blocks for microseconds on a local disk.
    pub(super) fn current(&self) -> Arc<T> {
        let now = stamps(&self.paths);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen != now {
            *seen = now;
            let names = self.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            match (self.read)() {
                Ok(contents) => {
                    tracing::info!("read again: {names}");
                    self.contents.store(Arc::new(contents));
                }
                Err(error) => tracing::error!("{error:#}; what was read before stays in force"),
            }
        }
        self.contents.load_full()
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for FileWatch<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileWatch").field("paths", &self.paths).finish_non_exhaustive()
    }
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified_at: Option<SystemTime>,
    bytes: u64,
    /// A file put in the place of another is another, whatever its date.
    number: u64,
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| stamp(path)).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp { modified_at: metadata.modified().ok(), bytes: metadata.len(), number: number(&metadata) })
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}

/// The mode of a file that is open to others, for files that hold secrets. Its group may read it, as secrets are often
/// handed to a service.
#[cfg(unix)]
pub(super) fn open_to_others(metadata: &Metadata) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
    (mode & 0o027 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(super) fn open_to_others(_: &Metadata) -> Option<u32> {
    None
}
