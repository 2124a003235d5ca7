//! Datasets made from other datasets: each is a source that reads the lake instead of a vendor.
//!
//! A derivation takes one version of each input at its start, reads only that, and tells which versions it took. The
//! scheduler runs it after its inputs; a change that comes while it runs makes it stale again.
//!
//! Where the commits of its inputs tell whose rows they changed, only the items concerned are computed anew and the rows
//! of the others stay. That gives what computing everything would give, but for `fetched_at`: whatever else a result
//! depends on (a date, the program itself) is its basis, and on another basis everything is computed.

pub mod expirations;
pub mod returns_stddev;
mod sessions;

use super::{FetchError, Previous};
use crate::lake::{Lake, LakeError, LakeTable, Snapshot};
use arrow::record_batch::RecordBatch;
use std::collections::{BTreeMap, BTreeSet};
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

    /// Items whose rows differ in some input from those the last result was made of; `None` where it is not known, or
    /// where there is no last result on this basis: then everything is to be computed.
    async fn changed_since(&self, previous: Option<&Previous>, basis: &str) -> Option<BTreeSet<String>> {
        let made_of = previous.map(|previous| &previous.made_of)?;
        if made_of.basis.as_deref() != Some(basis) {
            return None;
        }
        let mut changed = BTreeSet::new();
        for (name, (table, snapshot)) in &self.taken {
            let before = *made_of.inputs.get(name)?;
            changed.append(&mut table.changed_items(before, snapshot.version).await?);
        }
        Some(changed)
    }

    /// The named columns of an input, in schema order: of all rows, or of those of some items.
    async fn read(
        &self,
        name: &str,
        columns: &[&str],
        items: Option<&BTreeSet<String>>,
    ) -> Result<Vec<RecordBatch>, FetchError> {
        let Some((table, snapshot)) = self.taken.get(name) else { return Ok(Vec::new()) };
        let rows = match items {
            None => table.read_columns(&snapshot.files, Some(columns)).await,
            Some(items) if items.is_empty() => return Ok(Vec::new()),
            Some(items) => table.read_items(&snapshot.files, columns, items).await,
        };
        rows.map_err(unreadable)
    }

    /// Which version of each was taken.
    fn versions(&self) -> BTreeMap<String, u64> {
        self.taken.iter().map(|(name, (_, snapshot))| (name.clone(), snapshot.version)).collect()
    }
}

/// Names what a result depends on beside its inputs. Another version of the program may compute otherwise.
fn basis(what: &str) -> String {
    format!("{what}, by {}", env!("CARGO_PKG_VERSION"))
}

fn unreadable(error: LakeError) -> FetchError {
    FetchError::Unreadable { origin: "the lake".to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests;
