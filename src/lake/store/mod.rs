//! From a location as the user writes it to an object store.

mod confirmed;
mod durable;
pub(super) mod leftovers;
mod log_listing;
mod seal;
mod staged;

use super::file::FileCompression;
use super::{LakeError, Root};
use crate::disk::{Disk, make_folders};
use confirmed::ConfirmedStore;
use durable::DurableStore;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion};
use std::sync::Arc;
use url::Url;

/// How a lake is kept. Access is for S3 alone, where credentials come from the standard `AWS_*` environment.
#[derive(Debug, Clone, Default)]
pub struct StoreOptions {
    /// Region, when the environment does not name it.
    pub region: Option<String>,
    /// Address of an S3-compatible store other than AWS.
    pub endpoint: Option<String>,
    /// Whether endpoints may be `http://`, without TLS.
    pub allow_http: bool,
    /// Compression of files that are written.
    pub compression: FileCompression,
}

/// What becomes of a directory that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is made, and its name is on the disk then.
    Made,
    /// It is an error: who only reads makes nothing.
    Refused,
}

/// Opens the store behind a directory path, on that disk, or an `s3://bucket/prefix` URL. What S3 has acknowledged needs no
/// disk of ours.
pub(super) fn open(
    location: &str,
    options: &StoreOptions,
    disk: Arc<dyn Disk>,
    missing: Missing,
) -> Result<Root, LakeError> {
    let refuse = |reason: String| LakeError::Location { location: location.to_owned(), reason };
    if location.starts_with("s3://") {
        let url = Url::parse(location).map_err(|error| refuse(error.to_string()))?;
        let bucket = url.host_str().ok_or_else(|| refuse("the URL names no bucket".to_owned()))?;
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_allow_http(options.allow_http);
        if let Some(region) = &options.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build().map_err(|error| refuse(error.to_string()))?;
        let root = Url::parse(&format!("s3://{bucket}")).map_err(|error| refuse(error.to_string()))?;
        let prefix = Path::from_url_path(url.path()).map_err(|error| refuse(error.to_string()))?;
        return Ok(Root { store: Arc::new(ConfirmedStore::new(store)), url: root, prefix, disk });
    }
    if location.contains("://") {
        return Err(refuse("only a directory or an s3:// URL can hold the lake".to_owned()));
    }
    if location.is_empty() {
        return Err(refuse("the name is empty".to_owned()));
    }
    match std::fs::metadata(location) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(refuse("it is not a directory".to_owned())),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(refuse(error.to_string())),
        Err(_) if missing == Missing::Refused => {
            return Err(refuse("there is no lake there: no such directory".to_owned()));
        }
        Err(_) => {
            make_folders(disk.as_ref(), std::path::Path::new(location)).map_err(|error| refuse(error.to_string()))?;
        }
    }
    let directory = std::fs::canonicalize(location).map_err(|error| refuse(error.to_string()))?;
    let prefix = Path::from_absolute_path(&directory).map_err(|error| refuse(error.to_string()))?;
    let root = Url::parse("file:///").map_err(|error| refuse(error.to_string()))?;
    Ok(Root { store: Arc::new(DurableStore::new(directory, disk.clone())), url: root, prefix, disk })
}

/// How the name of the object begins that tells whether the lake can be written.
pub(super) const PROBE: &str = "probe-";

/// The object whose presence tells that a restore into the lake has not ended.
pub(super) const RESTORING: &str = "restoring.json";

/// Refuses a lake that is restored in part.
pub(super) async fn check_whole(root: &Root) -> Result<(), LakeError> {
    let refuse = |reason: String| LakeError::Location { location: root.name(&root.prefix), reason };
    match root.store.head(&root.path(&[RESTORING])).await {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        Ok(_) => Err(refuse("a restore into it has not ended: begin it anew (tt lake restore)".to_owned())),
        Err(error) => Err(refuse(cause(&error))),
    }
}

/// Bytes of the object that tells whether the lake can be written. A disk may have some last corners left where it is full
/// for all else.
const PROBE_BYTES: usize = 16 << 10;

/// Writes and removes a small object.
pub(super) async fn check_writable(root: &Root) -> Result<(), LakeError> {
    let probe = root.path(&["state", &format!("{PROBE}{}", std::process::id())]);
    let refuse = |error: object_store::Error| LakeError::Location {
        location: root.name(&root.prefix),
        reason: format!("it cannot be written: {}", cause(&error)),
    };
    root.store.put(&probe, PutPayload::from(vec![b' '; PROBE_BYTES])).await.map_err(refuse)?;
    root.store.delete(&probe).await.map_err(refuse)
}

/// Refuses a store that takes an object which it was told to take only when there is none of that name, or only in the place
/// of another one: a commit is such an object, and two writers would each take their own for the next version. What cannot be
/// tried, since nothing can be written, is not refused.
pub(super) async fn check_conditions(root: &Root) -> Result<(), LakeError> {
    let probe = root.path(&["state", &format!("{PROBE}{}", uuid::Uuid::new_v4())]);
    let ignored = ignored_condition(root.store.as_ref(), &probe).await;
    let removed = root.store.delete(&probe).await;
    match ignored {
        Some(condition) => Err(LakeError::Location {
            location: root.name(&root.prefix),
            reason: format!("the store ignores {condition}, which keeps commits of several writers apart"),
        }),
        None => {
            if let Err(error) = removed {
                tracing::debug!("the object that tried the store stays: {}", cause(&error));
            }
            Ok(())
        }
    }
}

/// The condition of a write that a store does not keep to; `None` when it keeps to all, or takes nothing.
async fn ignored_condition(store: &dyn ObjectStore, probe: &Path) -> Option<&'static str> {
    let first = store.put_opts(probe, "1".into(), PutMode::Create.into()).await.ok()?;
    if store.put_opts(probe, "2".into(), PutMode::Create.into()).await.is_ok() {
        return Some("If-None-Match");
    }
    store.put(probe, "3".into()).await.ok()?;
    let stale = UpdateVersion { e_tag: first.e_tag, version: first.version };
    let updated = store.put_opts(probe, "4".into(), PutOptions::from(PutMode::Update(stale))).await;
    updated.is_ok().then_some("If-Match")
}

/// Whether a store refuses to give an object because it is not what was written.
pub(super) fn is_damage(error: &object_store::Error) -> bool {
    match error {
        object_store::Error::Generic { source, .. } => {
            source.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData)
        }
        _ => false,
    }
}

/// What the system said, without the words of the store around it.
fn cause(error: &object_store::Error) -> String {
    match error {
        object_store::Error::Generic { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}
