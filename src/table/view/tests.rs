//! Every view over empty tables, and over a few rows whose answers are worked out by hand.
#![allow(clippy::unwrap_used)]

use super::{FILES, KEPT, KeptViews, all, register};
use crate::lake::dataset;
use crate::live::Live;
use crate::market::event::Quote;
use crate::table::live::latest_tables;
use arrow::datatypes::DataType;
use arrow::util::pretty::pretty_format_batches;
use chrono::DateTime;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;

/// A session with every dataset (empty), the live tables and the views.
pub(super) async fn session(live: &Live, rows: &[(&str, &str)]) -> SessionContext {
    let mut config = SessionConfig::new().with_default_catalog_and_schema("market", "public");
    config.options_mut().sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
    let context = SessionContext::new_with_config(config);
    for dataset in dataset::all() {
        let batches = match rows.iter().find(|(name, _)| *name == dataset.name) {
            Some((_, select)) => context.sql(select).await.unwrap().collect().await.unwrap(),
            None => Vec::new(),
        };
        let fields = dataset.schema.fields();
        let batches = batches
            .iter()
            .map(|batch| {
                let column = |field: &Arc<arrow::datatypes::Field>| match batch.column_by_name(field.name()) {
                    Some(values) => arrow::compute::cast(values, field.data_type()).unwrap(),
                    None => filler(field.data_type(), batch.num_rows()),
                };
                let columns = fields.iter().map(column).collect();
                arrow::record_batch::RecordBatch::try_new(dataset.schema.clone(), columns).unwrap()
            })
            .collect();
        let table = MemTable::try_new(dataset.schema.clone(), vec![batches]).unwrap();
        context.register_table(dataset.name, Arc::new(table)).unwrap();
    }
    for (name, table) in latest_tables(live) {
        context.register_table(name, table).unwrap();
    }
    crate::market_sql::register(&context).unwrap();
    register(&context, &KeptViews::default()).await.unwrap();
    context
}

/// What stands in a column the test does not name: NULL, or the epoch where NULL is not allowed.
fn filler(data_type: &DataType, rows: usize) -> arrow::array::ArrayRef {
    if *data_type == dataset::instant() {
        let epoch = arrow::array::Int64Array::from(vec![0; rows]);
        return arrow::compute::cast(&epoch, data_type).unwrap();
    }
    arrow::array::new_null_array(data_type, rows)
}

pub(super) async fn query(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let cells = |line: &str| {
        line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(" ").trim_end().to_owned()
    };
    table.lines().filter(|line| line.starts_with('|')).skip(1).map(cells).collect()
}

pub(super) fn quote(symbol: &str, bid: f64, ask: f64) -> Quote {
    Quote {
        symbol: symbol.into(),
        bid: Some(bid),
        bid_size: None,
        ask: Some(ask),
        ask_size: None,
        event_at: None,
        received_at: DateTime::UNIX_EPOCH,
    }
}

/// Two symbols over two weeks and two months; B has no bar in the last session, and no open in one.
const EOD: (&str, &str) = (
    "eod",
    "SELECT symbol, CAST(date AS date) AS date, open, high, low, close, volume FROM (VALUES
        ('A', '2026-10-29', 10.0, 12.0,  9.0, 11.0, 100),
        ('A', '2026-10-30', 11.0, 15.0, 10.0, 14.0, 200),
        ('A', '2026-11-02', 14.0, 14.5, 13.0, 14.0, 300),
        ('A', '2026-11-03', 14.0, 22.0, 14.0, 21.0, 400),
        ('B', '2026-10-30', NULL, 51.0, 40.0, 50.0,  10),
        ('B', '2026-11-02', 50.0, 50.0, 45.0, 40.0,  20)
    ) AS bars (symbol, date, open, high, low, close, volume)",
);

#[test]
fn files_are_sorted_and_well_formed() {
    assert!(FILES.is_sorted_by_key(|(name, _)| *name));
    for view in all() {
        assert!(view.comment.contains("Grain: "), "{}", view.name);
        assert!(view.sql.starts_with("SELECT") || view.sql.starts_with("WITH"), "{}", view.name);
        assert!(!view.sql.contains("--") && !view.sql.contains(';'), "{}", view.name);
    }
}

