//! Answers beside a real lake, with a source that is scripted.

use super::*;
use crate::collect::FetchError;
use crate::collect::write::write;
use crate::lake::{Lake, StoreOptions, dataset};
use crate::market::bar::Bar;
use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Float64Type;
use async_trait::async_trait;
use chrono::NaiveDate;
use std::sync::{Arc, Mutex};

/// First day of the history that is held, a Monday.
const FIRST: &str = "2026-05-04";

fn now() -> DateTime<Utc> {
    "2026-06-10T22:00:00Z".parse().unwrap()
}

/// Bars of so many sessions from one on, each price and volume by its number times a ratio.
fn history(symbol: &str, sessions: std::ops::Range<u32>, ratio: impl Fn(u32) -> f64) -> Vec<Bar> {
    let first: NaiveDate = FIRST.parse().unwrap();
    let all = calendar::sessions(first, "2026-06-10".parse().unwrap());
    let bar = |(number, session): (u32, &calendar::Session)| {
        let (price, ratio) = (100.0 + f64::from(number % 7), ratio(number));
        #[allow(clippy::cast_possible_truncation)]
        let volume = Some((12_000.0 / ratio) as i64);
        let [open, high, low, close] = [0.0, 2.0, -2.0, 1.0].map(|away| Some((price + away) * ratio));
        Bar { symbol: symbol.to_owned(), date: session.date, open, high, low, close, volume, open_interest: None }
    };
    (0..).zip(&all).filter(|(number, _)| sessions.contains(number)).map(bar).collect()
}

fn batch(bars: &[Bar]) -> RecordBatch {
    let prices = |of: fn(&Bar) -> Option<f64>| Arc::new(bars.iter().map(of).collect::<Float64Array>()) as ArrayRef;
    let fetched_at = TimestampMicrosecondArray::from_value(now().timestamp_micros(), bars.len());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(bars.iter().map(|bar| &bar.symbol))),
        Arc::new(Date32Array::from_iter_values(bars.iter().map(|bar| bars::day(bar.date)))),
        prices(|bar| bar.open),
        prices(|bar| bar.high),
        prices(|bar| bar.low),
        prices(|bar| bar.close),
        Arc::new(bars.iter().map(|bar| bar.volume).collect::<Int64Array>()),
        Arc::new(bars.iter().map(|bar| bar.open_interest).collect::<Int64Array>()),
        Arc::new(StringArray::from_iter_values(bars.iter().map(|_| "dxlink"))),
        Arc::new(fetched_at.with_timezone("UTC")),
    ];
    RecordBatch::try_new(dataset::find(dataset::EOD).unwrap().schema, columns).unwrap()
}

/// Answers with what it is given, and remembers what it was asked for.
struct Scripted {
    answer: Result<Vec<Bar>, &'static str>,
    asked: Mutex<Vec<(Vec<String>, Vec<NaiveDate>)>>,
}

impl Scripted {
    fn new(answer: Result<Vec<Bar>, &'static str>) -> Self {
        Self { answer, asked: Mutex::default() }
    }
}

#[async_trait]
impl Fetch for Scripted {
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let begin = request.begin.values().copied().collect();
        self.asked.lock().unwrap().push((request.items.clone(), begin));
        match &self.answer {
            Ok(bars) => Ok(Fetched { batches: vec![batch(bars)], origin_calls: 1, ..Fetched::default() }),
            Err(reason) => Err(FetchError::Unavailable { origin: "venue".to_owned(), reason: (*reason).to_owned() }),
        }
    }
}

struct Outcome {
    settled: Settled,
    fetched: Fetched,
    _directory: tempfile::TempDir,
}

impl Outcome {
    /// Days and closes of a symbol that would be committed.
    fn closes(&self, symbol: &str) -> Vec<f64> {
        Rows::of(&self.fetched.batches).by_day(symbol).values().filter_map(bars::Values::close).collect()
    }

    fn failed(&self) -> Vec<(&str, &str)> {
        self.fetched.failed.iter().map(|failed| (failed.item.as_str(), failed.reason.as_str())).collect()
    }

    fn told(&self) -> Vec<(DoubtKind, String)> {
        let findings = self.settled.findings(Some(1), Some(2));
        findings.doubts().map(|(doubt, _)| (doubt.kind, doubt.example.clone())).collect()
    }
}

