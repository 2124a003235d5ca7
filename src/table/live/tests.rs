//! The live tables under SQL: rows while the query runs, filters, limits, losses, and what is refused.
#![allow(clippy::unwrap_used)]

use super::{follow_tables, latest_tables};
use crate::live::Live;
use crate::market::event::{Quote, Trade};
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use chrono::DateTime;
use datafusion::catalog::MemorySchemaProvider;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;

/// Longer than any of these queries takes; a query that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(20);

fn session(live: &Live) -> SessionContext {
    // More than one partition would deal a symbol's events to several tasks, out of order.
    let config = SessionConfig::new().with_default_catalog_and_schema("market", "public").with_target_partitions(1);
    let context = SessionContext::new_with_config(config);
    for (name, table) in latest_tables(live) {
        context.register_table(name, table).unwrap();
    }
    let catalog = context.catalog("market").unwrap();
    catalog.register_schema("live", Arc::new(MemorySchemaProvider::new())).unwrap();
    for (name, table) in follow_tables(live) {
        context.register_table(format!("live.{name}"), table).unwrap();
    }
    context
}

fn quote(symbol: &str, bid: f64) -> Quote {
    Quote {
        symbol: symbol.into(),
        bid: Some(bid),
        bid_size: Some(1),
        ask: Some(bid + 1.0),
        ask_size: Some(2),
        event_at: None,
        received_at: DateTime::from_timestamp_micros(1_700_000_000_000_001).unwrap(),
    }
}

async fn start(context: &SessionContext, sql: &str) -> SendableRecordBatchStream {
    context.sql(sql).await.unwrap().execute_stream().await.unwrap()
}

async fn next(rows: &mut SendableRecordBatchStream) -> Option<RecordBatch> {
    tokio::time::timeout(PATIENCE, rows.next()).await.expect("rows in time").transpose().unwrap()
}

/// Rows without frame, one line each, cells separated by one space.
fn text(batches: &[RecordBatch]) -> Vec<String> {
    let table = pretty_format_batches(batches).unwrap().to_string();
    let cells = |line: &str| {
        line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(" ").trim_end().to_owned()
    };
    table.lines().filter(|line| line.starts_with('|')).skip(1).map(cells).collect()
}

async fn all(context: &SessionContext, sql: &str) -> Vec<String> {
    text(&context.sql(sql).await.unwrap().collect().await.unwrap())
}

#[tokio::test]
async fn latest_has_one_row_per_symbol_in_order() {
    let live = Live::new(16);
    live.book::<Quote>().publish_all(vec![quote("MSFT", 10.0), quote("AAPL", 20.0), quote("MSFT", 11.0)]);
    let context = session(&live);
    assert_eq!(
        all(&context, "SELECT symbol, bid, ask, mid FROM quotes").await,
        ["AAPL 20.0 21.0 20.5", "MSFT 11.0 12.0 11.5"]
    );
    assert_eq!(all(&context, "SELECT count(*) FROM quotes").await, ["2"]);
    assert_eq!(all(&context, "SELECT count(*) FROM trades").await, ["0"]);
    assert_eq!(all(&context, "SELECT received_at FROM quotes LIMIT 1").await, ["2023-11-14T22:13:20.000001Z"]);
}

#[tokio::test]
async fn latest_looks_up_symbols_a_filter_names() {
    let live = Live::new(16);
    live.book::<Quote>().publish_all(vec![quote("A", 1.0), quote("B", 2.0), quote("C", 3.0)]);
    let context = session(&live);
    assert_eq!(all(&context, "SELECT symbol FROM quotes WHERE symbol = 'B'").await, ["B"]);
    assert_eq!(all(&context, "SELECT symbol FROM quotes WHERE symbol IN ('C', 'A', 'X')").await, ["A", "C"]);
    assert_eq!(all(&context, "SELECT symbol FROM quotes WHERE symbol IN ('C', 'A') AND bid > 2").await, ["C"]);
    assert_eq!(all(&context, "SELECT symbol FROM quotes WHERE symbol <> 'B' AND bid < 3").await, ["A"]);
    let plan = all(&context, "EXPLAIN SELECT symbol FROM quotes WHERE symbol = 'B'").await.join("\n");
    assert!(!plan.contains("FilterExec"), "{plan}");
    let plan = all(&context, "EXPLAIN SELECT symbol FROM quotes ORDER BY symbol").await.join("\n");
    assert!(!plan.contains("SortExec"), "{plan}");
}

#[tokio::test]
async fn unknown_prices_are_null() {
    let live = Live::new(16);
    live.book::<Quote>().publish(Quote { bid: None, bid_size: None, ..quote("A", 1.0) });
    let context = session(&live);
    let sql = "SELECT bid IS NULL, bid_size IS NULL, mid IS NULL, event_at IS NULL, ask FROM quotes";
    assert_eq!(all(&context, sql).await, ["true true true true 2.0"]);
}

