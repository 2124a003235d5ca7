//! Logs that are damaged in every way, and what is left of their tables.

use super::*;
use crate::lake::test_rows::row;
use crate::lake::{Lake, Run, StoreOptions};
use arrow::array::AsArray;
use std::path::{Path as FilePath, PathBuf};

const DATASET: &str = "market_metrics_history";

async fn lake(place: &FilePath) -> Lake {
    Lake::open(&place.to_string_lossy(), &StoreOptions::default()).await.expect("a lake")
}

async fn append(table: &LakeTable, symbol: &str) {
    let base = table.update().await.expect("a look");
    let staged = table.stage(&row(table, symbol)).await.expect("a file");
    table.commit(base.as_deref(), &[], vec![staged]).await.expect("a commit");
}

/// A lake with so many versions, each of which adds a row `S<version>`.
async fn versions(count: u64) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a place");
    let lake = lake(place.path()).await;
    let table = lake.table(DATASET).expect("a table");
    for version in 0..count {
        append(table, &format!("S{version}")).await;
    }
    let run = Run { version: Some(count - 1), ended_at: LOG_CLOCK.now(), ..Run::default() };
    table.remember(run, &DatasetState::default()).await;
    let log = place.path().join("lake").join(DATASET).join("_delta_log");
    (place, log)
}

