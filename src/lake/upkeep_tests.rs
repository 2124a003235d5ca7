//! The past and the upkeep of real tables in a temporary directory.

use super::*;
use crate::lake::{Lake, StoreOptions};
use arrow::array::{ArrayRef, AsArray, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::record_batch::RecordBatch;
use chrono::TimeDelta;

const HISTORY: &str = "market_metrics_history";

async fn open(directory: &tempfile::TempDir) -> Lake {
    let location = directory.path().to_str().expect("a UTF-8 path");
    Lake::open(location, &StoreOptions::default()).await.expect("a lake")
}

/// Rows of a table whose only columns that matter are `symbol` and `fetched_at`.
fn rows(table: &LakeTable, symbols: &[&str], fetched_at: i64) -> RecordBatch {
    let schema = &table.dataset().schema;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "symbol" => Arc::new(StringArray::from(symbols.to_vec())),
            "fetched_at" => {
                Arc::new(TimestampMicrosecondArray::from(vec![fetched_at; symbols.len()]).with_timezone("UTC"))
            }
            _ => new_null_array(field.data_type(), symbols.len()),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).expect("rows that fit")
}

/// Adds a file, as an append does; gives the version.
async fn append(table: &LakeTable, symbols: &[&str], fetched_at: i64) -> Arc<Snapshot> {
    let base = table.update().await.expect("a look");
    let staged = table.stage(&rows(table, symbols, fetched_at)).await.expect("a staged file");
    table.commit(base.as_deref(), &[], vec![staged]).await.expect("a commit")
}

/// Replaces all files, as a refresh does.
async fn replace(table: &LakeTable, symbols: &[&str]) -> Arc<Snapshot> {
    let base = table.update().await.expect("a look");
    let files = base.as_ref().map(|base| base.files.clone()).unwrap_or_default();
    let staged = table.stage(&rows(table, symbols, 1)).await.expect("a staged file");
    table.commit(base.as_deref(), &files, vec![staged]).await.expect("a commit")
}

