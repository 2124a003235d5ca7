//! Versions of a table as the Delta library reads them from its log.
//!
//! Each is read in a task of its own: a damaged log can make the library, or the Parquet reader below it, panic. That is an
//! error of this table then, and the process and the other tables go on.

use super::{LakeError, LakeTable};
use deltalake_core::{DeltaTable, DeltaTableError};
use std::future::Future;
use tokio_util::task::AbortOnDropHandle;

impl LakeTable {
    /// The latest version, read from the beginning.
    pub(super) async fn open_latest(&self) -> Result<DeltaTable, LakeError> {
        let mut table = DeltaTable::new(self.log_store.clone());
        self.read_apart(async move { table.load().await.map(|()| table) }).await
    }

    /// A version by its number.
    pub(super) async fn open_version(&self, version: u64) -> Result<DeltaTable, LakeError> {
        let mut table = DeltaTable::new(self.log_store.clone());
        self.read_apart(async move { table.load_version(version).await.map(|()| table) }).await
    }

    /// An open version, brought to the latest one.
    pub(super) async fn open_later(&self, mut table: DeltaTable) -> Result<DeltaTable, LakeError> {
        self.read_apart(async move { table.update_state().await.map(|()| table) }).await
    }

    async fn read_apart(
        &self,
        reading: impl Future<Output = Result<DeltaTable, DeltaTableError>> + Send + 'static,
    ) -> Result<DeltaTable, LakeError> {
        match AbortOnDropHandle::new(tokio::spawn(reading)).await {
            Ok(read) => read.map_err(|error| LakeError::log(self.dataset.name, &error)),
            Err(_) => Err(LakeError::Log {
                table: self.dataset.name.to_owned(),
                reason: "it is damaged: what reads it came to no end".to_owned(),
            }),
        }
    }
}
