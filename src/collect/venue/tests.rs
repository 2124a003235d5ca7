//! The sources against the simulated venue: every dataset whole, with faults, and the live feed.

#![allow(clippy::unwrap_used)]

use super::dxlink::{Eod, EodOptions, Feed, FeedOptions, FeedSymbols, QuoteTokens};
use super::tastytrade::{Calendar, Dividends, Earnings, OptionChains, Snapshots, Symbols, snapshots};
use crate::clock::Clock;
use crate::collect::client::{Auth, Client, Tap};
use crate::collect::{Fetch, FetchError, Fetched, Request};
use crate::config::SourceConfig;
use crate::lake::dataset;
use crate::lake::quality::DoubtKind;
use crate::live::Live;
use crate::market::event::{Greeks, Quote, Trade};
use crate::market::{calendar, list};
use crate::secret::Secret;
use crate::simulator::fault::{Kind, Rule};
use crate::simulator::{Options, Simulator};
use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Date32Type, Float64Type};
use arrow::record_batch::RecordBatch;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

mod damaged;
mod stalls;

struct Venue {
    simulator: Simulator,
    clock: Clock,
    _stop: DropGuard,
}

impl Venue {
    async fn start(clock: Clock, rate: f64) -> Self {
        let listener = || TcpListener::bind("127.0.0.1:0");
        let (rest, dxlink) = (listener().await.unwrap(), listener().await.unwrap());
        let stop = CancellationToken::new();
        let options = Options { clock: clock.clone(), rate, ..Options::default() };
        let simulator = Simulator::start(options, rest, dxlink, stop.clone()).await.unwrap();
        Self { simulator, clock, _stop: stop.drop_guard() }
    }

    /// A venue that stands still on a Wednesday evening.
    async fn still() -> Self {
        Self::start(Clock::hand_set("2026-06-10T22:00:00Z".parse().unwrap()), 0.0).await
    }

    fn client(&self) -> Client {
        self.client_with("sim-refresh")
    }

    fn client_with(&self, refresh_token: &str) -> Client {
        let options = SourceConfig {
            base_url: format!("http://{}", self.simulator.rest_addr()),
            requests_per_second: None,
            ..SourceConfig::default()
        };
        let auth = Auth::OAuth2 {
            token_path: "/oauth/token",
            client_secret: Secret::new("sim-secret"),
            refresh_token: Secret::new(refresh_token),
        };
        Client::new(&options, auth, self.clock.clone(), Tap::default()).unwrap()
    }

    fn eod(&self) -> Eod {
        let options = EodOptions { symbol_timeout: Duration::from_secs(5), ..EodOptions::default() };
        Eod::new(QuoteTokens::new(self.client()), options)
    }

    /// Makes a route or message type misbehave for one symbol, for ever.
    fn spoil(&self, target: &str, symbol: &str, kind: Kind) {
        let (target, symbol) = (target.to_owned(), Some(symbol.to_owned()));
        self.simulator.faults().add(Rule { target, symbol, kind, times: None });
    }
}

fn request(items: impl IntoIterator<Item = impl Into<String>>) -> Request {
    Request { items: items.into_iter().map(Into::into).collect(), ..Request::default() }
}

fn sp500() -> Vec<String> {
    list::members("sp500").unwrap().into_iter().map(|member| member.symbol).collect()
}

/// All rows of a fetch, which have the dataset's schema.
#[track_caller]
fn rows(fetched: &Fetched, name: &str) -> RecordBatch {
    let schema = dataset::find(name).unwrap().schema;
    let rows = concat_batches(&schema, &fetched.batches).unwrap();
    assert_eq!(rows.schema(), schema);
    rows
}

fn failed(fetched: &Fetched) -> Vec<&str> {
    fetched.failed.iter().map(|failed| failed.item.as_str()).collect()
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> &'a StringArray {
    rows.column_by_name(name).unwrap().as_string::<i32>()
}

