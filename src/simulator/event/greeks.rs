//! Model prices and sensitivities of options.

use super::typed::{Field, TypedEvent};
use super::wire::{rounded, series_index};
use crate::market::option_model::inputs::Sensitivities;
use crate::simulator::exchange::{Exchange, Source};
use crate::simulator::value::Value;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Model price and sensitivities of an option.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GreeksEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) time: DateTime<Utc>,
    /// Implied volatility, annualised ratio (0.25 is 25 percent).
    pub(crate) volatility: f64,
    /// Price in USD and the derivatives of the model.
    pub(crate) value: Sensitivities,
}

impl TypedEvent for GreeksEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |greeks| Value::Text(&greeks.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("eventFlags", |_| Value::Integer(0)),
        ("index", |greeks| Value::Integer(series_index(greeks.time))),
        ("time", |greeks| Value::Integer(greeks.time.timestamp_millis())),
        ("sequence", |_| Value::Integer(0)),
        ("price", |greeks| Value::Number(rounded(greeks.value.price))),
        ("volatility", |greeks| Value::Number(rounded(greeks.volatility))),
        ("delta", |greeks| Value::Number(rounded(greeks.value.delta))),
        ("gamma", |greeks| Value::Number(rounded(greeks.value.gamma))),
        ("theta", |greeks| Value::Number(rounded(greeks.value.theta))),
        ("rho", |greeks| Value::Number(rounded(greeks.value.rho))),
        ("vega", |greeks| Value::Number(rounded(greeks.value.vega))),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// `None` for a stock.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, _count: u64) -> Option<Self> {
        let Source::Option(_, option) = source else { return None };
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let underlying = day.last(now);
        let volatility = exchange.volatility(instrument, option, underlying, day.place, now);
        let value = exchange.value(instrument, option, underlying, day.place, now)?;
        Some(Self { symbol: symbol.clone(), time: now, volatility, value })
    }
}
