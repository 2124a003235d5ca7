//! A small market, the same in every run: what the files in `tests/slt` query.
//!
//! Every dataset of the lake is an in-memory table with the rows below (most are empty); the live books hold a few
//! events; the views stand over both.

use chrono::{DateTime, TimeDelta, Utc};
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::MemorySchemaProvider;
use datafusion::common::config::Dialect;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;
use ttapi::engine::template::{over, views_over};
use ttapi::engine::{Defaults, Engine};
use ttapi::lake::dataset::{self, Dataset};
use ttapi::live::Live;
use ttapi::market::event::{Greeks, Quote, Summary, TimeAndSale, Trade};
use ttapi::table::comment::OwnComments;
use ttapi::table::live;

/// Rows of the datasets that have any. Columns that are not named are NULL, or this instant where NULL is not allowed.
const FETCHED_AT: &str = "2026-11-03T22:00:00Z";

const ROWS: &[(&str, &str)] = &[
    (
        "eod",
        "SELECT *, 'dxlink' AS source FROM (VALUES
            ('AAPL', '2026-10-29', 10.0, 12.0,  9.0, 11.0, 100),
            ('AAPL', '2026-10-30', 11.0, 15.0, 10.0, 14.0, 200),
            ('AAPL', '2026-11-02', 14.0, 14.5, 13.0, 14.0, 300),
            ('AAPL', '2026-11-03', 14.0, 22.0, 14.0, 21.0, 400),
            ('MSFT', '2026-10-30', NULL, 51.0, 40.0, 50.0,  10),
            ('MSFT', '2026-11-02', 50.0, 50.0, 45.0, 45.0,  20),
            ('MSFT', '2026-11-03', 45.0, 46.0, 35.0, 36.0, NULL),
            ('SPY',  '2026-11-02', 500.0, 500.0, 500.0, 500.0, 1),
            ('TWTR', '2022-10-26', 53.0, 53.5, 52.5, 53.0, 30),
            ('TWTR', '2022-10-27', 53.9, 54.0, 53.5, 53.75, 40)
        ) AS bars (symbol, date, open, high, low, close, volume)",
    ),
    (
        "splits",
        "SELECT *, 'dxlink' AS source FROM (VALUES
            ('AAPL', '2026-10-30', 10.0, 'observed', true),
            ('TWTR', '2022-10-27',  2.0, 'listed',   false)
        ) AS splits (symbol, effective_date, ratio, origin, adjusted)",
    ),
    (
        "dividends",
        "SELECT *, 1 AS number FROM (VALUES ('AAPL', '2026-11-02', 1.4), ('AAPL', '2026-12-01', 9.0)) AS paid (symbol, date, amount)",
    ),
    (
        "symbols",
        "SELECT *, true AS active FROM (VALUES
            ('AAPL', 'equity', 'Apple',     make_array('sp500', 'dow30'), 'AAPL'),
            ('MSFT', 'equity', 'Microsoft', make_array('sp500'),          'MSFT'),
            ('SPY',  'etf',    'S&P 500',   NULL,                         'SPY')
        ) AS listed (symbol, type, description, lists, streamer_symbol)",
    ),
    (
        "market_metrics",
        "SELECT * FROM (VALUES
            ('AAPL', 0.25, 0.5, 3000000000000, '2027-01-28'),
            ('MSFT', 0.75, NULL, NULL, NULL)
        ) AS metrics (symbol, iv_rank, iv_percentile, market_cap, earnings_expected_date)",
    ),
    (
        "option_chains",
        "SELECT underlying, '2026-12-18' AS expiration, strike, side, underlying AS root, 100 AS shares_per_contract,
                underlying || '  261218' || left(upper(side), 1) || lpad(CAST(CAST(strike * 1000 AS int) AS text), 8, '0')
                    AS symbol,
                '.' || underlying || '261218' || left(upper(side), 1) || CAST(CAST(strike AS int) AS text)
                    AS streamer_symbol
         FROM (VALUES ('AAPL', 20.0), ('AAPL', 25.0), ('MSFT', 35.0), ('MSFT', 40.0)) AS strikes (underlying, strike)
         CROSS JOIN (VALUES ('call'), ('put')) AS sides (side)",
    ),
];

/// An engine over the small market.
pub(crate) async fn engine() -> Engine {
    engine_and_books().await.0
}

