//! What the lake holds: the datasets, their columns, keys and sort orders. The one list of cached tables.
//!
//! Conventions: instants are UTC microseconds and end in `_at`; prices and ratios are doubles; sizes and volumes are
//! 64-bit integers; anything the source does not know is NULL. Every dataset ends with `fetched_at`.

use crate::market::event::{self, EventDescription, HISTORY_KEY, Kind};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// How a refresh meets the rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// New rows replace old rows of the same key; a key that was not fetched keeps its row only if its fetch failed.
    Replace,
    /// New rows replace old rows of the same key; all other rows stay.
    Merge,
    /// Every fetch adds its rows.
    Append,
}

/// One cached dataset. Grain: `key`. Files are sorted by `key`.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Table name in SQL and folder name in the lake.
    pub name: &'static str,
    /// One sentence for people: grain and source. It is the table's comment in SQL.
    pub comment: &'static str,
    /// Columns in order.
    pub schema: SchemaRef,
    /// Columns that identify a row, in sort order.
    pub key: &'static [&'static str],
    /// How a refresh is written.
    pub mode: WriteMode,
    /// Whether the first column of the key names what can be fetched, or computed, by itself: a symbol or an underlying.
    pub by_item: bool,
    /// For a derived dataset: the datasets its computation reads. They must be among its dependencies.
    pub computed_from: &'static [&'static str],
}

impl Dataset {
    fn by_item(mut self) -> Self {
        self.by_item = true;
        self
    }

    fn computed_from(mut self, inputs: &'static [&'static str]) -> Self {
        self.computed_from = inputs;
        self
    }

    /// The column that names a row's item, where the dataset has items.
    pub fn item_column(&self) -> Option<&'static str> {
        self.key.first().copied().filter(|_| self.by_item)
    }
}

/// Type of every instant.
pub fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn text_list() -> DataType {
    DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)))
}

use DataType::{Boolean, Date32, Float64, Int64, Utf8};

fn dataset(
    name: &'static str,
    comment: &'static str,
    key: &'static [&'static str],
    mode: WriteMode,
    columns: Vec<(&'static str, DataType)>,
) -> Dataset {
    let mut fields: Vec<Field> =
        columns.into_iter().map(|(column, data_type)| Field::new(column, data_type, !key.contains(&column))).collect();
    if fields.iter().all(|field| field.name() != "fetched_at") {
        fields.push(Field::new("fetched_at", instant(), false));
    }
    Dataset { name, comment, schema: Arc::new(Schema::new(fields)), key, mode, by_item: false, computed_from: &[] }
}

/// Columns of `market_metrics` and of its history.
fn market_metrics_columns() -> Vec<(&'static str, DataType)> {
    vec![
        ("symbol", Utf8),
        ("iv_index", Float64),                // ratio, annualised
        ("iv_index_5_day_change", Float64),   // ratio difference
        ("iv_rank", Float64),                 // ratio, 0 to 1
        ("iv_percentile", Float64),           // ratio, 0 to 1
        ("iv_30_day", Float64),               // ratio (the wire's percentage points / 100)
        ("hv_30_day", Float64),               // ratio
        ("hv_60_day", Float64),               // ratio
        ("hv_90_day", Float64),               // ratio
        ("iv_hv_30_day_difference", Float64), // ratio difference
        ("liquidity_value", Float64),
        ("liquidity_rank", Float64),
        ("liquidity_rating", Int64),
        ("beta", Float64),
        ("corr_spy_3_month", Float64),
        ("market_cap", Int64), // currency units
        ("price_earnings_ratio", Float64),
        ("earnings_per_share", Float64),
        ("dividend_rate_per_share", Float64),
        ("annual_dividend_per_share", Float64),
        ("dividend_yield", Float64), // ratio
        ("dividend_ex_date", Date32),
        ("dividend_next_date", Date32),
        ("dividend_pay_date", Date32),
        ("earnings_expected_date", Date32),
        ("earnings_time_of_day", Utf8),
        ("earnings_estimated", Boolean),
        ("earnings_consensus_estimate", Float64),
        ("earnings_actual_eps", Float64),
        ("lendability", Utf8),
        ("borrow_rate", Float64),
        ("listed_market", Utf8),
        ("sector", Utf8),
        ("updated_at", instant()),
    ]
}

/// Whether live events are added to a dataset as they are received.
pub fn is_live_history(name: &str) -> bool {
    event::descriptions().iter().filter_map(|event| event.history).any(|history| history.name == name)
}

/// Arrow type of a column of live events.
pub fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Boolean => Boolean,
        Kind::Date => Date32,
        Kind::Double => Float64,
        Kind::Instant => instant(),
        Kind::Integer => Int64,
        Kind::Text => Utf8,
    }
}

/// The history of an event, where there is one.
fn live_history(event: &EventDescription) -> Option<Dataset> {
    let history = event.history?;
    let columns = event.history_columns().iter().map(|column| (column.name, data_type(column.kind))).collect();
    Some(dataset(history.name, history.comment, HISTORY_KEY, WriteMode::Append, columns))
}

/// Every dataset the lake may hold, sorted by name: those written down here, and the histories of live events.
pub fn all() -> Vec<Dataset> {
    let mut all = collected();
    all.extend(event::descriptions().iter().filter_map(live_history));
    all.sort_by_key(|dataset| dataset.name);
    all
}

