use super::*;
use crate::clock::Clock;
use crate::collect::history::{History, HistoryOptions};
use crate::lake::freshness::Freshness;
use crate::lake::{Lake, StoreOptions};
use crate::live::Book;
use crate::live::spool::SpoolLimits;
use crate::market::event::{TimeAndSale, Trade};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::DateTime;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const DATASET: &str = "trades_history";
const EVENTS: i64 = 60_000;

fn trades(volumes: std::ops::Range<i64>) -> Vec<Trade> {
    let trade = |volume| Trade {
        symbol: format!("S{}", volume % 50).into(),
        price: Some(volume as f64),
        size: None,
        change: None,
        day_volume: Some(volume),
        event_at: None,
        received_at: DateTime::from_timestamp_micros(1_000_000 + volume).unwrap(),
    };
    volumes.map(trade).collect()
}

async fn numbers(context: &SessionContext, sql: &str) -> Vec<i64> {
    let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
    let row = rows.first().unwrap();
    row.columns().iter().map(|column| column.as_primitive::<Int64Type>().value(0)).collect()
}

async fn each_event_is_there_once(memory_bytes: usize) {
    let directory = tempfile::tempdir().unwrap();
    let lake = Lake::open(&directory.path().to_string_lossy(), &StoreOptions::default()).await.unwrap();
    let table = lake.table(DATASET).unwrap().clone();
    let freshness = Arc::new(Freshness::new(
        &crate::lake::dataset::find(DATASET).unwrap(),
        None,
        false,
        "simulated",
        Clock::System,
    ));
    let options = HistoryOptions {
        directory: directory.path().join("spool"),
        flush: Duration::from_millis(50),
        flush_events: 5_000,
        limits: SpoolLimits { intake_events: 1 << 20, memory_bytes, disk_bytes: 1 << 40 },
        disk: Arc::new(crate::disk::LocalDisk),
    };
    let history = Arc::new(History::new(table.clone(), freshness, options, Clock::System));
    let book = Arc::new(Book::new(16));
    history.open(&book).await.unwrap();
    let ended = CancellationToken::new();
    let keeping = tokio::spawn(history.clone().run(book.clone(), ended.clone()));
    let url = ObjectStoreUrl::parse(lake.store().0.as_str()).unwrap();
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let (store_url, store) = lake.store();
    context.runtime_env().register_object_store(store_url, store.clone());
    context.register_table("trades", Arc::new(HistoryTable::new(table.clone(), Some(history.clone()), url))).unwrap();

    let published = Arc::new(AtomicI64::new(0));
    let (feeding, counted) = (book.clone(), published.clone());
    let feed = std::thread::spawn(move || {
        for first in (1..=EVENTS).step_by(100) {
            feeding.publish_all(trades(first..first + 100));
            counted.store(first + 99, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let (mut last, mut reads) = (0, 0);
    while last < EVENTS {
        let sql = "SELECT count(*), count(DISTINCT sequence), coalesce(min(sequence), 1), coalesce(max(sequence), 0),
                          coalesce(max(day_volume), 0) FROM trades";
        let seen = numbers(&context, sql).await;
        assert_eq!(seen, [seen[0], seen[0], 1, seen[0], seen[0]], "a gap or a duplicate");
        assert!(seen[0] >= last, "events went away: {} after {last}", seen[0]);
        assert!(seen[0] <= published.load(Ordering::SeqCst) + 100);
        last = seen[0];
        reads += 1;
    }
    feed.join().unwrap();
    assert!(reads > 5, "{reads}");
    assert_eq!(numbers(&context, "SELECT count(*) FROM trades WHERE symbol = 'S7'").await, [EVENTS / 50]);
    assert_eq!(numbers(&context, "SELECT sum(day_volume) FROM trades WHERE sequence <= 100").await, [5050]);
    ended.cancel();
    keeping.await.unwrap();
    let snapshot = table.update().await.unwrap().unwrap();
    assert!(snapshot.version > 5, "{}", snapshot.version);
    assert_eq!(snapshot.rows(), Some(EVENTS as u64));
    assert_eq!(numbers(&context, "SELECT count(*) FROM trades").await, [EVENTS]);
    assert_eq!(history.spool().unwrap().status().missed(), 0);
}

/// Half of the events are in the lake and half in the spool: each is one row, with every value it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tape_is_there_once_in_the_lake_and_in_the_spool() {
    let directory = tempfile::tempdir().unwrap();
    let lake = Lake::open(&directory.path().to_string_lossy(), &StoreOptions::default()).await.unwrap();
    let dataset = crate::lake::dataset::find("time_and_sales_history").unwrap();
    let table = lake.table(dataset.name).unwrap().clone();
    let freshness = Arc::new(Freshness::new(&dataset, None, false, "simulated", Clock::System));
    let options = HistoryOptions {
        directory: directory.path().join("spool"),
        flush: Duration::from_secs(3600),
        flush_events: 1_000,
        limits: SpoolLimits { intake_events: 1 << 20, memory_bytes: 1 << 30, disk_bytes: 1 << 40 },
        disk: Arc::new(crate::disk::LocalDisk),
    };
    let history = Arc::new(History::new(table.clone(), freshness, options, Clock::System));
    let book = Arc::new(Book::new(16));
    history.open(&book).await.unwrap();
    let ended = CancellationToken::new();
    let keeping = tokio::spawn(history.clone().run(book.clone(), ended.clone()));
    let url = ObjectStoreUrl::parse(lake.store().0.as_str()).unwrap();
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let (store_url, store) = lake.store();
    context.runtime_env().register_object_store(store_url, store.clone());
    context.register_table("tape", Arc::new(HistoryTable::new(table.clone(), Some(history.clone()), url))).unwrap();
    let publish = |numbers: std::ops::Range<i64>| book.publish_all(numbers.map(sale).collect());
    let waits_until = |condition: &dyn Fn() -> bool| {
        let until = std::time::Instant::now() + Duration::from_secs(30);
        while !condition() {
            assert!(std::time::Instant::now() < until, "it did not come about");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    publish(0..1_000);
    let committed = || history.tail().is_some_and(|tail| tail.blocks().is_empty());
    waits_until(&|| table.current().is_some_and(|snapshot| snapshot.rows() == Some(1_000)) && committed());
    publish(1_000..1_500);
    waits_until(&|| history.tail().is_some_and(|tail| tail.events() == 500));
    let sql = "SELECT count(*), count(DISTINCT sequence), count(DISTINCT venue_sequence), sum(size),
                      count(*) FILTER (WHERE type = 'NEW' AND exchange_code = 'Q' AND extended_hours AND NOT spread_leg),
                      count(aggressor_side) FROM tape";
    let wanted = [1_500, 1_500, 1_500, 1_499 * 1_500 / 2, 1_500, 0];
    assert_eq!(numbers(&context, sql).await, wanted);
    // A lookup finds the same rows in both places, in the order of the key.
    let residents = Residents::start(&lake, 64 << 20).unwrap();
    let url = ObjectStoreUrl::parse(lake.store().0.as_str()).unwrap();
    let tape = HistoryTable::new(table.clone(), Some(history.clone()), url).with_residents(residents);
    let columns = [tape.schema.index_of("venue_sequence").unwrap()];
    let schema = Arc::new(tape.schema.project(&columns).unwrap());
    let look_up = async |symbols: &[&str], from: i64, to: i64, most: usize| {
        let second = (std::ops::Bound::Included(1_000_000 + from), std::ops::Bound::Excluded(1_000_000 + to));
        let wanted = Wanted { columns: &columns, schema: &schema, count: None, most };
        let rows = tape.look_up(&QueryContext::default(), &KeyRange { first: symbols, second }, &wanted).await.unwrap();
        rows.map(|rows| rows.column(0).as_primitive::<Int64Type>().values().to_vec())
    };
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while look_up(&["S7"], 0, 2_000, 1_000).await.is_none() {
        assert!(std::time::Instant::now() < until, "the rows do not come into memory");
        tokio::task::yield_now().await;
    }
    let of =
        |symbol: i64, from: i64, to: i64| (from..to).filter(move |number| number % 50 == symbol).collect::<Vec<_>>();
    assert_eq!(look_up(&["S7"], 0, 2_000, 1_000).await, Some(of(7, 0, 1_500)));
    assert_eq!(look_up(&["S7"], 907, 1_207, 1_000).await, Some(of(7, 907, 1_207)));
    assert_eq!(look_up(&["S1", "S7"], 907, 1_207, 1_000).await, Some([of(1, 907, 1_207), of(7, 907, 1_207)].concat()));
    assert_eq!(look_up(&["S1", "none"], 1_100, 1_101, 1_000).await, Some(Vec::new()));
    assert_eq!(look_up(&["S7"], 0, 2_000, 29).await, None);
    ended.cancel();
    keeping.await.unwrap();
    assert_eq!(table.update().await.unwrap().unwrap().rows(), Some(1_500));
    assert_eq!(numbers(&context, sql).await, wanted);
}

fn sale(number: i64) -> TimeAndSale {
    TimeAndSale {
        symbol: format!("S{}", number % 50).into(),
        venue_sequence: Some(number),
        exchange_code: Some("Q".into()),
        price: Some(number as f64),
        size: Some(number),
        bid: None,
        ask: None,
        sale_conditions: Some("@".into()),
        aggressor_side: None,
        extended_hours: Some(true),
        spread_leg: Some(false),
        valid_tick: Some(true),
        report_type: Some("NEW".into()),
        event_at: DateTime::from_timestamp_micros(number),
        received_at: DateTime::from_timestamp_micros(1_000_000 + number).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_while_flushing_sees_each_event_once() {
    each_event_is_there_once(1 << 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_from_the_spool_when_memory_is_short_sees_each_event_once() {
    each_event_is_there_once(1 << 16).await;
}
