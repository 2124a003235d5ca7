//! Refreshes of a real lake whose source answers with less than is held.

#![allow(clippy::unwrap_used)]

use crate::clock::Clock;
use crate::collect::refresh::Refresh;
use crate::collect::{FailedItem, Fetch, FetchError, Fetched, Request};
use crate::lake::dataset;
use crate::lake::freshness::{Coverage, Freshness};
use crate::lake::{Lake, Run, Scope, StoreOptions};
use arrow::array::{
    ArrayRef, AsArray, Date32Array, Float64Array, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use futures::FutureExt;
use std::sync::{Arc, Mutex};

/// Answers with what it was given.
struct Canned(Mutex<Fetched>);

#[async_trait]
impl Fetch for Canned {
    async fn fetch(&self, _: &Request) -> Result<Fetched, FetchError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

struct World {
    _directory: tempfile::TempDir,
    lake: Arc<Lake>,
    clock: Clock,
    dataset: &'static str,
    asked: Vec<String>,
}

impl World {
    async fn new(dataset: &'static str, asked: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lake = Lake::open(directory.path().to_str().unwrap(), &StoreOptions::default()).await.unwrap();
        let clock = Clock::hand_set("2026-06-10T15:00:00Z".parse().unwrap());
        let asked = asked.iter().map(|item| (*item).to_owned()).collect();
        Self { _directory: directory, lake: Arc::new(lake), clock, dataset, asked }
    }

    /// One refresh that brings these rows.
    async fn refresh(&self, fetched: Fetched) -> Run {
        self.clock.advance(TimeDelta::minutes(1));
        let table = self.lake.table(self.dataset).unwrap().clone();
        let freshness = Freshness::new(table.dataset(), None, true, "simulated", self.clock.clone());
        let asked = self.asked.clone();
        let refresh = Refresh {
            lake: self.lake.clone(),
            table,
            freshness: Arc::new(freshness),
            source: Arc::new(Canned(Mutex::new(fetched))),
            request: Arc::new(move |_, _, _| {
                let items = asked.clone();
                async { Ok(Request { items, ..Request::default() }) }.boxed()
            }),
            coverage: Coverage::default(),
            ask_again: None,
            csv: false,
            history: None,
            splits: None,
            clock: self.clock.clone(),
            cause: "ttl",
            scope: Scope::All,
            started_at: self.clock.now(),
            progress: Arc::default(),
            purpose: Arc::default(),
            absent_percent_max: 20,
        };
        refresh.run().await
    }

    async fn rows(&self) -> RecordBatch {
        let table = self.lake.table(self.dataset).unwrap();
        let snapshot = table.update().await.unwrap().unwrap();
        concat_batches(&table.dataset().schema, &table.read(&snapshot.files).await.unwrap()).unwrap()
    }

    /// Last key column of each row, with the minute in which it was fetched.
    async fn held(&self) -> Vec<String> {
        let rows = self.rows().await;
        let key = self.lake.table(self.dataset).unwrap().dataset().key.last().unwrap();
        let fetched = rows.column_by_name("fetched_at").unwrap().as_primitive::<TimestampMicrosecondType>();
        let keys = rows.column_by_name(key).unwrap().as_string::<i32>();
        keys.iter().zip(fetched.values()).map(|(key, at)| format!("{}@{at}", key.unwrap())).collect()
    }

    /// Symbol and kind of every doubt.
    async fn doubts(&self) -> Vec<(String, &'static str)> {
        let quality = self.lake.table(self.dataset).unwrap().quality().await.unwrap();
        let told = quality.doubts.iter().map(|met| (met.what.symbol.clone().unwrap_or_default(), met.what.kind.name()));
        let mut told: Vec<_> = told.collect();
        told.sort();
        told
    }
}

/// Rows of a dataset of symbols, fetched at that microsecond.
fn rows(dataset: &str, symbols: &[&str], fetched_at: i64) -> Fetched {
    let schema = dataset::find(dataset).unwrap().schema;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "symbol" => Arc::new(StringArray::from(symbols.to_vec())),
            "fetched_at" => {
                Arc::new(TimestampMicrosecondArray::from(vec![fetched_at; symbols.len()]).with_timezone("UTC"))
            }
            _ => new_null_array(field.data_type(), symbols.len()),
        }
    });
    let batch = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
    Fetched { batches: vec![batch], items: symbols.len() as u64, ..Fetched::default() }
}

/// Options: underlying, expiration, symbol.
fn options(rows: &[(&str, &str, &str)], fetched_at: i64) -> Fetched {
    let schema = dataset::find("option_chains").unwrap().schema;
    let days = |date: &str| (date.parse::<NaiveDate>().unwrap() - NaiveDate::default()).num_days() as i32;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "underlying" => Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>()),
            "expiration" => Arc::new(rows.iter().map(|row| Some(days(row.1))).collect::<Date32Array>()),
            "strike" => Arc::new(Float64Array::from(vec![100.0; rows.len()])),
            "side" => Arc::new(StringArray::from(vec!["call"; rows.len()])),
            "symbol" => Arc::new(rows.iter().map(|row| Some(row.2)).collect::<StringArray>()),
            "fetched_at" => {
                Arc::new(TimestampMicrosecondArray::from(vec![fetched_at; rows.len()]).with_timezone("UTC"))
            }
            _ => new_null_array(field.data_type(), rows.len()),
        }
    });
    let batch = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
    Fetched { batches: vec![batch], ..Fetched::default() }
}

fn failed(run: &Run) -> Vec<&str> {
    run.failed.iter().map(|failed| failed.item.as_str()).collect()
}