#[tokio::test]
async fn symbols_cover_their_lists() {
    let venue = Venue::still().await;
    let lists = list::names().map(str::to_owned).collect();
    let extra = HashMap::from([("mine".to_owned(), vec!["AAPL".to_owned(), "NOT-THERE".to_owned()])]);
    let fetched = Symbols { per_page: 100, ..Symbols::new(venue.client(), lists, extra) };
    let fetched = fetched.fetch(&request([""; 0])).await.unwrap();
    let symbols = rows(&fetched, "symbols");
    assert_eq!((failed(&fetched), &fetched.partial), (vec![], &None), "{:?}", fetched.failed);
    let lists = symbols.column_by_name("lists").unwrap().as_list::<i32>();
    let members = (0..symbols.num_rows())
        .filter(|row| lists.value(*row).as_string::<i32>().iter().any(|list| list == Some("sp500")));
    assert_eq!(members.count(), 503);
    assert!(column(&symbols, "symbol").iter().any(|symbol| symbol == Some("BRK/B")));
    assert!(venue.simulator.counters().rest_calls("/instruments/equities/active") >= 6);
}

fn metrics(client: &Client) -> Snapshots {
    Snapshots { client: client.clone(), route: snapshots::route("market_metrics").unwrap() }
}

#[tokio::test]
async fn metrics_of_all_symbols_come_in_batches() {
    let venue = Venue::still().await;
    let source = metrics(&venue.client());
    let fetched = source.fetch(&request(sp500())).await.unwrap();
    let metrics = rows(&fetched, "market_metrics");
    assert_eq!((metrics.num_rows(), fetched.failed.len()), (503, 0), "{:?}", fetched.failed);
    assert_eq!(venue.simulator.counters().rest_calls("/market-metrics"), 6);
    let volatilities = metrics.column_by_name("iv_30_day").unwrap().as_primitive::<Float64Type>();
    assert!(volatilities.iter().flatten().all(|ratio| (0.01..3.0).contains(&ratio)));
}

#[tokio::test]
async fn failing_symbols_cost_only_themselves() {
    let venue = Venue::still().await;
    for symbol in ["AAPL", "MSFT", "SPY"] {
        venue.spoil("/market-metrics", symbol, Kind::Status(500));
        venue.spoil("/option-chains", symbol, Kind::BadGateway);
    }
    let client = venue.client();
    let metrics = metrics(&client).fetch(&request(sp500())).await.unwrap();
    assert_eq!(failed(&metrics), ["AAPL", "MSFT"], "{:?}", metrics.failed);
    assert_eq!(rows(&metrics, "market_metrics").num_rows(), 501);
    let chains = OptionChains { client }.fetch(&request(["SPY", "NVDA", "BRK/B"])).await.unwrap();
    assert_eq!(failed(&chains), ["SPY"]);
    let underlyings = rows(&chains, "option_chains");
    assert!(column(&underlyings, "underlying").iter().any(|symbol| symbol == Some("BRK/B")));
}

#[tokio::test]
async fn options_of_an_index_have_two_roots_on_one_date() {
    let venue = Venue::still().await;
    let fetched = OptionChains { client: venue.client() }.fetch(&request(["SPX"])).await.unwrap();
    let chain = rows(&fetched, "option_chains");
    let dates = chain.column_by_name("expiration").unwrap().as_primitive::<Date32Type>();
    let dates_of = |root: &str| {
        let of_root = |(known, date): (Option<&str>, Option<i32>)| date.filter(|_| known == Some(root));
        column(&chain, "root").iter().zip(dates.iter()).filter_map(of_root).collect::<BTreeSet<i32>>()
    };
    let (monthly, others) = (dates_of("SPX"), dates_of("SPXW"));
    assert!(!monthly.is_empty() && monthly.is_subset(&others) && others.len() > monthly.len());
    assert!(column(&chain, "underlying").iter().all(|symbol| symbol == Some("SPX")));
}

