//! What freshness costs: the check before each scan of a fresh table, and an answer that is served while a refresh runs
//! behind it beside one from a fresh table, in the same run.
//!
//!     cargo bench --bench freshness -- [--out benches/runs/NAME]
//!     cargo bench --profile dev --bench freshness          # with what `cargo test` has built already
//!
//! Prints a table; `--out` also writes it as freshness.md. Everything is in one process: a simulated venue, a server and
//! a Postgres client over loopback.
#![allow(clippy::unwrap_used)]

use chrono::TimeDelta;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::SessionContext;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use ttapi::clock::Clock;
use ttapi::config;
use ttapi::lake::freshness::State;
use ttapi::secret::Secret;
use ttapi::serve::postgres;
use ttapi::server::{self, Role, Server};
use ttapi::simulator::fault::{Kind, Rule};
use ttapi::simulator::{CLIENT_SECRET, Options, REFRESH_TOKEN, Simulator};
use ttapi::table::context::QueryContext;
use ttapi::table::planner::demand_of;
use ttapi::table::refreshing::RefreshingTable;

/// Checks per figure.
const CHECKS: u32 = 100_000;
/// Rounds of one refresh each, and answers of each kind in a round.
const ROUNDS: usize = 20;
const ANSWERS: usize = 20;
/// How long the venue takes to answer while stale answers are measured.
const REFRESH: Duration = Duration::from_secs(2);

