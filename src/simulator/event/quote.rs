//! Best bid and ask of a symbol.

use super::typed::{Field, TypedEvent};
use crate::simulator::exchange::{Exchange, Source, option_tick, to_tick};
use crate::simulator::noise::{bits, uniform};
use crate::simulator::value::Value;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Best bid and ask.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuoteEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) time: DateTime<Utc>,
    /// Best bid in USD, a multiple of the tick.
    pub(crate) bid: f64,
    /// Best ask in USD, at least one tick above the bid.
    pub(crate) ask: f64,
    /// Shares or contracts wanted at the bid.
    pub(crate) bid_size: f64,
    /// Shares or contracts offered at the ask.
    pub(crate) ask_size: f64,
}

impl TypedEvent for QuoteEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |quote| Value::Text(&quote.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("sequence", |_| Value::Integer(0)),
        ("timeNanoPart", |_| Value::Integer(0)),
        ("bidTime", |quote| Value::Integer(quote.time.timestamp_millis())),
        ("bidExchangeCode", |_| Value::Text("Q")),
        ("bidPrice", |quote| Value::Number(quote.bid)),
        ("bidSize", |quote| Value::Number(quote.bid_size)),
        ("askTime", |quote| Value::Integer(quote.time.timestamp_millis())),
        ("askExchangeCode", |_| Value::Text("P")),
        ("askPrice", |quote| Value::Number(quote.ask)),
        ("askSize", |quote| Value::Number(quote.ask_size)),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// `count` moves it between trades.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let last = exchange.last(source, now)?;
        let noise = bits(instrument.seed ^ 0x51, count);
        let (tick, spread) = match source {
            Source::Equity(_) => (0.01, 1.0 + (last * 0.000_03 / 0.01 * (0.6 + uniform(noise))).floor()),
            Source::Option(..) => (option_tick(last), 1.0 + (last * 0.02 / option_tick(last) * uniform(noise)).floor()),
        };
        // The last trade was at the bid, at the ask or in between.
        let below = (spread * uniform(noise.rotate_left(17)) * 1.999).floor().min(spread);
        let bid = to_tick(last - below * tick, tick).max(tick);
        let ask = to_tick(bid + spread * tick, tick);
        let size = |turn: u32| 1.0 + (noise.rotate_left(turn) % 40) as f64;
        let lot = if matches!(source, Source::Equity(_)) { 100.0 } else { 1.0 };
        Some(Self { symbol: symbol.clone(), time: now, bid, ask, bid_size: lot * size(29), ask_size: lot * size(43) })
    }
}
