//! Payloads of the tastytrade API, as far as we read them. Unknown keys are ignored; keys are dasherized.
//!
//! A list answer is `{"data":{"items":[...]},"context":"...","pagination":{...}}`, a single one `{"data":{...}}`.

use super::field::{Field, Rows};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

/// Where a page stands: `{"per-page":1000,"page-offset":0,"total-items":12143,"total-pages":13,...}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Pagination {
    /// Number of pages in all.
    pub total_pages: Field<i64>,
    /// Number of items on all pages.
    pub total_items: Field<i64>,
}

/// An equity, ETF or index: `{"symbol":"BRK/B","is-index":false,"is-etf":false,"listed-market":"XNYS",...}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Equity {
    /// Symbol in tastytrade's spelling: `BRK/B`, `/ESZ6`.
    pub symbol: Field<String>,
    /// The long name of the instrument.
    pub description: Field<String>,
    /// The short name of the instrument.
    pub short_description: Field<String>,
    /// Whether it is an index.
    pub is_index: Field<bool>,
    /// Whether it is an ETF.
    pub is_etf: Field<bool>,
    /// MIC, or `OTC` for indices.
    pub listed_market: Field<String>,
    /// Whether the instrument trades now.
    pub active: Field<bool>,
    /// Symbol in dxFeed's spelling, by which the feed knows it.
    pub streamer_symbol: Field<String>,
}

/// One past dividend or report: `{"occurred-date":"2025-11-10","amount":"0.26"}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct CorporateEvent {
    /// A date of the exchange, without time.
    pub occurred_date: Field<NaiveDate>,
    /// Dividends: currency per share.
    pub amount: Field<f64>,
    /// Reports: currency per share.
    pub eps: Field<f64>,
}

/// One exchange session: `{"instrument-collection":"Equity","open-at":"2026-01-05T14:30:00.000+00:00",...}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Session {
    /// Trading date; some answers leave it out.
    pub session_date: Field<NaiveDate>,
    /// Open of the regular session; absent on a closed day.
    pub open_at: Field<DateTime<Utc>>,
    /// Close of the regular session; absent on a closed day.
    pub close_at: Field<DateTime<Utc>>,
}

/// Holidays of the exchange, as `{"market-half-days":["2026-11-27"],"market-holidays":["2026-12-25"]}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Holidays {
    /// Days that end early.
    pub market_half_days: Rows<Field<NaiveDate>>,
    /// Days without a session.
    pub market_holidays: Rows<Field<NaiveDate>>,
}

/// Options of one root: `{"underlying-symbol":"SPX","root-symbol":"SPXW","expirations":[...]}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct NestedChain {
    /// tastytrade spelling of the underlying.
    pub underlying_symbol: Field<String>,
    /// Root of the option symbols.
    pub root_symbol: Field<String>,
    /// Size of the contract, in shares of its underlying.
    pub shares_per_contract: Field<i64>,
    /// Expirations, each with its strikes, by date.
    pub expirations: Rows<Expiration>,
}

/// Options of one date: `{"expiration-type":"Regular","expiration-date":"2026-01-16","settlement-type":"PM","strikes":[...]}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Expiration {
    /// `Regular`, `Weekly`, `Quarterly`, `End-Of-Month`.
    pub expiration_type: Field<String>,
    /// A date of the exchange, without time.
    pub expiration_date: Field<NaiveDate>,
    /// When it settles: `AM` or `PM`.
    pub settlement_type: Field<String>,
    /// Strikes with the two options of each.
    pub strikes: Rows<Strike>,
}

/// A call and a put: `{"strike-price":"500.0","call":"SPY   260116C00500000","call-streamer-symbol":".SPY260116C500",...}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Strike {
    /// Strike in units of the currency.
    pub strike_price: Field<f64>,
    /// OCC symbol of 21 characters, blanks included.
    pub call: Field<String>,
    /// Symbol in dxFeed's spelling, by which the feed knows it.
    pub call_streamer_symbol: Field<String>,
    /// OCC symbol of 21 characters, blanks included.
    pub put: Field<String>,
    /// Symbol in dxFeed's spelling, by which the feed knows it.
    pub put_streamer_symbol: Field<String>,
}

/// Answer of the quote token route: `{"token":"...","dxlink-url":"wss://.../realtime","level":"api"}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct QuoteTokenAnswer {
    /// The token itself, which is secret.
    pub token: Field<String>,
    /// Address of the WebSocket to connect to.
    pub dxlink_url: Field<String>,
    /// What the vendor calls the data of the account: `api`, `demo`.
    pub level: Field<String>,
}
