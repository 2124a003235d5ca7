//! The scheduler over a real lake and made-up sources that count their calls, wait at a gate, fail or panic.

use super::*;
use crate::collect::collector::RequestBuilder;
use crate::collect::items::Items;
use crate::collect::{Fetch, FetchError, Fetched, Request};
use crate::lake::StoreOptions;
use crate::lake::dataset;
use crate::lake::freshness::{Policy, State};
use crate::lake::refresh::{RefreshHandle, Wanted, channel};
use arrow::array::{ArrayRef, Int64Array, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::TimeDelta;
use futures::FutureExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use tokio_util::sync::DropGuard;

mod failures;
mod items;

/// Items of `market_metrics`, which is asked for two at a time.
const ITEMS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];

fn depends_on(name: &str) -> &'static [&'static str] {
    match name {
        "expirations" => &["calendar", "option_chains"],
        "returns_stddev" => &["eod", "expirations"],
        _ => &[],
    }
}

const DEADLINE: Duration = Duration::from_secs(20);

/// What a source does when it is asked.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Good,
    Failing,
    Panicking,
}

/// A source of one row, another one with every call.
struct Source {
    name: &'static str,
    lake: Arc<Lake>,
    mood: Mutex<Mood>,
    calls: AtomicUsize,
    /// Items of each call.
    asked: Mutex<Vec<String>>,
    /// What the last call's requests were for.
    purpose: Mutex<Option<Arc<Purpose>>>,
    /// Calls wait for a permit when the gate is shut.
    gate: Semaphore,
    gated: AtomicBool,
    log: Arc<Log>,
}

