//! The market that is fuzzed: a simulated venue's rows in a lake of its own, and a server over it that refreshes nothing.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use ttapi::clock::Clock;
use ttapi::config::{self, Config};
use ttapi::market::event::Quote;
use ttapi::secret::Secret;
use ttapi::server::{self, Role, Server};
use ttapi::simulator::{CLIENT_SECRET, Options, REFRESH_TOKEN, Simulator};

/// What is collected: every kind of table has rows.
const DATASETS: [&str; 7] =
    ["calendar", "symbols", "option_chains", "eod", "market_metrics", "expirations", "returns_stddev"];

/// Time one statement gets.
const STATEMENT: Duration = Duration::from_millis(300);

/// Memory and disk of all statements. An input that needs more must be told so.
const MEMORY_BYTES: usize = 256 << 20;
const SPILL_BYTES: u64 = 64 << 20;

/// A server over a small lake, which goes with it.
pub(crate) struct Market {
    pub(crate) server: Server,
    pub(crate) shutdown: CancellationToken,
    pub(crate) directory: tempfile::TempDir,
}

impl Market {
    /// Collects the rows once, then serves them as they are.
    pub(crate) async fn open() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let clock = Clock::hand_set("2026-06-10T22:00:00Z".parse().expect("an instant"));
        let venue = CancellationToken::new();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listen = || async { TcpListener::bind(any).await.expect("a free port") };
        let options = Options { seed: 42, rate: 0.0, clock: clock.clone(), ..Options::default() };
        let simulator = Simulator::start(options, listen().await, listen().await, venue.clone()).await;
        let simulator = simulator.expect("the venue starts");
        let mut config = configuration(directory.path().to_str().expect("a path of letters"));
        config.sources.get_mut("tastytrade").unwrap().base_url = format!("http://{}", simulator.rest_addr());
        let collecting = CancellationToken::new();
        let start = |role, shutdown| {
            let (config, clock) = (config.clone(), clock.clone());
            async move { server::start(&config, role, clock, &shutdown).await.expect("the server starts") }
        };
        let server = start(Role::OnDemand, collecting.clone()).await;
        for dataset in DATASETS {
            server.refresh.refresh(dataset, "command").await.expect(dataset);
        }
        collecting.cancel();
        venue.cancel();
        let shutdown = CancellationToken::new();
        let server = start(Role::ReadOnly, shutdown.clone()).await;
        // Without an event nothing could be followed.
        server.live.book::<Quote>().publish(Quote {
            symbol: "SPY".into(),
            bid: Some(500.0),
            bid_size: Some(1),
            ask: None,
            ask_size: None,
            event_at: None,
            received_at: clock.now(),
        });
        Self { server, shutdown, directory }
    }
}

fn configuration(lake: &str) -> Config {
    let mut config = config::load(None, &Vec::new()).expect("the defaults");
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    config.lake_location = lake.to_owned();
    config.collect.lists = Vec::new();
    config.collect.live_lists = Vec::new();
    config.collect.symbols = texts(&["AAPL", "BRK/B", "MSFT", "QQQ", "SPY"]);
    config.collect.option_underlyings = texts(&["AAPL", "SPY"]);
    config.collect.look_back_days = 60;
    config.sources.get_mut("tastytrade").unwrap().client_secret = Secret::new(CLIENT_SECRET);
    config.sources.get_mut("tastytrade").unwrap().refresh_token = Secret::new(REFRESH_TOKEN);
    config.sources.get_mut("tastytrade").unwrap().requests_per_second = None;
    config.limits.statement_timeout = Some(STATEMENT);
    config.limits.memory_bytes = MEMORY_BYTES;
    config.limits.spill_bytes = SPILL_BYTES;
    config
}
