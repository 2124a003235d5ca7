//! The background task over real tables in a temporary directory, beside writers.

use super::*;
use crate::disk::power::Power;
use crate::lake::test_rows::{append, open, rows, symbols};
use crate::lake::{Lake, StoreOptions};
use chrono::TimeDelta;
use std::time::Duration;

const HISTORY: &str = "market_metrics_history";

/// A Saturday, when the exchange is closed; and a Friday an hour after it has opened.
const CLOSED: &str = "2026-11-21T15:00:00Z";
const OPEN: &str = "2026-11-20T15:30:00Z";

fn config() -> UpkeepConfig {
    UpkeepConfig {
        enabled: true,
        interval: Duration::from_millis(5),
        small_files: 8,
        small_files_max: 16,
        vacuum: Duration::from_secs(86_400),
    }
}

fn upkeep(lake: &Lake, clock: &Clock) -> Upkeep {
    let tables = lake.tables().map(|table| (table.clone(), Duration::from_secs(30 * 86_400)));
    Upkeep::new(tables, config(), clock.clone())
}

fn clock(at: &str) -> Clock {
    Clock::hand_set(at.parse().unwrap())
}

fn report(upkeep: &Upkeep, dataset: &str, kind: Kind) -> Report {
    upkeep.report().into_iter().find(|report| report.dataset == dataset && report.kind == kind).unwrap()
}

