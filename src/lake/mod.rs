//! History on disk: Delta Lake tables, written atomically, read as snapshots.
//!
//! Below the lake's root stand `lake/<dataset>/` (the Delta tables), `csv/<dataset>.csv` (twins for people) and
//! `state/<dataset>.json` (when each dataset was last refreshed); in a local lake also `spool/` (live events that are not
//! committed yet). Any Delta reader opens the tables.
//!
//! What a call here has acknowledged outlives a power failure (`store`).

mod check;
mod csv;
pub mod dataset;
mod digest;
#[cfg(test)]
mod durability_tests;
mod error;
mod file;
pub mod freshness;
mod log;
mod past;
mod presence;
mod read;
pub mod refresh;
mod repair;
mod root;
mod scope;
mod seen;
mod snapshot;
mod state;
mod statistics;
mod store;
mod stored_file;
mod table;
#[cfg(test)]
mod test_rows;
mod upkeep;
mod version_cache;

pub use check::Checked;
pub use csv::CsvParts;
pub use error::LakeError;
pub use file::FileCompression;
pub use past::HistoryEntry;
pub use repair::Repaired;
pub(crate) use root::Root;
pub use scope::Scope;
pub use snapshot::{DataFile, Snapshot};
pub use state::{DatasetState, FailedItem, IMPORT, ItemFailure, ItemState, MadeOf, Run};
pub use statistics::{ColumnStatistics, StatisticValue};
pub use store::StoreOptions;
pub use stored_file::{FileReader, StoredFile, name_in_lake};
pub use table::{LakeTable, Position, StagedFile};
pub use upkeep::{Compacted, RETENTION_MIN, Vacuumed};

use crate::disk::{Disk, LocalDisk};
use dataset::Dataset;
use object_store::ObjectStore;
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;

/// The open lake: one [`LakeTable`] per dataset. Shared by reference.
#[derive(Debug)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    /// `file:///` or `s3://bucket`: what paths of data files are relative to.
    store_url: Url,
    tables: BTreeMap<&'static str, Arc<LakeTable>>,
}

impl Lake {
    /// Opens the lake at a directory or an `s3://bucket/prefix` URL. A directory is made when it is not there.
    ///
    /// No table is read yet, so one damaged table does not keep the others from opening.
    ///
    /// # Errors
    /// The location cannot hold a lake, or cannot be written.
    pub async fn open(location: &str, options: &StoreOptions) -> Result<Self, LakeError> {
        Self::open_on(location, options, Arc::new(LocalDisk)).await
    }

    /// The same for a lake in a directory on a disk of the caller's.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub async fn open_on(location: &str, options: &StoreOptions, disk: Arc<dyn Disk>) -> Result<Self, LakeError> {
        let root = store::open(location, options, disk)?;
        store::check_writable(&root).await?;
        let tables = dataset::all()
            .into_iter()
            .map(|dataset| (dataset.name, Arc::new(LakeTable::new(&root, Arc::new(dataset), options.compression))))
            .collect();
        Ok(Self { store: root.store, store_url: root.url, tables })
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
        (&self.store_url, &self.store)
    }
}

pub use dataset::WriteMode;

/// The dataset definition behind a table; a short name for other modules.
pub type DatasetRef = Arc<Dataset>;
