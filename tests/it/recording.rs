//! What a collection records is replayed, and a collection from the replay has the same rows.

use crate::slt::InProcess;
use crate::world::{WEDNESDAY, configuration, instant};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use ttapi::clock::Clock;
use ttapi::collect::client::Recorder;
use ttapi::lake::dataset;
use ttapi::secret::Secret;
use ttapi::server::{self, Role, Server};
use ttapi::simulator::fault::{Kind, Rule};
use ttapi::simulator::replay::{Recording, Replay};
use ttapi::simulator::{CLIENT_SECRET, Options, REFRESH_TOKEN, Simulator};

/// How often everything is collected: what goes wrong at first is tried again.
const ROUNDS: usize = 3;

/// The columns of a dataset without the moment of the fetch, row by row and sorted.
type Rows = BTreeMap<&'static str, Vec<Vec<String>>>;

/// A server over a lake of its own.
struct Collection {
    clock: Clock,
    server: Server,
    _stop: DropGuard,
    _lake: tempfile::TempDir,
}

impl Collection {
    async fn from(venue: SocketAddr, recorder: &Recorder) -> Self {
        let lake = tempfile::tempdir().unwrap();
        let mut config = configuration();
        config.lake_location = lake.path().to_str().unwrap().to_owned();
        for source in config.sources.values_mut() {
            source.base_url = format!("http://{venue}");
        }
        let clock = Clock::hand_set(instant(WEDNESDAY));
        let stop = CancellationToken::new();
        let server = server::start_recorded(&config, Role::OnDemand, clock.clone(), recorder, &stop).await.unwrap();
        Self { clock, server, _stop: stop.drop_guard(), _lake: lake }
    }

    /// Refreshes everything some times, in the same order. Which refreshes failed.
    async fn collect(&self) -> Vec<(usize, &'static str)> {
        let mut names = self.server.collected.clone();
        // What others need to know comes first.
        names.sort_by_key(|name| (!matches!(*name, "calendar" | "symbols"), *name));
        let mut failed = Vec::new();
        for round in 0..ROUNDS {
            for name in &names {
                if self.server.refresh.refresh(name, "command").await.is_err() {
                    failed.push((round, *name));
                }
            }
            self.clock.advance(TimeDelta::minutes(10));
        }
        failed
    }

    async fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        for name in &self.server.collected {
            let schema = dataset::find(name).unwrap().schema;
            let columns = schema.fields().iter().map(|field| field.name()).filter(|column| *column != "fetched_at");
            let columns: Vec<String> = columns.map(|column| format!("\"{column}\"")).collect();
            let session = self.server.engine.open_session("test", ttapi::role::Role::Admin, "local");
            let sql = format!("SET freshness = 'serve'; SELECT {} FROM {name}", columns.join(", "));
            let mut found = InProcess(session).query(&sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            found.sort();
            rows.insert(name, found);
        }
        rows
    }
}

async fn listeners() -> (TcpListener, TcpListener) {
    (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap())
}

/// Things that go wrong once, or for one symbol for ever.
fn faults(simulator: &Simulator) {
    let rule = |target: &str, symbol: Option<&str>, kind, times| Rule {
        target: target.to_owned(),
        symbol: symbol.map(str::to_owned),
        kind,
        times,
    };
    for rule in [
        rule("/market-metrics/historic-corporate-events/earnings-reports", Some("AAPL"), Kind::Drop, Some(1)),
        rule("/market-metrics/historic-corporate-events/dividends", Some("MSFT"), Kind::Html, Some(1)),
        rule("/market-data", None, Kind::Status(503), Some(1)),
        rule("/market-metrics", None, Kind::Nulls, None),
        rule("/option-chains", Some("AAPL"), Kind::Truncated, Some(1)),
        rule("/option-chains", Some("SPY"), Kind::SpoiltKeys, None),
        rule("/instruments/equities/active", None, Kind::Throttled(Some(120)), Some(1)),
        rule("Candle", Some("AAPL"), Kind::ImpossibleBars, None),
        rule("Candle", Some("QQQ"), Kind::SplitSnapshot, None),
        rule("Candle", Some("MSFT"), Kind::Snip, Some(1)),
        rule("Candle", Some("SPY"), Kind::Garbage, Some(1)),
        rule("FEED_SUBSCRIPTION", None, Kind::Drop, Some(1)),
        rule("AUTH", None, Kind::Drop, Some(1)),
    ] {
        simulator.faults().add(rule);
    }
}

fn assert_without_secrets(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_without_secrets(&path);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for secret in [CLIENT_SECRET, REFRESH_TOKEN, "eyJ", "dGFzdHk", "sim-user"] {
            assert!(!text.contains(secret), "{secret} is in {}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_from_a_replay_has_the_same_rows() {
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::hand_set(instant(WEDNESDAY));
    let options = Options { seed: 42, rate: 0.0, clock, ..Options::default() };
    let (rest, dxlink) = listeners().await;
    let simulator = Simulator::start(options, rest, dxlink, stop.clone()).await.unwrap();
    faults(&simulator);
    let secrets = [CLIENT_SECRET, REFRESH_TOKEN].map(Secret::new);
    let recorder = Recorder::start(folder.path(), 1_000_000_000, &secrets, &Clock::System).unwrap();
    let recorded = Collection::from(simulator.rest_addr(), &recorder).await;
    let failed = recorded.collect().await;
    let told = recorder.finish().await.unwrap();
    assert!(told.ended.is_none() && told.exchanges > 20 && told.frames > 20, "{told:?}");
    assert!(failed.contains(&(0, "symbols")), "{failed:?}");
    assert!(simulator.faults().rules().iter().all(|rule| rule.times.is_none()), "each fault has been met");
    assert_without_secrets(folder.path());

    let (rest, dxlink) = listeners().await;
    let recording = Recording::open(folder.path()).unwrap();
    let replay = Replay::start(recording, f64::INFINITY, rest, dxlink, stop.clone()).unwrap();
    let replayed = Collection::from(replay.rest_addr(), &Recorder::off()).await;
    assert_eq!(replayed.collect().await, failed);
    let (rows, expected) = (replayed.rows().await, recorded.rows().await);
    assert_eq!(rows.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for name in ["dividends", "eod", "market_data", "market_metrics", "option_chains", "symbols"] {
        assert!(!expected[name].is_empty(), "{name} has rows");
    }
    for (name, expected) in expected {
        assert!(rows[name] == expected, "{name} has other rows: {} and {}", rows[name].len(), expected.len());
    }
}