#[test]
fn no_file_is_left_out() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/views");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "sql"));
    assert_eq!(files.count(), FILES.len());
}

#[tokio::test]
async fn rows_that_are_kept_follow_from_tables_and_the_day() {
    let context = session(&Live::new(4), &[]).await;
    for name in KEPT {
        let view = all().iter().find(|view| view.name == *name).unwrap();
        let of_one_day = of_one_day(view.sql);
        assert!(!of_one_day.contains("now()") && !of_one_day.contains("current_"), "{name}");
        let plan = context.sql(&of_one_day).await.unwrap().into_unoptimized_plan();
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| {
                expr.apply(|part| {
                    if let Expr::ScalarFunction(call) = part {
                        let volatility = call.func.signature().volatility;
                        assert_eq!(volatility, Volatility::Immutable, "{name}: {}", call.func.name());
                    }
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        })
        .unwrap();
    }
}

/// The same query of a fixed day.
fn of_one_day(sql: &str) -> String {
    sql.replace("CAST(now() AT TIME ZONE 'America/New_York' AS date)", "DATE '2026-11-03'")
}

#[tokio::test]
async fn views_that_others_read_are_planned_first() {
    // By name, chain_forwards stands before chain_quotes, which it reads.
    let context = session(&Live::new(4), &[]).await;
    let plan = context.sql("SELECT * FROM chain_forwards").await.unwrap().into_unoptimized_plan();
    assert!(plan.display_indent().to_string().contains("TableScan: option_chains"), "{}", plan.display_indent());
}

#[tokio::test]
async fn every_view_runs_over_empty_tables() {
    let context = session(&Live::new(4), &[]).await;
    for view in all() {
        assert!(query(&context, &format!("SELECT * FROM {}", view.name)).await.is_empty(), "{}", view.name);
        let table = context.table_provider(view.name).await.unwrap();
        assert_eq!(table.get_table_definition(), Some(view.sql));
    }
}

#[tokio::test]
async fn every_column_of_every_view_has_a_comment() {
    let context = session(&Live::new(4), &[]).await;
    for view in all() {
        let table = context.table_provider(view.name).await.unwrap();
        for field in table.schema().fields() {
            assert!(view.column_comment(field.name()).is_some(), "{}.{}", view.name, field.name());
        }
        for (column, _) in &view.columns {
            assert!(table.schema().field_with_name(column).is_ok(), "{}.{column}", view.name);
        }
    }
}

#[tokio::test]
async fn bars_are_put_together_by_week_and_month() {
    let context = session(&Live::new(4), &[EOD]).await;
    assert_eq!(
        query(&context, "SELECT * FROM bars_weekly ORDER BY symbol, week").await,
        [
            "A 2026-10-26 10.0 15.0 9.0 14.0 300 2",
            "A 2026-11-02 14.0 22.0 13.0 21.0 700 2",
            "B 2026-10-26  51.0 40.0 50.0 10 1",
            "B 2026-11-02 50.0 50.0 45.0 40.0 20 1",
        ]
    );
    assert_eq!(
        query(&context, "SELECT * FROM bars_monthly WHERE symbol = 'A' ORDER BY month").await,
        ["A 2026-10-01 10.0 15.0 9.0 14.0 300 2", "A 2026-11-01 14.0 22.0 13.0 21.0 700 2",]
    );
}

#[tokio::test]
async fn the_latest_bar_knows_the_close_before_it() {
    let context = session(&Live::new(4), &[EOD]).await;
    assert_eq!(
        query(&context, "SELECT * FROM bars_latest ORDER BY symbol").await,
        [
            "A 2026-11-03 14.0 22.0 14.0 21.0 400 14.0 7.0 0.5",
            "B 2026-11-02 50.0 50.0 45.0 40.0 20 50.0 -10.0 -0.19999999999999996",
        ]
    );
}

#[tokio::test]
async fn movers_are_of_the_latest_session_only() {
    let context = session(&Live::new(4), &[EOD]).await;
    assert_eq!(query(&context, "SELECT * FROM movers").await, ["A 2026-11-03 21.0 14.0 7.0 0.5 400 1"]);
}

#[tokio::test]
async fn high_and_low_come_with_their_dates() {
    let context = session(&Live::new(4), &[EOD]).await;
    let sql = "SELECT symbol, date, close, high, high_date, low, low_date, from_low_ratio, sessions
               FROM high_low_52_week ORDER BY symbol";
    assert_eq!(
        query(&context, sql).await,
        [
            "A 2026-11-03 21.0 22.0 2026-11-03 9.0 2026-10-29 1.3333333333333335 4",
            "B 2026-11-02 40.0 51.0 2026-10-30 40.0 2026-10-30 0.0 2",
        ]
    );
}

/// Two symbols up to a Friday, one that also trades on Saturday, and one bar of a far future.
const ODD: (&str, &str) = (
    "eod",
    "SELECT symbol, CAST(date AS date) AS date, close AS open, close AS high, close AS low, close, 1 AS volume FROM (VALUES
        ('A', '2026-10-29', 10.0), ('A', '2026-10-30', 11.0), ('A', '2099-01-05', 99.0),
        ('B', '2026-10-29', 20.0), ('B', '2026-10-30', 19.0),
        ('BTCUSD', '2026-10-29', 5.0), ('BTCUSD', '2026-10-31', 6.0)
    ) AS bars (symbol, date, close)",
);

