//! A whole world for one test: a simulated venue, a lake in a directory of its own, a server over both, one clock that
//! stands still until the test moves it, and optionally the Postgres front end.

use crate::slt::InProcess;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{FutureExt, StreamExt};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, NoTls};
use tokio_util::sync::{CancellationToken, DropGuard};
use ttapi::clock::Clock;
use ttapi::config::{self, Config};
use ttapi::engine::Session;
use ttapi::error::QueryError;
use ttapi::lake::freshness::{Freshness, State};
use ttapi::secret::Secret;
use ttapi::serve::postgres;
use ttapi::server::{self, Role, Server};
use ttapi::simulator::fault::{Kind, Rule};
use ttapi::simulator::{CLIENT_SECRET, Options, REFRESH_TOKEN, Simulator};

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(60);

/// Symbols that are collected unless a test says otherwise.
pub(crate) const SYMBOLS: [&str; 5] = ["AAPL", "BRK/B", "MSFT", "QQQ", "SPY"];

/// A Wednesday at 11:00 in New York.
pub(crate) const WEDNESDAY: &str = "2026-06-10T15:00:00Z";

/// The world. Everything ends when it is dropped.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) simulator: Simulator,
    pub(crate) server: Server,
    venue: CancellationToken,
    running: CancellationToken,
    _stop: DropGuard,
    _directory: tempfile::TempDir,
}

/// The configuration of a world with five symbols and a short history; single requests, no limit of rate.
pub(crate) fn configuration() -> Config {
    let mut config = config::load(None, &Vec::new()).unwrap();
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    config.collect.lists = Vec::new();
    config.collect.live_lists = Vec::new();
    config.collect.symbols = texts(&SYMBOLS);
    config.collect.option_underlyings = texts(&["AAPL", "SPY"]);
    config.collect.look_back_days = 60;
    config.sources.get_mut("tastytrade").unwrap().client_secret = Secret::new(CLIENT_SECRET);
    config.sources.get_mut("tastytrade").unwrap().refresh_token = Secret::new(REFRESH_TOKEN);
    config.sources.get_mut("tastytrade").unwrap().requests_per_second = None;
    config.sources.get_mut("tastytrade").unwrap().attempts = 1;
    config
}

impl World {
    /// A world of five symbols on a Wednesday morning in which nothing is loaded yet.
    pub(crate) async fn start(role: Role) -> Self {
        Self::with(role, configuration(), WEDNESDAY).await
    }

    pub(crate) async fn with(role: Role, mut config: Config, now: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        config.lake_location = directory.path().to_str().unwrap().to_owned();
        let clock = Clock::hand_set(instant(now));
        let all = CancellationToken::new();
        let (venue, running) = (all.child_token(), all.child_token());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let simulator = simulate(&clock, any, any, venue.clone()).await;
        for source in config.sources.values_mut() {
            source.base_url = format!("http://{}", simulator.rest_addr());
        }
        let server = server::start(&config, role, clock.clone(), &running).await.unwrap();
        let _stop = all.drop_guard();
        Self { clock, config, simulator, server, venue, running, _stop, _directory: directory }
    }

    /// Ends the server and starts another one over the same lake.
    pub(crate) async fn restart(&mut self, role: Role) {
        self.running.cancel();
        self.running = CancellationToken::new();
        self.server = self.second_server(role).await;
    }

    /// Another server over the same lake, as another process would be. It ends with the first one.
    pub(crate) async fn second_server(&self, role: Role) -> Server {
        server::start(&self.config, role, self.clock.clone(), &self.running).await.unwrap()
    }

    /// The venue goes: nobody listens at its addresses.
    pub(crate) async fn stop_venue(&self) {
        self.venue.cancel();
        let rest = self.simulator.rest_addr();
        until("the venue is gone", || async move { tokio::net::TcpStream::connect(rest).await.is_err() }).await;
    }

    /// The venue comes back at the same addresses. Its counters begin anew.
    pub(crate) async fn start_venue(&mut self) {
        self.venue = CancellationToken::new();
        let (rest, dxlink) = (self.simulator.rest_addr(), self.simulator.dxlink_addr());
        self.simulator = simulate(&self.clock, rest, dxlink, self.venue.clone()).await;
    }

