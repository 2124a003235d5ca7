//! Trades of the tape, one by one.

use super::quote::QuoteEvent;
use super::typed::{Field, TypedEvent};
use super::wire::series_index;
use crate::simulator::exchange::{Exchange, Source};
use crate::simulator::noise::bits;
use crate::simulator::value::Value;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// One trade of the tape, with the quote it met.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimeAndSaleEvent {
    /// The quote at the moment of the trade, whose bid or ask is its price.
    pub(crate) quote: QuoteEvent,
    /// Number within the 22 bits that the index of the event leaves for it.
    pub(crate) sequence: i64,
    pub(crate) size: f64,
    /// Whether a buyer came to the market.
    pub(crate) buys: bool,
    /// Whether the trade was a leg of a spread; now and then, and of options only.
    pub(crate) spread_leg: bool,
    pub(crate) extended_hours: bool,
}

impl TimeAndSaleEvent {
    /// The ask when a buyer came to the market, else the bid, in USD.
    pub(super) fn price(&self) -> f64 {
        if self.buys { self.quote.ask } else { self.quote.bid }
    }
}

impl TypedEvent for TimeAndSaleEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |sale| Value::Text(&sale.quote.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("eventFlags", |_| Value::Integer(0)),
        ("index", |sale| Value::Integer(series_index(sale.quote.time) | sale.sequence)),
        ("time", |sale| Value::Integer(sale.quote.time.timestamp_millis())),
        ("timeNanoPart", |_| Value::Integer(0)),
        ("sequence", |sale| Value::Integer(sale.sequence)),
        ("exchangeCode", |_| Value::Text("Q")),
        ("price", |sale| Value::Number(sale.price())),
        ("size", |sale| Value::Number(sale.size)),
        ("bidPrice", |sale| Value::Number(sale.quote.bid)),
        ("askPrice", |sale| Value::Number(sale.quote.ask)),
        ("exchangeSaleConditions", |sale| Value::Text(if sale.extended_hours { "@ TI" } else { "@" })),
        ("tradeThroughExempt", |_| Value::Text("\0")),
        ("aggressorSide", |sale| Value::Text(if sale.buys { "BUY" } else { "SELL" })),
        ("spreadLeg", |sale| Value::Bool(sale.spread_leg)),
        ("extendedTradingHours", |sale| Value::Bool(sale.extended_hours)),
        ("validTick", |_| Value::Bool(true)),
        ("type", |_| Value::Text("NEW")),
        ("buyer", |_| Value::Null),
        ("seller", |_| Value::Null),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.quote.symbol
    }

    /// `count` chooses side and size, and moves the quote.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let quote = QuoteEvent::at(exchange, symbol, source, now, count)?;
        let noise = bits(instrument.seed ^ 0x53, count);
        let option = matches!(source, Source::Option(..));
        let lot = if option { 1.0 } else { 10.0 };
        Some(Self {
            quote,
            // An index has 22 bits for it.
            sequence: (count % (1 << 22)) as i64,
            size: lot * (1.0 + (noise % 30) as f64),
            buys: noise & 64 == 0,
            spread_leg: option && noise & 0x780 == 0,
            extended_hours: !day.bar.session.contains(now),
        })
    }
}
