//! Queries for some symbols: those alone are refreshed, where the source allows it and it costs fewer requests, and their
//! ages are told apart from the dataset's.

use crate::slt::InProcess;
use crate::world::{World, configuration, connect};
use chrono::TimeDelta;
use ttapi::engine::Session;
use ttapi::error::ErrorKind;
use ttapi::lake::Scope;
use ttapi::lake::freshness::State;
use ttapi::server::Role;
use ttapi::simulator::fault::Kind;

const METRICS: &str = "/market-metrics";

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// A world of the S&P 500, the metrics of which fill six requests, loaded an hour ago.
async fn stale_metrics() -> World {
    let mut config = configuration();
    config.collect.lists = texts(&["sp500"]);
    config.collect.symbols = Vec::new();
    let world = World::with(Role::OnDemand, config, crate::world::WEDNESDAY).await;
    world.refresh(&["market_metrics"]).await;
    world.advance(TimeDelta::hours(1));
    world
}

async fn rows(session: &Session, sql: &str) -> Vec<Vec<String>> {
    InProcess::over(session).query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Runs of single symbols, as they were asked for.
const PARTIAL_RUNS: &str = "SELECT cause, items, array_to_string(scope, ' ') FROM system.refreshes
    WHERE dataset = 'market_metrics' AND scope IS NOT NULL ORDER BY started_at, 3";

#[tokio::test(flavor = "multi_thread")]
async fn a_query_for_a_symbol_refreshes_it_alone_and_the_dataset_stays_stale() {
    let mut world = stale_metrics().await;
    let session = world.session();
    let before = world.calls(METRICS);
    let calls = |world: &World| world.calls(METRICS) - before;
    let one = "SELECT fetched_at FROM market_metrics WHERE symbol = 'AAPL'";
    assert_eq!(rows(&session, one).await, [texts(&["2026-06-10 16:00:00+00"])]);
    assert_eq!(calls(&world), 1);
    assert_eq!(rows(&session, PARTIAL_RUNS).await, [texts(&["query", "1", "AAPL"])]);
    // Asked again it is fresh; the others and the whole are as old as they were.
    rows(&session, one).await;
    assert_eq!(calls(&world), 1);
    assert_eq!(world.value("SELECT count(*) FROM market_metrics WHERE symbol = 'ZZZZ'").await, "0");
    assert_eq!(calls(&world), 7, "a symbol that is not collected is a matter of the whole");
    world.advance(TimeDelta::hours(1));
    rows(&session, one).await;
    assert_eq!(world.freshness("market_metrics").state(), State::Stale);
    let ages = "SELECT fetched_at, count(*) FROM market_metrics GROUP BY 1 ORDER BY 1";
    rows(&session, "SET freshness = 'serve'").await;
    let old = rows(&session, ages).await;
    assert_eq!(old, [texts(&["2026-06-10 16:00:00+00", "502"]), texts(&["2026-06-10 17:00:00+00", "1"])]);
    assert!(session.take_notices()[0].contains("is stale: its rows are 1 h old"));
    world.until_state("market_metrics", State::Fresh).await;
    assert_eq!(calls(&world), 14);

    // A restart keeps what is known of single symbols.
    world.advance(TimeDelta::minutes(40));
    rows(&world.session(), one).await;
    world.restart(Role::ReadOnly).await;
    let session = world.session();
    rows(&session, "SET freshness = 'fail'").await;
    assert_eq!(rows(&session, one).await, [texts(&["2026-06-10 17:40:00+00"])]);
    let error = InProcess::over(&session).query(&one.replace("AAPL", "MSFT")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    assert!(
        error.message.starts_with("table \"market_metrics\" is not fresh for MSFT: its rows are 40 m old"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_parameters_views_and_joins_name_symbols_too() {
    let world = stale_metrics().await;
    let (client, _notices) = connect(world.postgres().await).await;
    let mut before = world.calls(METRICS);
    let mut called = |world: &World| {
        let calls = world.calls(METRICS) - before;
        before += calls;
        calls
    };
    let statement = client.prepare("SELECT iv_rank FROM market_metrics WHERE symbol = $1").await.unwrap();
    for symbol in ["AAPL", "MSFT", "AAPL", "NVDA"] {
        client.query_one(&statement, &[&symbol]).await.unwrap();
    }
    assert_eq!(called(&world), 3);
    let list = "SELECT count(*) FROM market_metrics WHERE symbol IN ('AAPL', 'AMZN', 'GOOG', 'META', 'TSLA', 'MSFT')";
    client.query_one(list, &[]).await.unwrap();
    let runs = world.query(PARTIAL_RUNS).await.unwrap();
    assert!(runs.contains(&texts(&["query", "4", "AMZN GOOG META TSLA"])), "{runs:?}");
    assert_eq!(called(&world), 1);
    client
        .query_one("SELECT count(*) FROM market_metrics WHERE symbol = ANY($1)", &[&vec!["JPM", "BAC"]])
        .await
        .unwrap();
    assert_eq!(called(&world), 1);
    client.query("SELECT * FROM iv_rank_screen WHERE symbol = 'KO'", &[]).await.unwrap();
    assert_eq!(called(&world), 1);
    let join = "SELECT m.iv_rank FROM market_metrics m JOIN symbols s ON s.symbol = m.symbol WHERE s.symbol = 'PEP'";
    client.query(join, &[]).await.unwrap();
    assert_eq!(called(&world), 1);
    // Several scans of one table in a statement need all that they name.
    let both =
        "SELECT * FROM market_metrics WHERE symbol = 'WMT' UNION ALL SELECT * FROM market_metrics WHERE symbol = 'HD'";
    assert_eq!(client.query(both, &[]).await.unwrap().len(), 2);
    assert_eq!(called(&world), 1);
    // What is not known beforehand needs everything; so does a transaction, which reads one version throughout.
    client.query("SELECT * FROM market_metrics WHERE symbol LIKE 'A%'", &[]).await.unwrap();
    assert_eq!(called(&world), 6);
    world.advance(TimeDelta::hours(1));
    client.batch_execute("BEGIN").await.unwrap();
    client.query_one(&statement, &[&"AAPL"]).await.unwrap();
    assert_eq!(called(&world), 6);
    client.batch_execute("COMMIT").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_queries_for_different_symbols_are_two_runs() {
    let world = stale_metrics().await;
    let symbols: Vec<String> = world
        .query("SELECT symbol FROM system.freshness, (SELECT DISTINCT symbol FROM market_metrics_history) WHERE dataset = 'eod' ORDER BY symbol LIMIT 60")
        .await
        .unwrap()
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let (before, runs) = (world.calls(METRICS), world.freshness("market_metrics").runs_ended());
    let sessions: Vec<Session> = (0..180).map(|_| world.session()).collect();
    let sql = |number: usize| format!("SELECT count(*) FROM market_metrics WHERE symbol = '{}'", symbols[number % 60]);
    let queries: Vec<String> = (0..sessions.len()).map(sql).collect();
    let answers = sessions.iter().zip(&queries).map(|(session, sql)| rows(session, sql));
    for answer in futures::future::join_all(answers).await {
        assert_eq!(answer, [texts(&["1"])]);
    }
    let runs = world.freshness("market_metrics").runs_ended() - runs;
    // Those who come while one runs are one more; who is late may make a third.
    assert!((1..=4).contains(&runs), "{runs} runs");
    assert_eq!(world.calls(METRICS) - before, runs, "one request each");
    assert_eq!(world.freshness("market_metrics").state(), State::Stale);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_fails_is_old_for_who_asks_for_it_and_told_of_to_who_asks_for_all() {
    let world = stale_metrics().await;
    world.spoil(METRICS, Some("MSFT"), Kind::Status(503));
    world.refresh(&["market_metrics"]).await;
    let session = world.session();
    let asked = "SELECT count(*) FROM market_metrics WHERE symbol = 'MSFT'";
    assert_eq!(rows(&session, "SELECT count(*) FROM market_metrics").await, [texts(&["503"])]);
    let notices = session.take_notices();
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(notice.starts_with("table \"market_metrics\" is stale for MSFT (1 h old); "), "{notice}");
    assert!(notice.contains("503"), "{notice}");
    assert_eq!(rows(&session, "SELECT count(*) FROM market_metrics WHERE symbol = 'AAPL'").await, [texts(&["1"])]);
    assert_eq!(session.take_notices(), [""; 0]);
    // Who asks for it gets the old row and is told; nobody hammers the venue.
    let before = world.calls(METRICS);
    for _ in 0..5 {
        assert_eq!(rows(&session, asked).await, [texts(&["1"])]);
        let notices = session.take_notices();
        assert!(
            notices[0].starts_with("table \"market_metrics\" is stale for MSFT: its rows are 1 h old; "),
            "{notices:?}"
        );
    }
    assert_eq!(world.calls(METRICS), before);
    let told =
        "SELECT state, array_to_string(failed_items, ' ') FROM system.freshness WHERE dataset = 'market_metrics'";
    assert_eq!(rows(&session, told).await, [texts(&["fresh", "MSFT"])]);
    let explained = format!("EXPLAIN FRESHNESS {asked}");
    let explained = rows(&session, &explained).await;
    assert_eq!((explained[0][1].as_str(), explained[0][8].as_str()), ("failed", "{MSFT}"), "{explained:?}");
    // Beyond what the contract allows it is an error for that symbol alone.
    world.advance(TimeDelta::hours(25));
    world.refresh(&["market_metrics"]).await;
    let error = InProcess::over(&session).query(asked).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    assert!(error.message.contains("is not fresh for MSFT: its rows are 1 d 2 h old"), "{error}");
    rows(&session, "SELECT count(*) FROM market_metrics WHERE symbol = 'AAPL'").await;
    // It heals by itself once the venue does.
    world.heal();
    world.advance(TimeDelta::minutes(10));
    session.take_notices();
    assert_eq!(rows(&session, asked).await, [texts(&["1"])]);
    assert_eq!(session.take_notices(), [""; 0]);
    assert_eq!(world.freshness("market_metrics").failed_items(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_underlying_or_symbol_of_each_dataset_that_can_and_what_is_made_of_it() {
    let world = World::start(Role::OnDemand).await;
    world.query("SELECT * FROM returns_stddev").await.unwrap();
    world.refresh(&["dividends", "earnings"]).await;
    world.advance(TimeDelta::hours(25));
    let chains = |world: &World| ["AAPL", "SPY"].map(|name| world.calls(&format!("/option-chains/{name}/nested")));
    let session = world.session();
    rows(&session, "SET max_staleness = '1h'").await;
    let before = chains(&world);
    assert!(!rows(&session, "SELECT * FROM option_chains WHERE underlying = 'AAPL'").await.is_empty());
    assert_eq!(chains(&world), [before[0] + 1, before[1]]);
    let events =
        |kind: &str, name: &str| world.calls(&format!("/market-metrics/historic-corporate-events/{kind}/{name}"));
    rows(&session, "SELECT * FROM dividends WHERE symbol = 'SPY'").await;
    rows(&session, "SELECT * FROM earnings WHERE symbol = 'AAPL'").await;
    assert_eq!((events("dividends", "SPY"), events("dividends", "AAPL")), (2, 1));
    assert_eq!((events("earnings-reports", "SPY"), events("earnings-reports", "AAPL")), (1, 2));
    let last = "SELECT max(date) FROM eod WHERE symbol";
    assert_eq!(rows(&session, &format!("{last} = 'AAPL'")).await, [texts(&["2026-06-10"])]);
    rows(&session, "SET max_staleness = '30d'").await;
    assert_eq!(rows(&session, &format!("{last} = 'MSFT'")).await, [texts(&["2026-06-09"])]);

    // What is made of them: once with everything, since the day is another, and then of what changed.
    let world = World::start(Role::OnDemand).await;
    world.query("SELECT * FROM returns_stddev").await.unwrap();
    world.advance(TimeDelta::hours(1));
    let session = world.session();
    rows(&session, "SET max_staleness = '30min'").await;
    rows(&session, "SELECT count(*) FROM option_chains WHERE underlying = 'SPY'").await;
    rows(&session, "SET max_staleness = ''").await;
    assert_eq!(world.freshness("expirations").state(), State::Stale);
    rows(&session, "SELECT count(*) FROM returns_stddev").await;
    world.until_state("returns_stddev", State::Fresh).await;
    let items = "SELECT dataset, items FROM system.refreshes WHERE dataset IN ('expirations', 'returns_stddev')
        AND started_at > '2026-06-10 15:30:00+00' ORDER BY dataset";
    // The chain of SPY is the same as before, so nothing of what is made of it had to be computed.
    assert_eq!(rows(&session, items).await, [texts(&["expirations", "0"])]);
    assert!(
        world.freshness("expirations").is_stale(&Scope::All) || world.freshness("expirations").state() == State::Fresh
    );
}
