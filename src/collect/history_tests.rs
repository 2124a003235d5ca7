use super::*;
use crate::disk::LocalDisk;
use crate::disk::power::Power;
use crate::lake::{Lake, StoreOptions};
use crate::market::event::Trade;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::DateTime;
use std::path::Path;

const DATASET: &str = "trades_history";

fn trades(volumes: std::ops::Range<i64>) -> Vec<Trade> {
    let trade = |volume| Trade {
        symbol: ["AAPL", "MSFT", "SPY"][(volume % 3) as usize].into(),
        price: Some(volume as f64),
        size: None,
        change: None,
        day_volume: Some(volume),
        event_at: None,
        received_at: DateTime::from_timestamp_micros(1_000_000 + volume).unwrap(),
    };
    volumes.map(trade).collect()
}

/// One process over a directory, with a lake opened anew.
struct Process {
    lake: Lake,
    history: Arc<History>,
    book: Arc<Book<Trade>>,
    freshness: Arc<Freshness>,
}

async fn process(directory: &Path) -> Process {
    process_on(directory, Arc::new(LocalDisk)).await
}

async fn process_on(directory: &Path, disk: Arc<dyn Disk>) -> Process {
    let location = directory.join("data").to_string_lossy().into_owned();
    let lake = Lake::open_on(&location, &StoreOptions::default(), disk.clone()).await.unwrap();
    let freshness = Arc::new(Freshness::new(
        &crate::lake::dataset::find(DATASET).unwrap(),
        None,
        false,
        "simulated",
        Clock::System,
    ));
    let options = HistoryOptions {
        directory: directory.join("spool"),
        flush: Duration::from_millis(20),
        flush_events: 1000,
        limits: SpoolLimits { intake_events: 1 << 20, memory_bytes: 1 << 30, disk_bytes: 1 << 40 },
        disk,
    };
    let table = lake.table(DATASET).unwrap().clone();
    let history = Arc::new(History::new(table, freshness.clone(), options, Clock::System));
    let book = Arc::new(Book::new(16));
    history.open(&book).await.unwrap();
    Process { lake, history, book, freshness }
}

impl Process {
    async fn spooled(&self) -> Arc<Spool> {
        let spool = self.history.spool().unwrap();
        let stopping = spool.clone();
        tokio::task::spawn_blocking(move || stopping.stop()).await.unwrap();
        spool
    }

    /// Number and volume of every row of the table, by number.
    async fn committed(&self) -> Vec<(i64, i64)> {
        let table = self.lake.table(DATASET).unwrap();
        let Some(snapshot) = table.update().await.unwrap() else { return Vec::new() };
        let mut events = Vec::new();
        for rows in table.read(&snapshot.files).await.unwrap() {
            let column = |name: &str| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
            events.extend(column("sequence").into_iter().zip(column("day_volume")));
        }
        events.sort_unstable();
        events
    }
}

fn numbered(range: std::ops::Range<i64>) -> Vec<(i64, i64)> {
    range.map(|number| (number, number)).collect()
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn a_crash_between_commit_and_truncation_commits_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let (spool, before) = (directory.path().join("spool"), directory.path().join("before"));
    let first = process(directory.path()).await;
    first.book.publish_all(trades(1..1501));
    first.spooled().await;
    drop(first);
    copy(&spool, &before);

    // Killed before the commit: the next process commits all of it.
    let second = process(directory.path()).await;
    assert_eq!(second.history.tail().unwrap().events(), 1500);
    second.history.commit(&second.history.spool().unwrap()).await.unwrap();
    assert_eq!(second.history.tail().unwrap().events(), 0);
    assert_eq!(second.committed().await, numbered(1..1501));
    second.spooled().await;
    drop(second);

    // Killed right after the commit: the spool is as it was before it.
    copy(&before, &spool);
    let third = process(directory.path()).await;
    assert_eq!(third.history.tail().unwrap().events(), 0);
    third.book.publish_all(trades(1501..1511));
    let open = third.spooled().await;
    third.history.commit(&open).await.unwrap();
    assert_eq!(third.committed().await, numbered(1..1511));
    assert_eq!(third.freshness.remembered().runs.back().unwrap().rows, 10);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_not_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let one = process(directory.path()).await;
    one.book.publish_all(trades(1..101));
    let spool = one.spooled().await;
    let blocks = spool.tail().blocks();
    let last = blocks.last().unwrap().last();
    one.history.commit_blocks(&spool, &blocks, last).await.unwrap();
    one.history.commit_blocks(&spool, &blocks, last).await.unwrap();
    assert_eq!(one.committed().await, numbered(1..101));
}

