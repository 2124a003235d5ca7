//! What clients hear of the live feed: how it is, what was missed, what is followed for them, and what is refused.

use crate::world::{SYMBOLS, WEDNESDAY, World, configuration, connect, until};
use chrono::TimeDelta;
use futures::TryStreamExt;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_postgres::NoTls;
use tokio_postgres::error::DbError;
use tokio_util::sync::CancellationToken;
use ttapi::config::Config;
use ttapi::server::Role;
use ttapi::simulator::fault::{Kind, Until};
use ttapi::status::ServerStatus;

const STATE: &str = "SELECT state FROM system.sources WHERE endpoint = 'live feed'";

/// Live symbols alone: no chains, whose options near the money would be followed too.
fn live_alone() -> Config {
    let mut config = configuration();
    config.collect.option_underlyings = Vec::new();
    config
}

async fn until_state(world: &World, state: &str) {
    until(&format!("the feed is {state}"), || async {
        world.query(STATE).await.is_ok_and(|rows| rows == [[state.to_owned()]])
    })
    .await;
}

async fn following() -> World {
    let world = World::with(Role::Collect, live_alone(), WEDNESDAY).await;
    // Daily bars come over the same venue, and would be taken for subscriptions of the feed.
    ttapi::server::wait_until_tried(&world.server, &CancellationToken::new()).await.unwrap();
    until_state(&world, "live").await;
    until("quotes", || async { world.value("SELECT count(*) FROM quotes").await == SYMBOLS.len().to_string() }).await;
    world
}

/// Stalls the venue until another connection, and lets time pass until that is known.
async fn stall(world: &World) {
    world.spoil("FEED_DATA", None, Kind::Stall { until: Some(Until::Reconnected) });
    let asked = world.simulator.counters().subscribings;
    world.advance(TimeDelta::seconds(60));
    until("the venue is asked", || async { world.simulator.counters().subscribings > asked }).await;
    world.advance(TimeDelta::seconds(15));
    until_state(world, "stalled").await;
}

