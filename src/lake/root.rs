//! Where a lake stands in its object store.

use object_store::ObjectStore;
use object_store::path::Path;
use std::sync::Arc;
use url::Url;

/// Where a lake stands: a store, its URL, and the lake's folder in it.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) url: Url,
    pub(crate) prefix: Path,
}

impl Root {
    pub(crate) fn path(&self, parts: &[&str]) -> Path {
        parts.iter().fold(self.prefix.clone(), |path, part| path.join(*part))
    }

    /// A path as people write it: `/data/lake/eod/...` or `s3://bucket/lake/eod/...`.
    pub(crate) fn name(&self, path: &Path) -> String {
        match self.url.scheme() {
            "file" => format!("/{path}"),
            _ => format!("{}/{path}", self.url.as_str().trim_end_matches('/')),
        }
    }
}
