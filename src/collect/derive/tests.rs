//! Computing only what changed gives what computing everything gives, over many random histories of the inputs.

use super::expirations::Expirations;
use super::returns_stddev::ReturnsStddev;
use crate::clock::Clock;
use crate::collect::write::{write, write_scope};
use crate::collect::{Fetch, Previous, Request};
use crate::lake::{Lake, MadeOf, Scope, StoreOptions, dataset};
use arrow::array::{ArrayRef, Date32Array, Float64Array, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{Days, NaiveDate, TimeDelta};
use std::collections::BTreeSet;
use std::sync::Arc;

const HISTORIES: u64 = 24;
const STEPS: usize = 14;
const SYMBOLS: [&str; 7] = ["A", "BRK/B", "C", "D", "E", "SPY", "ZZZ"];

/// A small generator of random numbers: the same seed, the same history.
struct Random(u64);

impl Random {
    /// Below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    fn some(&mut self) -> Vec<&'static str> {
        let chosen: Vec<&'static str> = SYMBOLS.into_iter().filter(|_| self.below(3) == 0).collect();
        if chosen.is_empty() { vec![self.one_of(&SYMBOLS)] } else { chosen }
    }
}

/// A lake whose inputs change at random, and what was last derived of them.
struct History {
    _directory: tempfile::TempDir,
    lake: Arc<Lake>,
    clock: Clock,
    random: Random,
    made_of: [MadeOf; 2],
    /// How often only a part was computed, and nothing.
    partial: usize,
}

fn days(date: &str) -> i32 {
    let date: NaiveDate = date.parse().unwrap();
    (date - NaiveDate::default()).num_days() as i32
}

/// Rows of a dataset: the named columns, NULL elsewhere.
fn rows(name: &str, count: usize, columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let schema = dataset::find(name).unwrap().schema;
    let column = |field: &Arc<arrow::datatypes::Field>| match columns.iter().find(|(name, _)| name == field.name()) {
        Some((_, values)) => values.clone(),
        None if field.name() == "fetched_at" => {
            Arc::new(TimestampMicrosecondArray::from(vec![1; count]).with_timezone("UTC")) as ArrayRef
        }
        None => new_null_array(field.data_type(), count),
    };
    RecordBatch::try_new(schema.clone(), schema.fields().iter().map(column).collect()).unwrap()
}

fn texts(values: impl Iterator<Item = impl Into<String>>) -> ArrayRef {
    Arc::new(values.map(|value| Some(value.into())).collect::<StringArray>())
}

impl History {
    async fn start(seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lake = Lake::open(directory.path().to_str().unwrap(), &StoreOptions::default()).await.unwrap();
        let clock = Clock::hand_set("2026-06-10T15:00:00Z".parse().unwrap());
        let (random, made_of) = (Random(seed), [MadeOf::default(), MadeOf::default()]);
        let mut history = Self { _directory: directory, lake: Arc::new(lake), clock, random, made_of, partial: 0 };
        history.calendar().await;
        for name in SYMBOLS {
            history.chains(&[name]).await;
        }
        history.bars(&SYMBOLS, 60).await;
        history
    }

