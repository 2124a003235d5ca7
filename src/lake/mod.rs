//! History on disk: Delta Lake tables, written atomically, read as snapshots.
//!
//! Below the lake's root stand `lake/<dataset>/` (the Delta tables), `csv/<dataset>.csv` (twins for people),
//! `state/<dataset>.json` (when each dataset was last refreshed) and `state/<dataset>.quality.json` (what is wrong with its
//! rows), `state/feed_gaps.json` (when live events were missed), `state/eod.imports.json` (which files were imported); in a
//! local lake also `spool/` (live events that are not committed yet). Any Delta reader opens the tables.
//!
//! What a call here has acknowledged outlives a power failure (`store`).

pub mod backup;
mod check;
mod commit;
mod compaction;
mod csv;
pub mod dataset;
mod delete;
mod digest;
#[cfg(test)]
mod durability_tests;
mod error;
mod file;
pub mod freshness;
mod load;
mod log;
mod migrate;
mod note;
mod past;
mod presence;
pub mod quality;
mod read;
pub mod refresh;
mod repair;
mod repair_rows;
mod rollback;
mod root;
pub(crate) mod row_order;
mod scope;
mod seen;
mod snapshot;
mod state;
mod statistics;
mod store;
mod stored_file;
mod table;
#[cfg(test)]
pub(crate) mod test_rows;
mod trim;
mod upkeep;
mod version_cache;

pub use check::Checked;
pub use commit::Position;
pub use compaction::Compacted;
pub use csv::CsvParts;
pub use delete::Deleted;
pub use error::LakeError;
pub use file::FileCompression;
pub use past::HistoryEntry;
pub use repair::Repaired;
pub use rollback::RolledBack;
pub(crate) use root::Root;
pub use scope::Scope;
pub use snapshot::{DataFile, Snapshot};
pub use state::{DELETE, DatasetState, FailedItem, IMPORT, ItemFailure, ItemState, MadeOf, ROLLBACK, Run, UNDO};
pub use statistics::{ColumnStatistics, StatisticValue};
pub use store::StoreOptions;
pub use store::leftovers::Leftover;
pub use stored_file::{FileReader, StoredFile, name_in_lake};
pub(crate) use table::Encoding;
pub use table::{LakeTable, StagedFile};
pub use upkeep::{RETENTION_MIN, Vacuumed};

use crate::disk::{Disk, LocalDisk};
use dataset::Dataset;
use object_store::ObjectStore;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::Missing;
use url::Url;

/// The open lake: one [`LakeTable`] per dataset. Shared by reference.
#[derive(Debug)]
pub struct Lake {
    root: Root,
    tables: BTreeMap<&'static str, Arc<LakeTable>>,
}

impl Lake {
    /// Opens the lake at a directory or an `s3://bucket/prefix` URL. Nothing is written, so that a lake on a disk that is
    /// full or read-only can be read.
    ///
    /// No table is read yet, so one damaged table does not keep the others from opening.
    ///
    /// # Errors
    /// There is no such directory, the location cannot hold a lake, or a restore into it has not ended.
    pub async fn open(location: &str, options: &StoreOptions) -> Result<Self, LakeError> {
        Self::over(store::open(location, options, Arc::new(LocalDisk), Missing::Refused)?, options).await
    }

    /// The same for whoever is to write: a directory that is not there is made, and a store is tried.
    ///
    /// # Errors
    /// The directory cannot be made, the location cannot hold a lake, or the store does not keep to the conditions of a write.
    pub async fn open_or_create(location: &str, options: &StoreOptions) -> Result<Self, LakeError> {
        Self::open_on(location, options, Arc::new(LocalDisk)).await
    }

    /// As [`Lake::open_or_create`], in a directory on a disk of the caller's.
    ///
    /// # Errors
    /// Those of [`Lake::open_or_create`].
    pub async fn open_on(location: &str, options: &StoreOptions, disk: Arc<dyn Disk>) -> Result<Self, LakeError> {
        let lake = Self::over(store::open(location, options, disk, Missing::Made)?, options).await?;
        if !lake.is_local() {
            store::check_conditions(&lake.root).await?;
        }
        Ok(lake)
    }

    async fn over(root: Root, options: &StoreOptions) -> Result<Self, LakeError> {
        store::check_whole(&root).await?;
        let tables = dataset::all()
            .into_iter()
            .map(|dataset| (dataset.name, Arc::new(LakeTable::new(&root, Arc::new(dataset), options.compression))))
            .collect();
        Ok(Self { root, tables })
    }

    /// Whether the lake can be written now: a small object is written and removed.
    ///
    /// # Errors
    /// Why it cannot: a full or read-only disk, missing rights.
    pub async fn check_writable(&self) -> Result<(), LakeError> {
        store::check_writable(&self.root).await
    }

    /// Whether it lies in a directory of this machine.
    pub fn is_local(&self) -> bool {
        self.root.url.scheme() == "file"
    }

    /// The table of a dataset.
    pub fn table(&self, name: &str) -> Option<&Arc<LakeTable>> {
        self.tables.get(name)
    }

    /// All tables, sorted by name.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<LakeTable>> {
        self.tables.values()
    }

    /// The store that data files are read from, with the URL their paths are relative to.
    pub fn store(&self) -> (&Url, &Arc<dyn ObjectStore>) {
        (&self.root.url, &self.root.store)
    }
}

pub use dataset::WriteMode;

/// The dataset definition behind a table; a short name for other modules.
pub type DatasetRef = Arc<Dataset>;
