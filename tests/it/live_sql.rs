//! Market SQL over live streams: as-of joins and buckets of time, whose rows come while the streams go on.

use crate::fixture::{engine_and_books, quote};
use crate::postgres_text::cell;
use crate::world::until;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use ttapi::engine::{Engine, RowStream, Session};
use ttapi::error::ErrorKind;
use ttapi::live::Live;
use ttapi::market::event::{Quote, Trade};
use ttapi::role::Role;

/// A running statement, with the session that it runs in.
struct Running {
    rows: RowStream,
    _session: Session,
}

async fn run(engine: &Engine, settings: &[&str], sql: &str) -> Result<Running, ttapi::error::QueryError> {
    let session = engine.open_session("test", Role::Reader, "test");
    for setting in settings {
        let (name, value) = setting.split_once('=').unwrap();
        session.settings().set(name, value).unwrap();
    }
    let running = session.start(sql);
    let statement = session.parse(sql)?.remove(0);
    let plan = session.plan(&running, &statement).await?;
    let rows = session.execute(running, &plan, Vec::new()).await?;
    Ok(Running { rows, _session: session })
}

impl Running {
    /// The next rows, so many, as texts.
    async fn next(&mut self, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        while found.len() < count {
            let batch =
                tokio::time::timeout(Duration::from_secs(20), self.rows.next()).await.unwrap().unwrap().unwrap();
            for row in 0..batch.num_rows() {
                let text = |column: &datafusion::arrow::array::ArrayRef| {
                    cell(column.as_ref(), row, chrono_tz::Tz::UTC).unwrap_or("-".to_owned())
                };
                found.push(batch.columns().iter().map(text).collect::<Vec<_>>().join(" "));
            }
        }
        found
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    "2026-11-05T15:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
}

fn trade(symbol: &str, price: f64, seconds: i64) -> Trade {
    Trade {
        symbol: symbol.into(),
        price: Some(price),
        size: Some(10),
        change: None,
        day_volume: None,
        event_at: Some(at(seconds)),
        received_at: at(seconds),
    }
}

async fn followed(books: &Live, trades: usize, quotes: usize) {
    let followers =
        || async { books.book::<Trade>().followers() == trades && books.book::<Quote>().followers() == quotes };
    until("the statement follows", followers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_come_with_the_quotes_that_stood() {
    let (engine, books) = engine_and_books().await;
    let sql = "SELECT t.symbol, t.price, q.bid, q.missed FROM live.trades t
               ASOF JOIN live.quotes q MATCH_CONDITION (t.received_at >= q.received_at) ON t.symbol = q.symbol";
    let mut running = run(&engine, &[], sql).await.unwrap();
    assert!(running.rows.is_unbounded());
    // The first rows are asked for before anything follows.
    let (publish, quotes) = (books.book::<Trade>().clone(), books.book::<Quote>().clone());
    let published = tokio::spawn(async move {
        until("the statement follows", || async { publish.followers() == 1 && quotes.followers() == 1 }).await;
        publish.publish(trade("AAPL", 1.0, 0));
        publish
    });
    // The quote of the day before was there when the statement began.
    assert_eq!(running.next(1).await, ["AAPL 1 23.75 0"]);
    let trades = published.await.unwrap();
    books.book::<Quote>().publish_all(vec![
        quote("AAPL", Some(30.0), None, at(1)),
        quote("NEW", Some(5.0), None, at(1)),
        quote("AAPL", Some(31.0), None, at(3)),
    ]);
    trades.publish_all(vec![trade("AAPL", 2.0, 2), trade("NEW", 3.0, 2), trade("OTHER", 4.0, 2)]);
    assert_eq!(running.next(3).await, ["AAPL 2 30 0", "NEW 3 5 0", "OTHER 4 - -"]);
    drop(running);
    followed(&books, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_come_with_rows_of_tables() {
    let (engine, books) = engine_and_books().await;
    let sql = "SELECT t.symbol, t.price, e.date, e.close, q.bid FROM live.trades t
               INNER ASOF JOIN eod e MATCH_CONDITION (t.received_at >= e.date) ON t.symbol = e.symbol
               LEFT ASOF JOIN quotes q MATCH_CONDITION (t.received_at >= q.received_at) ON t.symbol = q.symbol";
    let mut running = run(&engine, &[], sql).await.unwrap();
    let trades = books.book::<Trade>().clone();
    let published = tokio::spawn(async move {
        until("the statement follows", || async { trades.followers() == 1 }).await;
        trades.publish_all(vec![trade("NONE", 1.0, 0), trade("AAPL", 2.0, 0), trade("SPY", 3.0, 0)]);
    });
    assert_eq!(running.next(2).await, ["AAPL 2 2026-11-03 21 23.75", "SPY 3 2026-11-02 500 -"]);
    published.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_of_a_stream_are_closed_by_later_events() {
    let (engine, books) = engine_and_books().await;
    for (time, lateness) in [("received_at", "live_lateness=0"), ("event_at", "live_lateness=2s")] {
        let sql = format!(
            "SELECT symbol, time_bucket('10 seconds', {time}) AS bucket, count(*), (candlestick({time}, price, size)).close
             FROM live.trades GROUP BY symbol, bucket"
        );
        let mut running = run(&engine, &[lateness], &sql).await.unwrap();
        let trades = books.book::<Trade>().clone();
        let published = tokio::spawn(async move {
            until("the statement follows", || async { trades.followers() == 1 }).await;
            trades.publish_all(vec![trade("A", 1.0, 1), trade("A", 2.0, 9), trade("B", 3.0, 9)]);
            // By the venue's word this one is of the first bucket, and comes within the lateness.
            trades.publish(Trade { received_at: at(9), ..trade("A", 4.0, 8) });
            trades.publish_all(vec![trade("A", 5.0, 11), trade("A", 6.0, 25)]);
            trades.publish(trade("A", 7.0, 40));
            trades.publish(trade("A", 8.0, 60));
        });
        let mut rows = running.next(4).await;
        rows.truncate(4);
        rows[..2].sort();
        let close = if time == "event_at" { "2" } else { "4" };
        let first = format!("A 2026-11-05 15:00:00+00 3 {close}");
        assert_eq!(
            rows,
            [
                first.as_str(),
                "B 2026-11-05 15:00:00+00 1 3",
                "A 2026-11-05 15:00:10+00 1 5",
                "A 2026-11-05 15:00:20+00 1 6"
            ]
        );
        published.await.unwrap();
        drop(running);
        followed(&books, 0, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_wait_for_ever_is_refused() {
    let (engine, _books) = engine_and_books().await;
    let refused = |sql: &'static str| {
        let engine = engine.clone();
        async move {
            let error = run(&engine, &[], sql).await.map(drop).unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotSupported, "{sql}: {error:?}");
        }
    };
    refused("SELECT 1 FROM live.trades t ASOF JOIN live.quotes q MATCH_CONDITION (t.received_at <= q.received_at) ON t.symbol = q.symbol").await;
    refused("SELECT 1 FROM trades t ASOF JOIN live.quotes q MATCH_CONDITION (t.received_at >= q.received_at) ON t.symbol = q.symbol").await;
    refused("SELECT symbol, count(*) FROM live.trades GROUP BY symbol").await;
    refused("SELECT time_bucket(5, size), count(*) FROM live.trades GROUP BY 1").await;
}
