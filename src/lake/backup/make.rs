//! Makes a backup.

use super::super::store::{self, Missing, RESTORING};
use super::super::table::LOG_CLOCK;
use super::super::{DatasetState, Lake, LakeError, Root, StoreOptions};
use super::copy::{all, checksum, copy, list, name_in, place_in};
use super::manifest::{FORMAT, Manifest, StoredFile};
use super::plan::{Gone, Wanted};
use super::target::Target;
use crate::disk::Disk;
use crate::progress::Progress;
use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStoreExt};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path as FilePath;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Tries against a vacuum that removes what is about to be copied.
const TRIES: usize = 5;

/// What a backup did.
#[derive(Debug, Clone)]
pub struct BackedUp {
    /// What the backup is made of.
    pub manifest: Manifest,
    /// Files that had to be copied; the others were in the target already.
    pub copied_files: u64,
    /// Bytes of the files that had to be copied.
    pub copied_bytes: u64,
}

impl Lake {
    /// Adds a backup to a target: every table as it is now, what is remembered of refreshes, the users' own files in the
    /// lake's folder, and the live events in `spool` that no table has yet. Others may read and write the lake meanwhile.
    ///
    /// Dropping the future leaves a target without the backup, and those before it whole.
    ///
    /// # Errors
    /// A table cannot be read, a file of it is missing, cut short or damaged, or the target cannot be written; then there is no new
    /// backup.
    pub async fn back_up(&self, target: &Target, spool: &FilePath, progress: &Progress) -> Result<BackedUp, LakeError> {
        self.check_apart(target)?;
        let spool = match spool.is_dir() {
            true => Some(spool_root(spool, self.root.disk.clone(), Missing::Refused)?),
            false => None,
        };
        let making = Making::begin(self, target, progress).await?;
        for _ in 0..TRIES {
            if let Some(manifest) = making.attempt(spool.as_ref()).await? {
                making.verify(&manifest).await?;
                target.write(&manifest).await?;
                let (copied_files, copied_bytes) = (&making.copied_files, &making.copied_bytes);
                return Ok(BackedUp {
                    manifest,
                    copied_files: copied_files.load(Ordering::Relaxed),
                    copied_bytes: copied_bytes.load(Ordering::Relaxed),
                });
            }
        }
        Err(target.fail("files of the lake were removed again and again before they were copied"))
    }

    /// A target within the lake would be in each of its backups.
    fn check_apart(&self, target: &Target) -> Result<(), LakeError> {
        let same_store = self.root.url == target.root.url;
        if same_store && target.root.prefix.prefix_matches(&self.root.prefix) {
            return Err(target.fail("they would be within what they are of: choose another place"));
        }
        Ok(())
    }
}

/// A backup that is being made.
struct Making<'a> {
    lake: &'a Lake,
    target: &'a Target,
    progress: &'a Progress,
    /// Files that stood in the target at the start, by their names there.
    there: BTreeMap<String, ObjectMeta>,
    /// Checksums of files that earlier backups name, by their names in the target.
    checksums: HashMap<String, u32>,
    /// Folders of the target that got files. Held for an insertion.
    folders: Mutex<BTreeSet<Path>>,
    copied_files: AtomicU64,
    copied_bytes: AtomicU64,
}

impl<'a> Making<'a> {
    async fn begin(lake: &'a Lake, target: &'a Target, progress: &'a Progress) -> Result<Self, LakeError> {
        let there = target.files().await?;
        let mut checksums = HashMap::new();
        // The newest names nearly all that will be wanted again; a checksum that is not known is read from the target.
        for id in target.ids().await?.iter().rev() {
            if let Ok(manifest) = target.read(id).await {
                checksums.extend(manifest.files.into_iter().map(|file| (file.stored, file.crc32)));
                break;
            }
        }
        let (copied_files, copied_bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { lake, target, progress, there, checksums, folders: Mutex::default(), copied_files, copied_bytes })
    }