    /// Says of a random day whether it is a session.
    async fn calendar(&mut self) {
        let date = days("2026-06-11") + self.random.below(60) as i32;
        let open = (self.random.below(2) == 0).then_some(1);
        let close_at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![open]).with_timezone("UTC"));
        let rows = rows("calendar", 1, &[("date", Arc::new(Date32Array::from(vec![date]))), ("close_at", close_at)]);
        write(self.lake.table("calendar").unwrap(), &[rows], &[]).await.unwrap();
    }

    /// New chains of some underlyings alone; of some of them there are none any more.
    async fn chains(&mut self, underlyings: &[&str]) {
        let mut listed = Vec::new();
        for underlying in underlyings {
            for week in 0..self.random.below(5) as i32 {
                for strike in 0..=self.random.below(2) {
                    listed.push((*underlying, days("2026-06-12") + 7 * week, strike as f64 + 1.0));
                }
            }
        }
        let label = self.random.one_of(&["Weekly", "Regular", "End-Of-Month"]);
        let rows = rows(
            "option_chains",
            listed.len(),
            &[
                ("underlying", texts(listed.iter().map(|one| one.0))),
                ("expiration", Arc::new(Date32Array::from_iter_values(listed.iter().map(|one| one.1)))),
                ("strike", Arc::new(Float64Array::from_iter_values(listed.iter().map(|one| one.2)))),
                ("side", texts(listed.iter().map(|_| "call"))),
                ("symbol", texts(listed.iter().map(|one| format!("{} {} {}", one.0, one.1, one.2)))),
                ("expiration_type", texts(listed.iter().map(|_| label))),
            ],
        );
        let names: BTreeSet<String> = underlyings.iter().map(|name| (*name).to_owned()).collect();
        let everything = self.random.below(6) == 0 && underlyings.len() == SYMBOLS.len();
        let scope = if everything { Scope::All } else { Scope::Items(names) };
        write_scope(self.lake.table("option_chains").unwrap(), &[rows], &scope, &[], None).await.unwrap();
    }

    /// Bars of some symbols, some of them the same as before, some corrected, some new, some without a price.
    async fn bars(&mut self, symbols: &[&str], count: u64) {
        let mut bars = Vec::new();
        for symbol in symbols {
            let first = days("2025-11-01") + self.random.below(220) as i32;
            for day in 0..=self.random.below(count + 1) as i32 {
                let close = [None, Some(0.0), Some(100.0)][self.random.below(3) as usize];
                let close = close.or_else(|| Some(50.0 + self.random.below(100) as f64 / 4.0));
                bars.push((*symbol, first + day, close.filter(|_| self.random.below(9) > 0)));
            }
        }
        let close: ArrayRef = Arc::new(bars.iter().map(|bar| bar.2).collect::<Float64Array>());
        let rows = rows(
            "eod",
            bars.len(),
            &[
                ("symbol", texts(bars.iter().map(|bar| bar.0))),
                ("date", Arc::new(Date32Array::from_iter_values(bars.iter().map(|bar| bar.1)))),
                ("close", close),
                ("source", texts(bars.iter().map(|_| "dxlink"))),
            ],
        );
        write(self.lake.table("eod").unwrap(), &[rows], &[]).await.unwrap();
    }

    /// Something happens to an input.
    async fn step(&mut self) {
        let some = self.random.some();
        match self.random.below(10) {
            0 => self.calendar().await,
            1 => self.clock.advance(TimeDelta::hours(self.random.below(30) as i64)),
            2 => {}
            3 => self.chains(&SYMBOLS).await,
            4..=6 => self.chains(&some).await,
            _ => self.bars(&some, 12).await,
        }
    }

    fn sources(&self) -> [(&'static str, Box<dyn Fetch>); 2] {
        let (lake, clock) = (self.lake.clone(), self.clock.clone());
        let expirations = Expirations { lake: lake.clone(), clock: clock.clone() };
        let returns_stddev = ReturnsStddev { lake, clock, look_back: Days::new(200) };
        [("expirations", Box::new(expirations)), ("returns_stddev", Box::new(returns_stddev))]
    }

    /// Derives both as the scheduler does, and compares with what computing everything gives.
    async fn derive(&mut self) {
        for (place, (name, source)) in self.sources().into_iter().enumerate() {
            let table = self.lake.table(name).unwrap();
            let snapshot = table.update().await.unwrap();
            let made_of = self.made_of[place].clone();
            let previous = snapshot.map(|snapshot| Previous { made_of, snapshot });
            let fetched = source.fetch(&Request { previous, ..Request::default() }).await.unwrap();
            self.partial += usize::from(fetched.recomputed.is_some());
            let scope = fetched.recomputed.map_or(Scope::All, Scope::Items);
            write_scope(table, &fetched.batches, &scope, &[], None).await.unwrap();
            self.made_of[place] = MadeOf { inputs: fetched.inputs, basis: fetched.basis, ..MadeOf::default() };
            let everything = source.fetch(&Request::default()).await.unwrap();
            assert!(everything.recomputed.is_none());
            let held = table.read(&table.current().unwrap().files).await.unwrap();
            assert_eq!(lines(&held), lines(&everything.batches), "{name}");
        }
    }
}

/// Every row as text, but for when it was computed; numbers with all their digits.
fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let mut lines = Vec::new();
    for batch in batches {
        let kept = batch.num_columns() - 1;
        let columns: Vec<_> =
            batch.columns()[..kept].iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            lines.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" "));
        }
    }
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_alone_computed_anew_is_as_if_everything_were() {
    let mut partial = 0;
    for seed in 0..HISTORIES {
        let mut history = History::start(seed).await;
        history.derive().await;
        for _ in 0..STEPS {
            for _ in 0..=history.random.below(2) {
                history.step().await;
            }
            history.derive().await;
        }
        partial += history.partial;
    }
    // Enough of the cases are of the kind that is tested, and enough are not.
    let all = HISTORIES as usize * (STEPS + 1) * 2;
    assert!(partial > all / 3 && partial < all, "{partial} of {all} derivations computed a part");
}
