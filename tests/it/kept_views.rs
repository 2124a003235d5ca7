//! Views whose rows stay in memory: the same answers as from the tables, of the versions that the statement reads.

use crate::residents::{answer, bars, engine};
use datafusion::common::ScalarValue;
use std::sync::Arc;
use ttapi::engine::{Engine, Session};
use ttapi::lake::{Lake, StoreOptions};
use ttapi::role::Role;

/// A lake with bars of so many days from 1972 on, and an engine over it.
async fn place(directory: &tempfile::TempDir, days: std::ops::Range<i32>) -> (Arc<Lake>, Engine) {
    let location = directory.path().to_str().unwrap();
    let lake = Arc::new(Lake::open_or_create(location, &StoreOptions::default()).await.unwrap());
    add(&lake, days).await;
    let (engine, _) = engine(&lake, 64 << 20).await;
    (lake, engine)
}

async fn add(lake: &Lake, days: std::ops::Range<i32>) {
    let table = lake.table("eod").unwrap();
    let staged = table.stage(&bars(table, days)).await.unwrap();
    table.commit(table.current().as_deref(), &[], vec![staged]).await.unwrap();
}

fn session(engine: &Engine) -> Session {
    engine.open_session("test", Role::Admin, "local")
}

/// How often statements found the rows of a view in memory.
async fn hits(session: &Session, view: &str) -> u64 {
    let rows = answer(session, &format!("SELECT hits FROM system.cache WHERE dataset = '{view}'"), &[]).await;
    rows[0][0].parse().unwrap()
}

/// Statements over views that are kept, and those that are.
const STATEMENTS: &[(&str, &[&str])] = &[
    ("SELECT * FROM bars_latest ORDER BY symbol", &["bars_latest"]),
    ("SELECT * FROM bars_latest WHERE symbol = 'S003'", &["bars_latest"]),
    ("SELECT * FROM bars_latest WHERE symbol = 'none'", &["bars_latest"]),
    ("SELECT close AS c, b.symbol FROM bars_latest b WHERE symbol IN ('S009', 'S001') ORDER BY symbol DESC", &["bars_latest"]),
    ("SELECT symbol FROM bars_latest WHERE symbol = 'S003' AND close > 1000", &["bars_latest"]),
    ("SELECT symbol, rank FROM movers ORDER BY rank, symbol LIMIT 5", &["movers"]),
    ("SELECT count(*), sum(close), max(date) FROM movers", &["movers"]),
    ("SELECT * FROM high_low_52_week ORDER BY from_high_ratio, symbol LIMIT 7", &["high_low_52_week"]),
    ("SELECT * FROM closes_latest WHERE symbol < 'S004' ORDER BY symbol", &["closes_latest"]),
    (
        "SELECT m.symbol, m.close, h.high FROM movers m JOIN high_low_52_week h USING (symbol)
         WHERE m.close > (SELECT avg(close) FROM bars_latest) ORDER BY m.symbol",
        &["movers", "high_low_52_week", "bars_latest"],
    ),
    (
        "WITH latest AS (SELECT * FROM bars_latest) SELECT a.symbol, b.date FROM latest a LEFT JOIN latest b ON b.close = a.close
         AND b.symbol > a.symbol ORDER BY 1, 2",
        &["bars_latest"],
    ),
    ("SELECT symbol FROM bars_latest UNION SELECT symbol FROM movers ORDER BY 1", &["bars_latest", "movers"]),
    ("SELECT e.symbol, e.date FROM eod e JOIN bars_latest b USING (symbol, date) ORDER BY 1", &["bars_latest"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_memory_answer_as_the_tables_do() {
    let directory = tempfile::tempdir().unwrap();
    let (_lake, engine) = place(&directory, 730..1_400).await;
    for (sql, views) in STATEMENTS {
        // The statement is answered three times: from the tables first, where the views are not in memory yet.
        let (session, mut before) = (session(&engine), Vec::new());
        for view in *views {
            before.push(hits(&session, view).await);
        }
        let rows = answer(&session, sql, &[]).await;
        assert!(!rows.is_empty() || sql.contains("none") || sql.contains("1000"), "{sql}");
        for (view, before) in views.iter().zip(before) {
            assert!(hits(&session, view).await > before, "{sql} did not find {view} in memory");
        }
    }
    let by_symbol = "SELECT symbol, close FROM bars_latest WHERE symbol = $1";
    let session = session(&engine);
    for symbol in ["S001", "S002", "none"] {
        let rows = answer(&session, by_symbol, &[ScalarValue::from(symbol)]).await;
        assert_eq!(rows.first().map(|row| row[0].as_str()), (symbol != "none").then_some(symbol));
    }
    assert!(answer(&session, by_symbol, &[ScalarValue::Utf8(None)]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_memory_are_of_the_version_that_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (lake, engine) = place(&directory, 730..1_399).await;
    let sql = "SELECT symbol, date, close FROM bars_latest WHERE symbol > 'S00' ORDER BY symbol";
    let (open, other) = (session(&engine), session(&engine));
    open.begin_snapshot();
    let old = answer(&open, sql, &[]).await;
    assert_eq!(answer(&other, sql, &[]).await, old);
    add(&lake, 1_399..1_404).await;
    let new = answer(&other, sql, &[]).await;
    assert_ne!(new, old);
    // A transaction goes on with its version, and nobody else reads that.
    assert_eq!(answer(&open, sql, &[]).await, old);
    assert_eq!(answer(&other, sql, &[]).await, new);
    open.end_snapshot();
    assert_eq!(answer(&open, sql, &[]).await, new);
    // What has no such rows: a view or table of the session's own under the same name.
    let own = "WITH bars_latest AS (SELECT symbol, 1 AS close FROM eod WHERE symbol = 'S001') SELECT close FROM bars_latest LIMIT 1";
    assert_eq!(answer(&other, own, &[]).await, [["1"]]);
}
