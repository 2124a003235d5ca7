//! The day so far of a symbol, and the day before.

use super::typed::{Field, TypedEvent};
use super::wire::day_number;
use crate::simulator::exchange::{Exchange, Source};
use crate::simulator::price::DayBar;
use crate::simulator::value::Value;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// The day so far and the day before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SummaryEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) bar: DayBar,
    /// Whether the session is under way; the day has no close price until it is over.
    pub(crate) open: bool,
    /// The bar of the session before.
    pub(crate) previous: DayBar,
    /// Open contracts; 0 for a stock.
    pub(crate) open_interest: i64,
}

impl TypedEvent for SummaryEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |summary| Value::Text(&summary.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("dayId", |summary| Value::Integer(day_number(summary.bar.session.date))),
        ("dayOpenPrice", |summary| Value::Number(summary.bar.open)),
        ("dayHighPrice", |summary| Value::Number(summary.bar.high)),
        ("dayLowPrice", |summary| Value::Number(summary.bar.low)),
        ("dayClosePrice", |summary| Value::Number(if summary.open { f64::NAN } else { summary.bar.close })),
        ("dayClosePriceType", |summary| Value::Text(if summary.open { "REGULAR" } else { "FINAL" })),
        ("prevDayId", |summary| Value::Integer(day_number(summary.previous.session.date))),
        ("prevDayClosePrice", |summary| Value::Number(summary.previous.close)),
        ("prevDayClosePriceType", |_| Value::Text("FINAL")),
        ("prevDayVolume", |summary| Value::Number(summary.previous.volume)),
        ("openInterest", |summary| Value::Integer(summary.open_interest)),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// Prices of the day and the day before.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, _count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let (bar, previous, open_interest) = match source {
            Source::Equity(_) => (day.bar_so_far(now), day.previous, 0),
            Source::Option(_, option) => (
                exchange.option_bar(instrument, option, &day.bar_so_far(now), day.place)?,
                exchange.option_bar(instrument, option, &day.previous, day.place.saturating_sub(1))?,
                exchange.open_interest(instrument, option, day.place),
            ),
        };
        let open = bar.session.contains(now);
        Some(Self { symbol: symbol.clone(), bar, open, previous, open_interest })
    }
}