/// Datasets that are fetched or computed, sorted by name.
fn collected() -> Vec<Dataset> {
    vec![
        dataset(
            "calendar",
            "One row per exchange date: the regular session's open and close. Source: tastytrade market-time.",
            &["date"],
            WriteMode::Merge,
            vec![
                ("date", Date32),
                ("open_at", instant()),   // NULL on a closed day
                ("close_at", instant()),  // NULL on a closed day
                ("early_close", Boolean), // true when the session ends at 13:00 Eastern
                ("session", Utf8),        // 'regular', 'early' or 'holiday'; weekends have no row
            ],
        ),
        dataset(
            "dividends",
            "One row per symbol and dividend date: cash amount per share. Source: tastytrade corporate events.",
            &["symbol", "date"],
            WriteMode::Merge,
            vec![("symbol", Utf8), ("date", Date32), ("amount", Float64)],
        )
        .by_item(),
        dataset(
            "earnings",
            "One row per symbol and reported quarter: earnings per share. Source: tastytrade corporate events.",
            &["symbol", "date"],
            WriteMode::Merge,
            vec![("symbol", Utf8), ("date", Date32), ("eps", Float64)],
        )
        .by_item(),
        dataset(
            "eod",
            "One row per symbol and trading date: the daily bar. Sources: dxLink daily candles, MetaStock files.",
            &["symbol", "date"],
            WriteMode::Merge,
            vec![
                ("symbol", Utf8),
                ("date", Date32),
                ("open", Float64),
                ("high", Float64),
                ("low", Float64),
                ("close", Float64),
                ("volume", Int64),
                ("open_interest", Int64),
                ("source", Utf8), // 'dxlink' or 'metastock'
            ],
        )
        .by_item(),
        dataset(
            "expirations",
            "One row per underlying and listed expiration: type, settlement, sessions left. Derived from option_chains and calendar.",
            &["underlying", "expiration"],
            WriteMode::Replace,
            vec![
                ("underlying", Utf8),
                ("expiration", Date32),
                ("type", Utf8),           // 'monthly', 'weekly', 'quarterly', 'end of month'
                ("settlement", Utf8),     // 'AM' or 'PM'
                ("sessions_left", Int64), // regular sessions after the last closed one, the expiration's included
                ("options", Int64),       // listed options
            ],
        )
        .by_item()
        .computed_from(&["calendar", "option_chains"]),
        dataset(
            "market_metrics",
            "One row per symbol: implied and historical volatility, rank, liquidity, beta, dividend, earnings. Source: tastytrade market-metrics.",
            &["symbol"],
            WriteMode::Replace,
            market_metrics_columns(),
        )
        .by_item(),
        dataset(
            "market_metrics_history",
            "One row per symbol and fetch of market_metrics.",
            &["symbol", "fetched_at"],
            WriteMode::Append,
            {
                let mut columns = market_metrics_columns();
                columns.push(("fetched_at", instant()));
                columns
            },
        ),
        dataset(
            "option_chains",
            "One row per listed option of the configured underlyings. Source: tastytrade option-chains.",
            &["underlying", "expiration", "strike", "side", "symbol"],
            WriteMode::Replace,
            vec![
                ("underlying", Utf8),
                ("expiration", Date32),
                ("strike", Float64),
                ("side", Utf8),   // 'call' or 'put'
                ("symbol", Utf8), // OCC, 21 characters
                ("root", Utf8),
                ("expiration_type", Utf8), // 'Regular', 'Weekly', 'Quarterly', 'End-Of-Month'
                ("settlement", Utf8),      // 'AM' or 'PM'
                ("shares_per_contract", Int64),
                ("streamer_symbol", Utf8),
            ],
        )
        .by_item(),
        dataset(
            "returns_stddev",
            "One row per symbol and listed expiration: standard deviation of its log returns over as many sessions. Derived from eod and expirations.",
            &["symbol", "expiration"],
            WriteMode::Replace,
            vec![
                ("symbol", Utf8),
                ("expiration", Date32),
                ("sessions", Int64),     // the horizon
                ("stddev", Float64),     // of overlapping log returns over the horizon, sample form
                ("annualised", Float64), // stddev * sqrt(252 / sessions)
                ("observations", Int64),
            ],
        )
        .by_item()
        .computed_from(&["eod", "expirations"]),
        dataset(
            "symbols",
            "One row per active equity, ETF or index. Source: tastytrade instruments.",
            &["symbol"],
            WriteMode::Replace,
            vec![
                ("symbol", Utf8),
                ("type", Utf8), // 'equity', 'etf' or 'index'
                ("description", Utf8),
                ("market", Utf8), // MIC of the listing market
                ("lists", text_list()),
                ("active", Boolean),
                ("streamer_symbol", Utf8),
            ],
        ),
    ]
}

/// The dataset of that name.
pub fn find(name: &str) -> Option<Dataset> {
    all().into_iter().find(|dataset| dataset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_are_sorted_and_their_keys_are_columns() {
        let all = all();
        assert!(all.is_sorted_by_key(|dataset| dataset.name));
        for dataset in &all {
            for key in dataset.key {
                assert!(dataset.schema.field_with_name(key).is_ok(), "{}.{key}", dataset.name);
            }
            assert_eq!(dataset.schema.fields().last().map(|field| field.name().as_str()), Some("fetched_at"));
        }
    }
}
