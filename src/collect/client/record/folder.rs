//! The folder of a recording: new or empty, and for its owner's eyes alone, with files that only grow by whole lines.

use crate::disk::{Disk, LocalDisk, folder_of};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The number of the format. Another one is for readers that know it.
const FORMAT: u32 = 1;
/// The file that says what the folder is.
const ABOUT: &str = "recording.json";

/// The folder of a recording that is under way.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// A file that holds whole lines.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: File,
    /// Bytes of the lines that are whole.
    bytes: u64,
}

impl Folder {
    /// Makes the folder, or takes one that is empty.
    pub(super) fn create(path: &Path, now: DateTime<Utc>) -> io::Result<Self> {
        match fs::read_dir(path) {
            Ok(entries) => {
                if entries.count() > 0 {
                    return Err(io::Error::new(ErrorKind::AlreadyExists, "it is not empty"));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => make(path)?,
            Err(error) => return Err(error),
        }
        keep_private(path)?;
        let folder = Self { path: path.to_owned() };
        let about = json!({
            "format": FORMAT,
            "program": concat!("ttapi ", env!("CARGO_PKG_VERSION")),
            "started_at": now.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        let mut file = folder.lines("", ABOUT)?;
        file.add(format!("{about}\n").as_bytes())?;
        file.sync()?;
        LocalDisk.sync_folder(folder_of(path))?;
        Ok(folder)
    }

    /// A new file in the folder of a source, or beside those where `source` is empty.
    pub(super) fn lines(&self, source: &str, name: &str) -> io::Result<Lines> {
        let folder = self.path.join(source);
        if !source.is_empty() && !folder.is_dir() {
            make(&folder)?;
            LocalDisk.sync_folder(&self.path)?;
        }
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Lines { file: options.open(&path)?, path, bytes: 0 })
    }
}

impl Lines {
    /// Adds lines that end with a line feed. After an error the file holds what it held before.
    pub(super) fn add(&mut self, lines: &[u8]) -> io::Result<()> {
        let added = self.file.write_all(lines);
        match added {
            Ok(()) => self.bytes = self.bytes.saturating_add(lines.len() as u64),
            // Half a line is of no use to a reader.
            Err(_) => self.file.set_len(self.bytes)?,
        }
        added
    }

    /// Returns when the lines are on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        LocalDisk.sync_file(&self.file, &self.path)?;
        LocalDisk.sync_folder(folder_of(&self.path))
    }
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A folder that was there is closed to others too.
#[cfg(unix)]
fn keep_private(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

#[cfg(not(unix))]
fn keep_private(_path: &Path) -> io::Result<()> {
    Ok(())
}