#[tokio::test]
async fn ten_failing_symbols_cost_only_themselves() {
    let venue = Venue::still().await;
    let symbols = sp500();
    let bad: Vec<_> = symbols.iter().step_by(50).take(10).cloned().collect();
    bad.iter().for_each(|symbol| venue.spoil("/", symbol, Kind::Status(500)));
    let client = venue.client();
    let metrics = metrics(&client).fetch(&request(symbols.clone())).await.unwrap();
    assert_eq!((rows(&metrics, "market_metrics").num_rows(), metrics.failed.len()), (493, 10), "{:?}", metrics.failed);
    let dividends = Dividends { client }.fetch(&request(symbols)).await.unwrap();
    assert_eq!(dividends.failed.len(), 10, "{:?}", dividends.failed);
}

#[tokio::test]
async fn throttling_broken_answers_and_dead_tokens_are_outlived() {
    let venue = Venue::still().await;
    let source = metrics(&venue.client());
    for kind in
        [Kind::Throttled(Some(1)), Kind::BadGateway, Kind::Truncated, Kind::Html, Kind::Drop, Kind::Unauthorised]
    {
        venue.simulator.faults().inject("/market-metrics", kind.clone(), Some(1));
        let begun = Instant::now();
        let fetched = source.fetch(&request(["AAPL", "SPY"])).await.unwrap();
        assert_eq!((rows(&fetched, "market_metrics").num_rows(), fetched.failed.len()), (2, 0), "{kind:?}");
        assert!(venue.simulator.faults().rules().iter().all(|rule| rule.times == Some(0)), "{kind:?} never happened");
        assert!(kind != Kind::Throttled(Some(1)) || begun.elapsed() >= Duration::from_secs(1));
    }
    for kind in [Kind::Sparse, Kind::Nulls, Kind::StaleDates] {
        venue.simulator.faults().inject("/market-metrics", kind.clone(), Some(1));
        let fetched = source.fetch(&request(["AAPL", "SPY"])).await.unwrap();
        assert_eq!((rows(&fetched, "market_metrics").num_rows(), fetched.failed.len()), (2, 0), "{kind:?}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_an_error_at_once() {
    let venue = Venue::still().await;
    let source = OptionChains { client: venue.client_with("wrong") };
    let error = source.fetch(&request(["SPY", "AAPL"])).await.unwrap_err();
    assert!(matches!(error, FetchError::Unauthorized { .. }), "{error}");
    assert_eq!(venue.simulator.counters().rest_calls("/oauth/token"), 1);
    assert!(!error.to_string().contains("sim-secret"), "{error}");
}

#[tokio::test]
async fn events_and_calendar_come_whole() {
    let venue = Venue::still().await;
    let client = venue.client();
    let items = ["AAPL", "MSFT", "KO", "JNJ"];
    let dividends = Dividends { client: client.clone() }.fetch(&request(items)).await.unwrap();
    assert!(rows(&dividends, "dividends").num_rows() > 0);
    let earnings = Earnings { client: client.clone() }.fetch(&request(items)).await.unwrap();
    assert!(rows(&earnings, "earnings").num_rows() > 0);
    assert_eq!((dividends.failed.len(), earnings.failed.len()), (0, 0));
    let fetched = Calendar { client }.fetch(&Request::default()).await.unwrap();
    let days = rows(&fetched, "calendar");
    assert!((780..790).contains(&days.num_rows()), "{}", days.num_rows());
    assert!(fetched.failed.is_empty(), "{:?}", fetched.failed);
    let sessions = column(&days, "session");
    let count = |name: &str| sessions.iter().filter(|session| *session == Some(name)).count();
    assert!(count("holiday") >= 27 && count("early") >= 5, "{} {}", count("holiday"), count("early"));
}

#[tokio::test]
async fn two_years_of_bars_of_all_symbols_are_whole() {
    let venue = Venue::still().await;
    let fetched = venue.eod().fetch(&request(sp500())).await.unwrap();
    let bars = rows(&fetched, "eod");
    let from = "2024-06-09".parse().unwrap();
    let sessions = calendar::sessions(from, "2026-06-10".parse().unwrap()).len();
    assert!(fetched.failed.is_empty(), "{:?}", fetched.failed.first());
    assert!(
        bars.num_rows() >= 503 * (sessions - 2) && bars.num_rows() <= 503 * sessions,
        "{} {sessions}",
        bars.num_rows()
    );
    assert!(bars.column_by_name("close").unwrap().null_count() == 0);
}

#[tokio::test]
async fn bars_survive_every_fault_of_the_feed() {
    let items: Vec<_> = sp500().into_iter().take(20).collect();
    let venue = Venue::still().await;
    let whole = rows(&venue.eod().fetch(&request(items.clone())).await.unwrap(), "eod").num_rows();
    let kinds = [
        Kind::SplitSnapshot,
        Kind::RepeatedSnapshot,
        Kind::Correction,
        Kind::Garbage,
        Kind::Drop,
        Kind::Close(1009),
        Kind::Full { announced: true },
        Kind::Full { announced: false },
        Kind::SeveralTypes,
        Kind::ReorderedFields,
        Kind::UnknownType,
    ];
    for kind in kinds {
        venue.simulator.faults().clear();
        venue.simulator.faults().inject("Candle", kind.clone(), Some(2));
        let fetched = venue.eod().fetch(&request(items.clone())).await.unwrap();
        assert_eq!(
            (rows(&fetched, "eod").num_rows(), fetched.failed.len()),
            (whole, 0),
            "{kind:?} {:?}",
            fetched.failed
        );
    }
    // A snapshot that is cut off is asked for again; one that always is, is taken as far as it goes, and told.
    venue.simulator.faults().clear();
    venue.simulator.faults().inject("Candle", Kind::Snip, Some(2));
    let fetched = venue.eod().fetch(&request(items.clone())).await.unwrap();
    assert_eq!((rows(&fetched, "eod").num_rows(), fetched.failed.len()), (whole, 0));
    venue.simulator.faults().clear();
    venue.simulator.faults().inject("Candle", Kind::Snip, None);
    let asked = request(items.clone());
    let fetched = venue.eod().fetch(&asked).await.unwrap();
    assert!(rows(&fetched, "eod").num_rows() < whole && fetched.failed.is_empty(), "{:?}", fetched.failed);
    let findings = asked.findings.take();
    assert_eq!(findings.doubts().filter(|(doubt, _)| doubt.kind == DoubtKind::Truncated).count(), items.len());
    let mut asked = request(items.clone());
    asked.held_until = items.iter().map(|item| (item.clone(), "2025-01-02".parse().unwrap())).collect();
    let fetched = venue.eod().fetch(&asked).await.unwrap();
    assert_eq!((fetched.failed.len(), fetched.batches.len()), (items.len(), 0), "no gap behind what is held");
    for kind in [Kind::EmptySnapshot, Kind::NotANumber] {
        venue.simulator.faults().clear();
        venue.simulator.faults().inject("Candle", kind.clone(), Some(2));
        let fetched = venue.eod().fetch(&request(items.clone())).await.unwrap();
        let bars = rows(&fetched, "eod").num_rows();
        assert!(bars < whole && bars > whole / 2 && fetched.failed.is_empty(), "{kind:?} {bars} of {whole}");
    }
    venue.simulator.faults().clear();
    venue.simulator.faults().inject("AUTH", Kind::Unauthorised, Some(1));
    let fetched = venue.eod().fetch(&request(items)).await.unwrap();
    assert_eq!(rows(&fetched, "eod").num_rows(), whole);
}

#[tokio::test]
async fn only_bars_since_those_held_are_fetched_and_some_that_are() {
    let venue = Venue::still().await;
    let mut request = request(["AAPL", "SPY", "MSFT"]);
    request.begin.insert("MSFT".to_owned(), "2026-06-09".parse().unwrap());
    // It continues what is held, whatever it was to begin with.
    request.begin.insert("SPY".to_owned(), "2020-01-02".parse().unwrap());
    request.held_until.insert("AAPL".to_owned(), "2026-06-08".parse().unwrap());
    request.held_until.insert("SPY".to_owned(), "2026-06-10".parse().unwrap());
    let bars = rows(&venue.eod().fetch(&request).await.unwrap(), "eod");
    let count = |symbol| column(&bars, "symbol").iter().flatten().filter(|other| *other == symbol).count();
    // From 29 and 31 May on; the venue's clock stands at the evening of 10 June.
    assert_eq!((count("AAPL"), count("SPY"), count("MSFT")), (9, 8, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_keeps_up() {
    let venue = Venue::start(Clock::System, 50_000.0).await;
    let feed = Feed::new(
        QuoteTokens::new(venue.client()),
        FeedOptions { aggregation: Duration::ZERO, ..FeedOptions::default() },
    );
    let status = feed.status();
    let live = Arc::new(Live::new(4096));
    let (_symbols, watched) =
        watch::channel(FeedSymbols { quotes: sp500(), greeks: Vec::new(), ..FeedSymbols::default() });
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(feed.run(live.clone(), watched, shutdown.clone()));
    wait_for("quotes", || live.book::<Quote>().len() == 503).await;
    let (before, begun) = (status.snapshot().events, Instant::now());
    wait_for("thirty thousand events", || status.snapshot().events >= before + 30_000).await;
    // Without optimisation and beside other tests; an optimised feed takes several times as much.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(status.snapshot().ignored, 0);
    shutdown.cancel();
    running.await.unwrap();
}

async fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_moves_and_outlives_faults() {
    let venue = Venue::start(Clock::System, 5000.0).await;
    let client = venue.client();
    let chain = rows(&OptionChains { client: client.clone() }.fetch(&request(["SPY"])).await.unwrap(), "option_chains");
    let options: Vec<_> = column(&chain, "streamer_symbol").iter().flatten().take(20).map(str::to_owned).collect();
    let options_count = options.len();
    let quotes: Vec<_> = sp500().into_iter().take(50).collect();
    let feed = FeedOptions { reconnect_delay: Duration::from_millis(20), ..FeedOptions::default() };
    let feed = Feed::new(QuoteTokens::new(client), feed);
    let status = feed.status();
    let live = Arc::new(Live::new(4096));
    let (symbols, watched) =
        watch::channel(FeedSymbols { quotes: quotes.clone(), greeks: options, ..FeedSymbols::default() });
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(feed.run(live.clone(), watched, shutdown.clone()));
    wait_for("a quote of every symbol", || live.book::<Quote>().len() == 50 + options_count).await;
    wait_for("greeks of every option", || live.book::<Greeks>().len() == options_count).await;
    wait_for("trades", || !live.book::<Trade>().is_empty()).await;
    let first = live.book::<Quote>().latest_of(&quotes[0]).unwrap();
    wait_for("another quote", || live.book::<Quote>().latest_of(&quotes[0]).unwrap().received_at > first.received_at)
        .await;
    for kind in [
        Kind::SeveralTypes,
        Kind::ReorderedFields,
        Kind::UnknownType,
        Kind::Drop,
        Kind::Close(1009),
        Kind::Full { announced: false },
        Kind::NotANumber,
        Kind::Garbage,
    ] {
        let nothing_lost = matches!(kind, Kind::SeveralTypes | Kind::ReorderedFields);
        venue.simulator.faults().inject("Quote", kind, Some(1));
        wait_for("the fault", || venue.simulator.faults().rules().iter().all(|rule| rule.times == Some(0))).await;
        let events = status.snapshot().events;
        wait_for("events after the fault", || status.snapshot().connected && status.snapshot().events > events + 100)
            .await;
        assert!(!nothing_lost || status.snapshot().ignored == 0, "{:?}", status.snapshot());
    }
    assert!(status.snapshot().reconnects >= 2, "{:?}", status.snapshot());
    let mut more = quotes.clone();
    more.push("BRK/B".to_owned());
    symbols.send(FeedSymbols { quotes: more, greeks: Vec::new(), ..FeedSymbols::default() }).unwrap();
    wait_for("the new symbol", || live.book::<Quote>().latest_of("BRK/B").is_some()).await;
    shutdown.cancel();
    running.await.unwrap();
}