/// Two writers, one of them of another process, and the task: no writer is refused, no row is lost, few files are left.
#[tokio::test(flavor = "multi_thread")]
async fn many_small_commits_become_few_files_beside_their_writers() {
    let directory = tempfile::tempdir().unwrap();
    let (lake, other) = (open(directory.path()).await, open(directory.path()).await);
    let table = lake.table(HISTORY).unwrap().clone();
    append(&table, &["first"], 0).await;
    let (upkeep, shutdown) = (Arc::new(upkeep(&lake, &clock(CLOSED))), CancellationToken::new());
    let task = tokio::spawn(upkeep.clone().run(shutdown.clone()));
    let mut most = 0;
    for number in 0..150 {
        let writer = if number % 3 == 0 { other.table(HISTORY).unwrap() } else { &table };
        let base = writer.update().await.unwrap();
        let staged = writer.stage(&rows(writer, &[&format!("S{number:03}")], number)).await.unwrap();
        let committed = writer.commit(base.as_deref(), &[], vec![staged]).await.expect("a merge is in no writer's way");
        most = most.max(committed.files.len());
    }
    let mut versions = table.watch();
    let few = versions.wait_for(|latest| latest.as_ref().is_some_and(|latest| latest.mergeable_files() < 8));
    drop(tokio::time::timeout(Duration::from_secs(60), few).await.expect("few files in time").unwrap());
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(10), task).await.expect("it ends at once").unwrap();
    let latest = table.update().await.unwrap().unwrap();
    assert!(latest.files.len() < 8 + 12, "{} files", latest.files.len());
    assert!(most < 100, "the task ran beside the writers, and there were {most} files");
    let mut held = symbols(&table, &latest).await;
    held.sort();
    let mut expected: Vec<String> = (0..150).map(|number| format!("S{number:03}")).collect();
    expected.push("first".to_owned());
    assert_eq!(held, expected);
    let merges = report(&upkeep, HISTORY, Kind::Compact);
    assert!(merges.record.total.merged >= 8 && merges.record.total.written > 0, "{merges:?}");
    assert_eq!((merges.record.error, merges.record.failed), (None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_waited_for_unless_files_are_too_many() {
    let directory = tempfile::tempdir().unwrap();
    let lake = open(directory.path()).await;
    let table = lake.table(HISTORY).unwrap();
    let clock = clock(OPEN);
    let upkeep = upkeep(&lake, &clock);
    let files = || table.current().unwrap().files.len();
    for number in 0..15 {
        append(table, &["A"], number).await;
        upkeep.round().await;
    }
    assert_eq!(files(), 15);
    let close_at = "2026-11-20T21:00:00Z".parse().unwrap();
    let waiting = report(&upkeep, HISTORY, Kind::Compact);
    assert_eq!(waiting.due, Due::Later(Some(close_at), Wait::Session));
    assert_eq!((waiting.files, waiting.small_files), (Some(15), Some(15)));
    append(table, &["A"], 15).await;
    upkeep.round().await;
    assert_eq!(files(), 1, "sixteen are too many");
    for number in 0..8 {
        append(table, &["A"], number).await;
    }
    upkeep.round().await;
    assert_eq!(files(), 9);
    clock.set(close_at);
    upkeep.round().await;
    assert!(files() <= 2, "{} files", files());
    let done = report(&upkeep, HISTORY, Kind::Compact);
    assert_eq!((done.record.started_at, done.record.running()), (Some(close_at), false));
    assert_eq!(done.due, Due::Later(None, Wait::SmallFiles));
    let vacuum = report(&upkeep, HISTORY, Kind::Vacuum);
    assert_eq!(vacuum.due, Due::Later(Some(close_at + TimeDelta::days(1)), Wait::Interval));
    assert!(
        upkeep.report().iter().all(|report| report.kind == Kind::Vacuum || report.small_files.is_none_or(|n| n < 8))
    );
    assert!(!upkeep.report().iter().any(|report| report.dataset == "eod" && report.kind == Kind::Compact));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_refuses_is_shown_and_tried_again_later() {
    let directory = tempfile::tempdir().unwrap();
    let power = Arc::new(Power::new(directory.path()));
    let location = directory.path().to_string_lossy().into_owned();
    let lake = Lake::open_on(&location, &StoreOptions::default(), power.clone()).await.unwrap();
    let table = lake.table(HISTORY).unwrap();
    for number in 0..9 {
        append(table, &["A"], number).await;
    }
    let clock = clock(CLOSED);
    let upkeep = upkeep(&lake, &clock);
    power.fail_at("part-");
    upkeep.round().await;
    let failed = report(&upkeep, HISTORY, Kind::Compact);
    assert!(
        failed.record.error.as_ref().is_some_and(|error| error.contains("cannot be forced to the disk")),
        "{failed:?}"
    );
    assert!(matches!(failed.due, Due::Later(Some(_), Wait::Retry)), "{failed:?}");
    upkeep.round().await;
    assert_eq!(report(&upkeep, HISTORY, Kind::Compact).record.failed, 1, "it waits before it tries again");
    assert_eq!(table.update().await.unwrap().unwrap().files.len(), 9);
    power.fail_at("");
    clock.advance(TimeDelta::seconds(1));
    upkeep.round().await;
    let done = report(&upkeep, HISTORY, Kind::Compact);
    assert_eq!((done.record.error, done.record.failed, done.record.last.merged), (None, 1, 9));
    assert_eq!(table.current().unwrap().files.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_ask_for_goes_in_the_background() {
    let directory = tempfile::tempdir().unwrap();
    let lake = open(directory.path()).await;
    let table = lake.table(HISTORY).unwrap();
    for number in 0..8 {
        append(table, &["A"], number).await;
    }
    let clock = Clock::hand_set(Clock::System.now());
    let mut upkeep = upkeep(&lake, &clock);
    upkeep.log_clock = clock.clone();
    let folder = directory.path().join("lake").join(HISTORY);
    let data_files =
        || std::fs::read_dir(&folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count();
    table.compact().await.unwrap();
    assert_eq!(data_files(), 9);
    clock.advance(TimeDelta::days(30));
    upkeep.round().await;
    assert_eq!(data_files(), 9, "a version can be read for the retention, and a query may be reading it for a day");
    clock.advance(TimeDelta::days(2));
    upkeep.round().await;
    upkeep.round().await;
    let done = report(&upkeep, HISTORY, Kind::Vacuum);
    assert_eq!((data_files(), done.record.total.removed), (1, 8), "{done:?}");
    assert!(done.record.total.bytes_freed > 0);
    assert_eq!(table.update().await.unwrap().unwrap().rows(), Some(8));
}
