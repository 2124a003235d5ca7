//! A disk that knows what a power failure would leave: what was synced, and nothing else. For tests.
//!
//! Files and folders stand in a folder of this machine as ever; at each sync the disk notes what it saw. [`Power::image`]
//! writes what was noted, as the next start would find it. [`Power::keep_images`] does so at every sync, and writes the
//! other extreme beside it: every name is there already, and the bytes that were not synced are missing.

use super::Disk;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module. Shared by reference with what is tested.
#[derive(Debug)]
pub(crate) struct Power {
    root: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Bytes on the disk, by the number of the file.
    bytes: HashMap<u64, Vec<u8>>,
    /// Names on the disk: by folder, each with the number of its file; `None` for a folder.
    names: HashMap<PathBuf, BTreeMap<OsString, Option<u64>>>,
    /// What was synced, in order, relative to the root.
    order: Vec<String>,
    /// Syncs whose path holds this text fail.
    failing: Option<String>,
    /// Where an image of each kind is written at every sync, and how many there are.
    images: Option<(PathBuf, usize)>,
}

impl Power {
    /// A disk whose root is there, and empty as far as the disk knows.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: fs::canonicalize(root).unwrap(), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on a sync fails whose line in [`Power::order`], with `|` behind it, holds this text; none where it is empty.
    pub(crate) fn fail_at(&self, text: &str) {
        self.kept().failing = Some(text.to_owned()).filter(|text| !text.is_empty());
    }

    /// Takes what was synced since the last call, in order: `file a/b` or `folder a`. Names of files that wait for their
    /// own are cut at `#`.
    pub(crate) fn order(&self) -> Vec<String> {
        std::mem::take(&mut self.kept().order)
    }

    /// From now on writes both images before each sync, as `<folder>/<number>-synced` and `-named`.
    pub(crate) fn keep_images(&self, folder: &Path) {
        self.kept().images = Some((folder.to_owned(), 0));
    }

    /// How many pairs of images there are.
    pub(crate) fn images(&self) -> usize {
        self.kept().images.as_ref().map_or(0, |(_, count)| *count)
    }

    /// Writes what a power failure would leave at least.
    pub(crate) fn image(&self, to: &Path) {
        self.kept().write_synced(&self.root, to);
    }

    /// Whether a sync whose line ends with the one text was followed by one whose line is the other.
    pub(crate) fn has_synced(&self, first: &str, then: &str) -> bool {
        let kept = self.kept();
        let mut order = kept.order.iter();
        order.any(|line| line.ends_with(first)) && order.any(|line| line == then)
    }

    /// Writes the images that are asked for and returns the sync's line, or the error that was planted for it.
    fn before_sync(&self, kind: &str, path: &Path) -> io::Result<String> {
        let path = fs::canonicalize(path)?;
        let mut kept = self.kept();
        if let Some((folder, count)) = kept.images.clone() {
            kept.write_synced(&self.root, &folder.join(format!("{count}-synced")));
            kept.write_named(&self.root, &folder.join(format!("{count}-named")));
            kept.images = Some((folder, count + 1));
        }
        let name = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy();
        let line = format!("{kind} {}", name.split('#').next().unwrap_or_default());
        if kept.failing.as_ref().is_some_and(|failing| format!("{line}|").contains(failing.as_str())) {
            return Err(io::Error::other(format!("{name} cannot be forced to the disk: injected")));
        }
        Ok(line)
    }
}

impl Kept {
    fn write_synced(&self, from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for (name, file) in self.names.get(from).into_iter().flatten() {
            match file {
                None => self.write_synced(&from.join(name), &to.join(name)),
                Some(number) => self.write_file(*number, &to.join(name)),
            }
        }
    }

    fn write_named(&self, from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for (name, file) in names(from).unwrap() {
            match file {
                None => self.write_named(&from.join(&name), &to.join(&name)),
                Some(number) => self.write_file(number, &to.join(&name)),
            }
        }
    }

    fn write_file(&self, number: u64, to: &Path) {
        fs::write(to, self.bytes.get(&number).map_or(&[][..], Vec::as_slice)).unwrap();
    }
}

impl Disk for Power {
    fn sync_file(&self, file: &File, path: &Path) -> io::Result<()> {
        let line = self.before_sync("file", path)?;
        let (number, bytes) = (file.metadata()?.ino(), fs::read(path)?);
        let mut kept = self.kept();
        kept.bytes.insert(number, bytes);
        kept.order.push(line);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let line = self.before_sync("folder", path)?;
        let path = fs::canonicalize(path)?;
        let names = names(&path)?;
        let mut kept = self.kept();
        kept.names.insert(path, names);
        kept.order.push(line);
        Ok(())
    }
}

/// The names in a folder now.
fn names(folder: &Path) -> io::Result<BTreeMap<OsString, Option<u64>>> {
    let mut names = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(found) = entry.metadata() else { continue };
        names.insert(entry.file_name(), (!found.is_dir()).then(|| found.ino()));
    }
    Ok(names)
}