    /// One try; `None` when a table was tidied up meanwhile.
    async fn attempt(&self, spool: Option<&Root>) -> Result<Option<Manifest>, LakeError> {
        let spooled_at = spool.map(|_| LOG_CLOCK.now());
        let mut files = match spool {
            Some(spool) => self.spooled(spool).await?,
            None => Vec::new(),
        };
        let (states, remembered) = self.remembered().await?;
        files.extend(states);
        let taken_at = LOG_CLOCK.now();
        let plan = self.lake.plan(taken_at, &remembered).await?;
        let mut wanted = plan.files;
        let apart = spool.filter(|spool| spool.url == self.lake.root.url).map(|spool| spool.prefix.clone());
        let mut others = self.lake.others(apart.as_slice()).await?;
        others.retain(|other| other.name != RESTORING);
        wanted.extend(others);
        self.progress.rows.store(0, Ordering::Relaxed);
        self.progress.total.store((files.len() + wanted.len()) as u64, Ordering::Relaxed);
        self.progress.done.store(files.len() as u64, Ordering::Relaxed);
        let copies = wanted.iter().map(|wanted| self.bring_or_miss(wanted));
        let brought: Vec<_> = all(copies).await?;
        for (gone, stored) in brought {
            match (stored, gone) {
                (Some(stored), _) => files.push(stored),
                (None, Gone::PlanAgain) => return Ok(None),
                (None, Gone::Fine) => {}
            }
        }
        files.sort();
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Some(Manifest {
            format: FORMAT,
            program,
            taken_at: micros(taken_at),
            spooled_at,
            tables: plan.tables,
            files,
        }))
    }

    async fn bring_or_miss(&self, wanted: &Wanted) -> Result<(Gone, Option<StoredFile>), LakeError> {
        let stored = self.bring(&self.lake.root, wanted).await?;
        self.progress.finish(wanted.rows, false);
        Ok((wanted.gone, stored))
    }

    /// Spool files with the events that the lake may not have: each file before those with later events, then the numbers
    /// that were set aside and the spool's name. One that goes meanwhile has its events in the lake.
    async fn spooled(&self, spool: &Root) -> Result<Vec<StoredFile>, LakeError> {
        let listed = list(spool.store.as_ref(), &spool.prefix).await;
        let listed = listed.map_err(|error| self.target.fail(format!("{}: {error}", spool.name(&spool.prefix))))?;
        let mut wanted = Vec::new();
        for object in listed {
            let Some(name) = name_in(&spool.prefix, &object.location) else { continue };
            let rank = match name.rsplit('/').next().unwrap_or_default() {
                "numbers" => 1,
                "id" => 2,
                file if file.ends_with(".spool") => 0,
                _ => continue,
            };
            let name = format!("spool/{name}");
            wanted.push((rank, Wanted { name, object, lasting: false, gone: Gone::Fine, digests: None, rows: 0 }));
        }
        wanted.sort_by(|(left, one), (right, other)| (left, &one.name).cmp(&(right, &other.name)));
        let mut files = Vec::new();
        for (_, wanted) in wanted {
            files.extend(self.bring(spool, &wanted).await?);
        }
        Ok(files)
    }

    /// What is remembered of each dataset, as files and as read.
    async fn remembered(&self) -> Result<(Vec<StoredFile>, BTreeMap<String, DatasetState>), LakeError> {
        let root = &self.lake.root;
        let (mut files, mut states) = (Vec::new(), BTreeMap::new());
        for table in self.lake.tables() {
            let dataset = table.dataset.name;
            let path = root.path(&["state", &format!("{dataset}.json")]);
            let fail = |error: &dyn std::fmt::Display| LakeError::file(dataset, root.name(&path), error);
            let object = match root.store.head(&path).await {
                Ok(object) => object,
                Err(Error::NotFound { .. }) => continue,
                Err(error) => return Err(fail(&error)),
            };
            let name = format!("state/{dataset}.json");
            let wanted = Wanted { name, object, lasting: false, gone: Gone::Fine, digests: None, rows: 0 };
            let Some(stored) = self.bring(root, &wanted).await? else { continue };
            // From the copy, which is what will be restored.
            let place = self.place(&stored.stored)?;
            let bytes = async { self.target.root.store.get(&place).await?.bytes().await };
            let bytes = bytes.await.map_err(|error| self.target.fail(error))?;
            states.insert(dataset.to_owned(), serde_json::from_slice(&bytes).map_err(|error| fail(&error))?);
            files.push(stored);
        }
        Ok((files, states))
    }

    /// Sees to it that a file stands in the target; `None` when it is gone from where it was.
    async fn bring(&self, from: &Root, wanted: &Wanted) -> Result<Option<StoredFile>, LakeError> {
        let stored = self.stored_name(wanted, &wanted.object);
        if let Some(there) = self.there.get(&stored).filter(|there| there.size == wanted.object.size) {
            let crc32 = match self.checksums.get(&stored) {
                Some(crc32) => *crc32,
                None => checksum(&self.target.root, there).await.map_err(|error| self.target.fail(error))?,
            };
            return Ok(Some(StoredFile { name: wanted.name.clone(), stored, bytes: there.size, crc32 }));
        }
        let folder = self.target.files_folder();
        let place =
            |read: &ObjectMeta| place_in(&folder, &self.stored_name(wanted, read)).unwrap_or_else(|| folder.clone());
        match copy(from, &wanted.object, &self.target.root, wanted.digests.as_ref(), place).await {
            Ok((path, copied)) => {
                self.note(&path, copied.bytes);
                let stored = name_in(&folder, &path).unwrap_or_default();
                let (name, bytes, crc32) = (wanted.name.clone(), copied.bytes, copied.crc32);
                Ok(Some(StoredFile { name, stored, bytes, crc32 }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.target.fail(format!("copy {}: {error}", from.name(&wanted.object.location)))),
        }
    }

    /// Notes a file that was copied.
    fn note(&self, path: &Path, bytes: u64) {
        self.copied_files.fetch_add(1, Ordering::Relaxed);
        self.copied_bytes.fetch_add(bytes, Ordering::Relaxed);
        let mut parts: Vec<_> = path.parts().collect();
        parts.pop();
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).insert(Path::from_iter(parts));
    }

    /// The name of a file in the target: its own, where that never stands for other bytes; else one that also tells which
    /// bytes they are.
    fn stored_name(&self, wanted: &Wanted, read: &ObjectMeta) -> String {
        let taken = || self.there.get(&wanted.name).is_some_and(|there| there.size != read.size);
        if wanted.lasting && !taken() {
            return wanted.name.clone();
        }
        let tag = read.e_tag.clone().unwrap_or_else(|| read.last_modified.timestamp_micros().to_string());
        let tag: String = tag.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
        format!("{}@{}-{tag}", wanted.name, read.size)
    }

    fn place(&self, stored: &str) -> Result<Path, LakeError> {
        let place = place_in(&self.target.files_folder(), stored);
        place.ok_or_else(|| self.target.fail(format!("{stored} is no name of a file")))
    }

    /// Returns when every file of a manifest is on the target's disk under its name, and as large as it is to be.
    async fn verify(&self, manifest: &Manifest) -> Result<(), LakeError> {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for folder in folders {
            let settled = self.target.root.settle(&folder).await;
            settled.map_err(|error| self.target.fail(error))?;
        }
        let there = self.target.files().await?;
        for file in &manifest.files {
            let size = there.get(&file.stored).map(|object| object.size);
            if size != Some(file.bytes) {
                let size = size.map_or_else(|| "missing".to_owned(), |size| format!("{size} bytes large"));
                return Err(self
                    .target
                    .fail(format!("{} is {size} where {} bytes were written", file.stored, file.bytes)));
            }
        }
        Ok(())
    }
}

/// The directory of the spools, which is always on this machine.
pub(super) fn spool_root(spool: &FilePath, disk: Arc<dyn Disk>, missing: Missing) -> Result<Root, LakeError> {
    store::open(&spool.to_string_lossy(), &StoreOptions::default(), disk, missing)
}

/// A moment as precise as the name of a backup.
fn micros(moment: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(moment.timestamp_micros()).unwrap_or(moment)
}
