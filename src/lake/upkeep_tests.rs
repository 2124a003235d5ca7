//! The past and the upkeep of real tables in a temporary directory.

use super::*;
use crate::lake::test_rows::{append, open, replace, symbols};
use chrono::TimeDelta;
use std::fs::File;
use std::path::Path as FilePath;

const HISTORY: &str = "market_metrics_history";

/// Commit times are whole milliseconds: later commits must be told apart.
async fn pass_time() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_has_the_version_committed_before_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(directory.path()).await;
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
async fn vacuum_keeps_what_the_retention_needs() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(directory.path()).await;
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
    let gone = open(directory.path()).await.table("symbols").expect("symbols").snapshot_at(first).await;
    assert!(matches!(gone, Err(LakeError::Forgotten { .. })), "{gone:?}");
    let latest = table.update().await.expect("a look").expect("a version");
    assert_eq!(symbols(table, &latest).await, ["C"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_readable_for_the_retention_after_it_was_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(directory.path()).await;
    let table = lake.table("symbols").expect("symbols");
    replace(table, &["A"]).await;
    pass_time().await;
    replace(table, &["B"]).await;
    pass_time().await;
    let (first, second) = (table.committed_at(0).await.expect("a time"), table.committed_at(1).await.expect("a time"));
    let again = open(directory.path()).await;
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
    let lake = open(directory.path()).await;
    let table = lake.table(HISTORY).expect("a table");
    for fetch in 0..105 {
        append(table, &["A"], fetch).await;
    }
    let log = directory.path().join(format!("lake/{HISTORY}/_delta_log"));
    assert!(log.join("00000000000000000099.checkpoint.parquet").exists());
    let reopened = open(directory.path()).await;
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
    let reopened = open(directory.path()).await;
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
    let lake = open(directory.path()).await;
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

/// Makes a file look as if it had last been written some hours ago.
fn age(path: &FilePath, hours: u64) {
    let file = File::options().append(true).open(path).expect("a file");
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(hours * 3600)).expect("a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_killed_writers_left_behind_goes_after_an_hour() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(directory.path()).await;
    let (table, other) = (lake.table("symbols").expect("symbols"), lake.table("eod").expect("eod"));
    replace(table, &["A"]).await;
    ["csv", "state"].iter().for_each(|name| std::fs::create_dir_all(directory.path().join(name)).expect("a folder"));
    let left = [
        "lake/symbols/part-1.parquet#123",
        "lake/symbols/_delta_log/00000000000000000007.json#4",
        "state/symbols.json#5",
        "csv/symbols.csv#6",
    ];
    let kept = ["state/eod.json#7", "lake/symbols/part-young.parquet#8", "lake/symbols/notes#x"];
    for (name, hours) in left.iter().map(|name| (name, 2)).chain([(&kept[0], 2), (&kept[1], 0), (&kept[2], 2)]) {
        std::fs::write(directory.path().join(name), b"12345").expect("a file");
        age(&directory.path().join(name), hours);
    }
    let told = table.vacuum(RETENTION_MIN, Utc::now(), true).await.expect("a dry run");
    assert_eq!((told.leftovers.len(), told.bytes), (4, 20), "{told:?}");
    let done = table.vacuum(RETENTION_MIN, Utc::now(), false).await.expect("a vacuum");
    assert_eq!(done, told);
    assert!(left.iter().all(|name| !directory.path().join(name).exists()));
    assert!(kept.iter().all(|name| directory.path().join(name).exists()));
    let latest = table.update().await.expect("a look").expect("a version");
    assert_eq!(symbols(table, &latest).await, ["A"]);
    // Those of a table that was never committed go too.
    let done = other.vacuum(RETENTION_MIN, Utc::now(), false).await.expect("a vacuum");
    assert_eq!(done.leftovers.len(), 1);
}

/// A table of 105 commits, merged, and the moment at which all but the last can be forgotten.
async fn long_log(directory: &FilePath) -> DateTime<Utc> {
    let lake = open(directory).await;
    let table = lake.table(HISTORY).expect("a table");
    for fetch in 0..105 {
        append(table, &["A"], fetch).await;
    }
    table.compact().await.expect("a merge");
    table.committed_at(105).await.expect("a time") + TimeDelta::hours(26)
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_a_power_failure_brings_back_are_not_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let later = long_log(directory.path()).await;
    let log = directory.path().join(format!("lake/{HISTORY}/_delta_log"));
    let names = [0, 1, 50].map(|version: u64| log.join(format!("{version:020}.json")));
    let entries = names.each_ref().map(|name| std::fs::read(name).expect("an entry"));
    let lake = open(directory.path()).await;
    let table = lake.table(HISTORY).expect("a table");
    assert_eq!(table.oldest_version().await.expect("a version"), 0);
    assert_eq!(table.vacuum(RETENTION_MIN, later, false).await.expect("a vacuum").log_files, 99);
    assert_eq!(table.oldest_version().await.expect("a version"), 99, "what was remembered is asked for anew");
    names.iter().zip(entries).for_each(|(name, entry)| std::fs::write(name, entry).expect("an entry"));
    let reopened = open(directory.path()).await;
    let reopened = reopened.table(HISTORY).expect("a table");
    let snapshot = reopened.update().await.expect("a look").expect("a version");
    assert_eq!((snapshot.version, symbols(reopened, &snapshot).await.len()), (105, 105));
    assert_eq!(reopened.oldest_version().await.expect("a version"), 99);
    let forgotten = reopened.snapshot_at(later - TimeDelta::days(3)).await;
    assert!(matches!(forgotten, Err(LakeError::Forgotten { .. })), "{forgotten:?}");
    let again = reopened.vacuum(RETENTION_MIN, later, false).await.expect("a vacuum");
    assert_eq!(again.log_files, 3, "they go with the next vacuum");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_cannot_be_read_stands_for_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let later = long_log(directory.path()).await;
    let log = directory.path().join(format!("lake/{HISTORY}/_delta_log"));
    let lake = open(directory.path()).await;
    let table = lake.table(HISTORY).expect("a table");
    table.update().await.expect("a look");
    let checkpoint = log.join("00000000000000000099.checkpoint.parquet");
    let bytes = std::fs::read(&checkpoint).expect("a checkpoint");
    std::fs::write(&checkpoint, &bytes[..bytes.len() / 2]).expect("a damaged checkpoint");
    table.vacuum(RETENTION_MIN, later, false).await.expect_err("a damaged checkpoint");
    assert!(log.join(format!("{:020}.json", 0)).exists(), "what it stands for is still there");
    std::fs::write(&checkpoint, &bytes).expect("the checkpoint");
    assert_eq!(table.vacuum(RETENTION_MIN, later, false).await.expect("a vacuum").log_files, 99);
}
