//! One version of a table: which files it is made of, and what they hold.

use super::digest::{self, Digests};
use super::statistics::{self, ColumnStatistics};
use super::{LakeError, dataset::Dataset};
use chrono::{DateTime, Utc};
use deltalake_core::kernel::Add;
use deltalake_core::table::state::DeltaTableState;
use object_store::path::Path;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A consistent version of a table. Immutable; readers hold it for as long as they scan.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The dataset that the version is of.
    pub dataset: Arc<Dataset>,
    /// Version in the table's log, from 0.
    pub version: u64,
    /// When this version was committed; `None` when the log does not tell.
    pub committed_at: Option<DateTime<Utc>>,
    /// Its files, sorted by path.
    pub files: Vec<DataFile>,
    /// How far each followed application's rows are in this version: its id, and the position of its last commit.
    pub positions: BTreeMap<String, i64>,
}

/// One Parquet file of a table. Rows are sorted by the dataset's key.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Path in the lake's store.
    pub path: Path,
    /// Size of the file in bytes.
    pub size: u64,
    /// When it was written.
    pub modified_at: DateTime<Utc>,
    /// Rows; `None` when the log does not tell.
    pub rows: Option<u64>,
    /// Per column of the dataset, in order.
    pub columns: Vec<ColumnStatistics>,
    /// What its bytes are checked against; `None` for files of other writers and older versions of this program.
    pub(super) digests: Option<Digests>,
    /// The log's own record of it, needed to remove it.
    pub(super) add: Add,
}

impl Snapshot {
    pub(super) fn new(dataset: &Arc<Dataset>, folder: &Path, state: &DeltaTableState) -> Result<Self, LakeError> {
        let mut files = Vec::new();
        let log = state.snapshot().try_log_data().map_err(|error| LakeError::log(dataset.name, &error))?;
        for view in log.iter() {
            #[expect(deprecated, reason = "nothing else of the library gives the tags of a file")]
            let add = view.add_action();
            let stats = add.stats.as_deref().filter(|stats| digest::is_whole(stats, add.tags.as_ref()));
            let (rows, columns) = statistics::from_json(stats, &dataset.schema);
            let relative = view.object_store_path();
            let size = u64::try_from(add.size).unwrap_or(0);
            files.push(DataFile {
                path: Path::from_iter(folder.parts().chain(relative.parts())),
                size,
                modified_at: DateTime::from_timestamp_millis(add.modification_time).unwrap_or_default(),
                rows,
                columns,
                digests: digest::of_tags(add.tags.as_ref(), size),
                add,
            });
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let version = state.version();
        let committed_at = state.version_timestamp(version).and_then(DateTime::from_timestamp_millis);
        Ok(Self { dataset: dataset.clone(), version, committed_at, files, positions: BTreeMap::new() })
    }

    /// Rows of all files; `None` when the log does not tell for one of them.
    pub fn rows(&self) -> Option<u64> {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}
