//! The freshness contract from end to end: a simulated venue, a real lake, sessions of the engine and Postgres clients.

use crate::slt::InProcess;
use crate::world::{SYMBOLS, World, by_name, configuration, connect, instant, until};
use chrono::TimeDelta;
use std::time::Duration;
use ttapi::engine::Session;
use ttapi::error::{ErrorKind, QueryError};
use ttapi::lake::freshness::State;
use ttapi::lake::quality::{Doubt, DoubtKind, Findings, Severity};
use ttapi::serve::http::{DoubtStatus, Health};
use ttapi::server::Role;
use ttapi::simulator::fault::Kind;
use ttapi::status::ServerStatus;

const METRICS: &str = "/market-metrics";

/// All that a table holds, to see whether anything changed.
const ALL_METRICS: &str = "SELECT * FROM market_metrics ORDER BY symbol";

/// A world whose metrics were loaded, and how long ago.
async fn loaded_metrics(ago: TimeDelta) -> World {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&["market_metrics"]).await;
    world.advance(ago);
    world
}

async fn count(session: &Session) -> Result<String, QueryError> {
    let rows = InProcess::over(session).query("SELECT count(*) FROM market_metrics").await?;
    Ok(rows[0][0].clone())
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_sessions_make_one_refresh() {
    let mut config = configuration();
    config.collect.lists = texts(&["sp500"]);
    config.collect.symbols = Vec::new();
    let world = World::with(Role::OnDemand, config, crate::world::WEDNESDAY).await;
    let batches = 503_u64.div_ceil(100);
    for round in 1..=3 {
        let sessions: Vec<Session> = (0..200).map(|_| world.session()).collect();
        let counts = futures::future::join_all(sessions.iter().map(count)).await;
        assert!(counts.iter().all(|count| count.as_deref().is_ok_and(|count| count == "503")), "{counts:?}");
        assert_eq!(world.calls(METRICS), round * batches);
        assert_eq!(world.version("market_metrics"), Some(round - 1));
        // Past the TTL and past what is served while a refresh runs.
        world.advance(TimeDelta::hours(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_postgres_clients_make_one_refresh() {
    let mut config = configuration();
    config.collect.lists = texts(&["sp500"]);
    config.collect.symbols = Vec::new();
    let world = World::with(Role::OnDemand, config, crate::world::WEDNESDAY).await;
    world.refresh(&["market_metrics"]).await;
    world.advance(TimeDelta::hours(1));
    let address = world.postgres().await;
    let clients = futures::future::join_all((0..200).map(|_| connect(address))).await;
    let (before, runs) = (world.calls(METRICS), world.freshness("market_metrics").runs_ended());
    let counts = clients.iter().map(|(client, _)| client.query_one("SELECT count(*) FROM market_metrics", &[]));
    for count in futures::future::join_all(counts).await {
        assert_eq!(count.unwrap().get::<_, i64>(0), 503);
    }
    assert_eq!(world.calls(METRICS) - before, 503_u64.div_ceil(100));
    assert_eq!(world.freshness("market_metrics").runs_ended() - runs, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_a_little_too_old_are_served_at_once_and_refreshed_behind() {
    let world = loaded_metrics(TimeDelta::minutes(20)).await;
    let (calls, old) = (world.calls(METRICS), world.version("market_metrics"));
    world.spoil(METRICS, None, Kind::Slow(Duration::from_secs(6)));
    let sessions: Vec<Session> = (0..10).map(|_| world.session()).collect();
    for session in &sessions {
        assert_eq!(count(session).await.unwrap(), "5");
        assert_eq!(session.take_notices(), [""; 0]);
    }
    // They were answered while the one refresh still runs.
    assert_eq!(world.version("market_metrics"), old);
    world.until_state("market_metrics", State::Refreshing).await;
    assert_eq!(world.version("market_metrics"), old);
    world.until_state("market_metrics", State::Fresh).await;
    assert_eq!(world.version("market_metrics"), old.map(|version| version + 1));
    assert_eq!(world.calls(METRICS), calls + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_down_costs_a_notice_then_an_error_and_heals_by_itself() {
    let mut world = loaded_metrics(TimeDelta::hours(3)).await;
    let rows = world.query("SELECT symbol, iv_rank FROM market_metrics ORDER BY symbol").await.unwrap();
    world.advance(TimeDelta::hours(3));
    world.stop_venue().await;

    let session = world.session();
    let served = InProcess::over(&session).query("SELECT symbol, iv_rank FROM market_metrics ORDER BY symbol").await;
    assert_eq!(served.unwrap(), rows);
    let notices = session.take_notices();
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(notice.starts_with("table \"market_metrics\" is stale: its rows are 3 h old; "), "{notice}");
    let port = world.simulator.rest_addr().to_string();
    assert!(notice.contains(&port), "the cause is missing: {notice}");
    assert_eq!(world.freshness("market_metrics").state(), State::Failed);

    // Over the wire the same is a NOTICE.
    let address = world.postgres().await;
    let (client, mut notices) = connect(address).await;
    assert_eq!(client.query_one("SELECT count(*) FROM market_metrics", &[]).await.unwrap().get::<_, i64>(0), 5);
    let received = notices.recv().await.unwrap();
    assert_eq!((received.severity(), received.message()), ("NOTICE", notice.as_str()));

    // Beyond `stale_if_error` nothing is served.
    world.advance(TimeDelta::days(1));
    let error = world.query(ALL_METRICS).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    let begin = "table \"market_metrics\" is not fresh: its rows are 1 d 3 h old; ";
    assert!(error.message.starts_with(begin) && error.message.contains(&port), "{}", error.message);
    let error = client.simple_query(ALL_METRICS).await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "TT001");
    assert!(error.message().starts_with(begin), "{}", error.message());

    // It comes back, and so do the rows. The breaker and the remembered failure end by the clock.
    world.start_venue().await;
    world.advance(TimeDelta::seconds(31));
    assert_eq!(count(&session).await.unwrap(), "5");
    assert_eq!(session.take_notices(), [""; 0]);
    assert_eq!(world.freshness("market_metrics").state(), State::Fresh);
    assert_eq!(world.freshness("market_metrics").remembered().last_error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_symbol_that_fails_keeps_its_row_and_the_others_are_fresh() {
    let mut config = configuration();
    config.collect.lists = texts(&["sp500"]);
    config.collect.symbols = Vec::new();
    let world = World::with(Role::OnDemand, config, crate::world::WEDNESDAY).await;
    world.refresh(&["market_metrics"]).await;
    world.advance(TimeDelta::hours(1));
    world.spoil(METRICS, Some("MSFT"), Kind::Status(503));
    world.refresh(&["market_metrics"]).await;
    let ages = "SELECT fetched_at, count(*), min(symbol) FROM market_metrics GROUP BY fetched_at ORDER BY fetched_at";
    let ages = world.query(ages).await.unwrap();
    assert_eq!(ages[0], texts(&["2026-06-10 15:00:00+00", "1", "MSFT"]));
    assert_eq!(ages[1][..2], texts(&["2026-06-10 16:00:00+00", "502"]));
    let run = "SELECT failed, items, error, array_to_string(failed_items, '; ') FROM system.refreshes
        WHERE dataset = 'market_metrics' ORDER BY started_at DESC LIMIT 1";
    let run = world.query(run).await.unwrap().remove(0);
    assert_eq!(run[..3], texts(&["1", "503", "NULL"]));
    assert!(run[3].starts_with("MSFT: ") && run[3].contains("503"), "{}", run[3]);
    assert_eq!(world.freshness("market_metrics").state(), State::Fresh);
    // The history keeps what was fetched: the failed symbol once, the others twice.
    let history = "SELECT count(*) FROM market_metrics_history WHERE symbol = 'MSFT'";
    assert_eq!(world.value(history).await, "1");
    assert_eq!(world.value("SELECT count(*) FROM market_metrics_history").await, "1005");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_table_is_made_of_one_version_of_each_input_after_they_were_refreshed_once() {
    let world = World::start(Role::OnDemand).await;
    let runs = "SELECT dataset, count(*) FROM system.refreshes GROUP BY dataset";
    let versions = "SELECT array_to_string(input_versions, ',') FROM system.freshness WHERE dataset = 'returns_stddev'";
    // Nothing is loaded: whoever asks for the last waits for all that it is made of.
    let horizons: u64 = world.value("SELECT count(*) FROM returns_stddev").await.parse().unwrap();
    assert!(horizons > 10, "{horizons}");
    let once = by_name(world.query(runs).await.unwrap());
    for dataset in ["calendar", "eod", "expirations", "option_chains", "returns_stddev"] {
        assert_eq!(once.get(dataset).map(String::as_str), Some("1"), "{dataset}: {once:?}");
    }
    assert_eq!(world.value(versions).await, "eod=0,expirations=0");
    let chains = world.calls("/option-chains/AAPL/nested");
    assert_eq!(chains, 1);

    // The next evening eod and the chains are stale, the calendar is not.
    world.clock.set(instant("2026-06-11T21:00:00Z"));
    assert_eq!(world.freshness("eod").state(), State::Stale);
    assert_eq!(world.freshness("option_chains").state(), State::Stale);
    assert_eq!(world.freshness("calendar").state(), State::Fresh);
    world.query("SELECT * FROM returns_stddev").await.unwrap();
    let twice = by_name(world.query(runs).await.unwrap());
    for (dataset, runs) in
        [("calendar", "1"), ("eod", "2"), ("expirations", "2"), ("option_chains", "2"), ("returns_stddev", "2")]
    {
        assert_eq!(twice.get(dataset).map(String::as_str), Some(runs), "{dataset}: {twice:?}");
    }
    assert_eq!(world.calls("/option-chains/AAPL/nested"), 2);
    let made_of = |dataset: &str| world.freshness(dataset).remembered().made_of.inputs.clone();
    assert_eq!(made_of("returns_stddev").get("eod").copied(), world.version("eod"));
    assert_eq!(made_of("returns_stddev").get("expirations").copied(), world.version("expirations"));
    assert_eq!(made_of("expirations").get("option_chains").copied(), world.version("option_chains"));
    assert_eq!(world.freshness("returns_stddev").state(), State::Fresh);

    // An input with a new version makes it stale, long before the next close.
    world.refresh(&["option_chains"]).await;
    assert_eq!(world.freshness("expirations").state(), State::Stale);
    world.query("SELECT * FROM expirations").await.unwrap();
    world.until_state("expirations", State::Fresh).await;
    assert_eq!(made_of("expirations").get("option_chains").copied(), world.version("option_chains"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_is_never_data() {
    let world = loaded_metrics(TimeDelta::hours(1)).await;
    let good = world.query(ALL_METRICS).await.unwrap();
    let version = world.version("market_metrics");
    let kinds = [
        Kind::Status(500),
        Kind::Status(503),
        Kind::Throttled(None),
        Kind::BadGateway,
        Kind::Html,
        Kind::Truncated,
        Kind::Drop,
        Kind::Unauthorised,
    ];
    for kind in kinds {
        world.spoil(METRICS, None, kind.clone());
        // Past the breaker's pause after earlier failures.
        world.advance(TimeDelta::minutes(1));
        let reason = world.server.refresh.refresh("market_metrics", "command").await.unwrap_err();
        assert_eq!(world.version("market_metrics"), version, "{kind:?}");
        assert_eq!(world.freshness("market_metrics").remembered().last_error.as_ref(), Some(&reason), "{kind:?}");
        let session = world.session();
        InProcess::over(&session).query("SET freshness = 'serve'").await.unwrap();
        assert_eq!(InProcess::over(&session).query(ALL_METRICS).await.unwrap(), good, "{kind:?}");
        world.heal();
    }
    assert_eq!(world.value("SELECT count(*) FROM market_metrics_history").await, "10");
    world.advance(TimeDelta::minutes(1));
    world.refresh(&["market_metrics"]).await;
    assert_eq!(world.version("market_metrics"), version.map(|version| version + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_ages_and_errors() {
    let mut world = loaded_metrics(TimeDelta::minutes(10)).await;
    world.refresh(&["symbols"]).await;
    world.advance(TimeDelta::hours(30));
    world.spoil("/instruments", None, Kind::Status(500));
    let reason = world.server.refresh.refresh("symbols", "command").await.unwrap_err();
    let freshness = "SELECT dataset, state, age, loaded_at, last_error, version, rows FROM system.freshness ORDER BY 1";
    let before = world.query(freshness).await.unwrap();
    assert!(before.iter().any(|row| row[0] == "symbols" && row[1] == "failed" && row[4] == reason), "{before:?}");
    for role in [Role::ReadOnly, Role::OnDemand] {
        world.restart(role).await;
        assert_eq!(world.query(freshness).await.unwrap(), before);
    }
    let runs = "SELECT count(*) FROM system.refreshes WHERE dataset = 'symbols'";
    assert_eq!(world.value(runs).await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_makes_nothing_fresh() {
    let world = loaded_metrics(TimeDelta::minutes(40)).await;
    assert_eq!(world.freshness("market_metrics").state(), State::Stale);
    world.advance(TimeDelta::minutes(-35));
    assert_eq!(world.freshness("market_metrics").state(), State::Stale);
    world.advance(TimeDelta::days(-1));
    assert_eq!(world.freshness("market_metrics").state(), State::Stale);
    let error = InProcess(world.session()).query("SET freshness = 'fail'; SELECT * FROM market_metrics").await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::Stale);
    world.refresh(&["market_metrics"]).await;
    assert_eq!(world.freshness("market_metrics").state(), State::Fresh);
}

#[tokio::test(flavor = "multi_thread")]
async fn daily_bars_go_stale_half_an_hour_after_the_next_close() {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols", "calendar", "eod"]).await;
    let state = "SELECT expires_at, state FROM system.freshness WHERE dataset = 'eod'";
    assert_eq!(world.query(state).await.unwrap(), [texts(&["2026-06-10 20:30:00+00", "fresh"])]);
    world.clock.set(instant("2026-06-10T20:29:59Z"));
    assert_eq!(world.freshness("eod").state(), State::Fresh);
    world.clock.set(instant("2026-06-10T20:30:00Z"));
    assert_eq!(world.freshness("eod").state(), State::Stale);
    let last = "SELECT max(date) FROM eod";
    assert_eq!(world.value(last).await, "2026-06-09");
    world.until_state("eod", State::Fresh).await;
    assert_eq!(world.value(last).await, "2026-06-10");
    // A Friday evening's bars are good until Monday.
    world.clock.set(instant("2026-06-12T21:00:00Z"));
    world.refresh(&["eod"]).await;
    assert_eq!(world.query(state).await.unwrap(), [texts(&["2026-06-15 20:30:00+00", "fresh"])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_says_how_old_an_answer_it_takes() {
    let world = loaded_metrics(TimeDelta::seconds(10)).await;
    let session = world.session();
    let run = async |sql: &str| InProcess::over(&session).query(sql).await;
    let calls = || world.calls(METRICS);

    // Fresh by the dataset's own contract, but not for this session.
    run("SET max_staleness = '5s'").await.unwrap();
    run(ALL_METRICS).await.unwrap();
    assert_eq!(calls(), 2);
    run(ALL_METRICS).await.unwrap();
    assert_eq!(calls(), 2);
    // This one takes what is long past the contract, and something is done about it.
    world.advance(TimeDelta::hours(3));
    run("SET max_staleness = '6h'").await.unwrap();
    run(ALL_METRICS).await.unwrap();
    world.until_state("market_metrics", State::Fresh).await;
    assert_eq!(calls(), 3);

    // Old rows with a notice, whatever their age; and nothing but fresh rows.
    session.settings().reset("max_staleness").unwrap();
    world.spoil(METRICS, None, Kind::Status(500));
    world.advance(TimeDelta::days(9));
    run("SET freshness = 'serve'").await.unwrap();
    assert_eq!(run(ALL_METRICS).await.unwrap().len(), SYMBOLS.len());
    let notices = session.take_notices();
    assert!(notices[0].starts_with("table \"market_metrics\" is stale: its rows are 9 d old; "), "{notices:?}");
    run("SET freshness = 'fail'").await.unwrap();
    assert_eq!(run(ALL_METRICS).await.unwrap_err().kind, ErrorKind::Stale);
    run("SET freshness = 'wait'").await.unwrap();
    assert_eq!(run(ALL_METRICS).await.unwrap_err().kind, ErrorKind::Stale);

    for (sql, name) in [
        ("SET freshness = 'sometimes'", "freshness"),
        ("SET max_staleness = 'soon'", "max_staleness"),
        ("SET max_staleness = '-5s'", "max_staleness"),
    ] {
        let error = run(sql).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidParameter, "{sql}");
        assert!(error.message.contains(name), "{sql}: {}", error.message);
    }
    let (client, _notices) = connect(world.postgres().await).await;
    let error = client.simple_query("SET freshness = 'sometimes'").await.unwrap_err();
    assert_eq!(error.as_db_error().unwrap().code().code(), "22023");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_server_warns_and_then_refuses() {
    let mut world = loaded_metrics(TimeDelta::zero()).await;
    world.restart(Role::ReadOnly).await;
    let session = world.session();
    assert_eq!(count(&session).await.unwrap(), "5");
    assert_eq!(session.take_notices(), [""; 0]);
    for hours in [1, 23] {
        world.advance(TimeDelta::hours(hours));
        assert_eq!(count(&session).await.unwrap(), "5");
        let notices = session.take_notices();
        assert!(notices[0].contains("market_metrics") && notices[0].contains("read-only"), "{notices:?}");
    }
    world.advance(TimeDelta::hours(1));
    let error = count(&session).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    assert!(error.message.contains("its rows are 1 d 1 h old; this server does not refresh"), "{}", error.message);
    let error = world.query("SELECT * FROM earnings").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stale);
    assert!(error.message.contains("\"earnings\" is not fresh: it was never loaded"), "{}", error.message);
    let (client, _notices) = connect(world.postgres().await).await;
    let error = client.simple_query("SELECT * FROM earnings").await.unwrap_err();
    assert_eq!(error.as_db_error().unwrap().code().code(), "TT001");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_sees_that_another_one_refreshed_even_when_nothing_changed() {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&["calendar"]).await;
    let other = world.second_server(Role::ReadOnly).await;
    let seen = other.board.get("calendar").unwrap();
    assert_eq!(seen.state(), State::Fresh);
    world.advance(TimeDelta::days(7));
    assert_eq!(seen.state(), State::Stale);
    world.spoil("/market-time", None, Kind::Status(500));
    world.server.refresh.refresh("calendar", "command").await.unwrap_err();
    until("the failure is seen", || async { seen.state() == State::Failed }).await;
    world.heal();
    world.refresh(&["calendar"]).await;
    until("the refresh is seen", || async { seen.state() == State::Fresh }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_queries_do_not_hammer_a_source_that_is_down() {
    let world = loaded_metrics(TimeDelta::hours(1)).await;
    world.spoil(METRICS, None, Kind::Html);
    let before = world.calls(METRICS);
    let session = world.session();
    count(&session).await.unwrap();
    let first = session.take_notices();
    let one_try = world.calls(METRICS) - before;
    assert!(one_try >= 1);
    for _ in 0..30 {
        count(&session).await.unwrap();
        assert_eq!(session.take_notices(), first);
    }
    assert_eq!(world.calls(METRICS) - before, one_try);
    world.advance(TimeDelta::seconds(5));
    count(&session).await.unwrap();
    assert_eq!(world.calls(METRICS) - before, 2 * one_try);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collecting_server_keeps_everything_fresh_by_itself() {
    let mut config = configuration();
    // One process, no need to leave the first try to others.
    config.datasets.values_mut().for_each(|dataset| dataset.policy.jitter = Duration::ZERO);
    let world = World::with(Role::Collect, config, crate::world::WEDNESDAY).await;
    for dataset in &world.server.collected {
        world.until_state(dataset, State::Fresh).await;
    }
    let causes = "SELECT DISTINCT dataset, cause FROM system.refreshes WHERE dataset = 'market_metrics'";
    assert_eq!(by_name(world.query(causes).await.unwrap())["market_metrics"], "start");
    let old = world.version("market_metrics").unwrap();
    world.advance(TimeDelta::minutes(15));
    until("the version moves", || async { world.version("market_metrics") == Some(old + 1) }).await;
    world.until_state("market_metrics", State::Fresh).await;
    let last = "SELECT cause FROM system.refreshes WHERE dataset = 'market_metrics' ORDER BY started_at DESC LIMIT 1";
    assert_eq!(world.value(last).await, "ttl");
    // The evening after: daily bars first, then what is made of them.
    world.clock.set(instant("2026-06-10T20:30:00Z"));
    let made_of_new = || async {
        let made_of = world.freshness("returns_stddev").remembered().made_of.inputs.clone();
        world.freshness("eod").state() == State::Fresh
            && made_of.get("eod").copied() == world.version("eod")
            && world.freshness("returns_stddev").state() == State::Fresh
    };
    until("the derived table follows", made_of_new).await;
    assert_eq!(world.value("SELECT max(date) FROM eod").await, "2026-06-10");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_table_is_as_old_as_its_oldest_input() {
    let world = World::start(Role::OnDemand).await;
    world.query("SELECT * FROM returns_stddev").await.unwrap();
    world.advance(TimeDelta::hours(2));
    // Computed anew it is no younger than what it is made of.
    world.refresh(&["returns_stddev"]).await;
    let age = "SELECT extract(epoch FROM age) FROM system.freshness WHERE dataset = 'returns_stddev'";
    assert_eq!(world.query(age).await.unwrap()[0][0], "7200.000000");
    let explained = world.query("EXPLAIN FRESHNESS SELECT * FROM returns_stddev").await.unwrap();
    assert_eq!((explained[0][1].as_str(), explained[0][2].as_str()), ("fresh", "02:00:00"), "{explained:?}");
    assert_eq!(explained[0][2], explained[1][2], "the result is as old as its input");

    // A session that takes nothing older than an hour has the inputs refreshed, however deep.
    let session = world.session();
    let run = async |sql: &str| InProcess::over(&session).query(sql).await;
    run("SET max_staleness = '3h'").await.unwrap();
    run("SELECT * FROM returns_stddev").await.unwrap();
    let chains = |world: &World| world.calls("/option-chains/SPY/nested");
    assert_eq!(chains(&world), 1);
    run("SET max_staleness = '1h'").await.unwrap();
    run("SELECT * FROM returns_stddev").await.unwrap();
    assert_eq!(chains(&world), 2);
    assert_eq!(world.query(age).await.unwrap()[0][0], "0.000000");
    // Nothing of it had changed, and who asks again has nothing refreshed.
    run("SELECT * FROM returns_stddev").await.unwrap();
    assert_eq!(chains(&world), 2);
    assert_eq!(session.take_notices(), [""; 0]);

    // An input that cannot be had makes the result old, and that is said.
    world.spoil("/option-chains", None, Kind::Status(503));
    world.advance(TimeDelta::hours(2));
    run("SELECT * FROM returns_stddev").await.unwrap();
    let notices = session.take_notices();
    assert!(notices[0].starts_with("table \"returns_stddev\" is stale: its rows are 2 h old; "), "{notices:?}");
    assert!(notices[0].contains("option_chains") && notices[0].contains("503"), "{notices:?}");
    run("SET freshness = 'fail'").await.unwrap();
    assert_eq!(run("SELECT * FROM returns_stddev").await.unwrap_err().kind, ErrorKind::Stale);
    // By its own contract an input's day is not over yet; then it is, and the result is stale with it.
    assert_eq!(world.freshness("expirations").state(), State::Fresh);
    world.clock.set(instant("2026-06-11T17:10:00Z"));
    world.refresh(&["calendar", "eod", "expirations", "returns_stddev"]).await;
    assert_eq!(world.freshness("option_chains").state(), State::Failed);
    assert_eq!(world.freshness("returns_stddev").state(), State::Stale);
    let told = world.query("EXPLAIN FRESHNESS SELECT * FROM returns_stddev").await.unwrap();
    assert_eq!(told[0][1], "stale");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_tells_what_is_doubtful() {
    let world = World::start(Role::OnDemand).await;
    let tell = async |kind, severity, example: &str| {
        let mut findings = Findings::default();
        findings.doubt(Doubt::about("AAPL", kind, severity, example), 5);
        world.server.lake.table("eod").unwrap().tell(findings, world.clock.now()).await;
    };
    tell(DoubtKind::Gap, Severity::Warning, "2 sessions").await;
    let status = ServerStatus::new(&world.server);
    let expected =
        DoubtStatus { severity: "warning", counts: "1 warning".to_owned(), example: "AAPL gap: 2 sessions".to_owned() };
    assert_eq!(status.doubts().await.get("eod"), Some(&expected));
    // A page that is asked for again and again reads no files each time.
    tell(DoubtKind::Outlier, Severity::Severe, "from 10 to 0.5").await;
    assert_eq!(status.doubts().await.get("eod"), Some(&expected));
    let anew = ServerStatus::new(&world.server).doubts().await;
    let told = anew.get("eod").map(|told| (told.severity, told.counts.as_str(), told.example.as_str()));
    assert_eq!(told, Some(("severe", "1 severe, 1 warning", "AAPL outlier: from 10 to 0.5")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_brings_its_demands_with_it() {
    let world = loaded_metrics(TimeDelta::minutes(1)).await;
    let address = world.postgres().await;
    let (client, _connection) = {
        let options = "-c max_staleness=5s -c freshness=fail";
        let settings = format!("host={} port={} user=test dbname=tt options='{options}'", address.ip(), address.port());
        let (client, connection) = tokio_postgres::connect(&settings, tokio_postgres::NoTls).await.unwrap();
        (client, tokio::spawn(connection))
    };
    for (name, value) in [("max_staleness", "5s"), ("freshness", "fail"), ("as_of", "")] {
        let shown = client.query_one(&format!("SHOW {name}"), &[]).await.unwrap();
        assert_eq!(shown.get::<_, &str>(0), value, "{name}");
    }
    let error = client.simple_query(ALL_METRICS).await.unwrap_err();
    assert_eq!(error.as_db_error().unwrap().code().code(), "TT001");
    for options in ["-c freshness=often", "-c max_staleness=soon", "-c as_of=9999-01-01"] {
        let settings = format!("host={} port={} user=test dbname=tt options='{options}'", address.ip(), address.port());
        let Err(error) = tokio_postgres::connect(&settings, tokio_postgres::NoTls).await else {
            panic!("{options} is taken")
        };
        assert_eq!(error.as_db_error().unwrap().code().code(), "22023", "{options}");
    }
}
