//! Datasets made from other datasets: each is a source that reads the lake instead of a vendor.
//!
//! A derivation takes one version of each input at its start, reads only that, and tells which versions it took. The
//! scheduler runs it after its inputs; a change that comes while it runs makes it stale again.

pub mod expirations;
pub mod returns_stddev;

use super::FetchError;
use crate::lake::{Lake, LakeError, LakeTable, Snapshot};
use arrow::record_batch::RecordBatch;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One version of each input, held for the whole derivation.
struct Inputs {
    taken: BTreeMap<String, (Arc<LakeTable>, Arc<Snapshot>)>,
}

impl Inputs {
    /// Takes the latest version of each; an input without a table is an error that names it.
    async fn take(lake: &Lake, names: &[&str]) -> Result<Self, FetchError> {
        let mut taken = BTreeMap::new();
        for name in names {
            let missing =
                || FetchError::Unavailable { origin: (*name).to_owned(), reason: "it was never loaded".to_owned() };
            let table = lake.table(name).ok_or_else(missing)?;
            let snapshot = table.update().await.map_err(unreadable)?.ok_or_else(missing)?;
            taken.insert((*name).to_owned(), (table.clone(), snapshot));
        }
        Ok(Self { taken })
    }

    /// The named columns of an input, in schema order.
    async fn read(&self, name: &str, columns: &[&str]) -> Result<Vec<RecordBatch>, FetchError> {
        let Some((table, snapshot)) = self.taken.get(name) else { return Ok(Vec::new()) };
        table.read_columns(&snapshot.files, Some(columns)).await.map_err(unreadable)
    }

    /// Which version of each was taken.
    fn versions(&self) -> BTreeMap<String, u64> {
        self.taken.iter().map(|(name, (_, snapshot))| (name.clone(), snapshot.version)).collect()
    }
}

fn unreadable(error: LakeError) -> FetchError {
    FetchError::Unreadable { origin: "the lake".to_owned(), reason: error.to_string() }
}