const TEN: [&str; 10] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_an_answer_leaves_out_keeps_its_row_and_is_named() {
    let world = World::new("market_metrics", &TEN).await;
    assert_eq!(failed(&world.refresh(rows("market_metrics", &TEN, 1)).await), [""; 0]);
    let run = world.refresh(rows("market_metrics", &TEN[1..], 2)).await;
    assert_eq!((failed(&run), run.error.as_deref()), (vec!["A"], None));
    let held = world.held().await;
    assert_eq!((held.len(), held[0].as_str(), held[1].as_str()), (10, "A@1", "B@2"));
    assert_eq!(world.doubts().await, [("A".to_owned(), "absent")]);
    let run = world.refresh(rows("market_metrics", &TEN, 3)).await;
    assert_eq!((failed(&run).len(), world.doubts().await.len()), (0, 0), "an answer that has it settles the doubt");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_lacks_too_much_commits_nothing() {
    let world = World::new("market_metrics", &TEN).await;
    world.refresh(rows("market_metrics", &TEN, 1)).await;
    let run = world.refresh(rows("market_metrics", &TEN[..7], 2)).await;
    let told = run.error.unwrap();
    assert!(told.contains("no rows of 3 of the 10 items that are held (H, I, J), more than 20 %"), "{told}");
    assert_eq!(world.held().await.iter().filter(|row| row.ends_with("@1")).count(), 10);
    let run = world.refresh(Fetched::default()).await;
    assert!(run.error.unwrap().contains("10 of the 10"));
    assert_eq!(world.doubts().await, [(String::new(), "absent")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_was_never_held_is_unknown_unless_nearly_all_are() {
    let world = World::new("market_metrics", &TEN).await;
    let run = world.refresh(rows("market_metrics", &TEN[1..], 1)).await;
    assert_eq!((failed(&run).len(), run.error), (0, None));
    assert_eq!(world.doubts().await, [("A".to_owned(), "unknown_symbol")]);
    let many: Vec<String> = (0..100).map(|number| format!("S{number:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let world = World::new("market_metrics", &many).await;
    let run = world.refresh(rows("market_metrics", &many[..3], 1)).await;
    assert_eq!((run.failed.len(), world.held().await.len()), (97, 3), "what came is kept, and is not the whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_asks_for_any_more_leaves() {
    let mut world = World::new("market_metrics", &TEN).await;
    world.refresh(rows("market_metrics", &TEN, 1)).await;
    world.asked.truncate(5);
    world.refresh(rows("market_metrics", &TEN[..5], 2)).await;
    assert_eq!(world.held().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_symbols_loses_some_only_when_it_is_whole() {
    let world = World::new("symbols", &TEN).await;
    world.refresh(rows("symbols", &TEN, 1)).await;
    let partial = Some("a page has no rows".to_owned());
    let run = world.refresh(Fetched { partial: partial.clone(), ..rows("symbols", &TEN[1..], 2) }).await;
    assert_eq!((failed(&run), world.held().await.len()), (vec!["A", "symbols"], 10));
    let run = world.refresh(Fetched { partial, ..rows("symbols", &TEN[5..], 2) }).await;
    let told = run.error.unwrap();
    assert!(told.contains("5 of the 10") && told.contains("a page has no rows"), "{told}");
    let run = world.refresh(rows("symbols", &TEN[1..], 3)).await;
    assert_eq!((run.failed.len(), world.held().await.len()), (0, 9), "the venue says that it is whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_leave_by_their_date_and_not_before() {
    let world = World::new("option_chains", &["SPY", "QQQ"]).await;
    let (past, next) = ("2026-06-09", "2026-06-10");
    let ten: Vec<String> = (0..10).map(|number| format!("S{number}")).collect();
    let all = |from: usize, fetched_at: i64| {
        let mut chain: Vec<(&str, &str, &str)> =
            ten[from..].iter().map(|symbol| ("SPY", next, symbol.as_str())).collect();
        chain.push(("QQQ", next, "Q1"));
        options(&chain, fetched_at)
    };
    let mut first = all(0, 1);
    first.batches.extend(options(&[("SPY", past, "OLD"), ("QQQ", past, "OLDQ")], 1).batches);
    world.refresh(first).await;
    assert_eq!(world.held().await.len(), 13);
    // One strike is left out: it stays. What is past goes, though nothing says so.
    let run = world.refresh(all(1, 2)).await;
    assert_eq!(failed(&run), [""; 0]);
    let held = world.held().await;
    assert!(held.contains(&"S0@1".to_owned()) && held.contains(&"S1@2".to_owned()), "{held:?}");
    assert_eq!((held.len(), world.doubts().await), (11, vec![("SPY".to_owned(), "absent")]));
    // Half of a chain is left out: the underlying fails and keeps all, the other one is taken.
    let run = world.refresh(all(5, 3)).await;
    assert_eq!(failed(&run), ["SPY"]);
    let held = world.held().await;
    assert!(held.contains(&"S9@2".to_owned()) && held.contains(&"Q1@3".to_owned()), "{held:?}");
    assert_eq!(held.len(), 11);
    // An underlying that fails keeps its rows, but not for ever.
    let failing = vec![FailedItem { item: "SPY".to_owned(), reason: "503".to_owned() }];
    world.clock.advance(TimeDelta::days(1));
    world.refresh(Fetched { failed: failing, ..options(&[("QQQ", "2026-06-19", "Q2")], 4) }).await;
    assert_eq!(world.held().await, ["Q2@4"]);
}
