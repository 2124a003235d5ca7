//! Brings an earlier version of a table back, as a new one: no version is deleted.

use super::{DatasetState, LakeError, LakeTable, MadeOf, Snapshot, StagedFile};
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use std::sync::Arc;

/// Tries against other writers before giving up.
const CONFLICT_TRIES: usize = 10;

/// What a rollback did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RolledBack {
    /// The version that is back.
    pub to: u64,
    /// Version of the table afterwards.
    pub version: u64,
    /// Rows before; `None` where the log does not tell.
    pub rows_before: Option<u64>,
    /// Rows afterwards; `None` where the log does not tell.
    pub rows: Option<u64>,
}

impl LakeTable {
    /// Commits the files of an earlier version anew. What is remembered of the table's age is then that of the version, so
    /// that old rows do not look fresh.
    ///
    /// # Errors
    /// The lake cannot be written, or others commit all the time.
    pub async fn roll_back(&self, to: &Snapshot) -> Result<RolledBack, LakeError> {
        for _ in 0..CONFLICT_TRIES {
            match self.try_roll_back(to).await {
                Err(LakeError::Conflict { .. }) => {}
                outcome => {
                    let done = outcome?;
                    self.settle().await?;
                    self.age_as(to).await?;
                    return Ok(done);
                }
            }
        }
        Err(LakeError::Conflict { table: self.dataset.name.to_owned() })
    }

    async fn try_roll_back(&self, to: &Snapshot) -> Result<RolledBack, LakeError> {
        let Some(base) = self.update().await? else {
            return Err(LakeError::rows(self.dataset.name, "there is no table yet"));
        };
        let kept: HashSet<_> = to.files.iter().map(|file| &file.path).collect();
        let there: HashSet<_> = base.files.iter().map(|file| &file.path).collect();
        let removed: Vec<_> = base.files.iter().filter(|file| !kept.contains(&file.path)).cloned().collect();
        let added = to.files.iter().filter(|file| !there.contains(&file.path));
        let added: Vec<_> = added.map(|file| StagedFile { add: file.add.clone() }).collect();
        let (to_version, rows_before) = (to.version, base.rows());
        let latest = match removed.is_empty() && added.is_empty() {
            true => base,
            false => self.commit(Some(&base), &removed, added).await?,
        };
        Ok(RolledBack { to: to_version, version: latest.version, rows_before, rows: latest.rows() })
    }

    async fn age_as(&self, to: &Snapshot) -> Result<(), LakeError> {
        let at = to.committed_at.unwrap_or(DateTime::UNIX_EPOCH);
        let older = |loaded_at: Option<DateTime<Utc>>| loaded_at.map(|loaded_at| loaded_at.min(at));
        let mut state = self.read_state().await?;
        state.items.values_mut().for_each(|item| item.loaded_at = older(item.loaded_at));
        let state =
            DatasetState { loaded_at: older(state.loaded_at), version: None, made_of: MadeOf::default(), ..state };
        self.write_state(&state).await
    }

    /// The version in force just before a moment.
    ///
    /// # Errors
    /// There was no table yet, or the version is no longer kept.
    pub async fn snapshot_before(&self, at: DateTime<Utc>) -> Result<Arc<Snapshot>, LakeError> {
        let just_before = at - chrono::TimeDelta::milliseconds(1);
        let found = self.snapshot_at(just_before).await?;
        found.ok_or_else(|| LakeError::rows(self.dataset.name, format!("it did not exist before {}", at.to_rfc3339())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::test_rows::{open, replace, symbols};
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_earlier_version_is_back_and_none_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let lake = open(folder.path()).await;
        let table = lake.table("market_metrics").unwrap();
        let zero = replace(table, &["A", "B"]).await;
        let one = replace(table, &["C"]).await;
        let loaded_at = one.committed_at.unwrap() + chrono::TimeDelta::hours(1);
        table.write_state(&DatasetState { loaded_at: Some(loaded_at), ..DatasetState::default() }).await.unwrap();
        let target = table.snapshot_by_version(0).await.unwrap();
        let done = table.roll_back(&target).await.unwrap();
        assert_eq!(done, RolledBack { to: 0, version: 2, rows_before: Some(1), rows: Some(2) });
        let latest = table.update().await.unwrap().unwrap();
        assert_eq!(
            (symbols(table, &latest).await, table.history().await.unwrap().len()),
            (vec!["A".into(), "B".into()], 3)
        );
        assert_eq!(table.read_state().await.unwrap().loaded_at, zero.committed_at, "the rows are as old as they are");
        let again = table.roll_back(&target).await.unwrap();
        assert_eq!(again.version, 2, "the same rows are no new version");
        let first = table.history().await.unwrap()[0].committed_at;
        assert!(table.snapshot_before(first).await.is_err());
        assert_eq!(table.roll_back(&one).await.unwrap().version, 3);
        let latest = table.update().await.unwrap().unwrap();
        assert_eq!(symbols(table, &latest).await, ["C"]);
        let other = open(folder.path()).await;
        let other = other.table("market_metrics").unwrap();
        let read = other.update().await.unwrap().unwrap();
        assert_eq!(symbols(other, &read).await, ["C"], "another process sees the same");
    }
}
