//! History that the venue states anew: a split, a corrected bar, and the seam between imported bars and the venue's.

use crate::world::{WEDNESDAY, World, configuration};
use chrono::TimeDelta;
use std::sync::Arc;
use ttapi::clock::Clock;
use ttapi::collect::Progress;
use ttapi::collect::venue::metastock;
use ttapi::collect::write::write;
use ttapi::lake::freshness::State;
use ttapi::lake::{DatasetState, IMPORT, Run, Scope};
use ttapi::server::Role;
use ttapi::simulator::fault::{Kind, Ratio, Rule};

fn split(date: &str, ratio: f64, restated: bool) -> Kind {
    Kind::Split { date: date.parse().unwrap(), ratio: Ratio::new(ratio).unwrap(), restated }
}

fn seam(date: &str, ratio: f64) -> Kind {
    Kind::Seam { date: date.parse().unwrap(), ratio: Ratio::new(ratio).unwrap() }
}

/// A world with daily bars up to Tuesday.
async fn loaded() -> World {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols", "calendar", "eod"]).await;
    // That there is no split is known as of then.
    let known = "SELECT state FROM system.freshness WHERE dataset = 'splits'";
    assert_eq!(
        (world.value(known).await.as_str(), world.value("SELECT count(*) FROM splits").await.as_str()),
        ("fresh", "0")
    );
    world
}

/// What is told of a symbol's bars, by kind.
async fn told(world: &World, symbol: &str) -> Vec<Vec<String>> {
    let sql = format!(
        "SELECT kind, severity, example FROM system.data_quality WHERE dataset = 'eod' AND symbol = '{symbol}' ORDER BY kind"
    );
    world.query(&sql).await.unwrap()
}

