//! A power failure at any moment: the lake opens, and what was acknowledged before is in it. Syncs that fail.

use super::test_rows::row;
use super::*;
use crate::disk::power::Power;
use arrow::array::AsArray;
use chrono::Utc;
use std::path::Path;

const HISTORY: &str = "market_metrics_history";
const REPLACED: &str = "symbols";

async fn open_on(place: &Path, power: &Arc<Power>) -> Lake {
    Lake::open_on(&place.to_string_lossy(), &StoreOptions::default(), power.clone()).await.expect("a lake")
}

async fn append(table: &LakeTable, symbol: &str) -> Result<(), LakeError> {
    let base = table.update().await?;
    let staged = table.stage(&row(table, symbol)).await?;
    table.commit(base.as_deref(), &[], vec![staged]).await.map(drop)
}

async fn replace(table: &LakeTable, symbol: &str) {
    let base = table.update().await.expect("a look");
    let files = base.as_ref().map(|base| base.files.clone()).unwrap_or_default();
    let staged = table.stage(&row(table, symbol)).await.expect("a file");
    table.commit(base.as_deref(), &files, vec![staged]).await.expect("a commit");
    let run = Run { version: table.current().map(|latest| latest.version), ended_at: Utc::now(), ..Run::default() };
    table.remember(run, &DatasetState::default()).await;
}

/// Symbols of the latest version, sorted.
async fn symbols(table: &LakeTable) -> Vec<String> {
    let Some(snapshot) = table.update().await.expect("a log that can be read") else { return Vec::new() };
    let mut symbols = Vec::new();
    for batch in table.read(&snapshot.files).await.expect("files that can be read") {
        symbols.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    symbols.sort();
    symbols
}

/// What a lake holds: the rows that were appended, those that were replaced, and the version that the ages speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    history: Vec<String>,
    replaced: Vec<String>,
    remembered: Option<u64>,
}

impl Held {
    async fn of(lake: &Lake) -> Self {
        let table = lake.table(REPLACED).expect("a table");
        Self {
            history: symbols(lake.table(HISTORY).expect("a table")).await,
            replaced: symbols(table).await,
            remembered: table.read_state().await.expect("ages that can be read").version,
        }
    }
}

/// Fails unless every image holds what had been acknowledged when it was taken, or that and the change under way.
async fn check_images(place: &Path, count: usize, acknowledged: &[(usize, Held)]) {
    assert!(count > 0);
    for number in 0..count {
        let behind = acknowledged.partition_point(|(images, _)| *images <= number);
        let before = &acknowledged[behind - 1].1;
        let after = acknowledged.get(behind).map_or(before, |(_, held)| held);
        for kind in ["synced", "named"] {
            let image = place.join(format!("{number}-{kind}"));
            let location = image.join("lake-root");
            let lake =
                Lake::open_or_create(&location.to_string_lossy(), &StoreOptions::default()).await.expect("a lake");
            let held = Held::of(&lake).await;
            let told = format!("image {number}, {kind}: {held:?}, acknowledged {before:?}");
            assert!([&before.history, &after.history].contains(&&held.history), "{told}");
            assert!([&before.replaced, &after.replaced].contains(&&held.replaced), "{told}");
            assert!([before.remembered, after.remembered].contains(&held.remembered), "{told}");
            let version = lake.table(REPLACED).expect("a table").current().map(|latest| latest.version);
            assert!(held.remembered <= version, "ages younger than the rows: {told}");
        }
    }
}

/// Each operation on a young lake; the disk loses whatever it may at any moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_failure_costs_nothing_that_was_acknowledged() {
    let (place, images) = (tempfile::tempdir().expect("a place"), tempfile::tempdir().expect("a place"));
    let power = Arc::new(Power::new(place.path()));
    power.keep_images(images.path());
    let lake = open_on(&place.path().join("lake-root"), &power).await;
    let mut acknowledged = vec![(0, Held::of(&lake).await)];
    let (history, replaced) = (lake.table(HISTORY).expect("a table"), lake.table(REPLACED).expect("a table"));
    for step in 0..7 {
        match step {
            0 | 1 | 3 => append(history, &format!("S{step}")).await.expect("a commit"),
            2 | 5 => replace(replaced, &format!("R{step}")).await,
            4 => drop(history.compact().await.expect("a merge")),
            _ => drop(history.write_csv_twin().await.expect("a twin")),
        }
        acknowledged.push((power.images(), Held::of(&lake).await));
    }
    assert_eq!(acknowledged.last().expect("steps").1.history, ["S0", "S1", "S3"]);
    check_images(images.path(), power.images(), &acknowledged).await;
}