#[tokio::test]
async fn a_bar_of_the_future_or_of_a_weekend_empties_no_view() {
    let live = Live::new(4);
    live.book::<Quote>().publish_all(vec![quote("A", 11.5, 12.5)]);
    let symbols = ("symbols", "SELECT * FROM (VALUES ('A', 'A company')) AS listed (symbol, description)");
    let context = session(&live, &[ODD, symbols]).await;
    let of = |columns: &str, view: &str| format!("SELECT {columns} FROM {view} ORDER BY symbol");
    assert_eq!(
        query(&context, &of("symbol, date, close, previous_close", "movers")).await,
        ["A 2026-10-30 11.0 10.0", "B 2026-10-30 19.0 20.0"]
    );
    assert_eq!(
        query(&context, &of("symbol, date, close, high, sessions", "high_low_52_week")).await,
        ["A 2026-10-30 11.0 11.0 2", "B 2026-10-30 19.0 20.0 2", "BTCUSD 2026-10-31 6.0 6.0 2"]
    );
    assert_eq!(
        query(&context, &of("symbol, date, close, previous_close", "bars_latest")).await,
        ["A 2026-10-30 11.0 10.0", "B 2026-10-30 19.0 20.0", "BTCUSD 2026-10-31 6.0 5.0"]
    );
    assert_eq!(query(&context, &of("symbol, close, close_date", "quotes_with_change")).await, ["A 11.0 2026-10-30"]);
}

#[tokio::test]
async fn markets_without_a_session_have_latest_bars_too() {
    let weekend = "SELECT 'BTCUSD' AS symbol, CAST(date AS date) AS date, 1.0 AS close
        FROM (VALUES ('2026-10-24'), ('2026-10-25')) AS bars (date)";
    let context = session(&Live::new(4), &[("eod", weekend)]).await;
    assert_eq!(query(&context, "SELECT symbol, date FROM movers").await, ["BTCUSD 2026-10-25"]);
    let old = "SELECT 'A' AS symbol, CAST(date AS date) AS date, 1.0 AS close
        FROM (VALUES ('1985-01-03'), ('1985-01-04'), ('1985-01-05')) AS bars (date)";
    let context = session(&Live::new(4), &[("eod", old)]).await;
    assert_eq!(query(&context, "SELECT symbol, date FROM movers").await, ["A 1985-01-04"]);
}

#[tokio::test]
async fn returns_are_from_close_to_close() {
    let context = session(&Live::new(4), &[EOD]).await;
    let sql = "SELECT date, previous_close, return_ratio, round(log_return, 6)
               FROM returns_daily WHERE symbol = 'A' ORDER BY date";
    assert_eq!(
        query(&context, sql).await,
        [
            "2026-10-29",
            "2026-10-30 11.0 0.2727272727272727 0.241162",
            "2026-11-02 14.0 0.0 0.0",
            "2026-11-03 14.0 0.5 0.405465",
        ]
    );
}

