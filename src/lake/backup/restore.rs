//! Brings a backup back, into a folder or prefix that holds no lake.

use super::super::store::{self, Missing, PROBE, RESTORING};
use super::super::{LakeError, Root, StoreOptions};
use super::copy::{all, copy, list, name_in, place_in};
use super::make::spool_root;
use super::manifest::{Manifest, StoredFile};
use super::target::Target;
use crate::disk::{Disk, LocalDisk};
use crate::progress::Progress;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStoreExt, PutPayload};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a restore did.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What the lake is made of now.
    pub manifest: Manifest,
    /// Users' own files that were there already and stay as they were.
    pub kept: Vec<String>,
    /// Files of rows and of live events that the target has lost, or not as they were. The others are there.
    pub damaged: Vec<String>,
}

/// Brings a backup back, the newest unless `id` names another, into a lake's `location` and the directory of its spools.
///
/// Nothing opens the lake before all of it is there and on the disk; a restore that was interrupted, dropped future
/// included, is begun anew by the next one.
///
/// # Errors
/// There is no such backup, the location holds a lake, a file of the backup by which others are read is missing or not as it
/// was, or the disk refuses.
pub async fn restore(
    target: &Target,
    id: Option<&str>,
    location: &str,
    options: &StoreOptions,
    spool: &FilePath,
    progress: &Progress,
) -> Result<Restored, LakeError> {
    let manifest = chosen(target, id).await?;
    let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
    let lake = store::open(location, options, disk.clone(), Missing::Made)?;
    let has_spool = manifest.files.iter().any(|file| file.name.starts_with(SPOOL));
    let spool = match has_spool || spool.is_dir() {
        true => Some(spool_root(spool, disk, Missing::Made)?),
        false => None,
    };
    restore_into(target, manifest, lake, spool, progress).await
}

/// The same into places that are open already.
pub(super) async fn restore_into(
    target: &Target,
    manifest: Manifest,
    lake: Root,
    spool: Option<Root>,
    progress: &Progress,
) -> Result<Restored, LakeError> {
    let restoring = Restoring { target, lake, spool, progress };
    let resumed = restoring.begin(&manifest).await?;
    let Brought { kept, damaged } = restoring.bring_all(&manifest, resumed).await?;
    let apart: BTreeSet<&str> = kept.iter().chain(&damaged).map(String::as_str).collect();
    restoring.verify(&manifest, &apart).await?;
    restoring.end().await?;
    Ok(Restored { manifest, kept, damaged })
}

/// The backup that is meant.
pub(super) async fn chosen(target: &Target, id: Option<&str>) -> Result<Manifest, LakeError> {
    let newest = match id {
        Some(id) => Some(id.to_owned()),
        None => target.ids().await?.pop(),
    };
    match newest {
        Some(id) => target.read(&id).await,
        None => Err(target.fail("there is none")),
    }
}

/// How names of spool files begin in a backup.
const SPOOL: &str = "spool/";

/// A restore that is under way.
struct Restoring<'a> {
    target: &'a Target,
    lake: Root,
    /// Where spools stand; `None` where there are none to restore.
    spool: Option<Root>,
    progress: &'a Progress,
}

