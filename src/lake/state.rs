//! What is remembered of a dataset beside its rows: its refreshes, so that a restart keeps ages and errors.

use super::{LakeError, Root};
use chrono::{DateTime, Utc};
use object_store::{GetOptions, ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Runs remembered per dataset.
const RUNS_KEPT: usize = 50;

/// Cause of a run that imported files.
pub const IMPORT: &str = "import";

/// The refreshes of one dataset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DatasetState {
    /// When the last successful refresh ended.
    pub loaded_at: Option<DateTime<Utc>>,
    /// When files were last imported. An import does not make the source's rows any younger.
    #[serde(default)]
    pub imported_at: Option<DateTime<Utc>>,
    /// Why the last refresh failed; `None` after a success.
    pub last_error: Option<String>,
    /// When the last refresh was tried.
    pub tried_at: Option<DateTime<Utc>>,
    /// Version of each input at the last successful refresh of a derived dataset.
    #[serde(default)]
    pub inputs: BTreeMap<String, u64>,
    /// Last runs, oldest first.
    pub runs: VecDeque<Run>,
}

/// One item that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedItem {
    /// The symbol (or page, or underlying).
    pub item: String,
    /// One clear sentence.
    pub reason: String,
}

/// One refresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Why it ran: `start`, `ttl`, `query`, `command` or `import`.
    pub cause: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Items asked for.
    pub items: u64,
    /// Items that failed, with reasons.
    pub failed: Vec<FailedItem>,
    /// Rows fetched.
    pub rows: u64,
    /// Requests sent to the origin.
    pub origin_calls: u64,
    /// Version of the table afterwards; `None` when there is none.
    pub version: Option<u64>,
    /// Version of each input a derived dataset was made from; empty for others.
    #[serde(default)]
    pub inputs: BTreeMap<String, u64>,
    /// Why it failed as a whole; `None` when it did not.
    pub error: Option<String>,
}

impl DatasetState {
    /// When the last run ended.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.runs.back().map(|run| run.ended_at)
    }

    /// Adds a run and what follows from it, unless it is remembered already.
    pub fn record(&mut self, run: Run) {
        if self.runs.contains(&run) {
            return;
        }
        if run.cause == IMPORT {
            self.imported_at = Some(run.ended_at);
        } else {
            self.tried_at = Some(run.started_at);
            self.last_error.clone_from(&run.error);
            if run.error.is_none() {
                self.loaded_at = Some(run.ended_at);
                self.inputs.clone_from(&run.inputs);
            }
        }
        self.runs.push_back(run);
        while self.runs.len() > RUNS_KEPT {
            self.runs.pop_front();
        }
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
