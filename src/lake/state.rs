//! What is remembered of a dataset beside its rows: its refreshes, so that a restart keeps ages and errors.

use super::{LakeError, Root, Scope};
use chrono::{DateTime, Utc};
use object_store::{GetOptions, ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Runs over a whole dataset that are remembered, and as many of single items.
const RUNS_KEPT: usize = 50;

/// Cause of a run that imported files.
pub const IMPORT: &str = "import";

/// Cause of a run that took an import back.
pub const UNDO: &str = "undo";

/// Cause of a run that brought an earlier version back.
pub const ROLLBACK: &str = "rollback";

/// Cause of a run that deleted rows by hand.
pub const DELETE: &str = "delete";

/// The refreshes of one dataset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DatasetState {
    /// When the last successful refresh of the whole dataset ended.
    pub loaded_at: Option<DateTime<Utc>>,
    /// When files were last imported. An import does not make the source's rows any younger.
    #[serde(default)]
    pub imported_at: Option<DateTime<Utc>>,
    /// Why the last refresh of the whole failed; `None` after a success.
    pub last_error: Option<String>,
    /// When the last refresh was tried.
    pub tried_at: Option<DateTime<Utc>>,
    /// What a derived dataset was made of at its last successful refresh.
    #[serde(flatten)]
    pub made_of: MadeOf,
    /// Version of the table after the last successful refresh.
    #[serde(default)]
    pub version: Option<u64>,
    /// Items that are not as old as `loaded_at` says: refreshed alone since, or failed in the last refresh they were in.
    #[serde(default)]
    pub items: BTreeMap<String, ItemState>,
    /// Items that the last refresh of the whole asked for, and those that were refreshed alone since; `None` where nobody
    /// remembers.
    #[serde(default)]
    pub asked: Option<BTreeSet<String>>,
    /// How far back the last refresh of the whole reached, in days; `None` where that says nothing, or nobody remembers.
    #[serde(default)]
    pub reach_days: Option<u32>,
    /// Last runs, oldest first.
    pub runs: VecDeque<Run>,
}

/// One item that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedItem {
    /// The symbol (or page, or underlying).
    pub item: String,
    /// Why it could not be fetched, one clear sentence.
    pub reason: String,
}

/// What is known of one item beside the dataset it is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemState {
    /// When its rows were last loaded; `None` when they never were.
    pub loaded_at: Option<DateTime<Utc>>,
    /// Its failures since; `None` after a success.
    pub failure: Option<ItemFailure>,
}

/// Failures of one item without a success since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemFailure {
    /// When the last one ended.
    pub at: DateTime<Utc>,
    /// How many in a row.
    pub times: u32,
    /// Why, one clear sentence.
    pub reason: String,
}

/// What a derived result was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeOf {
    /// Version of each input.
    #[serde(default)]
    pub inputs: BTreeMap<String, u64>,
    /// When the oldest rows of each input had been loaded.
    #[serde(default)]
    pub inputs_loaded_at: BTreeMap<String, DateTime<Utc>>,
    /// What else the result depends on, in words of its derivation; rows made on another basis cannot be kept.
    #[serde(default)]
    pub basis: Option<String>,
}

/// One refresh of a dataset or of some of its items; one row of `system.refreshes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Why it ran: `start`, `ttl`, `query`, `dependency`, `command`, `import`, `undo`, `rollback` or `delete`.
    pub cause: String,
    /// The items it was asked for.
    #[serde(default)]
    pub scope: Scope,
    /// When the refresh began.
    pub started_at: DateTime<Utc>,
    /// When the refresh had ended, commit included.
    pub ended_at: DateTime<Utc>,
    /// Number of items that were asked for.
    pub items: u64,
    /// Items that failed, with reasons.
    pub failed: Vec<FailedItem>,
    /// Rows fetched from the source, before the merge.
    pub rows: u64,
    /// Requests sent to the origin.
    pub origin_calls: u64,
    /// Version of the table afterwards; `None` when there is none.
    pub version: Option<u64>,
    /// What a derived dataset was made of; empty for others.
    #[serde(flatten)]
    pub made_of: MadeOf,
    /// Why it failed as a whole; `None` when it did not.
    pub error: Option<String>,
    /// The items that a run over the whole asked for. What is remembered of it is the dataset's, not the run's.
    #[serde(skip)]
    pub asked: Option<Arc<BTreeSet<String>>>,
    /// How far back it reached, in days; likewise.
    #[serde(skip)]
    pub reach_days: Option<u32>,
    /// For a run that failed and brought rows all the same: the moment that they are of; likewise.
    #[serde(skip)]
    pub as_of: Option<DateTime<Utc>>,
}

impl Run {
    /// Whether a person changed the rows, and no source was asked.
    pub fn is_by_hand(&self) -> bool {
        [IMPORT, UNDO, ROLLBACK, DELETE].contains(&self.cause.as_str())
    }
}

