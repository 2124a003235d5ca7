//! Live events: the best bid and ask, the last trade, an option's sensitivities. The dxLink collector parses frames
//! into these and publishes them to the live books and the spool.
//!
//! A price or size the venue does not know is `None`, never zero and never NaN.

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Best bid and ask of one symbol at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// Symbol in streamer spelling (`AAPL`, `.SPY260116C500`).
    pub symbol: Arc<str>,
    /// Price of the best bid.
    pub bid: Option<f64>,
    /// Size at the bid, in shares or contracts.
    pub bid_size: Option<i64>,
    /// Price of the best ask.
    pub ask: Option<f64>,
    /// Size at the ask, in shares or contracts.
    pub ask_size: Option<i64>,
    /// Venue time of the newer side; `None` when the venue sends none.
    pub event_at: Option<DateTime<Utc>>,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}

/// Last trade of one symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade {
    /// Symbol in streamer spelling.
    pub symbol: Arc<str>,
    /// Price of the trade.
    pub price: Option<f64>,
    /// Trade size in shares or contracts.
    pub size: Option<i64>,
    /// Change against the previous session's close, in price units.
    pub change: Option<f64>,
    /// Volume of the session so far.
    pub day_volume: Option<i64>,
    /// Venue time of the trade.
    pub event_at: Option<DateTime<Utc>>,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}

/// Model sensitivities of one option.
#[derive(Debug, Clone, PartialEq)]
pub struct Greeks {
    /// Option in streamer spelling.
    pub symbol: Arc<str>,
    /// Price the venue's model gives.
    pub price: Option<f64>,
    /// Implied volatility, annualised ratio (0.25 = 25 %).
    pub volatility: Option<f64>,
    /// Price change per unit of the underlying.
    pub delta: Option<f64>,
    /// Delta change per unit of the underlying.
    pub gamma: Option<f64>,
    /// Price change per calendar day.
    pub theta: Option<f64>,
    /// Price change per 1 % of interest rate.
    pub rho: Option<f64>,
    /// Price change per 1 % of volatility.
    pub vega: Option<f64>,
    /// Venue time of the computation.
    pub event_at: Option<DateTime<Utc>>,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}
