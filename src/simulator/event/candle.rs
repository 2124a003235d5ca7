//! Candles, which `dxlink/candle` makes.

use super::typed::{Field, TypedEvent};
use super::wire::{rounded, series_index};
use crate::simulator::value::Value;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// One candle of a candle symbol.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CandleEvent {
    /// Canonical candle symbol, such as `AAPL{=d}`, which names its period.
    pub(crate) symbol: Arc<str>,
    /// Event flags of a snapshot, as [`crate::simulator::dxlink::candle`] numbers them; 0 outside one.
    pub(crate) flags: i64,
    /// Start of the candle.
    pub(crate) time: DateTime<Utc>,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: f64,
    /// Volume-weighted price in USD, between low and high.
    pub(crate) vwap: f64,
    /// Trades in the candle.
    pub(crate) count: i64,
    /// Annualised ratio, NaN when there is none.
    pub(crate) volatility: f64,
    /// Open contracts at the end of the candle; NaN for stocks, which have none.
    pub(crate) open_interest: f64,
}

impl TypedEvent for CandleEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |candle| Value::Text(&candle.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("eventFlags", |candle| Value::Integer(candle.flags)),
        ("index", |candle| Value::Integer(series_index(candle.time))),
        ("time", |candle| Value::Integer(candle.time.timestamp_millis())),
        ("sequence", |_| Value::Integer(0)),
        ("count", |candle| Value::Integer(candle.count)),
        ("open", |candle| Value::Number(candle.open)),
        ("high", |candle| Value::Number(candle.high)),
        ("low", |candle| Value::Number(candle.low)),
        ("close", |candle| Value::Number(candle.close)),
        ("volume", |candle| Value::Number(candle.volume)),
        ("vwap", |candle| Value::Number(candle.vwap)),
        ("bidVolume", |_| Value::Number(f64::NAN)),
        ("askVolume", |_| Value::Number(f64::NAN)),
        ("impVolatility", |candle| Value::Number(rounded(candle.volatility))),
        ("openInterest", |candle| Value::Number(candle.open_interest)),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }
}