impl DatasetState {
    /// When the last run ended.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.runs.back().map(|run| run.ended_at)
    }

    /// Adds a run and what follows from it, unless it is remembered already.
    pub fn record(&mut self, mut run: Run) {
        let (asked, reach_days, as_of) = (run.asked.take(), run.reach_days.take(), run.as_of.take());
        if self.runs.contains(&run) {
            return;
        }
        if run.cause == IMPORT {
            self.imported_at = Some(run.ended_at);
        } else if run.is_by_hand() {
            // Nothing came from a source.
        } else if let Scope::Items(names) = &run.scope {
            self.record_items(names, &run);
        } else {
            self.record_all(&run);
            self.loaded_at = self.loaded_at.max(as_of);
            if run.error.is_none() || as_of.is_some() {
                self.asked = asked.map(Arc::unwrap_or_clone);
                self.reach_days = reach_days;
            }
        }
        self.runs.push_back(run);
        for whole in [true, false] {
            let alike = |run: &&Run| (run.scope == Scope::All) == whole;
            let surplus = self.runs.iter().filter(alike).count().saturating_sub(RUNS_KEPT);
            for _ in 0..surplus {
                let oldest = self.runs.iter().position(|run| alike(&run));
                oldest.and_then(|oldest| self.runs.remove(oldest));
            }
        }
    }

    fn record_all(&mut self, run: &Run) {
        self.tried_at = Some(run.started_at);
        self.last_error.clone_from(&run.error);
        if run.error.is_none() {
            let failed = run.failed.iter().map(|failed| (failed.item.clone(), self.item_failed(failed, run.ended_at)));
            self.items = failed.collect();
            self.loaded_at = Some(run.ended_at);
            self.made_of.clone_from(&run.made_of);
            self.version = run.version;
        }
    }

    /// A refresh of some items says nothing about the others.
    fn record_items(&mut self, names: &BTreeSet<String>, run: &Run) {
        for name in names {
            let reason = run.failed.iter().find(|failed| failed.item == *name).map(|failed| failed.reason.clone());
            let state = match reason.or_else(|| run.error.clone()) {
                Some(reason) => self.item_failed(&FailedItem { item: name.clone(), reason }, run.ended_at),
                None => ItemState { loaded_at: Some(run.ended_at), failure: None },
            };
            self.items.insert(name.clone(), state);
        }
        if let Some(asked) = &mut self.asked {
            asked.extend(names.iter().cloned());
        }
    }

    /// What is known of an item that has just failed: it stays as old as it was.
    fn item_failed(&self, failed: &FailedItem, at: DateTime<Utc>) -> ItemState {
        let before = self.items.get(&failed.item);
        let times = before.and_then(|state| state.failure.as_ref()).map_or(0, |failure| failure.times);
        let failure = ItemFailure { at, times: times.saturating_add(1), reason: failed.reason.clone() };
        ItemState { loaded_at: before.map_or(self.loaded_at, |state| state.loaded_at), failure: Some(failure) }
    }
}

pub(super) async fn read(root: &Root, name: &str) -> Result<DatasetState, LakeError> {
    let changed = read_changed(root, name, None).await?;
    Ok(changed.map(|(state, _)| state).unwrap_or_default())
}

/// The state and its entity tag; `None` when there is none, or still the one of the tag `known`.
pub(super) async fn read_changed(
    root: &Root,
    name: &str,
    known: Option<String>,
) -> Result<Option<(DatasetState, Option<String>)>, LakeError> {
    let path = root.path(&["state", &format!("{name}.json")]);
    let fail = |error: &dyn std::fmt::Display| LakeError::file(name, root.name(&path), error);
    let options = GetOptions { if_none_match: known, ..GetOptions::default() };
    let object = match root.store.get_opts(&path, options).await {
        Ok(object) => object,
        Err(object_store::Error::NotFound { .. } | object_store::Error::NotModified { .. }) => return Ok(None),
        Err(error) => return Err(fail(&error)),
    };
    let tag = object.meta.e_tag.clone();
    let bytes = object.bytes().await.map_err(|error| fail(&error))?;
    let state = serde_json::from_slice(&bytes).map_err(|error| fail(&error))?;
    Ok(Some((state, tag)))
}

pub(super) async fn write(root: &Root, name: &str, state: &DatasetState) -> Result<(), LakeError> {
    let path = root.path(&["state", &format!("{name}.json")]);
    let fail = |error: &dyn std::fmt::Display| LakeError::file(name, root.name(&path), error);
    let text = serde_json::to_vec_pretty(state).map_err(|error| fail(&error))?;
    root.store.put(&path, PutPayload::from(text)).await.map(drop).map_err(|error| fail(&error))
}