async fn notice(notices: &mut UnboundedReceiver<DbError>, wanted: &str) {
    loop {
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), notices.recv());
        let notice = next.await.unwrap_or_else(|_| panic!("no notice with {wanted:?}")).unwrap();
        if notice.message().contains(wanted) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_feed_is_told_by_every_query_and_in_the_middle_of_streams() {
    let world = following().await;
    let address = world.postgres().await;
    let (client, mut notices) = connect(address).await;
    let (streaming, mut heard) = connect(address).await;
    let rows = streaming.query_raw("SELECT symbol FROM live.quotes", [""; 0]).await.unwrap();
    tokio::spawn(async move { rows.try_collect::<Vec<_>>().await });
    until("the query follows", || async {
        world.value("SELECT count(*) FROM system.subscribers WHERE pid IS NOT NULL").await == "1"
    })
    .await;
    stall(&world).await;
    notice(&mut heard, "table \"live.quotes\": the feed is stalled").await;
    for sql in ["SELECT * FROM quotes", "SELECT bid FROM quotes WHERE symbol = 'SPY'"] {
        client.query(sql, &[]).await.unwrap();
        notice(&mut notices, "table \"quotes\": the feed is stalled, its last event 75 s old in session hours").await;
    }
    client.batch_execute("SET freshness = 'fail'").await.unwrap();
    for sql in ["SELECT * FROM quotes", "SELECT bid FROM quotes WHERE symbol = 'SPY'", "SELECT * FROM live.quotes"] {
        let error = client.query(sql, &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "TT001", "{sql}: {error}");
    }
    client.batch_execute("RESET freshness; SET max_staleness = '60s'").await.unwrap();
    assert_eq!(client.query("SELECT * FROM quotes", &[]).await.unwrap_err().code().unwrap().code(), "TT001");
    client.batch_execute("SET max_staleness = '90s'").await.unwrap();
    assert!(client.query("SELECT * FROM trades", &[]).await.is_err(), "a stalled feed is stale whatever its age");
    client.batch_execute("SET freshness = 'serve'").await.unwrap();
    client.query("SELECT * FROM trades", &[]).await.unwrap();
    assert_eq!(world.value("SELECT count(*) FROM system.feed_gaps WHERE to_at IS NULL").await, "1");
    // Another connection is tried, and brings events again.
    world.advance(TimeDelta::seconds(15));
    notice(&mut heard, "table \"live.quotes\": events may be missing from 2026-06-10T15:00:00.000Z to").await;
    until_state(&world, "live").await;
    let gap = "SELECT from_at = '2026-06-10 15:00:00+00', to_at > from_at, symbols IS NULL, 'quotes' = ANY(events)
        FROM system.feed_gaps";
    assert_eq!(world.query(gap).await.unwrap(), [["t", "t", "t", "t"].map(str::to_owned)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_query_that_takes_no_old_rows_ends_when_the_feed_stalls() {
    let world = following().await;
    let (client, _notices) = connect(world.postgres().await).await;
    client.batch_execute("SET freshness = 'fail'").await.unwrap();
    let rows = client.query_raw("SELECT symbol FROM live.quotes", [""; 0]).await.unwrap();
    let ended = tokio::spawn(async move { rows.try_collect::<Vec<_>>().await });
    until("the query follows", || async { world.value("SELECT count(*) FROM system.subscribers").await == "1" }).await;
    stall(&world).await;
    let error = ended.await.unwrap().unwrap_err();
    assert_eq!(error.code().unwrap().code(), "TT001", "{error}");
    until("it is listed no more", || async { world.value("SELECT count(*) FROM system.subscribers").await == "0" })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_feed_is_told_and_a_server_that_needs_it_is_not_ready() {
    let mut config = live_alone();
    config.collect.feed.required = true;
    let mut world = World::with(Role::Collect, config, WEDNESDAY).await;
    until_state(&world, "live").await;
    let status = ServerStatus::new(&world.server);
    status.set_ready();
    assert_eq!(ttapi::serve::http::Health::unready(&status), [""; 0]);
    world.spoil("AUTH", None, Kind::Unauthorised);
    world.restart(Role::Collect).await;
    until_state(&world, "refused").await;
    let status = ServerStatus::new(&world.server);
    status.set_ready();
    let unready = ttapi::serve::http::Health::unready(&status);
    assert!(unready.iter().any(|reason| reason.contains("refuses the quote token")), "{unready:?}");
    let reason = "SELECT last_error LIKE '%refuses the quote token%', class, last_data_at IS NULL
        FROM system.sources WHERE endpoint = 'live feed'";
    assert_eq!(world.query(reason).await.unwrap(), [["t", "simulated", "t"].map(str::to_owned)]);
    let (client, mut notices) = connect(world.postgres().await).await;
    assert!(client.query("SELECT * FROM quotes", &[]).await.unwrap().is_empty());
    notice(&mut notices, "the feed is refused and has brought nothing yet").await;
    // A stream says so before its first row, which may never come.
    let rows = client.query_raw("SELECT symbol FROM live.quotes", [""; 0]).await.unwrap();
    let streaming = tokio::spawn(async move { rows.try_collect::<Vec<_>>().await });
    notice(&mut notices, "table \"live.quotes\": the feed is refused").await;
    streaming.abort();
    let explained = world.query("EXPLAIN FRESHNESS SELECT * FROM quotes").await.unwrap();
    assert!(explained[0][1] == "failed" && explained[0][7].contains("refuses"), "{explained:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_queries_name_is_followed_while_they_run_and_for_a_while() {
    let world = following().await;
    let why = "SELECT why FROM system.subscriptions WHERE symbol = 'KO' AND event = 'quotes'";
    assert_eq!(world.query(why).await.unwrap(), Vec::<Vec<String>>::new());
    let (client, mut notices) = connect(world.postgres().await).await;
    assert!(client.query("SELECT * FROM quotes WHERE symbol = 'KO'", &[]).await.unwrap().is_empty());
    notice(&mut notices, "quotes of KO were not followed; they are from now on").await;
    until("its quote", || async { world.value("SELECT count(*) FROM quotes WHERE symbol = 'KO'").await == "1" }).await;
    assert_eq!(world.query(why).await.unwrap(), [["query".to_owned()]]);
    let other = "SELECT count(*) FROM system.subscriptions WHERE symbol = 'KO' AND event <> 'quotes'";
    assert_eq!(world.value(other).await, "0", "only what is named");
    // A query that runs holds it, however long.
    let rows = client.query_raw("SELECT symbol FROM live.quotes WHERE symbol = 'KO'", [""; 0]).await.unwrap();
    let streaming = tokio::spawn(async move { rows.try_collect::<Vec<_>>().await });
    let follower = "SELECT event, symbols, missed FROM system.subscribers";
    until("the query follows", || async {
        world.query(follower).await.unwrap() == [["quotes", "{KO}", "0"].map(str::to_owned)]
    })
    .await;
    world.advance(TimeDelta::seconds(600));
    until_state(&world, "live").await;
    assert_eq!(world.query(why).await.unwrap(), [["query".to_owned()]]);
    client.cancel_token().cancel_query(NoTls).await.unwrap();
    assert!(streaming.await.unwrap().is_err());
    until("nobody follows", || async { world.query(follower).await.unwrap().is_empty() }).await;
    world.advance(TimeDelta::seconds(301));
    until("it is followed no more", || async { world.query(why).await.unwrap().is_empty() }).await;
    // Its last quote would grow old without a word.
    assert_eq!(world.value("SELECT count(*) FROM quotes").await, SYMBOLS.len().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_room_is_told_in_sql() {
    let mut config = live_alone();
    config.collect.feed.connections = 2;
    config.collect.feed.subscriptions = 8;
    let world = World::with(Role::Collect, config, WEDNESDAY).await;
    until_state(&world, "live").await;
    let counts = "SELECT count(*), count(DISTINCT connection), count(*) FILTER (WHERE connection IS NULL)
        FROM system.subscriptions";
    until("the subscriptions", || async {
        world.query(counts).await.unwrap() == [["20", "2", "4"].map(str::to_owned)]
    })
    .await;
    until("no more than the venue takes", || async { world.simulator.counters().subscriptions == 16 }).await;
    let (client, mut notices) = connect(world.postgres().await).await;
    client.query("SELECT * FROM time_and_sales", &[]).await.unwrap();
    notice(&mut notices, "not followed, since the venue takes no more: ").await;
}
