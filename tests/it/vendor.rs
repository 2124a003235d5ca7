//! A venue whose answers are not what they should be: nothing that is held goes, and everything is told in SQL.

use crate::world::{WEDNESDAY, World, configuration, instant};
use chrono::TimeDelta;
use ttapi::lake::Scope;
use ttapi::lake::freshness::State;
use ttapi::server::Role;
use ttapi::simulator::fault::Kind;

const REST: [&str; 6] = ["symbols", "calendar", "market_metrics", "market_data", "option_chains", "dividends"];

/// Datasets with the route that each is fetched from.
const LISTS: [(&str, &str); 5] = [
    ("symbols", "/instruments/equities/active"),
    ("market_metrics", "/market-metrics"),
    ("market_data", "/market-data/by-type"),
    ("option_chains", "/option-chains"),
    ("dividends", "/market-metrics/historic-corporate-events/dividends"),
];

async fn count(world: &World, dataset: &str) -> String {
    world.value(&format!("SELECT count(*) FROM {dataset}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_whole_deletes_nothing() {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&REST).await;
    for (dataset, route) in LISTS {
        let before = count(&world, dataset).await;
        let kinds = [Kind::EmptyItems, Kind::NullItems, Kind::Incomplete(1), Kind::Status(404)];
        for kind in kinds {
            // One report of many is no list that lacks symbols; a chain is one item.
            if kind == Kind::Incomplete(1) && matches!(dataset, "dividends" | "option_chains") {
                continue;
            }
            world.heal();
            world.spoil(route, None, kind.clone());
            world.advance(TimeDelta::minutes(1));
            let refreshed = world.server.refresh.refresh(dataset, "command").await;
            assert!(refreshed.is_err(), "{dataset} {kind:?}");
            assert_eq!(count(&world, dataset).await, before, "{dataset} {kind:?}");
        }
        world.heal();
        world.refresh(&[dataset]).await;
        let severe =
            format!("SELECT count(*) FROM system.data_quality WHERE dataset = '{dataset}' AND kind = 'absent'");
        assert_eq!(world.value(&severe).await, "0", "{dataset}: it is whole again");
    }
    world.spoil("/market-metrics", None, Kind::EmptyItems);
    world.server.refresh.refresh("market_metrics", "command").await.unwrap_err();
    let told =
        "SELECT symbol IS NULL, severity, example LIKE '%5 of the 5 items that are held%' FROM system.data_quality
        WHERE dataset = 'market_metrics' AND kind = 'absent'";
    assert_eq!(world.query(told).await.unwrap(), [["t", "severe", "t"].map(str::to_owned)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn spoilt_rows_and_fields_cost_only_themselves() {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols", "calendar"]).await;
    world.spoil("/market-metrics", Some("AAPL"), Kind::SpoiltFields);
    world.spoil("/option-chains", Some("SPY"), Kind::SpoiltKeys);
    world.refresh(&["market_metrics", "option_chains"]).await;
    let metrics = world.freshness("market_metrics");
    assert_eq!((metrics.state(), metrics.state_of(&Scope::one("AAPL"))), (State::Fresh, State::Fresh));
    assert_eq!(world.value("SELECT count(*) FROM market_metrics WHERE symbol = 'AAPL' AND beta IS NULL").await, "1");
    let doubts =
        "SELECT count(*) FROM system.data_quality WHERE kind = 'missing_value' AND symbol = 'AAPL' AND count > 10";
    assert_eq!(world.value(doubts).await, "1");
    assert_eq!(world.freshness("option_chains").failed_items(), [""; 0]);
    let rejected = "SELECT count(*) > 0 FROM system.rejected_rows
        WHERE dataset = 'option_chains' AND symbol = 'SPY' AND location = '/option-chains/{}/nested'";
    assert_eq!(world.value(rejected).await, "t");
    // Chains that come whole later are taken, and options leave by their date.
    world.heal();
    world.advance(TimeDelta::days(3));
    world.refresh(&["option_chains"]).await;
    let expired = "SELECT count(*) FROM option_chains WHERE expiration < '2026-06-13'";
    assert_eq!(world.value(expired).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_nobody_knows_is_named() {
    let mut config = configuration();
    config.collect.symbols.push("NOTREAL".to_owned());
    let world = World::with(Role::OnDemand, config, WEDNESDAY).await;
    world.refresh(&["symbols", "market_metrics"]).await;
    let told = "SELECT DISTINCT symbol FROM system.data_quality WHERE kind = 'unknown_symbol'";
    assert_eq!(world.query(told).await.unwrap(), [["NOTREAL".to_owned()]]);
    assert_eq!(world.freshness("market_metrics").state(), State::Fresh);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_tried_again_when_a_person_says_so() {
    let world = World::start(Role::OnDemand).await;
    world.spoil("/oauth/token", None, Kind::HtmlStatus(401));
    world.server.refresh.refresh("symbols", "command").await.unwrap_err();
    world.heal();
    // A page says nothing about a grant: after a moment it is asked again.
    world.advance(TimeDelta::minutes(1));
    world.refresh(&["symbols"]).await;
    assert_eq!(world.value("SELECT count(*) > 100 FROM symbols").await, "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_and_older_history_that_come_into_the_configuration_are_fetched_at_once() {
    let mut world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols", "eod"]).await;
    let first = "SELECT min(date) FROM eod WHERE symbol = 'AAPL'";
    let before = world.value(first).await;
    world.config.collect.symbols.push("KO".to_owned());
    world.config.collect.look_back_days = 200;
    world.restart(Role::Collect).await;
    crate::world::until("the new symbol", || async {
        world.value("SELECT count(*) > 100 FROM eod WHERE symbol = 'KO'").await == "t"
    })
    .await;
    crate::world::until("older history", || async { world.value(first).await < before }).await;
    assert_eq!(world.clock.now(), instant(WEDNESDAY));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_budget_is_a_table() {
    let mut config = configuration();
    config.sources.get_mut("tastytrade").unwrap().requests_per_second = Some(1000);
    let world = World::with(Role::OnDemand, config, WEDNESDAY).await;
    let budget = "SELECT source, dataset, waiting, sent_at, per_second, burst FROM system.budget";
    let expected = ["tastytrade", "NULL", "0", "NULL", "1000", "10"].map(str::to_owned);
    let rows = world.query(budget).await.unwrap();
    assert!(rows.iter().any(|row| *row == expected), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bars_are_not_fresh_before_those_of_the_last_session_are_there() {
    // An evening: the session is over.
    let world = World::with(Role::OnDemand, configuration(), "2026-06-10T22:00:00Z").await;
    world.refresh(&["symbols"]).await;
    world.spoil("Candle", None, Kind::LateBar);
    let reason = world.server.refresh.refresh("eod", "command").await.unwrap_err();
    assert!(reason.contains("the bars of 2026-06-10 are not there yet for 5 of 5 symbols"), "{reason}");
    assert_ne!(world.freshness("eod").state(), State::Fresh);
    assert_eq!(world.value("SELECT max(date) FROM eod").await, "2026-06-09", "what came is kept");
    let late = "SELECT count(*) FROM system.data_quality WHERE dataset = 'eod' AND kind = 'late'";
    assert_eq!(world.value(late).await, "5");
    world.heal();
    world.refresh(&["eod"]).await;
    assert_eq!(
        (world.value("SELECT max(date) FROM eod").await.as_str(), world.value(late).await.as_str()),
        ("2026-06-10", "0")
    );
    assert_eq!(world.freshness("eod").state(), State::Fresh);
}