/// Settles an answer beside what is held.
async fn settle(held: &[Bar], came: &[Bar], source: &Scripted) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let lake = Lake::open(directory.path().to_str().unwrap(), &StoreOptions::default()).await.unwrap();
    let (table, splits): (&Arc<LakeTable>, _) = (lake.table("eod").unwrap(), lake.table(dataset::SPLITS).unwrap());
    write(table, &[batch(held)], &[]).await.unwrap();
    let request = Request::default();
    let settling = Settling { table, splits: Some(splits), source, request: &request, now: now() };
    let mut fetched = Fetched { batches: vec![batch(came)], ..Fetched::default() };
    let settled = settling.settle(&mut fetched).await.unwrap();
    Outcome { settled, fetched, _directory: directory }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_source_no_longer_has_is_brought_to_the_new_scale() {
    let source = Scripted::new(Ok(history("A", 12..26, |_| 0.25)));
    let other = history("B", 20..26, |_| 1.0);
    let came = [history("A", 20..26, |_| 0.25), other.clone()].concat();
    let held = [history("A", 0..25, |_| 1.0), other].concat();
    let outcome = settle(&held, &came, &source).await;
    let expected: Vec<f64> = history("A", 0..26, |_| 0.25).iter().filter_map(|bar| bar.close).collect();
    assert_eq!(outcome.closes("A"), expected);
    assert_eq!((outcome.closes("B").len(), outcome.failed()), (6, vec![]));
    let asked = source.asked.lock().unwrap().clone();
    assert_eq!(asked, [(vec!["A".to_owned()], vec!["2026-04-20".parse().unwrap()])], "from before the first bar on");
    let [(kind, example)] = <[_; 1]>::try_from(outcome.told()).unwrap();
    assert_eq!(kind, DoubtKind::Restated);
    assert!(example.contains("prices are 0.25 times what they were, volumes 4 times"), "{example}");
    let splits = outcome.settled.splits.as_ref().unwrap();
    assert_eq!(splits.num_rows(), 1);
    assert_eq!(splits.column(2).as_primitive::<Float64Type>().value(0), 4.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_came_as_a_whole_is_not_asked_for_again() {
    let source = Scripted::new(Err("it must not be asked"));
    let outcome = settle(&history("A", 0..25, |_| 1.0), &history("A", 0..26, |_| 0.5), &source).await;
    assert_eq!((source.asked.lock().unwrap().len(), outcome.closes("A").len()), (0, 26));
    assert!(outcome.settled.splits.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_cannot_be_had_leaves_the_old_one_alone() {
    let held = [history("A", 0..25, |_| 1.0), history("B", 0..25, |_| 1.0)].concat();
    let came = [history("A", 20..26, |_| 0.1), history("B", 20..26, |_| 1.0)].concat();
    let outcome = settle(&held, &came, &Scripted::new(Err("it is closed"))).await;
    assert_eq!((outcome.closes("A").len(), outcome.closes("B").len()), (0, 6));
    let failed = outcome.failed();
    assert!(failed.len() == 1 && failed[0].0 == "A" && failed[0].1.ends_with("venue: it is closed"), "{failed:?}");
    assert!(outcome.told().is_empty() && outcome.settled.splits.is_none());
    let nothing = settle(&held, &came, &Scripted::new(Ok(Vec::new()))).await;
    assert!(nothing.failed()[0].1.ends_with("no bars came"), "{:?}", nothing.failed());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_history_is_taken_whole_or_not_at_all() {
    let other = |number: u32| 1.0 + f64::from(number) / 50.0;
    let (held, came) = (history("A", 0..25, |_| 1.0), history("A", 20..26, other));
    let whole = settle(&held, &came, &Scripted::new(Ok(history("A", 0..26, other)))).await;
    assert_eq!((whole.closes("A").len(), whole.failed(), whole.told().len()), (26, vec![], 1));
    assert!(whole.settled.splits.is_none());
    let part = settle(&held, &came, &Scripted::new(Ok(history("A", 10..26, other)))).await;
    assert_eq!((part.closes("A").len(), part.told().len()), (0, 0));
    assert!(part.failed()[0].1.contains("no longer has 10 of the bars"), "{:?}", part.failed());
}