#[tokio::test]
async fn volatility_needs_twenty_returns() {
    // Closes that alternate 100, 110: every log return is ln(1.1) up or down.
    let bars = "SELECT 'A' AS symbol, CAST(DATE '2026-01-01' + CAST(n || ' days' AS interval) AS date) AS date,
                       CASE WHEN n % 2 = 0 THEN 100.0 ELSE 110.0 END AS close
                FROM (SELECT unnest(range(0, 22)) AS n)";
    let context = session(&Live::new(4), &[("eod", bars)]).await;
    let sql = "SELECT date, volatility FROM volatility_20_day ORDER BY date DESC LIMIT 3";
    let deviation = 1.1_f64.ln() * (20.0_f64 / 19.0).sqrt() * 252.0_f64.sqrt();
    let rows = query(&context, sql).await;
    assert_eq!(rows.len(), 3);
    for row in &rows[..2] {
        let volatility: f64 = row.split(' ').nth(1).unwrap().parse().unwrap();
        assert!((volatility - deviation).abs() < 1e-9, "{row} is not {deviation}");
    }
    assert_eq!(rows[2].split(' ').nth(1), None, "{}", rows[2]);
}

#[tokio::test]
async fn the_screen_keeps_a_metric_whose_symbol_is_unknown() {
    let metrics = "SELECT * FROM (VALUES ('A', 0.5), ('X', 0.75)) AS metrics (symbol, iv_rank)";
    let symbols = "SELECT 'A' AS symbol, 'Alpha' AS description";
    let context = session(&Live::new(4), &[("market_metrics", metrics), ("symbols", symbols)]).await;
    let sql = "SELECT symbol, description, iv_rank FROM iv_rank_screen ORDER BY symbol";
    assert_eq!(query(&context, sql).await, ["A Alpha 0.5", "X  0.75"]);
}

const CHAIN: (&str, &str) = (
    "option_chains",
    "SELECT underlying, CAST('2026-12-18' AS date) AS expiration, strike, side,
            underlying || ' ' || side || ' ' || strike AS symbol, underlying AS root,
            '.' || underlying || side || strike AS streamer_symbol
     FROM (VALUES ('A', 'call', 20.0), ('A', 'put', 20.0), ('A', 'call', 25.0), ('B', 'put', 40.0), ('C', 'put', 1.0))
          AS options (underlying, side, strike)",
);

#[tokio::test]
async fn at_the_money_follows_the_quote_and_else_the_close() {
    let live = Live::new(4);
    let context = session(&live, &[EOD, CHAIN]).await;
    let sql = "SELECT underlying, expiration, price, price_source, strike, call_symbol, put_symbol
               FROM chain_at_the_money ORDER BY underlying";
    assert_eq!(
        query(&context, sql).await,
        ["A 2026-12-18 21.0 close 20.0 A call 20.0 A put 20.0", "B 2026-12-18 40.0 close 40.0  B put 40.0",]
    );
    live.book::<Quote>().publish(quote("A", 23.5, 24.5));
    assert_eq!(
        query(&context, &format!("SELECT * FROM ({sql}) WHERE underlying = 'A'")).await,
        ["A 2026-12-18 24.0 quote 25.0 A call 25.0"]
    );
}

#[tokio::test]
async fn a_quote_changes_against_the_last_close() {
    let live = Live::new(4);
    let symbols =
        "SELECT * FROM (VALUES ('A', 'Alpha', 'A'), ('B', 'Beta', 'B.X')) AS s (symbol, description, streamer_symbol)";
    let context = session(&live, &[EOD, ("symbols", symbols)]).await;
    live.book::<Quote>().publish_all(vec![quote("A", 41.0, 43.0), quote("B.X", 20.0, 20.0), quote("Z", 1.0, 1.0)]);
    let sql = "SELECT symbol, mid, close, close_date, change, change_ratio FROM quotes_with_change ORDER BY symbol";
    assert_eq!(query(&context, sql).await, ["A 42.0 21.0 2026-11-03 21.0 1.0", "B 20.0 40.0 2026-11-02"]);
}