async fn symbols(table: &LakeTable) -> Vec<String> {
    let snapshot = table.update().await.expect("a log that can be read").expect("a table");
    let mut symbols = Vec::new();
    for batch in table.read(&snapshot.files).await.expect("files that can be read") {
        symbols.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    symbols.sort();
    symbols
}

fn commit(log: &FilePath, version: u64) -> PathBuf {
    log.join(format!("{version:020}.json"))
}

/// The repaired table goes on: it can be read, in a new process too, and written.
async fn goes_on(place: &FilePath, expected: &[&str]) {
    let one = lake(place).await;
    let table = one.table(DATASET).expect("a table");
    assert_eq!(symbols(table).await, expected);
    append(table, "T").await;
    table.history().await.expect("its past can be told");
    let again = lake(place).await;
    let again = again.table(DATASET).expect("a table");
    assert_eq!(symbols(again).await, [expected, &["T"]].concat());
    assert!(again.repair().await.expect("nothing to do").is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_table_is_left_as_it_is() {
    let (place, _) = versions(3).await;
    let lake = lake(place.path()).await;
    let done = lake.table(DATASET).expect("a table").repair().await.expect("a repair");
    assert_eq!(done, Repaired { version: Some(2), ..Repaired::default() });
    let none = lake.table("symbols").expect("a table").repair().await.expect("no table");
    assert_eq!(none, Repaired::default());
    goes_on(place.path(), &["S0", "S1", "S2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_commit_counts_as_having_done_nothing() {
    for (version, left) in [(3, ["S0", "S1", "S2"]), (2, ["S0", "S1", "S3"])] {
        for damage in [&b""[..], b"{\"add\":{\"path\":", b"\0\0\0\0"] {
            let (place, log) = versions(4).await;
            std::fs::write(commit(&log, version), damage).expect("damage");
            let damaged = lake(place.path()).await;
            let table = damaged.table(DATASET).expect("a table");
            let before = table.read_state().await.expect("ages").loaded_at;
            let done = table.repair().await.expect("a repair");
            assert_eq!((done.version, done.lost_versions.as_slice()), (Some(3), &[version][..]));
            assert_eq!(std::fs::read(log.join(format!("{version:020}.json.damaged"))).expect("it is kept"), damage);
            let after = table.read_state().await.expect("ages");
            assert!(after.loaded_at < before && after.last_error.is_some(), "{after:?}");
            goes_on(place.path(), &left).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_commit_is_filled_in() {
    let (place, log) = versions(4).await;
    std::fs::remove_file(commit(&log, 2)).expect("a file less");
    let lake = lake(place.path()).await;
    let done = lake.table(DATASET).expect("a table").repair().await.expect("a repair");
    assert_eq!(done.lost_versions, [2]);
    goes_on(place.path(), &["S0", "S1", "S3"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_commit_that_is_damaged_needs_a_backup() {
    let (place, log) = versions(2).await;
    std::fs::write(commit(&log, 0), b"{").expect("damage");
    let lake = lake(place.path()).await;
    let error = lake.table(DATASET).expect("a table").repair().await.expect_err("nothing tells its columns");
    assert!(error.to_string().contains("backup"), "{error}");
}

/// A file that bears the name of a commit far ahead is no reason to make all those before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_far_ahead_is_refused() {
    let (place, log) = versions(2).await;
    std::fs::write(log.join("18446744073709551615.json"), b"{").expect("damage");
    let lake = lake(place.path()).await;
    let error = lake.table(DATASET).expect("a table").repair().await.expect_err("no log is like that");
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_file_that_is_cut_short_leaves_the_table() {
    let (place, log) = versions(3).await;
    let lake = lake(place.path()).await;
    let table = lake.table(DATASET).expect("a table");
    let file = table.update().await.expect("a look").expect("a table").files[1].path.clone();
    std::fs::write(log.join("..").join(file.filename().expect("a name")), b"").expect("damage");
    let done = table.repair().await.expect("a repair");
    assert_eq!((done.version, done.lost_files.as_slice()), (Some(3), &[file][..]));
    assert_eq!(symbols(table).await.len(), 2);
}

/// The checkpoint's hint, the checkpoint, and both with the last commit.
#[tokio::test(flavor = "multi_thread")]
async fn what_hides_a_checkpoint_is_put_aside() {
    let (place, log) = versions(103).await;
    let hint = std::fs::read(log.join("_last_checkpoint")).expect("a hint");
    let checkpoint = std::fs::read_dir(&log).expect("a log").map(|entry| entry.expect("an entry").path());
    let checkpoint = checkpoint.into_iter().find(|path| path.to_string_lossy().contains(".checkpoint."));
    let checkpoint = checkpoint.expect("a checkpoint");
    for damage in [&b"{\"version\":4000,\"size\":1}"[..], b"", b"{\"version\":\"x\"}", b"\xff"] {
        std::fs::write(log.join("_last_checkpoint"), damage).expect("damage");
        let lake = lake(place.path()).await;
        let table = lake.table(DATASET).expect("a table");
        let done = table.repair().await.expect("a repair");
        assert_eq!((done.version, done.aside.len(), done.lost_versions.len()), (Some(102), 1, 0));
        assert_eq!(symbols(table).await.len(), 103);
    }
    std::fs::write(log.join("_last_checkpoint"), hint).expect("the hint");
    std::fs::write(&checkpoint, b"PAR1").expect("damage");
    std::fs::write(commit(&log, 102), b"{").expect("damage");
    let lake = lake(place.path()).await;
    let table = lake.table(DATASET).expect("a table");
    let done = table.repair().await.expect("a repair");
    assert_eq!((done.aside.len(), done.lost_versions.as_slice()), (2, &[102][..]));
    assert_eq!(symbols(table).await.len(), 102);
}

async fn replace(table: &LakeTable, symbols: &[&str]) {
    let base = table.update().await.expect("a look");
    let files = base.as_ref().map(|base| base.files.clone()).unwrap_or_default();
    let staged = table.stage(&crate::lake::test_rows::rows(table, symbols, 1)).await.expect("a file");
    table.commit(base.as_deref(), &files, vec![staged]).await.expect("a commit");
}

/// What a lost commit had replaced does not come back beside what later ones hold, whatever they are: rows written anew, or
/// small files merged into one.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_lost_commit_had_replaced_are_there_once() {
    let place = tempfile::tempdir().expect("a place");
    let first = lake(place.path()).await;
    let table = first.table("market_metrics").expect("a table");
    for symbols in [&["A", "B", "C"][..], &["A", "B"], &["A", "B", "D"]] {
        replace(table, symbols).await;
    }
    let log = place.path().join("lake/market_metrics/_delta_log");
    std::fs::write(commit(&log, 1), b"{").expect("damage");
    let again = lake(place.path()).await;
    let table = again.table("market_metrics").expect("a table");
    let done = table.repair().await.expect("a repair");
    assert_eq!((done.lost_versions.as_slice(), done.replaced_rows), (&[1][..], 2));
    assert_eq!(
        symbols(table).await,
        ["A", "B", "C", "D"],
        "the row that the lost commit took out is the only other one"
    );
    let state = table.read_state().await.expect("ages");
    assert!(state.last_error.is_some_and(|error| error.contains("repaired")));
    assert!(table.repair().await.expect("nothing to do").is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_merge_doubles_nothing() {
    let (place, log) = versions(6).await;
    let merging = lake(place.path()).await;
    let table = merging.table(DATASET).expect("a table");
    table.compact().await.expect("a merge");
    append(table, "S6").await;
    append(table, "S7").await;
    table.compact().await.expect("another merge");
    assert_eq!(symbols(table).await.len(), 8);
    std::fs::write(commit(&log, 6), b"{").expect("damage");
    let again = lake(place.path()).await;
    let table = again.table(DATASET).expect("a table");
    let done = table.repair().await.expect("a repair");
    assert_eq!((done.lost_versions.as_slice(), done.replaced_rows), (&[6][..], 6));
    assert_eq!(symbols(table).await.len(), 8);
}

/// Whatever bit of the last commit flips, the table can be read after a repair, and holds no row twice.
#[tokio::test(flavor = "multi_thread")]
async fn each_flipped_bit_of_a_commit_is_survived() {
    let (place, log) = versions(3).await;
    let whole = std::fs::read(commit(&log, 2)).expect("a commit");
    let log_before: Vec<_> =
        std::fs::read_dir(&log).expect("a log").map(|entry| entry.expect("an entry").path()).collect();
    let entries: Vec<_> = log_before.iter().map(|path| (path, std::fs::read(path).expect("an entry"))).collect();
    for bit in (0..whole.len() * 8).step_by(97) {
        for path in std::fs::read_dir(&log).expect("a log").map(|entry| entry.expect("an entry").path()) {
            std::fs::remove_file(path).expect("an entry less");
        }
        for (path, bytes) in &entries {
            std::fs::write(path, bytes).expect("an entry");
        }
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(commit(&log, 2), flipped).expect("damage");
        let lake = lake(place.path()).await;
        let table = lake.table(DATASET).expect("a table");
        table.repair().await.unwrap_or_else(|error| panic!("bit {bit}: {error}"));
        let left = symbols(table).await;
        assert!(left.len() <= 3 && left.starts_with(&["S0".to_owned(), "S1".to_owned()]), "bit {bit}: {left:?}");
    }
}

/// Whatever bit of a commit flips that takes a file out, the table is as it was, or refused until it is repaired.
#[tokio::test(flavor = "multi_thread")]
async fn no_flipped_bit_of_a_commit_changes_what_is_read() {
    let (place, log) = versions(2).await;
    let one = lake(place.path()).await;
    replace(one.table(DATASET).expect("a table"), &["S9"]).await;
    drop(one);
    let whole = std::fs::read(commit(&log, 2)).expect("a commit");
    let mut refused = 0;
    for bit in (0..whole.len() * 8).step_by(11) {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(commit(&log, 2), flipped).expect("damage");
        let lake = lake(place.path()).await;
        let table = lake.table(DATASET).expect("a table");
        match table.update().await {
            Ok(_) => assert_eq!(symbols(table).await, ["S9"], "bit {bit}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused * 11 > whole.len() * 7, "{refused} of {} bytes", whole.len());
    std::fs::write(commit(&log, 2), whole).expect("the entry");
    goes_on(place.path(), &["S9"]).await;
}

/// A checkpoint at whose bytes the Parquet reader panics, or that is another table's, is put aside, and nothing ends.
#[tokio::test(flavor = "multi_thread")]
async fn flipped_bits_of_a_checkpoint_are_survived() {
    let (place, log) = versions(103).await;
    let checkpoint = log.join(format!("{:020}.checkpoint.parquet", 99));
    let whole = std::fs::read(&checkpoint).expect("a checkpoint");
    let hint = std::fs::read(log.join("_last_checkpoint")).expect("a hint");
    for bit in (3..whole.len() * 8).step_by(whole.len() * 8 / 60) {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&checkpoint, flipped).expect("damage");
        std::fs::write(log.join("_last_checkpoint"), &hint).expect("the hint");
        let lake = lake(place.path()).await;
        let table = lake.table(DATASET).expect("a table");
        let _ = table.update().await;
        table.repair().await.unwrap_or_else(|error| panic!("bit {bit}: {error}"));
        table.update().await.unwrap_or_else(|error| panic!("bit {bit}: {error}"));
    }
}
