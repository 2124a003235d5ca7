//! Payloads of the tastytrade API, as far as we read them. Unknown keys are ignored; keys are dasherized.
//!
//! A list answer is `{"data":{"items":[...]},"context":"...","pagination":{...}}`, a single one `{"data":{...}}`.

use super::field::{Field, Rows, lenient};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

/// Where a page stands: `{"per-page":1000,"page-offset":0,"total-items":12143,"total-pages":13,...}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Pagination {
    /// Number of pages.
    pub total_pages: Field<i64>,
}

/// An equity, ETF or index: `{"symbol":"BRK/B","is-index":false,"is-etf":false,"listed-market":"XNYS",...}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Equity {
    /// tastytrade spelling.
    pub symbol: Field<String>,
    /// Long name.
    pub description: Field<String>,
    /// Short name.
    pub short_description: Field<String>,
    /// Whether it is an index.
    pub is_index: Field<bool>,
    /// Whether it is an ETF.
    pub is_etf: Field<bool>,
    /// MIC, or `OTC` for indices.
    pub listed_market: Field<String>,
    /// Whether it trades.
    pub active: Field<bool>,
    /// dxFeed spelling.
    pub streamer_symbol: Field<String>,
}

/// One symbol's metrics; sparse rows are normal. Unless said otherwise volatilities and ranks are ratios as text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Metrics {
    /// tastytrade spelling.
    pub symbol: Field<String>,
    /// Ratio, annualised.
    pub implied_volatility_index: Field<f64>,
    /// Ratio difference.
    #[serde(rename = "implied-volatility-index-5-day-change")]
    pub implied_volatility_index_5_day_change: Field<f64>,
    /// Ratio.
    pub implied_volatility_index_rank: Field<f64>,
    /// Ratio.
    pub implied_volatility_percentile: Field<f64>,
    /// Percentage points.
    #[serde(rename = "implied-volatility-30-day")]
    pub implied_volatility_30_day: Field<f64>,
    /// Percentage points.
    #[serde(rename = "historical-volatility-30-day")]
    pub historical_volatility_30_day: Field<f64>,
    /// Percentage points.
    #[serde(rename = "historical-volatility-60-day")]
    pub historical_volatility_60_day: Field<f64>,
    /// Percentage points.
    #[serde(rename = "historical-volatility-90-day")]
    pub historical_volatility_90_day: Field<f64>,
    /// Percentage points.
    #[serde(rename = "iv-hv-30-day-difference")]
    pub iv_hv_30_day_difference: Field<f64>,
    /// No unit.
    pub liquidity_value: Field<f64>,
    /// May exceed 1.
    pub liquidity_rank: Field<f64>,
    /// Stars.
    pub liquidity_rating: Field<i64>,
    /// No unit.
    pub beta: Field<f64>,
    /// Correlation, -1 to 1.
    #[serde(rename = "corr-spy-3month")]
    pub corr_spy_3_month: Field<f64>,
    /// Currency units; a bare number.
    pub market_cap: Field<i64>,
    /// No unit.
    pub price_earnings_ratio: Field<f64>,
    /// Currency per share.
    pub earnings_per_share: Field<f64>,
    /// Currency per share, last.
    pub dividend_rate_per_share: Field<f64>,
    /// Currency per share.
    pub annual_dividend_per_share: Field<f64>,
    /// Ratio.
    pub dividend_yield: Field<f64>,
    /// Date.
    pub dividend_ex_date: Field<NaiveDate>,
    /// Date; may lie in the past.
    pub dividend_next_date: Field<NaiveDate>,
    /// Date.
    pub dividend_pay_date: Field<NaiveDate>,
    /// See [`Earnings`].
    #[serde(deserialize_with = "lenient")]
    pub earnings: Earnings,
    /// `Easy To Borrow`, `Locate Required`, `Preborrow`.
    pub lendability: Field<String>,
    /// Percent.
    pub borrow_rate: Field<f64>,
    /// MIC.
    pub listed_market: Field<String>,
    /// Vendor's wording.
    pub sector: Field<String>,
    /// When the vendor computed it.
    pub updated_at: Field<DateTime<Utc>>,
}

/// Next or last report: `{"visible":true,"expected-report-date":"2026-01-29","estimated":true,"consensus-estimate":"2.66"}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Earnings {
    /// 1970-01-01 means unknown.
    pub expected_report_date: Field<NaiveDate>,
    /// Whether the date is a guess.
    pub estimated: Field<bool>,
    /// Currency per share.
    pub actual_eps: Field<f64>,
    /// Currency per share.
    pub consensus_estimate: Field<f64>,
    /// `BTO`, `AMC` and the like.
    pub time_of_day: Field<String>,
}

/// One past dividend or report: `{"occurred-date":"2025-11-10","amount":"0.26"}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct CorporateEvent {
    /// Date.
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

/// Exchange holidays: `{"market-half-days":["2026-11-27"],"market-holidays":["2026-12-25"]}`.
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
    /// Contract size.
    pub shares_per_contract: Field<i64>,
    /// By date.
    pub expirations: Rows<Expiration>,
}

/// Options of one date: `{"expiration-type":"Regular","expiration-date":"2026-01-16","settlement-type":"PM","strikes":[...]}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Expiration {
    /// `Regular`, `Weekly`, `Quarterly`, `End-Of-Month`.
    pub expiration_type: Field<String>,
    /// Date.
    pub expiration_date: Field<NaiveDate>,
    /// `AM` or `PM`.
    pub settlement_type: Field<String>,
    /// By strike.
    pub strikes: Rows<Strike>,
}

/// A call and a put: `{"strike-price":"500.0","call":"SPY   260116C00500000","call-streamer-symbol":".SPY260116C500",...}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Strike {
    /// Currency units.
    pub strike_price: Field<f64>,
    /// OCC, 21 characters.
    pub call: Field<String>,
    /// dxFeed spelling.
    pub call_streamer_symbol: Field<String>,
    /// OCC, 21 characters.
    pub put: Field<String>,
    /// dxFeed spelling.
    pub put_streamer_symbol: Field<String>,
}

/// Answer of the quote token route: `{"token":"...","dxlink-url":"wss://.../realtime","level":"api"}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct QuoteTokenAnswer {
    /// Secret.
    pub token: Field<String>,
    /// WebSocket address.
    pub dxlink_url: Field<String>,
}
