//! Facts about a symbol that stay the same through a session.

use super::typed::{Field, TypedEvent};
use super::wire::optional;
use crate::simulator::exchange::{Exchange, Source};
use crate::simulator::price::cents;
use crate::simulator::value::Value;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Facts about a symbol that stay the same through a session; figures an option does not have are NaN on the wire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProfileEvent {
    pub(crate) symbol: Arc<str>,
    /// Name of the company or fund, or the OCC symbol of an option.
    pub(crate) description: String,
    /// Highest price of 252 sessions in USD; `None` for an option.
    pub(crate) year_high: Option<f64>,
    /// Lowest price of 252 sessions in USD; `None` for an option.
    pub(crate) year_low: Option<f64>,
    pub(crate) beta: Option<f64>,
    /// USD per share and year; `None` for funds and options.
    pub(crate) earnings_per_share: Option<f64>,
    /// Cash per share, the quarterly payment.
    pub(crate) dividend: Option<f64>,
    /// Shares outstanding; `None` for an option.
    pub(crate) shares: Option<f64>,
}

impl TypedEvent for ProfileEvent {
    const FIELDS: &'static [Field<Self>] = &[
        ("eventType", |_| Value::Null),
        ("eventSymbol", |profile| Value::Text(&profile.symbol)),
        ("eventTime", |_| Value::Integer(0)),
        ("description", |profile| Value::Text(&profile.description)),
        ("shortSaleRestriction", |_| Value::Text("INACTIVE")),
        ("tradingStatus", |_| Value::Text("ACTIVE")),
        ("statusReason", |_| Value::Null),
        ("haltStartTime", |_| Value::Integer(0)),
        ("haltEndTime", |_| Value::Integer(0)),
        ("highLimitPrice", |_| Value::Number(f64::NAN)),
        ("lowLimitPrice", |_| Value::Number(f64::NAN)),
        ("high52WeekPrice", |profile| optional(profile.year_high)),
        ("low52WeekPrice", |profile| optional(profile.year_low)),
        ("beta", |profile| optional(profile.beta)),
        ("earningsPerShare", |profile| optional(profile.earnings_per_share)),
        ("dividendFrequency", |profile| optional(profile.dividend.map(|_| 4.0))),
        ("exDividendAmount", |profile| optional(profile.dividend)),
        ("exDividendDayId", |_| Value::Integer(0)),
        ("shares", |profile| optional(profile.shares)),
        ("freeFloat", |profile| optional(profile.shares.map(|shares| (shares * 0.9).round()))),
    ];

    fn symbol(&self) -> &Arc<str> {
        &self.symbol
    }

    /// Standing facts about a stock or fund.
    fn at(exchange: &Exchange, symbol: &Arc<str>, source: &Source, now: DateTime<Utc>, _count: u64) -> Option<Self> {
        let instrument = exchange.instrument(source)?;
        let day = exchange.day(instrument, now)?;
        let description = match source {
            Source::Equity(_) => instrument.name.clone(),
            Source::Option(_, option) => option.occ(),
        };
        let equity = matches!(source, Source::Equity(_));
        Some(Self {
            symbol: symbol.clone(),
            description,
            year_high: equity.then_some(day.year_high.max(day.previous.high)),
            year_low: equity.then_some(day.year_low.min(day.previous.low)),
            beta: equity.then_some(instrument.beta),
            earnings_per_share: instrument.earnings_per_share.filter(|_| equity),
            dividend: (equity && instrument.dividend_yield > 0.0)
                .then(|| cents(instrument.dividend_yield * instrument.level / 4.0)),
            shares: equity.then_some(instrument.shares),
        })
    }
}