/// What the sources did, in order.
#[derive(Default)]
struct Log {
    begun: Mutex<Vec<&'static str>>,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

/// Counts a call as running until it ends or is dropped.
struct Counted(Arc<Log>);

impl Counted {
    fn new(log: &Arc<Log>) -> Self {
        let running = log.running.fetch_add(1, Ordering::SeqCst) + 1;
        log.most_running.fetch_max(running, Ordering::SeqCst);
        Self(log.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Fetch for Source {
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        self.asked.lock().unwrap().push(request.items.join(" "));
        *self.purpose.lock().unwrap() = Some(request.purpose.clone());
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.log.begun.lock().unwrap().push(self.name);
        let _counted = Counted::new(&self.log);
        let dataset = dataset::find(self.name).unwrap();
        let version = |input: &&str| Some(((*input).to_owned(), self.lake.table(input)?.current()?.version));
        let inputs = dataset.computed_from.iter().filter_map(version).collect();
        if self.gated.load(Ordering::SeqCst) {
            self.gate.acquire().await.unwrap().forget();
        }
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Good => Ok(Fetched { batches: vec![row(self.name, call)], items: 1, inputs, ..Fetched::default() }),
            Mood::Failing => {
                Err(FetchError::Unavailable { origin: "the venue".to_owned(), reason: format!("down ({call})") })
            }
            Mood::Panicking => panic!("a source's own fault"),
        }
    }
}

/// One row of a dataset whose columns that must not be NULL hold `number`.
fn row(name: &str, number: usize) -> RecordBatch {
    let schema = dataset::find(name).unwrap().schema;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.data_type() {
            kind if field.is_nullable() => new_null_array(kind, 1),
            DataType::Utf8 => Arc::new(StringArray::from(vec![number.to_string()])),
            DataType::Date32 => cast(&arrow::array::Int32Array::from(vec![number as i32]), &DataType::Date32).unwrap(),
            kind => cast(&Int64Array::from(vec![number as i64]), kind).unwrap(),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

struct World {
    _directory: tempfile::TempDir,
    lake: Arc<Lake>,
    board: FreshnessBoard,
    clock: Clock,
    sources: BTreeMap<&'static str, Arc<Source>>,
    log: Arc<Log>,
    refresh: RefreshHandle,
    stop: CancellationToken,
    _stop: DropGuard,
}

const OPTIONS: Options = Options {
    background: false,
    runs_max: 8,
    negative_ttl: Duration::from_secs(5),
    absent_percent_max: 20,
    process: 1,
};

impl World {
    async fn start(names: &[&'static str], options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lake = Lake::open(directory.path().to_str().unwrap(), &StoreOptions::default()).await.unwrap();
        let lake = Arc::new(lake);
        let clock = Clock::hand_set("2026-06-10T15:00:00Z".parse().unwrap());
        let (log, stop) = (Arc::new(Log::default()), CancellationToken::new());
        let mut board = FreshnessBoard::new();
        let (mut sources, mut collectors) = (BTreeMap::new(), BTreeMap::new());
        // What is derived comes after what it is made of.
        let mut names = names.to_vec();
        names.sort_by_key(|name| (!depends_on(name).is_empty(), *name));
        for name in names {
            let definition = dataset::find(name).unwrap();
            let derived = matches!(name, "expirations" | "returns_stddev");
            let depends_on = depends_on(name);
            let policy = Policy {
                ttl: if derived { Ttl::Inputs } else { Ttl::After(Duration::from_secs(3600)) },
                stale_while_revalidate: Duration::from_secs(600),
                wait_timeout: DEADLINE,
                stale_if_error: Duration::from_secs(7200),
                jitter: Duration::from_secs(300),
            };
            let freshness = Freshness::new(&definition, Some(policy), true, "simulated", clock.clone());
            let input = |name: &&'static str| Some((lake.table(name)?.clone(), board.get(name)?.clone()));
            let inputs: Vec<_> = depends_on.iter().filter(|_| derived).filter_map(input).collect();
            let freshness = freshness.depending_on(depends_on.to_vec()).with_inputs(inputs);
            board.insert(name, Arc::new(freshness));
            let source = Arc::new(Source {
                name,
                lake: lake.clone(),
                mood: Mutex::new(Mood::Good),
                calls: AtomicUsize::new(0),
                asked: Mutex::default(),
                purpose: Mutex::default(),
                gate: Semaphore::new(0),
                gated: AtomicBool::new(false),
                log: log.clone(),
            });
            sources.insert(name, source.clone());
            let items = (name == "market_metrics").then(|| Items::new(&ITEMS.map(str::to_owned), 2));
            let request: RequestBuilder = Arc::new(|_, _, _| {
                let items = ITEMS.map(str::to_owned).to_vec();
                async { Ok(Request { items, ..Request::default() }) }.boxed()
            });
            collectors.insert(name, Collector { items, ..Collector::from_parts(source, request) });
        }
        let (refresh, requests) = channel();
        let scheduler = Scheduler::new(lake.clone(), board.clone(), collectors, requests, clock.clone(), options);
        tokio::spawn(scheduler.run(stop.clone()));
        let _stop = stop.clone().drop_guard();
        Self { _directory: directory, lake, board, clock, sources, log, refresh, stop, _stop }
    }

    fn calls(&self, name: &str) -> usize {
        self.sources[name].calls.load(Ordering::SeqCst)
    }

    fn mood(&self, name: &str, mood: Mood) {
        *self.sources[name].mood.lock().unwrap() = mood;
    }

    fn shut(&self, name: &str) {
        self.sources[name].gated.store(true, Ordering::SeqCst);
    }

    fn open(&self, name: &str) {
        self.sources[name].gated.store(false, Ordering::SeqCst);
        self.sources[name].gate.add_permits(1000);
    }

    fn version(&self, name: &str) -> Option<u64> {
        self.lake.table(name).unwrap().current().map(|snapshot| snapshot.version)
    }

    /// Loads everything once and forgets the order in which it was.
    async fn load(&self) {
        for name in ["calendar", "option_chains", "eod", "expirations", "returns_stddev", "symbols", "market_metrics"] {
            if self.sources.contains_key(name) {
                self.refresh.refresh(name, "command").await.unwrap();
            }
        }
        for (name, freshness) in &self.board {
            assert_eq!(freshness.state(), State::Fresh, "{name}");
        }
        self.log.begun.lock().unwrap().clear();
    }

    fn begun(&self) -> Vec<&'static str> {
        self.log.begun.lock().unwrap().clone()
    }

    async fn ask(&self, name: &str) -> Result<(), String> {
        self.ask_for(name, Scope::All).await
    }

    async fn ask_for(&self, name: &str, scope: Scope) -> Result<(), String> {
        let (dataset, seen) = (dataset::find(name).unwrap().name, self.board[name].runs_ended());
        self.refresh.refresh_for_query(Wanted { dataset, scope, max_age: None, seen }).await
    }

    /// Waits until the condition holds.
    async fn until(&self, what: &'static str, condition: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_during_a_run_and_just_after_it_are_one_run() {
    let world = World::start(&["symbols"], OPTIONS).await;
    world.shut("symbols");
    let seen = world.board["symbols"].runs_ended();
    let wanted = || Wanted { dataset: "symbols", scope: Scope::All, max_age: None, seen };
    let many = futures::future::join_all((0..200).map(|_| world.refresh.refresh_for_query(wanted())));
    let opened = async {
        world.until("the run begins", |world| world.calls("symbols") == 1).await;
        world.open("symbols");
    };
    let (outcomes, ()) = futures::future::join(many, opened).await;
    assert!(outcomes.iter().all(Result::is_ok));
    // Somebody who looked before the run ended, and asks only now.
    world.refresh.refresh_for_query(wanted()).await.unwrap();
    assert_eq!(world.calls("symbols"), 1);
    // A command wants a run whatever was before.
    world.refresh.refresh("symbols", "command").await.unwrap();
    assert_eq!(world.calls("symbols"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_dataset_waits_for_its_overdue_inputs_and_each_runs_once() {
    let names = ["calendar", "eod", "expirations", "option_chains", "returns_stddev"];
    let world = World::start(&names, OPTIONS).await;
    world.load().await;
    // Everything but the calendar goes stale.
    world.clock.advance(TimeDelta::minutes(50));
    world.refresh.refresh("calendar", "command").await.unwrap();
    world.refresh.refresh("expirations", "command").await.unwrap();
    world.log.begun.lock().unwrap().clear();
    world.clock.advance(TimeDelta::minutes(20));
    // Its chains are stale, and it with them, though made of their latest version.
    assert_eq!(world.board["expirations"].due(&Scope::All), None);
    assert_eq!(world.board["expirations"].state(), State::Stale);
    world.ask("returns_stddev").await.unwrap();
    let mut begun = world.begun();
    assert_eq!(begun.split_off(2), ["expirations", "returns_stddev"]);
    begun.sort_unstable();
    assert_eq!(begun, ["eod", "option_chains"]);
    for name in names {
        assert_eq!(world.board[name].state(), State::Fresh, "{name}");
    }
    let made_of = world.board["returns_stddev"].remembered().made_of.inputs.clone();
    assert_eq!(made_of["eod"], world.version("eod").unwrap());
    assert_eq!(made_of["expirations"], world.version("expirations").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_changes_during_a_rebuild_makes_one_more() {
    let names = ["calendar", "expirations", "option_chains"];
    let world = World::start(&names, Options { background: true, ..OPTIONS }).await;
    world.until("the first load", |world| world.board["expirations"].state() == State::Fresh).await;
    let (calls, old) = (world.calls("expirations"), world.version("calendar").unwrap());
    world.shut("expirations");
    let rebuilt = world.refresh.refresh("expirations", "command");
    let changed = async {
        world.until("the rebuild begins", |world| world.calls("expirations") == calls + 1).await;
        world.refresh.refresh("calendar", "command").await.unwrap();
        assert_eq!(world.board["expirations"].remembered().made_of.inputs["calendar"], old);
        world.sources["expirations"].gate.add_permits(1);
    };
    let (outcome, ()) = futures::future::join(rebuilt, changed).await;
    outcome.unwrap();
    // It was made of the version taken at its start, says so, and is stale.
    let remembered = world.board["expirations"].remembered();
    assert_eq!((remembered.made_of.inputs["calendar"], world.version("calendar")), (old, Some(old + 1)));
    assert_ne!(world.board["expirations"].state(), State::Fresh);
    world.open("expirations");
    world.until("one more rebuild", |world| world.board["expirations"].state() == State::Fresh).await;
    assert_eq!(world.board["expirations"].remembered().made_of.inputs["calendar"], old + 1);
    assert_eq!(world.calls("expirations"), calls + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_runs_at_once_than_allowed_and_what_is_waited_for_comes_first() {
    let names = ["calendar", "dividends", "earnings", "market_metrics", "option_chains", "symbols"];
    let world = World::start(&names, Options { runs_max: 2, ..OPTIONS }).await;
    for name in names {
        world.shut(name);
    }
    let all = futures::future::join_all(names.iter().map(|name| world.refresh.refresh(name, "command")));
    let opened = async {
        world.until("two runs", |world| world.begun().len() == 2).await;
        for name in names {
            world.open(name);
        }
    };
    let (outcomes, ()) = futures::future::join(all, opened).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(world.log.most_running.load(Ordering::SeqCst), 2);
    assert_eq!(world.begun().len(), names.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_stops_runs_and_tells_whoever_waits() {
    let world = World::start(&["symbols"], OPTIONS).await;
    world.shut("symbols");
    let stopped = async {
        world.until("the run begins", |world| world.calls("symbols") == 1).await;
        world.stop.cancel();
    };
    let (outcome, ()) = futures::future::join(world.refresh.refresh("symbols", "command"), stopped).await;
    assert_eq!(outcome, Err("the refresh was stopped".to_owned()));
    assert_eq!(world.log.running.load(Ordering::SeqCst), 0);
    assert_eq!(world.version("symbols"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failed_run_and_the_next_one_heals() {
    let world = World::start(&["symbols"], OPTIONS).await;
    world.mood("symbols", Mood::Panicking);
    let reason = world.refresh.refresh("symbols", "command").await.unwrap_err();
    assert!(reason.contains("internal error"), "{reason}");
    assert_eq!(world.board["symbols"].state(), State::Failed);
    world.mood("symbols", Mood::Good);
    world.refresh.refresh("symbols", "command").await.unwrap();
    assert_eq!(world.board["symbols"].state(), State::Fresh);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_only_young_rows_has_the_inputs_of_a_derived_dataset_refreshed() {
    let names = ["calendar", "expirations", "option_chains"];
    let world = World::start(&names, OPTIONS).await;
    world.load().await;
    world.clock.advance(TimeDelta::minutes(10));
    let ask = |max_age: Option<u64>| {
        let seen = world.board["expirations"].runs_ended();
        let max_age = max_age.map(Duration::from_secs);
        world.refresh.refresh_for_query(Wanted { dataset: "expirations", scope: Scope::All, max_age, seen })
    };
    // Nothing is due, so nothing is computed.
    ask(None).await.unwrap();
    ask(Some(3600)).await.unwrap();
    assert_eq!(world.begun(), [""; 0]);
    ask(Some(60)).await.unwrap();
    let mut begun = world.begun();
    assert_eq!(begun.pop(), Some("expirations"));
    begun.sort_unstable();
    assert_eq!(begun, ["calendar", "option_chains"]);
    assert!(!world.board["expirations"].older_than(&Scope::All, Duration::from_secs(60)));
}
