//! Statements over a few rows that are found by their keys: the same answers without a physical plan as with one.

use crate::residents::{bars, engine_with};
use chrono::DateTime;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ttapi::engine::Session;
use ttapi::lake::{Lake, StoreOptions};
use ttapi::live::Live;
use ttapi::market::event::Quote;
use ttapi::role::Role;

/// Rows as text, or the error, and whether they came without a physical plan.
async fn execute(
    session: &Session,
    plan: &ttapi::engine::Plan,
    values: &[ScalarValue],
) -> (Result<Vec<String>, String>, bool) {
    let running = session.start("");
    let mut stream = match session.execute(running, plan, values.to_vec()).await {
        Ok(stream) => stream,
        Err(error) => return (Err(error.to_string()), false),
    };
    let planned = stream.progress().state().name() == "running";
    let options = FormatOptions::default().with_null("-");
    let mut rows = Vec::new();
    loop {
        let batch = match stream.next().await {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => return (Err(error.to_string()), !planned),
            None => return (Ok(rows), !planned),
        };
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        let row = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" ");
        rows.extend((0..batch.num_rows()).map(row));
    }
}

/// Runs a statement as often as it takes to know it: with a physical plan first, unless the session knows it. Gives its rows,
/// and whether they came without one in the end.
async fn answer(session: &Session, sql: &str, values: &[ScalarValue]) -> (Result<Vec<String>, String>, bool) {
    let statements = session.parse(sql).unwrap();
    let running = session.start(sql);
    let plan = session.plan(&running, &statements[0]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let (first, mut last) = execute(session, &plan, values).await;
    for _ in 0..3 {
        let (rows, small) = execute(session, &plan, values).await;
        assert_eq!(rows, first, "{sql}");
        last = small;
    }
    (first, last)
}

/// Statements over a few rows, and whether there are any.
const SMALL: &[(&str, bool)] = &[
    ("SELECT date, close * 2 AS twice, CASE WHEN close > 50 THEN 1 ELSE 0 END FROM eod WHERE symbol = 'S003' ORDER BY date DESC LIMIT 5", true),
    ("SELECT symbol, close / nullif(open, 0) - 1 AS gap FROM eod WHERE symbol = 'S003' AND date > '1973-10-20' ORDER BY gap DESC NULLS LAST, date", true),
    ("SELECT date, coalesce(close, open, 0) FROM eod WHERE symbol = 'S003' AND date > '1973-10-20' ORDER BY date OFFSET 2", true),
    ("SELECT a.date, a.close, b.close FROM eod a JOIN eod b ON b.date = a.date AND b.symbol = 'S002' WHERE a.symbol = 'S001'
      AND a.date > '1973-10-01' AND b.date > '1973-10-01' ORDER BY 1", true),
    ("SELECT a.date, b.close FROM eod a LEFT JOIN eod b ON b.date = a.date AND b.symbol = 'S002' AND b.date > '1973-10-10'
      WHERE a.symbol = 'S001' AND a.date > '1973-10-01' ORDER BY 1", true),
    ("SELECT b.symbol, q.mid, q.mid - b.close AS change FROM bars_latest b JOIN quotes q ON q.symbol = b.symbol WHERE b.symbol = 'S003'", true),
    ("SELECT symbol, q.mid - b.close FROM quotes q JOIN bars_latest b USING (symbol) WHERE symbol IN ('S003', 'S004') ORDER BY symbol DESC", true),
    ("SELECT b.symbol, q.bid FROM bars_latest b LEFT JOIN quotes q ON q.symbol = b.symbol WHERE b.symbol IN ('S003', 'S005', 'none')
      ORDER BY q.bid NULLS FIRST LIMIT 5", true),
    ("SELECT s.symbol, q.bid FROM symbols s JOIN quotes q ON q.symbol = coalesce(s.streamer_symbol, s.symbol) WHERE s.symbol = 'S001'", true),
    ("SELECT symbol, mid, close, change FROM quotes_with_change WHERE symbol = 'S001'", true),
    ("SELECT * FROM quotes_with_change WHERE symbol IN ('S001', 'S002', 'S003') ORDER BY symbol", true),
    ("SELECT ask - bid AS spread, symbol <> 'S004' FROM quotes WHERE symbol = 'S003'", true),
    ("SELECT q.symbol, coalesce(b.close, 0) FROM quotes q LEFT JOIN bars_latest b USING (symbol) WHERE q.symbol IN ('S003', 'made') ORDER BY 1", true),
    ("SELECT * FROM quotes_with_change WHERE symbol = 'none'", false),
    ("SELECT q.bid FROM bars_latest b JOIN quotes q ON q.symbol = b.symbol WHERE b.symbol = 'S003' AND q.bid > b.close + 1000", false),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_few_rows_are_joined_without_a_physical_plan() {
    let directory = tempfile::tempdir().unwrap();
    let location = directory.path().to_str().unwrap();
    let lake = Arc::new(Lake::open_or_create(location, &StoreOptions::default()).await.unwrap());
    for (name, days) in [("eod", 730..1_400), ("symbols", 730..731)] {
        let table = lake.table(name).unwrap();
        let staged = table.stage(&bars(table, days)).await.unwrap();
        table.commit(table.current().as_deref(), &[], vec![staged]).await.unwrap();
    }
    let live = Arc::new(Live::new(16));
    let quote = |symbol: &str, price: f64| Quote {
        symbol: symbol.into(),
        bid: Some(price - 0.5),
        bid_size: None,
        ask: Some(price + 0.5),
        ask_size: None,
        event_at: None,
        received_at: DateTime::UNIX_EPOCH,
    };
    live.book::<Quote>().publish_all(vec![quote("S003", 30.0), quote("S004", 40.0), quote("made", 50.0)]);
    let (engine, residents) = engine_with(&lake, 64 << 20, live.clone()).await;
    let session = engine.open_session("test", Role::Admin, "local");
    for table in ["eod", "symbols"] {
        answer(&session, &format!("SELECT count(symbol) FROM {table}"), &[]).await.0.unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let columns = |name: &str| lake.table(name).unwrap().dataset().schema.fields().len();
    let here = |name: &str| residents.figures().iter().find(|one| one.dataset == name).map_or(0, |one| one.columns);
    while ["eod", "symbols"].iter().any(|name| here(name) < columns(name)) {
        assert!(Instant::now() < deadline, "columns are not in memory");
        tokio::task::yield_now().await;
    }
    for (sql, any) in SMALL {
        let (rows, small) = answer(&session, sql, &[]).await;
        assert_eq!(rows.as_ref().map(|rows| !rows.is_empty()), Ok(*any), "{sql}: {rows:?}");
        assert!(small, "{sql} has a physical plan");
    }
    // Values of parameters, of which one has no rows, and a session that was told something new.
    let sql = "SELECT symbol, mid - $2 AS over FROM quotes_with_change WHERE symbol = $1";
    for (symbol, count) in [(Some("S001"), 1), (Some("none"), 0), (None, 0)] {
        let values = [ScalarValue::Utf8(symbol.map(str::to_owned)), ScalarValue::from(1.5)];
        let (rows, small) = answer(&session, sql, &values).await;
        assert_eq!((rows.map(|rows| rows.len()), small), (Ok(count), true), "{symbol:?}");
    }
    live.book::<Quote>().publish(quote("made", 60.0));
    let values = [ScalarValue::from("S001"), ScalarValue::from(1.5)];
    assert_eq!(answer(&session, sql, &values).await.0, Ok(vec!["S001 58.5".to_owned()]));
    // The clock is one of the values.
    for (sql, count) in [
        (
            "SELECT date, close FROM eod WHERE symbol = 'S003' AND date > now() - INTERVAL '60 years' ORDER BY date LIMIT 3",
            3,
        ),
        ("SELECT date, now() > '2026-01-01' FROM eod WHERE symbol = 'S003' AND date >= current_date ORDER BY date", 0),
        (
            "SELECT date FROM eod WHERE symbol = $1 AND date < (now() AT TIME ZONE 'America/New_York')::date ORDER BY date DESC LIMIT 2",
            2,
        ),
    ] {
        let values = if sql.contains("$1") { vec![ScalarValue::from("S001")] } else { Vec::new() };
        let (rows, small) = answer(&session, sql, &values).await;
        assert_eq!((rows.map(|rows| rows.len()), small), (Ok(count), true), "{sql}");
    }
    // What is more than a few rows, or fails, is planned.
    for sql in [
        "SELECT close * 2 FROM eod WHERE symbol = 'S003'",
        "SELECT count(*) FROM bars_latest b JOIN quotes q ON q.symbol = b.symbol WHERE b.symbol = 'S003'",
        "SELECT repeat(symbol, 3) FROM eod WHERE symbol = 'S003' LIMIT 1",
        "SELECT symbol, random() FROM eod WHERE symbol = 'S003' AND close IS NULL AND date < '1972-01-05'",
    ] {
        assert!(!answer(&session, sql, &[]).await.1, "{sql}");
    }
    let (failed, _) =
        answer(&session, "SELECT 1 / (volume - volume) FROM eod WHERE symbol = 'S003' AND volume = -1", &[]).await;
    assert!(failed.as_ref().is_ok_and(Vec::is_empty), "{failed:?}");
    let (failed, _) =
        answer(&session, "SELECT 1 / (volume - volume) FROM eod WHERE symbol = 'S003' ORDER BY date LIMIT 3", &[])
            .await;
    assert_eq!(failed, Err("division by zero".to_owned()));
}