#[tokio::test]
async fn two_processes_with_spools_of_their_own_write_one_table() {
    let directory = tempfile::tempdir().unwrap();
    let one = process(directory.path()).await;
    std::fs::create_dir(directory.path().join("other")).unwrap();
    let other_lake =
        Lake::open(&directory.path().join("data").to_string_lossy(), &StoreOptions::default()).await.unwrap();
    let options = HistoryOptions { directory: directory.path().join("other"), ..one.history.options.clone() };
    let table = other_lake.table(DATASET).unwrap().clone();
    let other = Arc::new(History::new(table, one.freshness.clone(), options, Clock::System));
    let other_book = Arc::new(Book::new(16));
    other.open(&other_book).await.unwrap();
    let ended = CancellationToken::new();
    let running = [
        tokio::spawn(one.history.clone().run(one.book.clone(), ended.clone())),
        tokio::spawn(other.clone().run(other_book.clone(), ended.clone())),
    ];
    for round in 0..20 {
        one.book.publish_all(trades(round * 10 + 1..round * 10 + 11));
        other_book.publish_all(trades(round * 10 + 1..round * 10 + 11));
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    ended.cancel();
    for task in running {
        tokio::time::timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
    }
    let twice: Vec<_> = numbered(1..201).into_iter().flat_map(|event| [event, event]).collect();
    assert_eq!(one.committed().await, twice);
}

#[tokio::test]
async fn a_history_that_ends_has_committed_everything() {
    let directory = tempfile::tempdir().unwrap();
    let one = process(directory.path()).await;
    let ended = CancellationToken::new();
    let running = tokio::spawn(one.history.clone().run(one.book.clone(), ended.clone()));
    one.book.publish_all(trades(1..2_501));
    ended.cancel();
    tokio::time::timeout(Duration::from_secs(60), running).await.unwrap().unwrap();
    assert_eq!(one.committed().await, numbered(1..2_501));
    assert_eq!(one.freshness.state().name(), "live");
}

/// The position outlives the log's checkpoints, which replace the commits that said it.
#[tokio::test]
async fn the_position_outlives_many_commits_and_a_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let mut next = 1;
    for restart in 0..2 {
        let one = process(directory.path()).await;
        let spool = one.history.spool().unwrap();
        for _ in 0..60 {
            one.book.publish_all(trades(next..next + 3));
            next += 3;
            while spool.tail().events() < 3 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            one.history.commit(&spool).await.unwrap();
        }
        assert_eq!(one.committed().await, numbered(1..next), "start {restart}");
    }
    let log = directory.path().join("data/lake").join(DATASET).join("_delta_log/_last_checkpoint");
    assert!(log.exists());
    let one = process(directory.path()).await;
    assert_eq!(one.history.tail().unwrap().events(), 0);
    one.book.publish_all(trades(next..next + 1));
    let spool = one.spooled().await;
    assert_eq!(spool.tail().blocks()[0].first(), next);
}

/// From the moment an event is on the disk it is in the spool or in the lake, and not in both, whenever the power fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_failure_around_a_commit_costs_no_event() {
    let (place, images) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let power = Arc::new(Power::new(place.path()));
    let one = process_on(place.path(), power.clone()).await;
    one.book.publish_all(trades(1..101));
    while !(one.history.tail().unwrap().events() == 100 && power.has_synced(".spool", "folder spool")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    power.keep_images(images.path());
    let spool = one.history.spool().unwrap();
    one.history.commit(&spool).await.unwrap();
    one.book.publish_all(trades(101..102));
    one.spooled().await;
    assert!(power.images() > 5);
    for number in 0..power.images() {
        for kind in ["synced", "named"] {
            let after = process(&images.path().join(format!("{number}-{kind}"))).await;
            let open = after.spooled().await;
            after.history.commit(&open).await.unwrap();
            let mut kept = after.committed().await;
            kept.retain(|(_, volume)| *volume <= 100);
            assert_eq!(kept, numbered(1..101), "{number}-{kind}");
        }
    }
}

