//! The store of a lake on this machine's disk: what it has acknowledged outlives a power failure.
//!
//! Every file is synced before it gets its name, and its folder before the write is acknowledged. A data file's folder
//! alone waits for the log entry that names the file: before a file enters `_delta_log`, the folder above is synced, so
//! that a commit of many files waits for their folder once.
//!
//! An entry of a log is sealed when it is written, and its seal looked at when it is read ([`seal`]).
//!
//! Removals are not waited for: a file that comes back is removed again by whoever removed it. Of a log, nothing goes
//! before the checkpoint that stands for it is known to be on the disk (`trim`).

use super::staged::{Naming, Staged};
use super::{log_listing, seal};
use crate::disk::{Disk, folder_of};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryFutureExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use std::collections::HashSet;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A [`LocalFileSystem`] whose writes are on the disk when they are acknowledged. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct DurableStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: LocalFileSystem,
    disk: Arc<dyn Disk>,
    /// The lake's own folder, which is on the disk.
    root: PathBuf,
    /// Folders whose names are on the disk all the way from the root, as this process has seen to: another may have been
    /// killed between making one and syncing it. Held for a look or an insertion.
    settled: Mutex<HashSet<PathBuf>>,
}

impl DurableStore {
    /// The store of a lake in that folder, which must be there.
    pub(super) fn new(root: PathBuf, disk: Arc<dyn Disk>) -> Self {
        Self(Arc::new(Inner { files: LocalFileSystem::new(), disk, root, settled: Mutex::default() }))
    }

    /// Begins a file; the folders above it are made.
    async fn stage(&self, location: &Path) -> Result<Staged> {
        let target = self.0.files.path_to_filesystem(location)?;
        let inner = self.0.clone();
        blocking(move || inner.stage(&target)).await
    }
}

impl Inner {
    fn stage(&self, target: &FilePath) -> io::Result<Staged> {
        let folder = folder_of(target);
        self.settle(folder)?;
        match Staged::create(target) {
            // Somebody has removed the folder since it was settled.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.settled().remove(folder);
                self.settle(folder)?;
                Staged::create(target)
            }
            outcome => outcome,
        }
    }

    fn settled(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, folder: &FilePath) -> io::Result<()> {
        if self.settled().contains(folder) {
            return Ok(());
        }
        std::fs::create_dir_all(folder)?;
        let above: Vec<_> = folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.root)).collect();
        above.into_iter().rev().try_for_each(|above| self.disk.sync_folder(above))?;
        self.settled().insert(folder.to_owned());
        Ok(())
    }

    /// Gives a file that is written its name. After an error of the last sync others may see the file, although nothing
    /// promises that it stays: to take it away again would pull it from under who has read it already.
    fn publish(&self, staged: &Staged, naming: Naming) -> io::Result<()> {
        let folder = folder_of(staged.target());
        let in_log = folder.file_name().is_some_and(|name| name == log_listing::LOG);
        if in_log {
            self.disk.sync_folder(folder_of(folder))?;
        }
        staged.sync(self.disk.as_ref())?;
        staged.name(naming)?;
        let waits_for_log = !in_log && staged.target().extension().is_some_and(|extension| extension == "parquet");
        if waits_for_log { Ok(()) } else { self.disk.sync_folder(folder) }
    }
}

/// Work that blocks, on a thread where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await?,
        Err(_) => work(),
    };
    done.map_err(|error| Error::Generic { store: "lake", source: Box::new(error) })
}

fn exists(location: &Path, error: Error) -> Error {
    match error {
        Error::Generic { source, .. } if is_exists(source.as_ref()) => {
            Error::AlreadyExists { path: location.to_string(), source }
        }
        other => other,
    }
}

fn is_exists(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
}

/// A file that comes in parts.
#[derive(Debug)]
struct Upload {
    inner: Arc<Inner>,
    /// `None` once it was completed or given up.
    staged: Option<Arc<Staged>>,
    offset: u64,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (staged, offset) = (self.staged.clone(), self.offset);
        self.offset += data.content_length() as u64;
        blocking(move || staged.map_or_else(|| Err(ended()), |staged| staged.write(offset, &data))).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (inner, staged) = (self.inner.clone(), self.staged.take());
        blocking(move || staged.map_or_else(|| Err(ended()), |staged| inner.publish(&staged, Naming::Replace))).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        self.staged = None;
        Ok(())
    }
}

fn ended() -> io::Error {
    io::Error::other("the upload has ended")
}

#[async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let naming = match opts.mode {
            PutMode::Overwrite => Naming::Replace,
            PutMode::Create => Naming::Create,
            // Refused, with its reason.
            PutMode::Update(_) => return self.0.files.put_opts(location, payload, opts).await,
        };
        let payload = match seal::is_entry(location) {
            true => seal::sealed(&Bytes::from(payload.clone())).map_or(payload, PutPayload::from),
            false => payload,
        };
        let staged = self.stage(location).await?;
        let inner = self.0.clone();
        let written = blocking(move || staged.write(0, &payload).and_then(|()| inner.publish(&staged, naming))).await;
        written.map_err(|error| exists(location, error))?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let staged = Some(Arc::new(self.stage(location).await?));
        Ok(Box::new(Upload { inner: self.0.clone(), staged, offset: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let in_full = options.range.is_none() && !options.head;
        let found = self.0.files.get_opts(location, options).await?;
        if !in_full || !seal::is_entry(location) {
            return Ok(found);
        }
        let (meta, range, attributes) = (found.meta.clone(), found.range.clone(), found.attributes.clone());
        let bytes = found.bytes().await?;
        if !seal::is_whole(&bytes) {
            let reason = io::Error::new(io::ErrorKind::InvalidData, format!("/{location} is not what was written"));
            return Err(Error::Generic { store: "lake", source: Box::new(reason) });
        }
        let payload = GetResultPayload::Stream(futures::stream::once(async { Ok(bytes) }).boxed());
        Ok(GetResult { payload, meta, range, attributes })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.files.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let in_log =
            prefix.filter(|prefix| prefix.filename() == Some(log_listing::LOG) && offset.prefix_matches(prefix));
        match (in_log, offset.filename().filter(|name| log_listing::is_version(name))) {
            (Some(folder), Some(version)) => self.list_log(folder.clone(), version.to_owned()),
            _ => self.0.files.list_with_offset(prefix, offset),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.files.copy_opts(from, to, options).await?;
        self.sync_folders(&[to]).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.files.rename_opts(from, to, options).await?;
        // The new name first: between the two the file has both, never none.
        self.sync_folders(&[to, from]).await
    }
}

impl DurableStore {
    /// The files of a log from a version on; folders in it, which hold what no version is read from, are left out.
    fn list_log(&self, folder: Path, version: String) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let listing = async move {
            let path = store.0.files.path_to_filesystem(&folder)?;
            blocking(move || log_listing::list(&path, &folder, &version)).await
        };
        listing.map_ok(|files| futures::stream::iter(files.into_iter().map(Ok))).try_flatten_stream().boxed()
    }

    /// Syncs the folders of files that got or lost a name.
    async fn sync_folders(&self, locations: &[&Path]) -> Result<()> {
        for location in locations {
            let (inner, path) = (self.0.clone(), self.0.files.path_to_filesystem(location)?);
            blocking(move || inner.disk.sync_folder(folder_of(&path))).await?;
        }
        Ok(())
    }
}

impl std::fmt::Display for DurableStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DurableStore({})", self.0.root.display())
    }
}