    /// Makes a route misbehave, for ever; in requests about one symbol alone when one is named.
    pub(crate) fn spoil(&self, target: &str, symbol: Option<&str>, kind: Kind) {
        let (target, symbol) = (target.to_owned(), symbol.map(str::to_owned));
        self.simulator.faults().add(Rule { target, symbol, kind, times: None });
    }

    /// The venue behaves again.
    pub(crate) fn heal(&self) {
        self.simulator.faults().clear();
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// Requests to exactly this path so far.
    pub(crate) fn calls(&self, path: &str) -> u64 {
        self.simulator.counters().rest.get(path).copied().unwrap_or_default()
    }

    /// Refreshes datasets, one after the other.
    pub(crate) async fn refresh(&self, datasets: &[&str]) {
        for dataset in datasets {
            self.server
                .refresh
                .refresh(dataset, "command")
                .await
                .unwrap_or_else(|reason| panic!("{dataset}: {reason}"));
        }
    }

    pub(crate) fn freshness(&self, dataset: &str) -> &Freshness {
        self.server.board.get(dataset).unwrap()
    }

    /// The version of a dataset that queries see.
    pub(crate) fn version(&self, dataset: &str) -> Option<u64> {
        self.server.lake.table(dataset).unwrap().current().map(|snapshot| snapshot.version)
    }

    pub(crate) async fn until_state(&self, dataset: &str, state: State) {
        until(&format!("{dataset} is {}", state.name()), || async { self.freshness(dataset).state() == state }).await;
    }

    pub(crate) fn session(&self) -> Session {
        self.server.engine.open_session("test", ttapi::role::Role::Admin, "local")
    }

    /// Rows of a query in a session of its own, as text.
    pub(crate) async fn query(&self, sql: &str) -> Result<Vec<Vec<String>>, QueryError> {
        InProcess(self.session()).query(sql).await
    }

    /// The only value of a query.
    #[track_caller]
    pub(crate) fn value(&self, sql: &str) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        self.query(sql).map(move |rows| match rows.as_deref() {
            Ok([row]) if row.len() == 1 => row[0].clone(),
            other => panic!("{caller}: not one value: {other:?}"),
        })
    }

    /// Serves Postgres clients on a free port.
    pub(crate) async fn postgres(&self) -> SocketAddr {
        serve_postgres(self.server.engine.clone(), self.running.clone()).await
    }
}

/// Serves Postgres clients of an engine on a free port until `shutdown`.
pub(crate) async fn serve_postgres(engine: ttapi::engine::Engine, shutdown: CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = postgres::Options { connections_max: 500, ..postgres::Options::default() };
    tokio::spawn(postgres::serve(listener, engine, options, shutdown));
    address
}

async fn simulate(clock: &Clock, rest: SocketAddr, dxlink: SocketAddr, shutdown: CancellationToken) -> Simulator {
    let (rest, dxlink) = (TcpListener::bind(rest).await.unwrap(), TcpListener::bind(dxlink).await.unwrap());
    let options = Options { seed: 42, rate: 0.0, clock: clock.clone(), ..Options::default() };
    Simulator::start(options, rest, dxlink, shutdown).await.unwrap()
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Waits until a condition holds, and panics when it does not in good time.
pub(crate) async fn until<F, C>(what: &str, condition: C)
where
    C: Fn() -> F,
    F: Future<Output = bool>,
{
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

/// A Postgres connection and the notices that come over it.
pub(crate) async fn connect(address: SocketAddr) -> (tokio_postgres::Client, mpsc::UnboundedReceiver<DbError>) {
    let settings = format!("host={} port={} user=test dbname=tt", address.ip(), address.port());
    let (client, mut connection) = tokio_postgres::connect(&settings, NoTls).await.unwrap();
    let (sender, notices) = mpsc::unbounded_channel();
    // Ends by itself when the client is dropped.
    tokio::spawn(async move {
        let mut messages = futures::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notice(notice) = message {
                let _ = sender.send(notice);
            }
        }
    });
    (client, notices)
}

/// What is listed under a name, as text, by the first column of some rows.
pub(crate) fn by_name(rows: Vec<Vec<String>>) -> BTreeMap<String, String> {
    rows.into_iter().filter_map(|row| Some((row.first()?.clone(), row.get(1)?.clone()))).collect()
}