/// A symbol whose imported bars end in another scale, and that lacks a session later; one that lacks none.
const SEAM: (&str, &str) = (
    "eod",
    "SELECT symbol, CAST(date AS date) AS date, close AS open, close AS high, close AS low, close, 1 AS volume, source FROM (VALUES
        ('A', '2026-10-29', 10.0, 'metastock'), ('A', '2026-10-30', 11.0, 'metastock'),
        ('A', '2026-11-02', 1.1, 'dxlink'), ('A', '2026-11-03', 1.2, 'dxlink'), ('A', '2026-11-05', 1.3, 'dxlink'),
        ('B', '2026-11-03', 4.0, 'metastock'), ('B', '2026-11-04', 5.0, 'dxlink'), ('B', '2026-11-05', 6.0, 'dxlink')
    ) AS bars (symbol, date, close, source)",
);

#[tokio::test]
async fn no_return_bridges_a_session_without_a_bar_or_a_change_of_scale() {
    let live = Live::new(4);
    live.book::<Quote>().publish_all(vec![quote("A", 1.5, 1.5), quote("B", 7.0, 8.0)]);
    let symbols = ("symbols", "SELECT * FROM (VALUES ('A', 'A'), ('B', 'B')) AS listed (symbol, description)");
    let context = session(&live, &[SEAM, symbols]).await;
    let returns = "SELECT symbol, date FROM returns_daily WHERE return_ratio IS NOT NULL ORDER BY symbol, date";
    assert_eq!(query(&context, returns).await, ["A 2026-10-30", "A 2026-11-03", "B 2026-11-04", "B 2026-11-05"]);
    for view in ["bars_latest", "movers"] {
        let sql = format!("SELECT symbol, previous_close, change FROM {view} ORDER BY symbol");
        assert_eq!(query(&context, &sql).await, ["A 1.2", "B 5.0 1.0"], "{view}");
    }
    assert_eq!(query(&context, "SELECT symbol, rank FROM movers ORDER BY rank").await, ["B 1", "A 2"]);
    let changes = "SELECT symbol, close_date, change FROM quotes_with_change ORDER BY symbol";
    assert_eq!(query(&context, changes).await, ["A 2026-11-05 0.19999999999999996", "B 2026-11-05 1.5"]);
}

#[tokio::test]
async fn bars_are_adjusted_once_for_splits_and_dividends() {
    let bars = (
        "eod",
        "SELECT symbol, CAST(date AS date) AS date, close AS open, close AS high, close AS low, close, volume, source FROM (VALUES
            ('A', '2026-10-29', 200.0, 10, 'metastock'), ('A', '2026-10-30', 20.0, 100, 'dxlink'),
            ('A', '2026-11-02', 21.0, NULL, 'dxlink'), ('B', '2026-10-30', 30.0, 10, 'dxlink'),
            ('B', '2026-11-02', 9.0, 30, 'dxlink'), ('B', '2026-11-03', 9.0, 30, 'dxlink')
        ) AS bars (symbol, date, close, volume, source)",
    );
    let splits = (
        "splits",
        "SELECT symbol, CAST(date AS date) AS effective_date, ratio, 'dxlink' AS source, adjusted FROM (VALUES
            ('A', '2026-11-02', 10.0, true), ('B', '2026-11-02', 3.0, false), ('B', '2026-11-03', 7.0, true)
        ) AS splits (symbol, date, ratio, adjusted)",
    );
    let dividends = (
        "dividends",
        "SELECT symbol, CAST(date AS date) AS date, number, amount FROM (VALUES
            ('A', '2026-11-02', 1, 2.0), ('A', '2026-10-29', 1, 5.0), ('B', '2026-11-04', 1, 1.0)
        ) AS paid (symbol, date, number, amount)",
    );
    let context = session(&Live::new(4), &[bars, splits, dividends]).await;
    let sql = "SELECT symbol, date, round(close * 1000) / 1000, volume FROM eod_adjusted ORDER BY symbol, date";
    assert_eq!(
        query(&context, sql).await,
        [
            "A 2026-10-29 18.0 100",
            "A 2026-10-30 18.0 100",
            "A 2026-11-02 21.0",
            "B 2026-10-30 10.0 30",
            "B 2026-11-02 9.0 30",
            "B 2026-11-03 9.0 30",
        ]
    );
}
