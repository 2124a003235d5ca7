//! The commits of a table's log, one JSON file each: when it was, what it did, which files came and went.
//!
//! The current version is read through the Delta library; this is for what it does not tell: the past of the table.

use super::digest::{self, Tags};
use super::{LakeError, LakeTable};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::pin::pin;

/// Commits that are read at once.
const READS_AHEAD: usize = 16;

/// One commit of the transaction log.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    /// When its writer made it. Kept in the file itself, so that a copied lake keeps its past; a file without it (some
    /// other writer's) counts from when the store received it.
    pub(super) committed_at: DateTime<Utc>,
    /// What it did, in Delta's words.
    pub(super) operation: String,
    /// Files that came with it.
    pub(super) added: Vec<AddedFile>,
    /// Files that the commit took out of the table.
    pub(super) removed: Vec<Path>,
    /// Items whose rows it changed; `None` where its writer does not tell.
    pub(super) items: Option<BTreeSet<String>>,
    /// How far it says that applications are.
    pub(super) positions: Vec<(String, i64)>,
}

impl Commit {
    /// Whether it put the same rows into other files, and did nothing else.
    pub(super) fn is_layout(&self) -> bool {
        self.operation == "OPTIMIZE" && self.positions.is_empty() && self.items.as_ref().is_some_and(BTreeSet::is_empty)
    }
}

/// A file that a commit added.
#[derive(Debug, Clone)]
pub(super) struct AddedFile {
    /// Where it is in the lake's store.
    pub(super) path: Path,
    /// Its bytes, 0 where the log does not tell.
    pub(super) size: u64,
    /// Its rows, where the log tells.
    pub(super) rows: Option<u64>,
    /// What its writer has noted of it.
    pub(super) tags: Option<Tags>,
}