impl Restoring<'_> {
    fn fail(&self, reason: impl std::fmt::Display) -> LakeError {
        LakeError::Location { location: self.lake.name(&self.lake.prefix), reason: reason.to_string() }
    }

    /// Marks the lake as restored in part, before anything else is in it. What an interrupted restore left goes; whether
    /// there was one.
    async fn begin(&self, manifest: &Manifest) -> Result<bool, LakeError> {
        let mark = self.lake.path(&[RESTORING]);
        let was_interrupted = match self.lake.store.head(&mark).await {
            Ok(_) => true,
            Err(Error::NotFound { .. }) => false,
            Err(error) => return Err(self.fail(error)),
        };
        let left = self.left().await?;
        if let (false, Some((root, found))) = (was_interrupted, left.first()) {
            let found = root.name(found);
            return Err(self.fail(format!("it holds a lake already ({found}): restore into an empty directory")));
        }
        let text = serde_json::json!({ "from": self.target.name(), "backup": manifest.id() }).to_string();
        let put = self.lake.store.put(&mark, PutPayload::from(text.into_bytes())).await;
        put.map_err(|error| self.fail(error))?;
        for (root, path) in &left {
            root.store.delete(path).await.map_err(|error| self.fail(error))?;
        }
        Ok(was_interrupted)
    }

    /// Files of a lake that are there, each with the root that it is in.
    async fn left(&self) -> Result<Vec<(&Root, Path)>, LakeError> {
        let mut left = Vec::new();
        for folder in ["lake", "state"] {
            let objects = list(self.lake.store.as_ref(), &self.lake.path(&[folder])).await;
            let objects = objects.map_err(|error| self.fail(error))?;
            let others = objects.into_iter().map(|object| object.location);
            left.extend(
                others.filter(|path| !is_named(path, |name| name.starts_with(PROBE))).map(|path| (&self.lake, path)),
            );
        }
        if let Some(spool) = &self.spool {
            let objects = list(spool.store.as_ref(), &spool.prefix).await.map_err(|error| self.fail(error))?;
            let events = objects.into_iter().map(|object| object.location);
            left.extend(
                events.filter(|path| is_named(path, |name| name.ends_with(".spool"))).map(|path| (spool, path)),
            );
        }
        Ok(left)
    }

    /// Copies every file. `resumed`: an earlier restore was interrupted here.
    async fn bring_all(&self, manifest: &Manifest, resumed: bool) -> Result<Brought, LakeError> {
        let stored = self.target.files().await?;
        self.progress.total.store(manifest.files.len() as u64, Ordering::Relaxed);
        let copies = manifest.files.iter().map(|file| self.bring(file, &stored, resumed));
        let outcomes = all(copies).await?;
        let (mut brought, mut folders) = (Brought::default(), BTreeSet::new());
        for outcome in outcomes {
            match outcome {
                Outcome::Copied { in_spool, folder } => drop(folders.insert((in_spool, folder))),
                Outcome::Kept(name) => brought.kept.push(name),
                Outcome::Damaged(name) => brought.damaged.push(name),
            }
        }
        brought.kept.sort();
        brought.damaged.sort();
        for (in_spool, folder) in folders {
            let root = self.spool.as_ref().filter(|_| in_spool).unwrap_or(&self.lake);
            root.settle(&folder).await.map_err(|error| self.fail(error))?;
        }
        Ok(brought)
    }

    /// Copies a file. What holds rows or live events and is not as it was leaves the others alone. A file of rows is not taken,
    /// since whoever reads its table is told that it is missing; of live events each batch tells whether it is whole.
    async fn bring(
        &self,
        file: &StoredFile,
        stored: &BTreeMap<String, ObjectMeta>,
        resumed: bool,
    ) -> Result<Outcome, LakeError> {
        let fail = |reason: String| self.target.fail(format!("{}: {reason}", file.stored));
        let (root, place) = self.place(file).ok_or_else(|| fail(format!("{} is no name in a lake", file.name)))?;
        let is_users = is_users(&file.name);
        if is_users && root.store.head(&place).await.is_ok() {
            if resumed {
                // It may be of the restore that was interrupted, before it was made private.
                keep_private(root, &place).map_err(|error| self.fail(error))?;
            }
            self.progress.finish(0, false);
            return Ok(Outcome::Kept(file.name.clone()));
        }
        let copied = match stored.get(&file.stored) {
            None => Err("it is missing".to_owned()),
            Some(object) => {
                let copied = copy(&self.target.root, object, root, None, |_| place.clone()).await;
                let (_, copied) = copied.map_err(|error| fail(error.to_string()))?;
                file.check(copied.bytes, copied.crc32)
            }
        };
        match copied {
            Err(_) if may_be_lost(&file.name) => {
                if !file.name.starts_with(SPOOL) {
                    match root.store.delete(&place).await {
                        Ok(()) | Err(Error::NotFound { .. }) => {}
                        Err(error) => return Err(self.fail(error)),
                    }
                }
                self.progress.finish(0, true);
                return Ok(Outcome::Damaged(file.name.clone()));
            }
            copied => copied.map_err(fail)?,
        }
        if is_users {
            keep_private(root, &place).map_err(|error| self.fail(error))?;
        }
        self.progress.finish(0, false);
        let mut parts: Vec<_> = place.parts().collect();
        parts.pop();
        Ok(Outcome::Copied { in_spool: file.name.starts_with(SPOOL), folder: Path::from_iter(parts) })
    }

    /// Where a file is to stand.
    fn place(&self, file: &StoredFile) -> Option<(&Root, Path)> {
        let (root, name) = match (file.name.strip_prefix(SPOOL), &self.spool) {
            (Some(name), Some(spool)) => (spool, name),
            _ => (&self.lake, file.name.as_str()),
        };
        Some((root, place_in(&root.prefix, name)?))
    }

    /// Whether every file is there, and as large as it is to be, but for those that stand apart.
    async fn verify(&self, manifest: &Manifest, apart: &BTreeSet<&str>) -> Result<(), LakeError> {
        let mut there = BTreeMap::new();
        for (root, prefix) in [(Some(&self.lake), ""), (self.spool.as_ref(), SPOOL)] {
            let Some(root) = root else { continue };
            let objects = list(root.store.as_ref(), &root.prefix).await.map_err(|error| self.fail(error))?;
            let named = objects.into_iter().filter_map(|object| {
                Some((format!("{prefix}{}", name_in(&root.prefix, &object.location)?), object.size))
            });
            there.extend(named);
        }
        for file in manifest.files.iter().filter(|file| !apart.contains(file.name.as_str())) {
            if there.get(&file.name) != Some(&file.bytes) {
                return Err(self.fail(format!("{} is not as it was written", file.name)));
            }
        }
        Ok(())
    }

    /// Takes the mark away, for good: all else is on the disk.
    async fn end(&self) -> Result<(), LakeError> {
        self.lake.store.delete(&self.lake.path(&[RESTORING])).await.map_err(|error| self.fail(error))?;
        self.lake.settle(&self.lake.prefix).await.map_err(|error| self.fail(error))
    }
}

