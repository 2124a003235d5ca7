//! Where a lake stands in its object store.

use super::store::leftovers::{self, Leftover};
use crate::disk::Disk;
use chrono::{DateTime, Utc};
use object_store::ObjectStore;
use object_store::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// Where a lake stands: a store, its URL, and the lake's folder in it.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) url: Url,
    pub(crate) prefix: Path,
    /// What a local lake stands on; of no use to others.
    pub(crate) disk: Arc<dyn Disk>,
}

impl Root {
    pub(crate) fn path(&self, parts: &[&str]) -> Path {
        parts.iter().fold(self.prefix.clone(), |path, part| path.join(*part))
    }

    /// The directory it is; `None` where it is on another machine.
    pub(crate) fn local_folder(&self) -> Option<PathBuf> {
        (self.url.scheme() == "file").then(|| PathBuf::from(self.name(&self.prefix)))
    }

    /// A path as people write it: `/data/lake/eod/...` or `s3://bucket/lake/eod/...`.
    pub(crate) fn name(&self, path: &Path) -> String {
        match self.url.scheme() {
            "file" => format!("/{path}"),
            _ => format!("{}/{path}", self.url.as_str().trim_end_matches('/')),
        }
    }

    /// Returns when the names in a folder are on the disk, whoever put them there. Where the store is not a local one, they
    /// are as soon as they are seen.
    pub(crate) async fn settle(&self, folder: &Path) -> std::io::Result<()> {
        if self.url.scheme() != "file" {
            return Ok(());
        }
        let (disk, path) = (self.disk.clone(), PathBuf::from(self.name(folder)));
        tokio::task::spawn_blocking(move || disk.sync_folder(&path)).await?
    }

    /// Files in a folder that their writers never gave a name, that name beginning with a text, and that are no younger than
    /// a moment. Other stores than a local one keep none.
    pub(crate) async fn leftovers(
        &self,
        folder: &Path,
        named: &str,
        since: DateTime<Utc>,
    ) -> std::io::Result<Vec<Leftover>> {
        if self.url.scheme() != "file" {
            return Ok(Vec::new());
        }
        let (path, named) = (PathBuf::from(self.name(folder)), named.to_owned());
        tokio::task::spawn_blocking(move || leftovers::find(&path, &named, since.into())).await?
    }
}