/// One line of a commit's file: one of many actions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Information>,
    add: Option<Added>,
    remove: Option<Removed>,
    txn: Option<Moved>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Information {
    /// Milliseconds since 1970-01-01 UTC.
    timestamp: Option<i64>,
    /// The same, where a table promises that it never goes back.
    in_commit_timestamp: Option<i64>,
    operation: Option<String>,
    #[serde(rename = "changedItems")]
    items: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    path: String,
    #[serde(default)]
    size: u64,
    stats: Option<String>,
    tags: Option<Tags>,
    #[serde(default = "changes_data")]
    data_change: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Removed {
    path: String,
    #[serde(default = "changes_data")]
    data_change: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Moved {
    app_id: String,
    version: i64,
}

fn changes_data() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    num_records: Option<u64>,
}

impl LakeTable {
    pub(super) fn log_folder(&self) -> Path {
        self.folder.clone().join("_delta_log")
    }

    pub(super) fn commit_path(&self, version: u64) -> Path {
        self.log_folder().join(format!("{version:020}.json"))
    }

    /// Reads the log entry of one version.
    pub(super) async fn read_commit(&self, version: u64) -> Result<Commit, LakeError> {
        let path = self.commit_path(version);
        let fail = |error: &dyn std::fmt::Display| LakeError::file(self.dataset.name, &path, error);
        let object = self.root.store.get(&path).await.map_err(|error| fail(&error))?;
        let received_at = object.meta.last_modified;
        let bytes = object.bytes().await.map_err(|error| fail(&error))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| fail(&error))?;
        parse(text, received_at, &self.folder).map_err(|error| fail(&error))
    }

    /// Reads several commits, in their order, a few at a time ahead.
    pub(super) fn read_commits(
        &self,
        versions: RangeInclusive<u64>,
    ) -> impl Stream<Item = Result<(u64, Commit), LakeError>> + Send + '_ {
        let read = move |version| async move { Ok((version, self.read_commit(version).await?)) };
        futures::stream::iter(versions).map(read).buffered(READS_AHEAD)
    }

    /// Items whose rows differ, apart from `fetched_at`, between a version and a later one; `None` where that is not known:
    /// a writer did not tell, or the log does not reach back.
    pub async fn changed_items(&self, since: u64, until: u64) -> Option<BTreeSet<String>> {
        if since > until {
            return None;
        }
        let mut changed = BTreeSet::new();
        let mut commits = pin!(self.read_commits(since + 1..=until));
        while let Some(commit) = commits.next().await {
            changed.append(&mut commit.ok()?.1.items?);
        }
        Some(changed)
    }

    /// Whether the log has the entry of a version.
    pub(super) async fn has_commit(&self, version: u64) -> Result<bool, LakeError> {
        let path = self.commit_path(version);
        match self.root.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(LakeError::file(self.dataset.name, self.root.name(&path), error)),
        }
    }

    /// The oldest version that the log can still tell of: the first, or the oldest checkpoint once older commits are
    /// trimmed. It is remembered for as long as its entry is there.
    pub(super) async fn oldest_version(&self) -> Result<u64, LakeError> {
        let held = self.past.known().oldest;
        if let Some(oldest) = held
            && self.has_commit(oldest).await?
        {
            return Ok(oldest);
        }
        let oldest = self.find_oldest().await?;
        self.past.known().oldest = Some(oldest);
        Ok(oldest)
    }

    /// Entries behind a gap do not count: after a power failure some of those that were removed may be there again.
    async fn find_oldest(&self) -> Result<u64, LakeError> {
        let (mut commits, mut checkpoints) = (BTreeSet::new(), BTreeSet::new());
        for object in self.log_files().await? {
            let Some(name) = object.location.filename() else { continue };
            commits.extend(commit_version(name));
            checkpoints.extend(checkpoint_version(name));
        }
        let mut first = commits.last().copied();
        while let Some(before) = first.and_then(|first| first.checked_sub(1)).filter(|before| commits.contains(before))
        {
            first = Some(before);
        }
        let oldest =
            first.and_then(|first| if first == 0 { Some(0) } else { checkpoints.range(first..).next().copied() });
        oldest.ok_or_else(|| LakeError::Log {
            table: self.dataset.name.to_owned(),
            reason: "it has neither its first commit nor a checkpoint".to_owned(),
        })
    }

    /// The files of the log, in any order.
    pub(super) async fn log_files(&self) -> Result<Vec<object_store::ObjectMeta>, LakeError> {
        let folder = self.log_folder();
        let listed = self.root.store.list_with_offset(Some(&folder), &folder.clone().join(format!("{:020}", 0)));
        let listed = listed.try_collect().await;
        listed.map_err(|error: object_store::Error| LakeError::file(self.dataset.name, self.root.name(&folder), error))
    }
}

/// The version of `00000000000000000099.json`.
pub(super) fn commit_version(name: &str) -> Option<u64> {
    name.strip_suffix(".json").filter(|version| version.len() == 20)?.parse().ok()
}

/// The version of `00000000000000000099.checkpoint.parquet` and its like.
pub(super) fn checkpoint_version(name: &str) -> Option<u64> {
    let (version, rest) = name.split_once('.')?;
    let checkpoint = rest.starts_with("checkpoint.") && rest.ends_with("parquet");
    checkpoint.then(|| version.parse().ok()).flatten()
}

/// Actions of Delta's protocol that this program neither writes nor reads by itself.
const OTHER_ACTIONS: [&str; 5] = ["metaData", "protocol", "cdc", "domainMetadata", "sidecar"];

/// What a path of the log has beside letters and digits; all else is percent-encoded. The Delta library does not find a file
/// again under a name that is not.
const PATH_SIGNS: &[u8] = b"-._~%/=+@:,;!$&'()*";

/// What the Delta library asks of a file that comes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "read to see that it is there")]
struct WholeAdd {
    path: String,
    partition_values: HashMap<String, Option<String>>,
    size: u64,
    modification_time: i64,
    data_change: bool,
}

/// What it asks of a file that goes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "read to see that it is there")]
struct WholeRemove {
    path: String,
    data_change: bool,
}

