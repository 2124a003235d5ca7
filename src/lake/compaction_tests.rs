//! Merges of real tables in a temporary directory, and which files of made-up ones are chosen.

use super::*;
use crate::lake::dataset;
use crate::lake::test_rows::{append, open, rows, symbols};
use crate::lake::{Position, StatisticValue};
use chrono::{DateTime, TimeDelta};
use deltalake_core::kernel::Add;

const HISTORY: &str = "market_metrics_history";

#[tokio::test(flavor = "multi_thread")]
async fn merged_files_hold_the_same_rows_and_older_versions_stay_readable() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(directory.path()).await;
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
    let (mine, other) = (open(directory.path()).await, open(directory.path()).await);
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
async fn writers_that_add_do_not_notice_a_merge() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mine, other) = (open(directory.path()).await, open(directory.path()).await);
    let (mine, other) = (mine.table(HISTORY).expect("mine"), other.table(HISTORY).expect("the other's"));
    mine.follow("spool").await.expect("a look");
    for fetch in 0..3 {
        append(mine, &["A"], fetch).await;
    }
    let base = mine.current().expect("a version");
    let staged = mine.stage(&rows(mine, &["B"], 9)).await.expect("a file");
    assert_eq!(other.compact().await.expect("a merge").merged, 3);
    // Who takes files away must know which there are.
    let lost = mine.commit(Some(&base), &base.files, vec![staged.clone()]).await;
    assert!(matches!(lost, Err(LakeError::Conflict { .. })), "{lost:?}");
    let position = Position { application: "spool".to_owned(), number: 7 };
    let committed = mine.commit_position(Some(&base), &[], vec![staged.clone()], &position).await.expect("a commit");
    assert_eq!((committed.version, committed.files.len()), (base.version + 2, 2));
    assert_eq!(committed.positions.get("spool"), Some(&7));
    // Rows of somebody else are no merge.
    let lost = mine.commit_position(Some(&base), &[], vec![staged], &position).await;
    assert!(matches!(lost, Err(LakeError::Conflict { .. })), "{lost:?}");
    let latest = other.update().await.expect("a look").expect("a version");
    let mut held = symbols(other, &latest).await;
    held.sort();
    assert_eq!(held, ["A", "A", "A", "B"]);
    // Positions that were read from one entry after the other are those of the whole log.
    let third = open(directory.path()).await;
    let third = third.table(HISTORY).expect("a table");
    assert_eq!(third.follow("spool").await.expect("a look"), Some(7));
    append(mine, &["C"], 10).await;
    other.compact().await.expect("a merge");
    let latest = third.update().await.expect("a look").expect("a version");
    assert_eq!(latest.positions.get("spool"), Some(&7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_file_is_as_old_as_its_rows() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(directory.path()).await;
    let table = lake.table(HISTORY).expect("a table");
    append(table, &["A"], 1).await;
    let second = append(table, &["B"], 2).await;
    let newest = second.files.iter().map(|file| file.modified_at).max();
    while chrono::Utc::now() <= newest.expect("files") {
        tokio::task::yield_now().await;
    }
    table.compact().await.expect("a merge");
    let merged = table.current().expect("a version");
    assert_eq!(merged.files.iter().map(|file| file.modified_at).max(), newest);
    let fetched_at = merged.dataset.schema.index_of("fetched_at").expect("a column");
    assert_eq!(merged.files[0].columns[fetched_at].max, Some(StatisticValue::Instant(1000)));
}

/// A file of the history, of so many bytes; the later in the list, the later it was written.
fn files(sizes: &[u64]) -> Vec<DataFile> {
    let file = |(number, size): (usize, &u64)| DataFile {
        path: Path::from(format!("lake/part-{number:04}.parquet")),
        size: *size,
        modified_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(number as i64),
        rows: Some(1),
        columns: Vec::new(),
        digests: None,
        add: Add::default(),
    };
    sizes.iter().enumerate().map(file).collect()
}

fn sizes(files: &[&DataFile]) -> Vec<u64> {
    files.iter().map(|file| file.size).collect()
}

#[test]
fn a_file_waits_until_as_much_has_come_behind_it() {
    let history = dataset::find(HISTORY).expect("a dataset");
    let mb = 1 << 20;
    let chosen = |all: &[u64]| sizes(&mergeable(&history, &files(all)));
    assert!(chosen(&[]).is_empty() && chosen(&[mb]).is_empty());
    assert_eq!(chosen(&[mb, mb]), [mb, mb]);
    assert!(chosen(&[2 * mb, mb]).is_empty(), "each outweighs all behind it");
    assert_eq!(chosen(&[10 * mb, mb, mb, mb]), [mb, mb, mb]);
    assert_eq!(chosen(&[3 * mb, mb, mb, mb]), [3 * mb, mb, mb, mb]);
    assert_eq!(chosen(&[20 * mb, mb, mb]), [mb, mb], "a large file is none of them");
    assert!(chosen(&[8 * mb, 4 * mb, 2 * mb, mb]).is_empty());
    assert_eq!(chosen(&[8 * mb, 2 * mb, 4 * mb, mb]), [2 * mb, 4 * mb, mb]);
    // However many come, those left out are few.
    let mut held: Vec<u64> = Vec::new();
    for _ in 0..5_000 {
        held.push(20_000);
        let chosen = chosen(&held);
        if chosen.len() >= 64 {
            let left_out = held.len() - chosen.len();
            held.truncate(left_out);
            held.push(chosen.iter().sum());
        }
        let small = held.iter().filter(|size| **size < TARGET_BYTES / 2).count();
        assert!(small <= 64 + 12, "{small}: {held:?}");
    }
    let bytes: u64 = held.iter().sum();
    assert_eq!(bytes, 100_000_000);
    assert!((held.len() as u64) <= bytes / (TARGET_BYTES / 2) + 76, "{} files", held.len());
}

#[test]
fn groups_hold_what_fits_into_memory() {
    let history = dataset::find(HISTORY).expect("a dataset");
    let mb = 1 << 20;
    let grouped = |all: &[DataFile]| -> Vec<Vec<u64>> {
        let groups = groups(&history, &small(&history, all));
        groups.iter().map(|group| group.iter().map(|file| file.size).collect()).collect()
    };
    let all = files(&[15 * mb, 15 * mb, 15 * mb, 2 * mb, 10 * mb, 10 * mb]);
    assert_eq!(grouped(&all), [vec![15 * mb, 15 * mb], vec![15 * mb, 2 * mb, 10 * mb]], "one file alone is no group");
    assert_eq!(grouped(&files(&[16 * mb, mb])), Vec::<Vec<u64>>::new(), "half of a group is no small file");
    // Rows that are packed tightly count by what they take in memory.
    let mut tight = files(&[mb; 6]);
    let row: u64 = history.schema.fields().iter().map(|field| value_bytes(field.data_type())).sum();
    tight.iter_mut().for_each(|file| file.rows = Some(50 * mb / row));
    assert_eq!(grouped(&tight), [vec![mb, mb], vec![mb, mb], vec![mb, mb]]);
    tight.iter_mut().for_each(|file| file.rows = Some(64 * mb / row + 1));
    assert!(grouped(&tight).is_empty());
    tight.iter_mut().for_each(|file| file.rows = None);
    assert_eq!(grouped(&tight), [vec![mb; 6]], "what the log does not tell is guessed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_so_many_groups_and_each_is_a_commit() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(directory.path()).await;
    let table = lake.table(HISTORY).expect("a table");
    for fetch in 0..4 {
        append(table, &["A"], fetch).await;
    }
    assert_eq!(table.compact_some(0).await.expect("no merge").merged, 0);
    let done = table.compact_some(1).await.expect("a merge");
    assert_eq!((done.merged, done.written, done.rows, done.version), (4, 1, 4, Some(4)));
    let other = lake.table("eod").expect("a table");
    assert_eq!(other.compact_some(1).await.expect("no table"), Compacted::default());
}