/// The same, with the books its live tables show.
pub(crate) async fn engine_and_books() -> (Engine, Live) {
    let mut config = SessionConfig::new().with_default_catalog_and_schema("market", "public");
    config.options_mut().sql_parser.dialect = Dialect::PostgreSQL;
    let context = SessionContext::new_with_config(config);
    for dataset in dataset::all() {
        let batches = rows(&context, &dataset).await;
        let table = MemTable::try_new(dataset.schema.clone(), vec![batches]).unwrap();
        context.register_table(dataset.name, Arc::new(table)).unwrap();
    }
    let books = books();
    for (name, table) in live::latest_tables(&books) {
        context.register_table(name, table).unwrap();
    }
    let catalog = context.catalog("market").unwrap();
    catalog.register_schema("live", Arc::new(MemorySchemaProvider::new())).unwrap();
    for (name, table) in live::follow_tables(&books) {
        context.register_table(format!("live.{name}"), table).unwrap();
    }
    views_over(&context).await.unwrap();
    (over(&context, Arc::new(OwnComments), Defaults::default()).unwrap(), books)
}

/// The dataset's rows, cast to its columns.
async fn rows(context: &SessionContext, dataset: &Dataset) -> Vec<RecordBatch> {
    let Some((_, select)) = ROWS.iter().find(|(name, _)| *name == dataset.name) else { return Vec::new() };
    let batches = context.sql(select).await.unwrap().collect().await.unwrap();
    let complete = |batch: &RecordBatch| {
        let columns = dataset.schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
            Some(values) => cast(values, field.data_type()).unwrap(),
            None => filler(field.data_type(), field.is_nullable(), batch.num_rows()),
        });
        RecordBatch::try_new(dataset.schema.clone(), columns.collect()).unwrap()
    };
    batches.iter().map(complete).collect()
}

fn filler(data_type: &DataType, nullable: bool, rows: usize) -> ArrayRef {
    if nullable {
        return new_null_array(data_type, rows);
    }
    let instants = Int64Array::from(vec![instant(FETCHED_AT).timestamp_micros(); rows]);
    cast(&instants, data_type).unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn books() -> Live {
    let live = Live::new(64);
    let event_at = Some(instant("2026-11-04T15:30:00.123456Z"));
    let received_at = instant("2026-11-04T15:30:00.125Z");
    live.book::<Quote>().publish_all(vec![
        quote("MSFT", Some(35.5), None, received_at),
        quote("AAPL", Some(23.5), Some(24.5), received_at - TimeDelta::seconds(1)),
        quote("AAPL", Some(23.75), Some(24.25), received_at),
        quote(".AAPL261218C25", Some(1.5), Some(2.0), received_at),
    ]);
    live.book::<Trade>().publish(Trade {
        symbol: "AAPL".into(),
        price: Some(24.0),
        size: Some(100),
        change: Some(3.0),
        day_volume: Some(9_000_000_000),
        event_at,
        received_at,
    });
    live.book::<Greeks>().publish(Greeks {
        symbol: ".AAPL261218C25".into(),
        price: Some(1.75),
        volatility: Some(0.25),
        delta: Some(0.5),
        gamma: None,
        theta: Some(-0.01),
        rho: Some(0.00001),
        vega: Some(0.125),
        event_at,
        received_at,
    });
    live.book::<Summary>().publish(Summary {
        symbol: "AAPL".into(),
        day: "2026-11-04".parse().ok(),
        day_open: Some(21.5),
        day_high: Some(24.5),
        day_low: Some(21.25),
        day_close: None,
        day_close_type: Some("REGULAR".into()),
        previous_day: "2026-11-03".parse().ok(),
        previous_close: Some(21.0),
        previous_close_type: Some("FINAL".into()),
        previous_volume: Some(400),
        open_interest: Some(0),
        received_at,
    });
    live.book::<TimeAndSale>().publish(TimeAndSale {
        symbol: "AAPL".into(),
        venue_sequence: Some(7),
        exchange_code: Some("Q".into()),
        price: Some(24.0),
        size: Some(100),
        bid: Some(23.75),
        ask: None,
        sale_conditions: Some("@".into()),
        aggressor_side: None,
        extended_hours: Some(false),
        spread_leg: Some(false),
        valid_tick: Some(true),
        report_type: Some("NEW".into()),
        event_at,
        received_at,
    });
    live
}

pub(crate) fn quote(symbol: &str, bid: Option<f64>, ask: Option<f64>, received_at: DateTime<Utc>) -> Quote {
    let size = |price: Option<f64>| price.map(|_| 100);
    Quote { symbol: symbol.into(), bid, bid_size: size(bid), ask, ask_size: size(ask), event_at: None, received_at }
}