/// The largest move from one session to the next.
async fn largest_move(world: &World, symbol: &str) -> f64 {
    let sql = format!("SELECT max(abs(return_ratio)) FROM returns_daily WHERE symbol = '{symbol}'");
    world.value(&sql).await.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_split_the_whole_history_is_in_one_scale() {
    let world = loaded().await;
    let before = world.value("SELECT close FROM eod WHERE symbol = 'AAPL' AND date = '2026-06-09'").await;
    let first = "SELECT min(date) FROM eod WHERE symbol = 'AAPL'";
    let begun = world.value(first).await;
    // Versions are of the system's time.
    let then = Clock::System.now();
    world.advance(TimeDelta::days(1));
    world.spoil("Candle", Some("AAPL"), split("2026-06-10", 10.0, true));
    let version = world.version("eod").unwrap();
    world.refresh(&["eod"]).await;

    assert!(largest_move(&world, "AAPL").await < 0.3, "no move of the split's size");
    assert!(world.value(first).await <= begun, "nothing is lost");
    let after = world.value("SELECT close FROM eod WHERE symbol = 'AAPL' AND date = '2026-06-09'").await;
    let ratio = before.parse::<f64>().unwrap() / after.parse::<f64>().unwrap();
    assert!((ratio - 10.0).abs() < 0.02, "{ratio}");
    assert_eq!(world.freshness("eod").state_of(&Scope::one("AAPL")), State::Fresh);
    // It is told, with both versions, and of no other symbol.
    let [doubt] = <[Vec<String>; 1]>::try_from(told(&world, "AAPL").await).unwrap();
    assert_eq!(&doubt[..2], ["restated", "warning"]);
    let expected = [" to 2026-06-10: prices are 0.1", "10 new shares per old one"];
    for part in expected
        .map(str::to_owned)
        .into_iter()
        .chain([format!("version {version} has the old values, {} the new", version + 1)])
    {
        assert!(doubt[2].contains(&part), "{part:?} in {doubt:?}");
    }
    assert_eq!(told(&world, "MSFT").await.len(), 0);
    assert_eq!(world.version("eod"), Some(version + 1), "one commit");
    // The split is known from that moment on.
    let splits = "SELECT symbol, effective_date, ratio, origin, source, adjusted, observed_at FROM splits";
    let expected = ["AAPL", "2026-06-10", "10", "observed", "dxlink", "t", "2026-06-11 15:00:00+00"];
    assert_eq!(world.query(splits).await.unwrap(), [expected.map(str::to_owned)]);
    let session = world.session();
    let session = crate::slt::InProcess::over(&session);
    session.query(&format!("SET as_of = '{}'", then.to_rfc3339())).await.unwrap();
    let past = "SELECT close, (SELECT count(*) FROM splits) FROM eod WHERE symbol = 'AAPL' AND date = '2026-06-09'";
    assert_eq!(session.query(past).await.unwrap(), [[before, "0".to_owned()]]);

    // Another refresh finds nothing more, and nothing is adjusted twice.
    world.advance(TimeDelta::hours(1));
    world.refresh(&["eod", "dividends"]).await;
    assert_eq!(world.value("SELECT count(*) FROM splits").await, "1");
    assert_eq!(world.version("eod"), Some(version + 1));
    let twice = "SELECT count(*) FROM eod JOIN eod_adjusted a USING (symbol, date)
        WHERE symbol = 'AAPL' AND (a.volume <> eod.volume OR a.close > eod.close + 1e-9)";
    assert_eq!(world.value(twice).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_whole_history_is_there_the_old_one_stays_and_is_not_fresh() {
    let world = loaded().await;
    let bars = "SELECT date, close, volume FROM eod WHERE symbol = 'AAPL' ORDER BY date";
    let before = world.query(bars).await.unwrap();
    let rule = |kind, times| Rule { target: "Candle".to_owned(), symbol: Some("AAPL".to_owned()), kind, times };
    world.simulator.faults().add(rule(split("2026-06-10", 4.0, true), Some(1)));
    world.simulator.faults().add(rule(Kind::EmptySnapshot, None));
    world.advance(TimeDelta::days(1));
    world.refresh(&["eod"]).await;
    let session = world.session();
    crate::slt::InProcess::over(&session).query("SET freshness = 'serve'").await.unwrap();
    assert_eq!(crate::slt::InProcess::over(&session).query(bars).await.unwrap(), before);
    assert_eq!(world.value("SELECT max(date) FROM eod WHERE symbol = 'MSFT'").await, "2026-06-10");
    assert_eq!(world.freshness("eod").failed_items(), ["AAPL"]);
    assert_ne!(world.freshness("eod").state_of(&Scope::one("AAPL")), State::Fresh);
    assert!(told(&world, "AAPL").await.iter().all(|row| row[0] != "restated"), "nothing is restated yet");
    assert_eq!(world.value("SELECT count(*) FROM splits").await, "0");
    // The venue has it all: it comes as a whole, whoever asks.
    world.heal();
    world.spoil("Candle", Some("AAPL"), split("2026-06-10", 4.0, true));
    world.advance(TimeDelta::minutes(5));
    world.refresh(&["eod"]).await;
    assert!(largest_move(&world, "AAPL").await < 0.3);
    assert_eq!(world.value("SELECT ratio FROM splits").await, "4");
    assert_eq!(world.freshness("eod").state_of(&Scope::one("AAPL")), State::Fresh);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_bar_is_replaced_and_told() {
    let world = loaded().await;
    let bars = "SELECT date, close FROM eod WHERE symbol = 'MSFT' AND date <= '2026-06-09' ORDER BY date";
    let before = world.query(bars).await.unwrap();
    world.spoil("Candle", Some("MSFT"), Kind::CorrectedBar("2026-06-05".parse().unwrap()));
    world.advance(TimeDelta::days(1));
    world.refresh(&["eod"]).await;
    let after = world.query(bars).await.unwrap();
    let changed: Vec<&str> = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after)
        .map(|(before, _)| before[0].as_str())
        .collect();
    assert_eq!(changed, ["2026-06-05"], "it alone has another close");
    let [doubt] = <[Vec<String>; 1]>::try_from(told(&world, "MSFT").await).unwrap();
    assert_eq!(&doubt[..2], ["restated", "warning"]);
    assert!(doubt[2].contains("2026-06-05: 1 bars corrected; on 2026-06-05 the "), "{doubt:?}");
    assert!(doubt[2].contains("has the old values"), "{doubt:?}");
    assert_eq!(world.value("SELECT count(*) FROM splits").await, "0");
}

/// Imports the venue's own bars of a symbol from January to March 2024 as files would have them, prices times a factor.
async fn import(world: &World, symbol: &str, factor: f64) {
    let mut config = configuration();
    config.collect.symbols = vec![symbol.to_owned()];
    config.collect.look_back_days = 900;
    let other = World::with(Role::OnDemand, config, WEDNESDAY).await;
    other.refresh(&["symbols", "calendar", "eod"]).await;
    let bars = "SELECT to_char(date, 'YYYYMMDD'), open, high, low, close, volume FROM eod
        WHERE date BETWEEN '2024-01-02' AND '2024-03-31' ORDER BY date";
    let mut text = "<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n".to_owned();
    for bar in other.query(bars).await.unwrap() {
        let prices = bar[1..5].iter().map(|price| (price.parse::<f64>().unwrap() * factor).to_string());
        text.push_str(&format!("{symbol},D,{},000000,{},{},0\n", bar[0], prices.collect::<Vec<_>>().join(","), bar[5]));
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bars.txt");
    std::fs::write(&file, text).unwrap();
    let (now, progress, mut batches) = (world.clock.now(), Arc::new(Progress::default()), Vec::new());
    let (options, none) = (metastock::Options::default(), metastock::KnownFiles::default());
    let report = metastock::import(&file, &options, &none, now, &progress, |batch| {
        batches.push(batch);
        Ok(())
    });
    assert_eq!(report.unwrap().rows, 61);
    let table = world.server.lake.table("eod").unwrap();
    let version = write(table, &batches, &[]).await.unwrap().version;
    let run = Run { cause: IMPORT.to_owned(), started_at: now, ended_at: now, version, ..Run::default() };
    table.remember(run, &DatasetState::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_venue_goes_on_where_imported_bars_end_and_a_gap_is_told() {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols", "calendar"]).await;
    import(&world, "SPY", 1.0).await;
    import(&world, "AAPL", 1.0).await;
    // Of AAPL the venue has nothing before the middle of April.
    world.spoil("Candle", Some("AAPL"), seam("2024-04-15", 1.0));
    world.refresh(&["eod"]).await;
    let holes = |symbol: &str| {
        format!(
            "SELECT count(*) FROM (SELECT session FROM sessions('XNYS', date '2024-01-02', date '2026-06-09')
            EXCEPT SELECT date FROM eod WHERE symbol = '{symbol}') AS missing"
        )
    };
    let sources = |symbol: &str| {
        format!("SELECT source, min(date), max(date) FROM eod WHERE symbol = '{symbol}' GROUP BY source ORDER BY 2")
    };
    assert_eq!(
        world.query(&sources("SPY")).await.unwrap(),
        [["metastock", "2024-01-02", "2024-03-28"], ["dxlink", "2024-04-01", "2026-06-09"]]
            .map(|row| row.map(str::to_owned))
    );
    assert_eq!(told(&world, "SPY").await.len(), 0);
    let [gap] = <[Vec<String>; 1]>::try_from(told(&world, "AAPL").await).unwrap();
    assert_eq!(&gap[..2], ["gap", "warning"]);
    assert!(gap[2].starts_with("10 sessions are without a bar between 2024-03-28"), "{gap:?}");
    assert_eq!(world.value(&holes("SPY")).await, "0");
    assert_eq!(world.value(&holes("AAPL")).await, "10");
    // No return bridges it.
    let unknown = "SELECT date FROM returns_daily WHERE symbol = 'AAPL' AND return_ratio IS NULL ORDER BY date";
    let unknown = world.query(unknown).await.unwrap();
    assert_eq!(unknown, [["2024-01-02"], ["2024-04-15"]].map(|row| row.map(str::to_owned)));
    let volatility = "SELECT min(date) FROM volatility_20_day
        WHERE symbol = 'AAPL' AND date >= '2024-04-15' AND volatility IS NOT NULL";
    assert_eq!(world.value(volatility).await, "2024-05-13");
    // It is told as long as it is there, and what came is not asked for again.
    world.advance(TimeDelta::days(40));
    let rows = "SELECT rows FROM system.refreshes WHERE dataset = 'eod' ORDER BY started_at DESC LIMIT 1";
    world.refresh(&["eod"]).await;
    assert_eq!(told(&world, "AAPL").await.len(), 1);
    assert!(world.value(rows).await.parse::<u64>().unwrap() < 5 * 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_behind_what_is_held_is_followed_up() {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols", "calendar", "eod"]).await;
    world.advance(TimeDelta::minutes(1));
    import(&world, "SPY", 1.0).await;
    world.advance(TimeDelta::minutes(1));
    world.refresh(&["eod"]).await;
    let holes = "SELECT count(*) FROM (SELECT session FROM sessions('XNYS', date '2024-01-02', date '2026-06-09')
        EXCEPT SELECT date FROM eod WHERE symbol = 'SPY') AS missing";
    assert_eq!(world.value(holes).await, "0");
    assert_eq!(told(&world, "SPY").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_bars_in_another_scale_are_told_and_adjusted_by_a_later_split_alone() {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols", "calendar"]).await;
    import(&world, "MSFT", 2.0).await;
    import(&world, "BRK/B", 1.0).await;
    world.refresh(&["eod"]).await;
    let [scale] = <[Vec<String>; 1]>::try_from(told(&world, "MSFT").await).unwrap();
    assert_eq!(&scale[..2], ["scale", "severe"]);
    assert!(scale[2].contains("2024-03-28") && scale[2].contains("0.50"), "{scale:?}");
    assert_eq!(told(&world, "BRK/B").await.len(), 0);
    assert!(largest_move(&world, "MSFT").await < 0.3, "no return bridges it");
    // A split: the venue restates its bars, and the imported ones stay as they were.
    world.advance(TimeDelta::days(1));
    world.spoil("Candle", Some("BRK/B"), split("2026-06-10", 5.0, true));
    world.refresh(&["eod", "dividends"]).await;
    let kinds: Vec<String> = told(&world, "BRK/B").await.into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(kinds, ["restated", "scale"]);
    assert!(largest_move(&world, "BRK/B").await < 0.3);
    let volumes =
        "SELECT eod.source, min(a.volume / eod.volume::double precision), max(a.volume / eod.volume::double precision)
        FROM eod JOIN eod_adjusted a USING (symbol, date) WHERE symbol = 'BRK/B' GROUP BY 1 ORDER BY 1";
    let expected = [["dxlink", "1", "1"], ["metastock", "5", "5"]].map(|row| row.map(str::to_owned));
    assert_eq!(world.query(volumes).await.unwrap(), expected);
    let moves = "SELECT max(abs(close / previous - 1)) < 0.3 FROM (
        SELECT close, lag(close) OVER (ORDER BY date) AS previous FROM eod_adjusted WHERE symbol = 'BRK/B') AS steps";
    assert_eq!(world.value(moves).await, "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_split_tells_whether_the_venue_adjusts_for_it() {
    let config = || {
        let mut config = configuration();
        config.collect.symbols = vec!["NFLX".to_owned()];
        config.collect.look_back_days = 300;
        config
    };
    let known = "SELECT symbol, effective_date, ratio, origin, adjusted FROM splits";
    let shares = "SELECT (date >= '2025-11-17')::text, min(a.volume / eod.volume::double precision), max(a.volume / eod.volume::double precision)
        FROM eod JOIN eod_adjusted a USING (symbol, date) GROUP BY 1 ORDER BY 1";
    for (adjusted, factor) in [(true, "1"), (false, "10")] {
        let world = World::with(Role::OnDemand, config(), WEDNESDAY).await;
        if !adjusted {
            world.spoil("Candle", Some("NFLX"), split("2025-11-17", 10.0, false));
        }
        world.refresh(&["symbols", "calendar", "eod", "dividends"]).await;
        let expected = ["NFLX", "2025-11-17", "10", "listed", if adjusted { "t" } else { "f" }].map(str::to_owned);
        assert_eq!(world.query(known).await.unwrap(), [expected]);
        let told: Vec<String> = told(&world, "NFLX").await.into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(told, if adjusted { vec![] } else { vec!["scale"] });
        let expected = [["false", factor, factor], ["true", "1", "1"]].map(|row| row.map(str::to_owned));
        assert_eq!(world.query(shares).await.unwrap(), expected);
        let moves = "SELECT max(abs(close / previous - 1)) < 0.4 FROM (
            SELECT close, lag(close) OVER (ORDER BY date) AS previous FROM eod_adjusted) AS steps";
        assert_eq!(world.value(moves).await, "t");
    }
}