/// The same where a checkpoint and `_last_checkpoint` are written.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_failure_around_a_checkpoint_costs_nothing() {
    let (place, images) = (tempfile::tempdir().expect("a place"), tempfile::tempdir().expect("a place"));
    let power = Arc::new(Power::new(place.path()));
    let lake = open_on(&place.path().join("lake-root"), &power).await;
    let history = lake.table(HISTORY).expect("a table");
    for step in 0..99 {
        append(history, &format!("S{step}")).await.expect("a commit");
    }
    power.keep_images(images.path());
    let mut acknowledged = vec![(0, Held::of(&lake).await)];
    for step in 99..101 {
        append(history, &format!("S{step}")).await.expect("a commit");
        acknowledged.push((power.images(), Held::of(&lake).await));
    }
    let log = place.path().join("lake-root/lake").join(HISTORY).join("_delta_log");
    assert!(log.join("_last_checkpoint").exists());
    check_images(images.path(), power.images(), &acknowledged).await;
}

/// The same while the log is trimmed and old files are removed, which nobody waits for.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_failure_around_a_vacuum_costs_nothing() {
    let (place, images) = (tempfile::tempdir().expect("a place"), tempfile::tempdir().expect("a place"));
    let power = Arc::new(Power::new(place.path()));
    let lake = open_on(&place.path().join("lake-root"), &power).await;
    let history = lake.table(HISTORY).expect("a table");
    for step in 0..101 {
        append(history, &format!("S{step:03}")).await.expect("a commit");
    }
    history.compact().await.expect("a merge");
    power.keep_images(images.path());
    power.order();
    let mut acknowledged = vec![(0, Held::of(&lake).await)];
    let later = Utc::now() + chrono::TimeDelta::hours(26);
    // What stands for the entries must be on the disk before they go.
    let first = place.path().join("lake-root/lake").join(HISTORY).join(format!("_delta_log/{:020}.json", 0));
    power.fail_at("_delta_log|");
    history.vacuum(RETENTION_MIN, later, false).await.expect_err("its folder is not on the disk");
    assert!(first.exists());
    power.fail_at("");
    let done = history.vacuum(RETENTION_MIN, later, false).await.expect("a vacuum");
    assert_eq!((done.files.len(), done.log_files, first.exists()), (0, 99, false));
    assert_eq!(power.order(), [format!("folder lake-root/lake/{HISTORY}/_delta_log")]);
    acknowledged.push((power.images(), Held::of(&lake).await));
    append(history, "after").await.expect("a commit");
    acknowledged.push((power.images(), Held::of(&lake).await));
    check_images(images.path(), power.images(), &acknowledged).await;
}