async fn symbols(table: &LakeTable, snapshot: &Snapshot) -> Vec<String> {
    let mut symbols = Vec::new();
    for batch in table.read(&snapshot.files).await.expect("rows") {
        symbols.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    symbols
}

/// Commit times are whole milliseconds: later commits must be told apart.
async fn pass_time() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_has_the_version_committed_before_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    let table = lake.table("symbols").expect("symbols");
    assert!(table.snapshot_at(Utc::now()).await.expect("no table").is_none());
    let before = Utc::now() - TimeDelta::seconds(1);
    for symbol in ["A", "B", "C"] {
        replace(table, &[symbol]).await;
        pass_time().await;
    }
    let mut seen = Vec::new();
    for version in 0..3 {
        let at = table.committed_at(version).await.expect("a time");
        let snapshot = table.snapshot_at(at).await.expect("a look").expect("a version");
        assert_eq!(snapshot.version, version);
        seen.extend(symbols(table, &snapshot).await);
        if version > 0 {
            let earlier = table.snapshot_at(at - TimeDelta::milliseconds(1)).await.expect("a look");
            assert_eq!(earlier.expect("a version").version, version - 1);
        }
    }
    assert_eq!(seen, ["A", "B", "C"]);
    assert!(table.snapshot_at(before).await.expect("a look").is_none());
    let history = table.history().await.expect("a history");
    let told: Vec<_> = history.iter().map(|entry| (entry.version, entry.files, entry.rows)).collect();
    assert_eq!(told, [(0, 1, Some(1)), (1, 1, Some(1)), (2, 1, Some(1))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_files_hold_the_same_rows_and_older_versions_stay_readable() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    let table = lake.table(HISTORY).expect("a table");
    for fetch in 0..5 {
        append(table, &["B", "A"], fetch).await;
    }
    let before = table.current().expect("a version");
    let held = symbols(table, &before).await;
    let done = table.compact().await.expect("a merge");
    assert_eq!((done.merged, done.written, done.rows), (5, 1, 10));
    let after = table.current().expect("a version");
    assert_eq!((after.files.len(), after.rows()), (1, Some(10)));
    assert_eq!(symbols(table, &after).await, ["A", "A", "A", "A", "A", "B", "B", "B", "B", "B"]);
    assert_eq!(symbols(table, &before).await, held);
    let commit = table.read_commit(after.version).await.expect("a commit");
    assert_eq!(commit.operation, "OPTIMIZE");
    let text = directory.path().join(format!("lake/{HISTORY}/_delta_log/{:020}.json", after.version));
    let text = std::fs::read_to_string(text).expect("the commit");
    assert!(!text.contains("\"dataChange\":true"), "{text}");
    let again = table.compact().await.expect("nothing to merge");
    assert_eq!((again.merged, again.version), (0, Some(after.version)));
}

#[tokio::test(flavor = "multi_thread")]
async fn merging_gives_way_to_other_writers_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mine, other) = (open(&directory).await, open(&directory).await);
    let (mine, other) = (mine.table(HISTORY).expect("mine"), other.table(HISTORY).expect("the other's"));
    append(mine, &["A"], 0).await;
    append(mine, &["B"], 1).await;
    let base = mine.current().expect("a version");
    let (staged, _) = mine.merge(&base.files).await.expect("a merged file");
    append(other, &["C"], 2).await;
    let lost = mine.commit_layout(&base, &base.files, vec![staged.clone()]).await;
    assert!(matches!(lost, Err(LakeError::Conflict { .. })), "{lost:?}");
    let next = mine.still_with(&base.files).await.expect("the files are still there");
    mine.commit_layout(&next, &base.files, vec![staged]).await.expect("a commit");
    let latest = other.update().await.expect("a look").expect("a version");
    let mut held = symbols(other, &latest).await;
    held.sort();
    assert_eq!(held, ["A", "B", "C"]);
    let lost = mine.still_with(&base.files).await;
    assert!(matches!(lost, Err(LakeError::Conflict { .. })), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_keeps_what_the_retention_needs() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    let table = lake.table("symbols").expect("symbols");
    for symbol in ["A", "B", "C"] {
        replace(table, &[symbol]).await;
        pass_time().await;
    }
    let first = table.committed_at(0).await.expect("a time");
    let second = table.committed_at(1).await.expect("a time");
    let orphan = directory.path().join("lake/symbols/part-orphan.parquet");
    std::fs::write(&orphan, b"never committed").expect("a file");
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let now = Utc::now();
    let fresh = table.vacuum(Duration::ZERO, now, false).await.expect("a vacuum");
    assert_eq!(fresh, Vacuumed::default(), "everything is younger than an hour");
    // The first version can no longer be asked for; who asked just before may still be reading it.
    let (later, day) = (second + TimeDelta::hours(2), TimeDelta::days(1));
    let reading = table.vacuum(hours(2), later + day - TimeDelta::milliseconds(1), true).await.expect("a dry run");
    assert_eq!(reading.files.len(), 1, "the orphan: {reading:?}");
    let later = later + day;
    let told = table.vacuum(hours(2), later, true).await.expect("a dry run");
    assert!(orphan.exists());
    let done = table.vacuum(hours(2), later, false).await.expect("a vacuum");
    assert_eq!(done, told);
    assert_eq!(done.files.len(), 2, "{done:?}");
    assert!(!orphan.exists());
    let kept = table.snapshot_at(second).await.expect("a look").expect("a version");
    assert_eq!(symbols(table, &kept).await, ["B"]);
    let gone = open(&directory).await.table("symbols").expect("symbols").snapshot_at(first).await;
    assert!(matches!(gone, Err(LakeError::Forgotten { .. })), "{gone:?}");
    let latest = table.update().await.expect("a look").expect("a version");
    assert_eq!(symbols(table, &latest).await, ["C"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_readable_for_the_retention_after_it_was_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    let table = lake.table("symbols").expect("symbols");
    replace(table, &["A"]).await;
    pass_time().await;
    replace(table, &["B"]).await;
    pass_time().await;
    let (first, second) = (table.committed_at(0).await.expect("a time"), table.committed_at(1).await.expect("a time"));
    let again = open(&directory).await;
    let again = again.table("symbols").expect("symbols");
    again.keep_for(Duration::from_secs(3600));
    let held = again.snapshot_at(first).await.expect("a look").expect("a version");
    assert_eq!(symbols(again, &held).await, ["A"], "replaced a moment ago");
    // Its file is still there, and vacuum may take it from under a reader.
    table.keep_for(Duration::from_millis(1));
    let gone = table.snapshot_at(first).await;
    assert!(matches!(gone, Err(LakeError::Forgotten { .. })), "{gone:?}");
    let gone = table.snapshot_by_version(0).await;
    assert!(matches!(gone, Err(LakeError::Forgotten { .. })), "{gone:?}");
    let latest = table.snapshot_at(second).await.expect("a look").expect("a version");
    assert_eq!(symbols(table, &latest).await, ["B"], "never replaced, however old");
    assert!(table.snapshot_at(first - TimeDelta::seconds(1)).await.expect("a look").is_none(), "before the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_read_from_its_checkpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    let table = lake.table(HISTORY).expect("a table");
    for fetch in 0..105 {
        append(table, &["A"], fetch).await;
    }
    let log = directory.path().join(format!("lake/{HISTORY}/_delta_log"));
    assert!(log.join("00000000000000000099.checkpoint.parquet").exists());
    let reopened = open(&directory).await;
    let reopened = reopened.table(HISTORY).expect("a table");
    let started = std::time::Instant::now();
    let snapshot = reopened.update().await.expect("a look").expect("a version");
    assert_eq!((snapshot.version, snapshot.files.len(), snapshot.rows()), (104, 105, Some(105)));
    assert!(snapshot.files.iter().all(|file| file.digests.is_some()), "the checkpoint has lost digests");
    assert_eq!(symbols(reopened, &snapshot).await.len(), 105);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // The merge and the trimmed log leave the rows as they were, and the past within the retention.
    table.compact().await.expect("a merge");
    let merged_at = table.committed_at(105).await.expect("a time");
    let vacuumed = table.vacuum(RETENTION_MIN, merged_at + TimeDelta::hours(26), false).await.expect("a vacuum");
    assert_eq!((vacuumed.files.len(), vacuumed.log_files), (105, 99));
    let reopened = open(&directory).await;
    let reopened = reopened.table(HISTORY).expect("a table");
    let snapshot = reopened.update().await.expect("a look").expect("a version");
    assert_eq!((snapshot.files.len(), symbols(reopened, &snapshot).await.len()), (1, 105));
    assert_eq!(reopened.history().await.expect("a history").first().map(|entry| entry.version), Some(99));
    let forgotten = reopened.snapshot_at(merged_at - TimeDelta::days(1)).await;
    assert!(matches!(forgotten, Err(LakeError::Forgotten { .. })), "{forgotten:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_csv_twin_has_every_row() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    let table = lake.table(HISTORY).expect("a table");
    append(table, &["A", "B"], 0).await;
    append(table, &["C"], 1).await;
    let (path, rows) = table.write_csv_twin().await.expect("a twin");
    assert_eq!((path.filename(), rows), (Some("market_metrics_history.csv"), 3));
    let text = std::fs::read_to_string(directory.path().join("csv/market_metrics_history.csv")).expect("the twin");
    let mut symbols: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    symbols.sort_unstable();
    assert_eq!(symbols, ["A", "B", "C"]);
    assert!(text.starts_with("symbol,iv_index,"), "{text}");
}