struct World {
    clock: Clock,
    simulator: Simulator,
    server: Server,
    stop: CancellationToken,
    _directory: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config::load(None, &Vec::new()).unwrap();
        config.lake_location = directory.path().to_str().unwrap().to_owned();
        config.collect.lists = vec!["sp500".to_owned()];
        config.collect.look_back_days = 60;
        config.sources.get_mut("tastytrade").unwrap().client_secret = Secret::new(CLIENT_SECRET);
        config.sources.get_mut("tastytrade").unwrap().refresh_token = Secret::new(REFRESH_TOKEN);
        config.sources.get_mut("tastytrade").unwrap().requests_per_second = None;
        let clock = Clock::hand_set("2026-06-10T15:00:00Z".parse().unwrap());
        let stop = CancellationToken::new();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (rest, dxlink) = (TcpListener::bind(any).await.unwrap(), TcpListener::bind(any).await.unwrap());
        let options = Options { seed: 42, rate: 0.0, clock: clock.clone(), ..Options::default() };
        let simulator = Simulator::start(options, rest, dxlink, stop.clone()).await.unwrap();
        config.sources.get_mut("tastytrade").unwrap().base_url = format!("http://{}", simulator.rest_addr());
        let server = server::start(&config, Role::OnDemand, clock.clone(), &stop).await.unwrap();
        for dataset in
            ["symbols", "calendar", "market_metrics", "option_chains", "eod", "expirations", "returns_stddev"]
        {
            server.refresh.refresh(dataset, "command").await.unwrap();
        }
        Self { clock, simulator, server, stop, _directory: directory }
    }

    fn table(&self, dataset: &str) -> RefreshingTable {
        let (lake, board) = (&self.server.lake, &self.server.board);
        let url = ObjectStoreUrl::parse(lake.store().0.as_str()).unwrap();
        RefreshingTable::new(
            lake.table(dataset).unwrap().clone(),
            board[dataset].clone(),
            self.server.refresh.clone(),
            url,
        )
    }

    async fn until(&self, dataset: &str, state: State) {
        while self.server.board[dataset].state() != state {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Microseconds per check of a table for a statement.
async fn check(world: &World, dataset: &str, sql: &str) -> f64 {
    let context = SessionContext::new();
    let table = Arc::new(world.table(dataset));
    context.register_table(dataset, table.clone()).unwrap();
    let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
    let query = QueryContext::default();
    query.set_demand(demand_of(&plan).unwrap());
    let began = Instant::now();
    for _ in 0..CHECKS {
        table.settle(&query).await.unwrap();
    }
    let took = began.elapsed();
    assert!(query.notices.take().is_empty());
    took.as_secs_f64() * 1e6 / f64::from(CHECKS)
}

/// Microseconds per statement for finding out which symbols it needs.
async fn look(world: &World, sql: &str) -> f64 {
    let context = SessionContext::new();
    context.register_table("market_metrics", Arc::new(world.table("market_metrics"))).unwrap();
    let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
    let began = Instant::now();
    for _ in 0..CHECKS {
        std::hint::black_box(demand_of(&plan).unwrap());
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(CHECKS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Median milliseconds of a fresh answer, and of one with a refresh behind it.
async fn answers(world: &World, client: &tokio_postgres::Client, sql: &str) -> (f64, f64) {
    let statement = client.prepare(sql).await.unwrap();
    let ask = async || {
        let began = Instant::now();
        let rows = client.query(&statement, &[]).await.unwrap();
        assert!(!rows.is_empty());
        began.elapsed().as_secs_f64() * 1e3
    };
    let (mut fresh, mut stale) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for _ in 0..ANSWERS {
            fresh.push(ask().await);
        }
        let table = world.server.lake.table("market_metrics").unwrap();
        let version = table.current().unwrap().version;
        let slow = Rule { target: "/market-metrics".to_owned(), symbol: None, kind: Kind::Slow(REFRESH), times: None };
        world.simulator.faults().add(slow);
        world.clock.advance(TimeDelta::minutes(20));
        for _ in 0..ANSWERS {
            stale.push(ask().await);
        }
        assert_eq!(table.current().unwrap().version, version, "they were answered from the old version");
        world.simulator.faults().clear();
        // One symbol alone leaves the others stale.
        world.server.refresh.refresh("market_metrics", "command").await.unwrap();
        world.until("market_metrics", State::Fresh).await;
    }
    (median(fresh), median(stale))
}

async fn run() -> String {
    let world = World::start().await;
    let mut text = String::from("| what | figure |\n|---|---|\n");
    let mut line = |what: &str, figure: f64| writeln!(text, "| {what} | {figure:.3} |").unwrap();
    let one = "SELECT * FROM market_metrics WHERE symbol = 'AAPL'";
    line("check of a fresh table, hours of TTL, us", check(&world, "symbols", "SELECT * FROM symbols").await);
    line("check of a fresh table, TTL by the exchange calendar, us", check(&world, "eod", "SELECT * FROM eod").await);
    let derived = "SELECT * FROM returns_stddev";
    line("check of a fresh derived table, two levels of inputs, us", check(&world, "returns_stddev", derived).await);
    line("check of one fresh symbol, us", check(&world, "market_metrics", one).await);
    line("looking for symbols in the plan of a statement, us", look(&world, one).await);

    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let served =
        postgres::serve(listener, world.server.engine.clone(), postgres::Options::default(), world.stop.clone());
    tokio::spawn(served);
    let settings = format!("host={} port={} user=bench dbname=tt", address.ip(), address.port());
    let (client, connection) = tokio_postgres::connect(&settings, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for (what, sql) in [("503 rows", "SELECT * FROM market_metrics"), ("one row", one)] {
        let (fresh, stale) = answers(&world, &client, sql).await;
        line(&format!("{what} of a fresh table, ms"), fresh);
        line(&format!("{what} of a stale table while it is refreshed, ms"), stale);
        line(&format!("{what}, stale / fresh"), stale / fresh);
    }
    world.stop.cancel();
    text
}

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--out");
    let out = arguments.nth(1).map(PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(8 << 20).build().unwrap();
    let text = runtime.block_on(runtime.spawn(run())).unwrap();
    print!("{text}");
    if let Some(folder) = out {
        std::fs::create_dir_all(&folder).unwrap();
        let build = if cfg!(debug_assertions) { "dev profile" } else { "release" };
        let cores = std::thread::available_parallelism().unwrap();
        let (answers, arch) = (ROUNDS * ANSWERS, std::env::consts::ARCH);
        let head = format!(
            "{cores} cores, {arch}; {build}; checks are means of {CHECKS}, answers medians of {answers} over the Postgres wire.\n\n"
        );
        std::fs::write(folder.join("freshness.md"), head + &text).unwrap();
    }
}