/// The order of what a commit and its ages wait for, once the folders are there.
#[tokio::test(flavor = "multi_thread")]
async fn data_comes_before_the_log_and_the_log_before_the_ages() {
    let place = tempfile::tempdir().expect("a place");
    let power = Arc::new(Power::new(place.path()));
    let lake = open_on(place.path(), &power).await;
    let table = lake.table(REPLACED).expect("a table");
    replace(table, "A").await;
    power.order();
    replace(table, "B").await;
    let order: Vec<String> =
        power.order().into_iter().map(|line| line.split("part-").next().unwrap_or_default().to_owned()).collect();
    let expected = [
        "file lake/symbols/",
        "folder lake/symbols",
        "file lake/symbols/_delta_log/00000000000000000001.json",
        "folder lake/symbols/_delta_log",
        "file state/symbols.json",
        "folder state",
    ];
    assert_eq!(order, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_fails_fails_the_commit() {
    let points = [
        "file lake/market_metrics_history/part-",
        "folder lake/market_metrics_history|",
        "_delta_log/00000000000000000001.json",
        "folder lake/market_metrics_history/_delta_log|",
    ];
    for point in points {
        let (place, after) = (tempfile::tempdir().expect("a place"), tempfile::tempdir().expect("a place"));
        let power = Arc::new(Power::new(place.path()));
        let lake = open_on(place.path(), &power).await;
        let table = lake.table(HISTORY).expect("a table");
        append(table, "A").await.expect("a commit");
        power.fail_at(point);
        let error = append(table, "B").await.expect_err(point).to_string();
        assert!(error.contains("cannot be forced to the disk") && error.contains(HISTORY), "{point}: {error}");
        power.fail_at("");
        append(table, "C").await.expect("a commit");
        power.image(after.path());
        let lake = Lake::open(&after.path().to_string_lossy(), &StoreOptions::default()).await.expect("a lake");
        let held = symbols(lake.table(HISTORY).expect("a table")).await;
        assert!(held.contains(&"A".to_owned()) && held.contains(&"C".to_owned()), "{point}: {held:?}");
        // What a version names is whole, the failed commit's rows too where others have seen it.
        assert_eq!(held, symbols(table).await, "{point}");
    }
}

/// A log entry that is seen is not yet one that stays.
#[tokio::test(flavor = "multi_thread")]
async fn ages_wait_for_a_version_that_was_only_seen() {
    let place = tempfile::tempdir().expect("a place");
    let power = Arc::new(Power::new(place.path()));
    let lake = open_on(place.path(), &power).await;
    let table = lake.table(HISTORY).expect("a table");
    append(table, "A").await.expect("a commit");
    power.fail_at("_delta_log|");
    append(table, "B").await.expect_err("its folder is not on the disk");
    assert_eq!(symbols(table).await, ["A", "B"]);
    assert!(table.settle().await.is_err());
    let run = Run { version: Some(1), ..Run::default() };
    table.remember(run.clone(), &DatasetState::default()).await;
    assert_eq!(table.read_state().await.expect("ages").version, None);
    power.fail_at("");
    power.order();
    table.remember(run, &DatasetState::default()).await;
    assert_eq!(power.order()[0], format!("folder lake/{HISTORY}/_delta_log"));
    assert_eq!(table.read_state().await.expect("ages").version, Some(1));
    table.settle().await.expect("it is on the disk");
    assert!(power.order().is_empty());
}

/// Whoever makes a file anew finds nothing of a write that failed.
#[tokio::test(flavor = "multi_thread")]
async fn writes_that_fail_leave_nothing_behind() {
    let place = tempfile::tempdir().expect("a place");
    let power = Arc::new(Power::new(place.path()));
    let lake = open_on(place.path(), &power).await;
    let table = lake.table(HISTORY).expect("a table");
    append(table, "A").await.expect("a commit");
    power.fail_at("file lake");
    append(table, "B").await.expect_err("no file can be synced");
    let folder = place.path().join("lake").join(HISTORY);
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(&folder).len(), 2, "{:?}", names(&folder));
    assert_eq!(names(&folder.join("_delta_log")), ["00000000000000000000.json"]);
}

/// Who only reads makes nothing, in a directory that is there and in one that is not.
#[tokio::test]
async fn a_lake_that_is_only_read_is_not_written() {
    let place = tempfile::tempdir().expect("a place");
    let missing = place.path().join("missing");
    let error = Lake::open(&missing.to_string_lossy(), &StoreOptions::default()).await.expect_err("no lake");
    assert!(error.to_string().contains("there is no lake there"), "{error}");
    assert!(!missing.exists());
    let lake = Lake::open(&place.path().to_string_lossy(), &StoreOptions::default()).await.expect("a lake");
    assert_eq!(Held::of(&lake).await, Held { history: Vec::new(), replaced: Vec::new(), remembered: None });
    assert_eq!(std::fs::read_dir(place.path()).expect("a directory").count(), 0);
}