/// What became of one file.
enum Outcome {
    /// It stands in its place now.
    Copied {
        /// Whether its folder is one of the spool's.
        in_spool: bool,
        /// The folder that got it.
        folder: Path,
    },
    /// A file of the user's was there already.
    Kept(String),
    /// The target has lost it.
    Damaged(String),
}

/// What became of all files, by their names, where they were not copied.
#[derive(Default)]
struct Brought {
    kept: Vec<String>,
    damaged: Vec<String>,
}

/// Whether a file holds rows or live events, and nothing that other files are read by.
fn may_be_lost(name: &str) -> bool {
    let of_table = name.starts_with("lake/") && name.ends_with(".parquet") && !name.contains("/_delta_log/");
    of_table || name.starts_with(SPOOL) && name.ends_with(".spool")
}

fn is_named(path: &Path, like: impl Fn(&str) -> bool) -> bool {
    path.filename().is_some_and(like)
}

/// Whether a file is one that the user put beside the lake.
fn is_users(name: &str) -> bool {
    !["lake/", "state/", SPOOL].iter().any(|folder| name.starts_with(folder))
}

/// Users' files may be secrets, and the target does not keep who may read them.
#[cfg(unix)]
fn keep_private(root: &Root, place: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match root.local_folder() {
        Some(_) => std::fs::set_permissions(root.name(place), std::fs::Permissions::from_mode(0o600)),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn keep_private(_root: &Root, _place: &Path) -> std::io::Result<()> {
    Ok(())
}