/// A log that shows a commit whose folder was not synced: the spool's events stay until it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_only_seen_takes_nothing_from_the_spool() {
    let place = tempfile::tempdir().unwrap();
    let power = Arc::new(Power::new(place.path()));
    let one = process_on(place.path(), power.clone()).await;
    one.book.publish_all(trades(1..101));
    let spool = one.spooled().await;
    power.fail_at("_delta_log|");
    for _ in 0..2 {
        let error = one.history.commit(&spool).await.unwrap_err();
        assert!(format!("{error:#}").contains("cannot be forced to the disk"), "{error:#}");
        assert_eq!((spool.position(), spool.tail().events()), (0, 100));
    }
    power.fail_at("");
    one.history.commit(&spool).await.unwrap();
    assert_eq!((spool.position(), spool.tail().events()), (100, 0));
    assert_eq!(one.committed().await, numbered(1..101));
}

#[tokio::test]
async fn a_history_whose_spool_does_not_open_has_failed() {
    let directory = tempfile::tempdir().unwrap();
    let one = process(directory.path()).await;
    one.book.publish_all(trades(1..11));
    let spool = one.spooled().await;
    one.history.commit(&spool).await.unwrap();
    let options = one.history.options.clone();
    let table = one.lake.table(DATASET).unwrap().clone();
    let state = table.read_state().await.unwrap();
    drop((spool, one));
    std::fs::write(options.directory.join("id"), "damage").unwrap();
    let dataset = crate::lake::dataset::find(DATASET).unwrap();
    let freshness = Arc::new(Freshness::new(&dataset, None, false, "simulated", Clock::System));
    freshness.set_state(state.clone());
    let history = History::new(table, freshness.clone(), options.clone(), Clock::System);
    let book: Book<Trade> = Book::new(16);
    history.tell(&format!("{:#}", history.open(&book).await.unwrap_err()));
    // What the lake remembers says nothing of it, however often it is read.
    freshness.set_state(state);
    assert_eq!(freshness.state().name(), "failed");
    assert!(freshness.last_error().unwrap().contains("id"));
    std::fs::remove_dir_all(&options.directory).unwrap();
    history.open(&book).await.unwrap();
    assert_eq!((freshness.state().name(), freshness.last_error()), ("live", None));
}

/// A spool that cannot be made on a full disk, and can be later: what was published meanwhile is kept.
#[tokio::test]
async fn events_wait_for_a_spool_that_cannot_be_opened_yet() {
    let directory = tempfile::tempdir().unwrap();
    let one = process(directory.path()).await;
    let options = HistoryOptions { directory: directory.path().join("other"), ..one.history.options.clone() };
    std::fs::write(&options.directory, "no directory").unwrap();
    let table = one.lake.table(DATASET).unwrap().clone();
    let history = History::new(table, one.freshness.clone(), options.clone(), Clock::System);
    let book: Book<Trade> = Book::new(16);
    assert!(history.open(&book).await.is_err());
    book.publish_all(trades(1..11));
    std::fs::remove_file(&options.directory).unwrap();
    history.open(&book).await.unwrap();
    let spool = history.spool().unwrap();
    let stopping = spool.clone();
    tokio::task::spawn_blocking(move || stopping.stop()).await.unwrap();
    assert_eq!(spool.tail().events(), 10);
    history.commit(&spool).await.unwrap();
    assert_eq!(one.committed().await, numbered(1..11));
}

/// The lake's disk is full and the spool's is not: the failure is told, and the events are committed once there is room.
#[tokio::test]
async fn a_commit_that_fails_is_told_and_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let one = process(directory.path()).await;
    let lake = directory.path().join("data/lake");
    std::fs::write(&lake, "no directory").unwrap();
    let ended = CancellationToken::new();
    let running = tokio::spawn(one.history.clone().run(one.book.clone(), ended.clone()));
    one.book.publish_all(trades(1..11));
    let wait = async |condition: &dyn Fn() -> bool| {
        let waiting = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
    };
    wait(&|| one.history.failure().is_some()).await;
    assert_eq!((one.freshness.state().name(), one.history.tail().unwrap().events()), ("failed", 10));
    std::fs::remove_file(&lake).unwrap();
    wait(&|| one.history.failure().is_none()).await;
    assert_eq!(one.committed().await, numbered(1..11));
    ended.cancel();
    running.await.unwrap();
}