/// Whether an entry is one that the Delta library reads as well, whose lines are actions with all that belongs to them.
/// [`parse`] takes more: what it does not know of later protocols it leaves out.
pub(super) fn is_whole(text: &str, folder: &Path) -> bool {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    parse(text, DateTime::default(), folder).is_ok() && lines().all(|line| is_action(line).unwrap_or(false))
}

fn is_action(line: &str) -> serde_json::Result<bool> {
    let action: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line)?;
    let Some((name, action)) = action.into_iter().next() else { return Ok(false) };
    let path = action.get("path").and_then(serde_json::Value::as_str).unwrap_or_default();
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || PATH_SIGNS.contains(&byte)) {
        return Ok(false);
    }
    let stats = action.get("stats").and_then(|stats| stats.as_str().map(str::to_owned));
    match name.as_str() {
        "add" => serde_json::from_value::<WholeAdd>(action).map(drop)?,
        "remove" => serde_json::from_value::<WholeRemove>(action).map(drop)?,
        "commitInfo" | "txn" => return Ok(action.is_object()),
        name => return Ok(OTHER_ACTIONS.contains(&name) && action.is_object()),
    }
    // Statistics that can be read and are not what was written are left out by whoever reads them, and cost no rows.
    stats.map_or(Ok(true), |stats| serde_json::from_str::<serde_json::Value>(&stats).map(|_| true))
}

pub(super) fn parse(text: &str, received_at: DateTime<Utc>, folder: &Path) -> Result<Commit, String> {
    let (added, removed, positions) = (Vec::new(), Vec::new(), Vec::new());
    let operation = "UNKNOWN".to_owned();
    let mut commit = Commit { committed_at: received_at, operation, added, removed, items: None, positions };
    let mut changes_rows = false;
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at_line = |error: &dyn std::fmt::Display| format!("line {}: {error}", index + 1);
        let line: Line = serde_json::from_str(line).map_err(|error| at_line(&error))?;
        if let Some(information) = line.commit_info {
            let millis = information.in_commit_timestamp.or(information.timestamp);
            commit.committed_at = millis.and_then(DateTime::from_timestamp_millis).unwrap_or(commit.committed_at);
            commit.operation = information.operation.unwrap_or(commit.operation);
            commit.items = information.items;
        }
        if let Some(added) = line.add {
            changes_rows |= added.data_change;
            let statistics = added.stats.filter(|stats| digest::is_whole(stats, added.tags.as_ref()));
            let statistics = statistics.and_then(|stats| serde_json::from_str::<Statistics>(&stats).ok());
            let rows = statistics.and_then(|statistics| statistics.num_records);
            let path = data_path(folder, &added.path).map_err(|error| at_line(&error))?;
            commit.added.push(AddedFile { path, size: added.size, rows, tags: added.tags });
        }
        if let Some(removed) = line.remove {
            changes_rows |= removed.data_change;
            commit.removed.push(data_path(folder, &removed.path).map_err(|error| at_line(&error))?);
        }
        commit.positions.extend(line.txn.map(|moved| (moved.app_id, moved.version)));
    }
    if !changes_rows {
        commit.items = Some(BTreeSet::new());
    }
    Ok(commit)
}

