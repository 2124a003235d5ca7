//! Where backups are kept, and which there are.

use super::super::store::{self, Missing};
use super::super::{LakeError, Root, StoreOptions};
use super::copy::{list, name_in};
use super::manifest::Manifest;
use crate::disk::{Disk, LocalDisk};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path as FilePath;
use std::sync::Arc;

/// A place of backups.
#[derive(Debug)]
pub struct Target {
    pub(super) root: Root,
    /// Keeps other processes from writing into a directory; `None` for who only reads, and on S3.
    _lock: Option<File>,
}

/// One backup of a target.
#[derive(Debug)]
pub struct Backup {
    /// Its name, which tells when it was taken.
    pub id: String,
    /// What it is made of; an error where its manifest cannot be read.
    pub manifest: Result<Manifest, LakeError>,
}

impl Target {
    /// Opens a directory or an `s3://bucket/prefix` to read backups from.
    ///
    /// # Errors
    /// There is no such directory, or it cannot be read.
    pub fn open(location: &str, options: &StoreOptions) -> Result<Self, LakeError> {
        if !location.contains("://") && !FilePath::new(location).exists() {
            return Err(LakeError::backup(location, "there is no such directory"));
        }
        let root = store::open(location, options, Arc::new(LocalDisk), Missing::Refused);
        Ok(Self { root: root.map_err(of_target)?, _lock: None })
    }

    /// Opens one to write backups into. A directory that is not there is made, for its owner alone: a backup holds what the
    /// lake's folder holds, secrets too.
    ///
    /// # Errors
    /// The directory cannot be made, or another process writes into it.
    pub fn create(location: &str, options: &StoreOptions) -> Result<Self, LakeError> {
        Self::create_on(location, options, Arc::new(LocalDisk))
    }

    /// The same on a disk of the caller's.
    ///
    /// # Errors
    /// As [`Target::create`].
    pub fn create_on(location: &str, options: &StoreOptions, disk: Arc<dyn Disk>) -> Result<Self, LakeError> {
        let is_new = !location.contains("://") && !FilePath::new(location).exists();
        let root = store::open(location, options, disk, Missing::Made).map_err(of_target)?;
        let Some(folder) = root.local_folder() else { return Ok(Self { root, _lock: None }) };
        if is_new {
            keep_private(&folder).map_err(|error| LakeError::backup(location, error))?;
        }
        let lock = File::create(folder.join("lock")).map_err(|error| LakeError::backup(location, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, _lock: Some(lock) }),
            Err(fs::TryLockError::WouldBlock) => Err(LakeError::backup(location, "another process writes into it")),
            Err(fs::TryLockError::Error(error)) => Err(LakeError::backup(location, error)),
        }
    }

    /// Its name, for people.
    pub fn name(&self) -> String {
        self.root.name(&self.root.prefix)
    }

    pub(super) fn fail(&self, reason: impl std::fmt::Display) -> LakeError {
        LakeError::backup(&self.name(), reason)
    }

    /// The backups that it holds, the newest last.
    ///
    /// # Errors
    /// They cannot be listed. One whose manifest cannot be read is listed with that error.
    pub async fn backups(&self) -> Result<Vec<Backup>, LakeError> {
        let mut backups = Vec::new();
        for id in self.ids().await? {
            let manifest = self.read(&id).await;
            backups.push(Backup { id, manifest });
        }
        Ok(backups)
    }

    /// Names of the backups, the newest last.
    pub(super) async fn ids(&self) -> Result<Vec<String>, LakeError> {
        let folder = self.root.path(&["backups"]);
        let objects = list(self.root.store.as_ref(), &folder).await.map_err(|error| self.fail(error))?;
        let names = objects.iter().filter_map(|object| object.location.filename()?.strip_suffix(".json"));
        let mut ids: Vec<String> = names.map(str::to_owned).collect();
        ids.sort();
        Ok(ids)
    }

    /// What a backup is made of.
    pub(super) async fn read(&self, id: &str) -> Result<Manifest, LakeError> {
        let path = self.manifest_path(id);
        let fail = |reason: String| self.fail(format!("backup {id}: {reason}"));
        let object = match self.root.store.get(&path).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Err(self.fail(format!("there is no backup {id}"))),
            Err(error) => return Err(fail(error.to_string())),
        };
        let bytes = object.bytes().await.map_err(|error| fail(error.to_string()))?;
        Manifest::parse(&bytes).map_err(fail)
    }

    /// Writes a manifest, which makes a backup of the files it names.
    pub(super) async fn write(&self, manifest: &Manifest) -> Result<(), LakeError> {
        let text = serde_json::to_vec(manifest).map_err(|error| self.fail(error))?;
        let put = self.root.store.put(&self.manifest_path(&manifest.id()), PutPayload::from(text)).await;
        put.map(drop).map_err(|error| self.fail(error))
    }

    pub(super) fn manifest_path(&self, id: &str) -> Path {
        self.root.path(&["backups", &format!("{id}.json")])
    }

    pub(super) fn files_folder(&self) -> Path {
        self.root.path(&["files"])
    }

    /// The files that stand in it, of whatever backup or of none: their names below `files/`, and what the store says.
    pub(super) async fn files(&self) -> Result<BTreeMap<String, object_store::ObjectMeta>, LakeError> {
        let folder = self.files_folder();
        let objects = list(self.root.store.as_ref(), &folder).await.map_err(|error| self.fail(error))?;
        let named = objects.into_iter().filter_map(|object| Some((name_in(&folder, &object.location)?, object)));
        Ok(named.collect())
    }
}

/// The words of a lake that cannot be opened, for a target.
fn of_target(error: LakeError) -> LakeError {
    match error {
        LakeError::Location { location, reason } => LakeError::backup(&location, reason),
        other => other,
    }
}

#[cfg(unix)]
fn keep_private(folder: &FilePath) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn keep_private(_folder: &FilePath) -> std::io::Result<()> {
    Ok(())
}
