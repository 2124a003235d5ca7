//! Trades of a symbol, in a session and outside of one.

use super::typed::{Field, Tick, TypedEvent};
use super::wire::day_number;
use crate::simulator::exchange::{Exchange, Source};
use crate::simulator::noise::bits;
use crate::simulator::value::Value;
use chrono::{DateTime, NaiveDate, Utc};
use std::sync::Arc;

/// The last trade of a symbol at a moment, with the day's volume up to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TradeEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) time: DateTime<Utc>,
    /// Price of the trade in USD, a multiple of the tick.
    pub(crate) price: f64,
    /// Against the close of the session before.
    pub(crate) change: f64,
    /// Shares or contracts that changed hands.
    pub(crate) size: f64,
    /// Date of the session, sent as days since 1970.
    pub(crate) day: NaiveDate,
    /// Shares or contracts traded in the session so far.
    pub(crate) day_volume: f64,
    /// USD, computed as the volume times the last price.
    pub(crate) day_turnover: f64,
    /// Whether no regular session is under way.
    pub(crate) extended_hours: bool,
    /// Whether the tick direction is sent as `ZERO_UP`.
    pub(crate) up: bool,
}

impl TypedEvent for TradeEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |trade| Value::Text(&trade.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("time", |trade| Value::Integer(trade.time.timestamp_millis())),
        ("timeNanoPart", |_| Value::Integer(0)),
        ("sequence", |_| Value::Integer(0)),
        ("exchangeCode", |_| Value::Text("Q")),
        ("price", |trade| Value::Number(trade.price)),
        ("change", |trade| Value::Number(trade.change)),
        ("size", |trade| Value::Number(trade.size)),
        ("dayId", |trade| Value::Integer(day_number(trade.day))),
        ("dayVolume", |trade| Value::Number(trade.day_volume)),
        ("dayTurnover", |trade| Value::Number(trade.day_turnover)),
        ("tickDirection", |trade| Value::Text(if trade.up { "ZERO_UP" } else { "ZERO_DOWN" })),
        ("extendedTradingHours", |trade| Value::Bool(trade.extended_hours)),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// `count` chooses size and direction.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let price = exchange.last(source, now)?;
        let noise = bits(instrument.seed ^ 0x52, count);
        let (previous, volume, lot) = match source {
            Source::Equity(_) => (day.previous.close, day.volume_so_far(now), 10.0),
            Source::Option(_, option) => {
                let bar = exchange.option_bar(instrument, option, &day.previous, day.place.saturating_sub(1));
                let volume = exchange.option_volume(instrument, option, day.place) * day.elapsed(now);
                (bar.map_or(price, |bar| bar.close), volume.floor(), 1.0)
            }
        };
        Some(Self {
            symbol: symbol.clone(),
            time: now,
            price,
            change: ((price - previous) * 100.0).round() / 100.0,
            size: lot * (1.0 + (noise % 30) as f64),
            day: day.bar.session.date,
            day_volume: volume,
            day_turnover: (volume * price).round(),
            extended_hours: !day.bar.session.contains(now),
            up: noise & 64 == 0,
        })
    }
}

/// A trade while no session is under way.
pub(super) fn make_extended_trade(
    exchange: &Exchange,
    symbol: &Arc<str>,
    source: &Source,
    now: DateTime<Utc>,
    count: u64,
) -> Option<Tick> {
    let trade = TradeEvent::at(exchange, symbol, source, now, count).filter(|trade| trade.extended_hours)?;
    Some(Arc::new(trade))
}
