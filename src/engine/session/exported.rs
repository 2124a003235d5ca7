//! Snapshots that transactions have exported: another transaction that names one reads the same versions of all tables.
//! PostgreSQL's clients that read a table over several connections agree on the rows in this way.

use crate::error::{ErrorKind, QueryError};
use crate::table::context::{Snapshots, WeakSnapshots};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The exported snapshots of a process by their name. One is there until its transaction ends; whoever took it by then
/// keeps it.
#[derive(Debug, Default)]
pub(crate) struct Exported {
    /// Held for a few instructions, never across an await.
    known: Mutex<(u64, BTreeMap<String, WeakSnapshots>)>,
}

impl Exported {
    /// Gives a snapshot a name, in PostgreSQL's form.
    pub(crate) fn add(&self, pid: i32, snapshots: &Snapshots) -> String {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, known) = &mut *known;
        known.retain(|_, snapshots| snapshots.upgrade().is_some());
        *number += 1;
        let name = format!("{pid:08X}-{number:08X}-1");
        known.insert(name.clone(), snapshots.downgrade());
        name
    }

    /// The snapshot of that name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] when no open transaction has exported it.
    pub(crate) fn find(&self, name: &str) -> Result<Snapshots, QueryError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.1.get(name).and_then(WeakSnapshots::upgrade).ok_or_else(|| {
            QueryError::new(ErrorKind::InvalidParameter, format!("invalid snapshot identifier: \"{name}\""))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_lasts_as_long_as_its_transaction() {
        let exported = Exported::default();
        let snapshots = Snapshots::of_transaction();
        let name = exported.add(3, &snapshots);
        assert_eq!(name, "00000003-00000001-1");
        assert!(exported.find(&name).is_ok());
        drop(snapshots);
        assert_eq!(exported.find(&name).unwrap_err().kind, ErrorKind::InvalidParameter);
    }
}