/// A path of the log, which is relative to the table and percent-encoded, in the store.
fn data_path(folder: &Path, logged: &str) -> Result<Path, String> {
    let decoded = percent_decode_str(logged).decode_utf8().map_err(|error| format!("path {logged}: {error}"))?;
    let relative = Path::parse(decoded.as_ref()).map_err(|error| error.to_string())?;
    Ok(Path::from_iter(folder.parts().chain(relative.parts())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_tells_when_and_what() {
        let text = r#"{"commitInfo":{"timestamp":1762012800000,"operation":"WRITE"}}
{"add":{"path":"part-a%20b.parquet","size":1,"stats":"{\"numRecords\":2}"}}
{"remove":{"path":"part-c.parquet"}}"#;
        let commit = parse(text, DateTime::default(), &Path::from("lake/eod")).unwrap();
        assert_eq!(commit.committed_at.to_rfc3339(), "2025-11-01T16:00:00+00:00");
        assert_eq!(commit.operation, "WRITE");
        assert_eq!(commit.added[0].path.as_ref(), "lake/eod/part-a b.parquet");
        assert_eq!((commit.added[0].size, commit.added[0].rows), (1, Some(2)));
        assert_eq!(commit.removed, [Path::from("lake/eod/part-c.parquet")]);
        assert_eq!(commit.items, None);
    }

    #[test]
    fn a_commit_tells_whose_rows_it_changed() {
        let text = r#"{"commitInfo":{"operation":"WRITE","changedItems":["B","A"]}}
{"add":{"path":"a.parquet","dataChange":true}}"#;
        let items = |text: &str| parse(text, DateTime::default(), &Path::default()).unwrap().items;
        assert_eq!(items(text), Some(BTreeSet::from(["A".to_owned(), "B".to_owned()])));
        let layout = r#"{"add":{"path":"a.parquet","dataChange":false}}"#;
        assert_eq!(items(layout), Some(BTreeSet::new()));
    }

    #[test]
    fn a_commit_tells_positions_and_whether_it_has_the_same_rows() {
        let parsed = |text: &str| parse(text, DateTime::default(), &Path::default()).unwrap();
        let layout =
            "{\"commitInfo\":{\"operation\":\"OPTIMIZE\"}}\n{\"add\":{\"path\":\"a.parquet\",\"dataChange\":false}}";
        assert!(parsed(layout).is_layout());
        assert!(!parsed(&layout.replace("false", "true")).is_layout());
        assert!(!parsed(&layout.replace("OPTIMIZE", "SET TBLPROPERTIES")).is_layout());
        let moved = format!("{layout}\n{{\"txn\":{{\"appId\":\"spool\",\"version\":7,\"lastUpdated\":1}}}}");
        assert_eq!(parsed(&moved).positions, [("spool".to_owned(), 7)]);
        assert!(!parsed(&moved).is_layout());
    }

    #[test]
    fn a_whole_commit_has_all_that_belongs_to_its_actions() {
        let add =
            r#"{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"stats":"{}"}}"#;
        let remove = r#"{"remove":{"path":"a","dataChange":true,"deletionTimestamp":1}}"#;
        let others = r#"{"commitInfo":{"operation":"WRITE"}}
{"txn":{"appId":"spool","version":7}}
{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#;
        let is_whole = |text: &str| is_whole(text, &Path::default());
        assert!(is_whole(&format!("{others}\n{add}\n{remove}\n")));
        for (field, flipped) in [
            ("\"a\"", "\"a|\""),
            ("modificationTime", "moeificationTime"),
            ("partitionValues", "partitionValuer"),
            ("\"add\"", "\"ade\""),
            ("\"{}\"", "\"{]\""),
            ("\"size\":1", "\"size\":-1"),
        ] {
            assert!(!is_whole(&add.replace(field, flipped)), "{flipped}");
        }
        assert!(!is_whole(&remove.replace("path", "qath")));
        assert!(!is_whole("{}"), "no action");
    }

    #[test]
    fn a_damaged_commit_names_its_line() {
        let error = parse("{}\n{\"add\":", DateTime::default(), &Path::default()).unwrap_err();
        assert!(error.starts_with("line 2: "), "{error}");
        assert_eq!(parse("\n", DateTime::default(), &Path::default()).unwrap_err(), "it is empty");
    }

    #[test]
    fn checkpoints_are_known_by_their_names() {
        assert_eq!(checkpoint_version("00000000000000000099.checkpoint.parquet"), Some(99));
        assert_eq!(checkpoint_version("00000000000000000099.json"), None);
        assert_eq!(checkpoint_version("_last_checkpoint"), None);
    }
}
