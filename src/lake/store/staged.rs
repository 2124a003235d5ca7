//! A file on its way into the lake: written under a name that no listing shows, then synced and given its own.

use crate::disk::Disk;
use object_store::PutPayload;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// How a file gets its name where there may be one of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// It takes the other's place.
    Replace,
    /// It fails with [`io::ErrorKind::AlreadyExists`], and the other stays.
    Create,
}

/// A file that is being written. Dropped before it has its name, it is removed.
#[derive(Debug)]
pub(super) struct Staged {
    /// Held for a seek and a write, or a sync; never across an await.
    file: Mutex<File>,
    path: PathBuf,
    target: PathBuf,
}

impl Staged {
    /// Begins a file beside its later place, whose folder must be there.
    pub(super) fn create(target: &Path) -> io::Result<Self> {
        // `object_store` leaves names that end in `#` and digits out of its listings.
        let mut path = target.as_os_str().to_owned();
        path.push(format!("#{}", Uuid::new_v4().as_u128()));
        let path = PathBuf::from(path);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        Ok(Self { file: Mutex::new(file), path, target: target.to_owned() })
    }

    /// Where it will stand.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Writes bytes at their place.
    pub(super) fn write(&self, offset: u64, bytes: &PutPayload) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        bytes.iter().try_for_each(|part| file.write_all(part))
    }

    /// Waits until the bytes are on the disk, through the handle that wrote them: another might not be told of a failure.
    pub(super) fn sync(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.sync_file(&self.file.lock().unwrap_or_else(PoisonError::into_inner), &self.path)
    }

    /// Gives it its name. The name is on the disk when its folder is synced.
    pub(super) fn name(&self, naming: Naming) -> io::Result<()> {
        match naming {
            Naming::Replace => fs::rename(&self.path, &self.target),
            Naming::Create => fs::hard_link(&self.path, &self.target).map(|()| self.remove()),
        }
    }

    /// Takes its own first name away. One that stays is in no listing, and nobody reads it.
    fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.remove();
    }
}
