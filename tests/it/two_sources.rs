//! Two sources in one process: each with its own endpoints, and a dataset from the one that the configuration names.

use crate::world::{WEDNESDAY, World, configuration};
use ttapi::config::Config;
use ttapi::secret::Secret;
use ttapi::server::Role;
use ttapi::simulator::fault::Kind;

/// Daily bars from the second source, everything else from the first.
fn with_second_source() -> Config {
    let mut config = configuration();
    let stooq = config.sources.get_mut("stooq").unwrap();
    stooq.enabled = true;
    stooq.requests_per_second = None;
    stooq.attempts = 1;
    config.datasets.get_mut("eod").unwrap().source = Some("stooq".to_owned());
    config
}

const BARS: &str = "SELECT symbol, date, close FROM eod WHERE date >= DATE '2026-05-15' ORDER BY symbol, date";

#[tokio::test(flavor = "multi_thread")]
async fn daily_bars_come_from_the_source_that_is_configured() {
    let world = World::with(Role::OnDemand, with_second_source(), WEDNESDAY).await;
    world.refresh(&["symbols", "calendar", "eod"]).await;
    assert_eq!(world.value("SELECT string_agg(DISTINCT source, ',') FROM eod").await, "stooq");
    assert_eq!(world.value("SELECT count(DISTINCT symbol) FROM eod").await, "5");
    let asked = world.query("SELECT DISTINCT source FROM system.sources WHERE calls > 0 ORDER BY 1").await.unwrap();
    assert_eq!(asked, [["stooq"], ["tastytrade"]]);
    let calls =
        "SELECT calls FROM system.sources WHERE source = 'stooq' AND endpoint = '/q/d/l/' AND breaker = 'closed'";
    assert_eq!(world.value(calls).await, "5");
    let classes =
        world.query("SELECT dataset, feed_class FROM system.freshness WHERE dataset IN ('eod', 'symbols') ORDER BY 1");
    assert_eq!(classes.await.unwrap(), [["eod", "end-of-day"], ["symbols", "simulated"]]);

    // Both sources serve the same exchange, so their bars are the same.
    let other = World::start(Role::OnDemand).await;
    other.refresh(&["symbols", "calendar", "eod"]).await;
    assert_eq!(other.value("SELECT string_agg(DISTINCT source, ',') FROM eod").await, "dxlink");
    assert_eq!(world.query(BARS).await.unwrap(), other.query(BARS).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_table_fails_its_symbol_alone() {
    let world = World::with(Role::OnDemand, with_second_source(), WEDNESDAY).await;
    world.spoil("/q/d/l/", Some("aapl.us"), Kind::Html);
    world.refresh(&["symbols", "calendar", "eod"]).await;
    assert_eq!(world.value("SELECT count(DISTINCT symbol) FROM eod").await, "4");
    // A query for it alone is told why.
    let error = world.query("SELECT close FROM eod WHERE symbol = 'AAPL'").await.unwrap_err();
    assert!(error.message.contains("AAPL") && error.message.contains("an HTML page"), "{error:?}");
    let error = world.value("SELECT last_error FROM system.sources WHERE source = 'stooq'").await;
    assert!(error.contains("an HTML page"), "{error}");
    assert_eq!(
        world.value("SELECT count(*) FROM system.sources WHERE source = 'tastytrade' AND failures > 0").await,
        "0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_credentials_does_not_stop_the_other() {
    let mut config = with_second_source();
    let first = config.sources.get_mut("tastytrade").unwrap();
    (first.client_secret, first.refresh_token) = (Secret::default(), Secret::default());
    let world = World::with(Role::OnDemand, config, WEDNESDAY).await;
    assert_eq!(world.server.collected, ["eod"]);
    world.refresh(&["eod"]).await;
    assert_eq!(world.value("SELECT count(DISTINCT symbol) FROM eod").await, "5");
    let error = world.server.refresh.refresh("symbols", "command").await.unwrap_err();
    assert!(error.contains("no source is configured for \"symbols\""), "{error}");
}