#[tokio::test]
async fn rows_arrive_while_the_query_runs() {
    let live = Live::new(16);
    live.book::<Quote>().publish(quote("OLD", 1.0));
    let context = session(&live);
    let mut rows = start(&context, "SELECT symbol, bid, missed FROM live.quotes").await;
    live.book::<Quote>().publish(quote("A", 1.0));
    assert_eq!(text(&[next(&mut rows).await.unwrap()]), ["A 1.0 0"]);
    live.book::<Quote>().publish_all(vec![quote("B", 2.0), quote("C", 3.0)]);
    assert_eq!(text(&[next(&mut rows).await.unwrap()]), ["B 2.0 0", "C 3.0 0"]);
}

#[tokio::test]
async fn filters_are_answered_row_by_row_without_delay() {
    let live = Live::new(64);
    let context = session(&live);
    let sql = "SELECT symbol, bid * 2 AS twice FROM live.quotes
               WHERE symbol IN ('A', 'B') AND bid > 1.5 AND abs(ask) < 100 AND symbol LIKE '%B%'";
    let plan = all(&context, &format!("EXPLAIN {sql}")).await.join("\n");
    assert!(!plan.contains("FilterExec"), "{plan}");
    let mut rows = start(&context, sql).await;
    live.book::<Quote>().publish_all(vec![quote("A", 2.0), quote("B", 1.0), quote("C", 9.0), quote("B", 3.0)]);
    assert_eq!(text(&[next(&mut rows).await.unwrap()]), ["B 6.0"]);
    assert_eq!(live.book::<Quote>().followers(), 1);
}

#[tokio::test]
async fn a_limit_ends_the_query_and_counts_rows_after_the_filter() {
    let live = Live::new(64);
    let context = session(&live);
    let mut rows = start(&context, "SELECT symbol FROM live.quotes WHERE bid >= 2 LIMIT 2").await;
    live.book::<Quote>().publish_all((0..5).map(|bid| quote("A", f64::from(bid))).collect());
    let mut count = 0;
    while let Some(batch) = next(&mut rows).await {
        count += batch.num_rows();
    }
    assert_eq!(count, 2);
}

#[tokio::test]
async fn a_reader_that_lags_is_told_and_gets_the_latest_of_each_symbol() {
    let live = Live::new(4);
    let context = session(&live);
    let mut rows = start(&context, "SELECT symbol, bid, missed FROM live.quotes").await;
    for bid in 1..=50 {
        live.book::<Quote>().publish_all(vec![quote("A", f64::from(bid)), quote("B", f64::from(bid))]);
    }
    let mut received = text(&[next(&mut rows).await.unwrap()]);
    received.sort();
    assert_eq!(received, ["A 50.0 49", "B 50.0 49"]);
}

#[tokio::test]
async fn dropping_the_stream_unsubscribes() {
    let live = Live::new(16);
    let context = session(&live);
    let mut rows = start(&context, "SELECT * FROM live.trades").await;
    assert!(futures::poll!(rows.next()).is_pending());
    assert_eq!(live.book::<Trade>().followers(), 1);
    drop(rows);
    // A repartition above the stream drops it from its own task, a moment later.
    let gone = async {
        while live.book::<Trade>().followers() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn a_query_that_needs_the_end_of_the_stream_is_refused() {
    let live = Live::new(16);
    let context = session(&live);
    for sql in [
        "SELECT * FROM live.quotes ORDER BY bid",
        "SELECT symbol, max(bid) FROM live.quotes GROUP BY symbol",
        "SELECT count(*) FROM live.quotes",
        "SELECT * FROM live.quotes ORDER BY bid LIMIT 1",
    ] {
        let planned = context.sql(sql).await.unwrap().create_physical_plan().await;
        let error = planned.map(|_| ()).expect_err(sql).to_string();
        assert!(error.contains("pipeline breaking"), "{error}");
    }
}

#[tokio::test]
async fn a_live_stream_joins_a_bounded_table() {
    let live = Live::new(16);
    let trade = Trade {
        symbol: "B".into(),
        price: Some(5.0),
        size: None,
        change: None,
        day_volume: None,
        event_at: None,
        received_at: DateTime::UNIX_EPOCH,
    };
    live.book::<Trade>().publish(trade);
    let context = session(&live);
    let sql = "SELECT q.symbol, q.bid, t.price FROM live.quotes q JOIN trades t ON q.symbol = t.symbol LIMIT 1";
    let mut rows = start(&context, sql).await;
    let publish = async {
        loop {
            live.book::<Quote>().publish_all(vec![quote("A", 1.0), quote("B", 2.0)]);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        batch = next(&mut rows) => assert_eq!(text(&[batch.unwrap()]), ["B 2.0 5.0"]),
        () = publish => {}
    }
}
