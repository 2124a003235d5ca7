//! A store on another machine, whose answers may be lost or cut.
//!
//! The entry of a commit is an object that must not be there yet. object_store tries again when the store answers 503 after it
//! has written the object, and the second try finds it there: the writer would hold its own commit for another's, and commit
//! its rows twice. So where such a write fails, the object is read: with these very bytes in it, it has been written. Entries
//! of two commits are never the same, since they name files, and the moment.
//!
//! object_store 0.13 tries again what was refused, and reads on where an object was cut, but gives up where a list of objects
//! or the reason of a refusal was cut, or a connection ended before a new object was acknowledged. Here these are tried
//! again, a list from behind the last name that came. Not needed once `tests/clients/s3` passes without it.

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tries of what is cut, one after the other.
const TRIES: u32 = 4;

/// An answer that took longer to fail was tried again by object_store.
const CUT_WITHIN: Duration = Duration::from_secs(10);

/// A store whose writes of new objects say what became of the object, not of the request.
#[derive(Debug)]
pub(super) struct ConfirmedStore<S>(Arc<S>);

/// A list of objects that is being read.
struct Listing<S> {
    store: Arc<S>,
    prefix: Option<Path>,
    /// The last name that came.
    after: Option<Path>,
    objects: BoxStream<'static, Result<ObjectMeta>>,
    failed: u32,
}

impl<S: ObjectStore> Listing<S> {
    fn begin(store: &Arc<S>, prefix: Option<&Path>, after: Option<&Path>) -> Self {
        let objects = open_list(store, prefix, after);
        Self { store: store.clone(), prefix: prefix.cloned(), after: after.cloned(), objects, failed: 0 }
    }

    async fn next(&mut self) -> Option<Result<ObjectMeta>> {
        loop {
            let began = Instant::now();
            match self.objects.next().await? {
                Ok(object) => {
                    (self.after, self.failed) = (Some(object.location.clone()), 0);
                    return Some(Ok(object));
                }
                Err(error) if !again(&error, began, self.failed).await => return Some(Err(error)),
                Err(_) => {
                    self.failed += 1;
                    self.objects = open_list(&self.store, self.prefix.as_ref(), self.after.as_ref());
                }
            }
        }
    }
}

fn open_list<S: ObjectStore>(
    store: &Arc<S>,
    prefix: Option<&Path>,
    after: Option<&Path>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    match after {
        Some(after) => store.list_with_offset(prefix, after),
        None => store.list(prefix),
    }
}

/// Whether what failed is to be tried again, after a pause.
async fn again(error: &Error, began: Instant, failed: u32) -> bool {
    let cut = matches!(error, Error::Generic { .. }) && began.elapsed() < CUT_WITHIN && failed + 1 < TRIES;
    if cut {
        tokio::time::sleep(Duration::from_millis(100 << failed)).await;
    }
    cut
}

/// The outcome of a request that may be asked twice.
macro_rules! tried {
    ($request:expr) => {{
        let mut failed = 0;
        loop {
            let began = Instant::now();
            match $request.await {
                Err(error) if again(&error, began, failed).await => failed += 1,
                outcome => break outcome,
            }
        }
    }};
}

impl<S: ObjectStore> ConfirmedStore<S> {
    /// A store over one that says what became of its requests.
    pub(super) fn new(store: S) -> Self {
        Self(Arc::new(store))
    }

    fn listed(&self, prefix: Option<&Path>, after: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let listing = Listing::begin(&self.0, prefix, after);
        stream::unfold(listing, async |mut listing| Some((listing.next().await?, listing))).boxed()
    }

    /// What is told of an object with these bytes in it; `None` when there is none, or another.
    async fn written(&self, location: &Path, payload: &PutPayload) -> Option<PutResult> {
        let found = tried!(self.0.get(location)).ok()?;
        let result = PutResult { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let same = found.meta.size == payload.content_length() as u64
            && found.bytes().await.ok()? == Bytes::from(payload.clone());
        same.then_some(result)
    }
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for ConfirmedStore<S> {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if opts.mode != PutMode::Create {
            return tried!(self.0.put_opts(location, payload.clone(), opts.clone()));
        }
        match tried!(self.0.put_opts(location, payload.clone(), opts.clone())) {
            Ok(result) => Ok(result),
            Err(error) => self.written(location, &payload).await.ok_or(error),
        }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        tried!(self.0.get_opts(location, options.clone()))
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        tried!(self.0.get_ranges(location, ranges))
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        tried!(self.0.list_with_delimiter(prefix))
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.rename_opts(from, to, options).await
    }
}

impl<S: std::fmt::Display> std::fmt::Display for ConfirmedStore<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    fn new_object() -> PutOptions {
        PutOptions::from(PutMode::Create)
    }

    #[tokio::test]
    async fn an_object_that_was_written_is_told_as_written() {
        let (store, path) = (ConfirmedStore::new(InMemory::new()), Path::from("a/_delta_log/0.json"));
        // The first try, whose answer was lost.
        store.0.put_opts(&path, "ours".into(), new_object()).await.unwrap();
        let told = store.put_opts(&path, "ours".into(), new_object()).await.unwrap();
        assert_eq!(told.e_tag, store.0.head(&path).await.unwrap().e_tag);
    }

    #[tokio::test]
    async fn an_object_of_another_is_in_the_way() {
        let (store, path) = (ConfirmedStore::new(InMemory::new()), Path::from("a/_delta_log/0.json"));
        store.0.put_opts(&path, "other".into(), new_object()).await.unwrap();
        for bytes in ["ours!", "longer than it", ""] {
            let error = store.put_opts(&path, bytes.into(), new_object()).await.unwrap_err();
            assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
        }
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "other");
    }
}
