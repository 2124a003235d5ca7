//! Feed events and the table of fields each type has on the wire.

use crate::market::options::Sensitivities;
use crate::simulator::price::DayBar;
use chrono::{DateTime, NaiveDate, Utc};
use std::fmt::Write;
use std::sync::Arc;

/// One value of an event, as the wire spells it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// A double; NaN and the infinities travel as text.
    Number(f64),
    Integer(i64),
    Text(&'a str),
    Bool(bool),
    Null,
}

impl Value<'_> {
    /// Writes the value as JSON.
    pub(crate) fn write(self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Number(number) if number.is_nan() => write!(out, "\"NaN\""),
            Self::Number(number) if number.is_infinite() => {
                write!(out, "\"{}Infinity\"", if number < 0.0 { "-" } else { "" })
            }
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                write!(out, "{}.0", number as i64)
            }
            Self::Number(number) => write!(out, "{number}"),
            Self::Integer(number) => write!(out, "{number}"),
            Self::Bool(flag) => write!(out, "{flag}"),
            Self::Null => write!(out, "null"),
            Self::Text(text) => {
                write_text(out, text);
                Ok(())
            }
        };
    }
}

/// Writes text as a JSON string.
pub(crate) fn write_text(out: &mut String, text: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// A field's name and how it is read from an event.
pub(crate) type Field<E> = (&'static str, for<'a> fn(&'a E) -> Value<'a>);

/// An event that can be put on the wire.
pub(crate) trait FeedEvent: Sized + 'static {
    /// Fields the venue knows, in the order it announces when the client names none. The first two are the event
    /// type, which the frame fills in, and the symbol.
    const FIELDS: &'static [Field<Self>];

    /// Symbol in streamer spelling.
    fn symbol(&self) -> &Arc<str>;
}

/// Best bid and ask.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuoteEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) time: DateTime<Utc>,
    pub(crate) bid: f64,
    pub(crate) ask: f64,
    pub(crate) bid_size: f64,
    pub(crate) ask_size: f64,
}

impl FeedEvent for QuoteEvent {
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
}

/// The last trade.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TradeEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) time: DateTime<Utc>,
    pub(crate) price: f64,
    /// Against the close of the session before.
    pub(crate) change: f64,
    pub(crate) size: f64,
    pub(crate) day: NaiveDate,
    pub(crate) day_volume: f64,
    pub(crate) day_turnover: f64,
    pub(crate) extended_hours: bool,
    pub(crate) up: bool,
}

impl FeedEvent for TradeEvent {
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
}

/// The day so far and the day before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SummaryEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) bar: DayBar,
    /// Whether the session is under way; the day has no close price until it is over.
    pub(crate) open: bool,
    pub(crate) previous: DayBar,
    pub(crate) open_interest: i64,
}

impl FeedEvent for SummaryEvent {
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
}

/// Standing facts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProfileEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) description: String,
    pub(crate) year_high: Option<f64>,
    pub(crate) year_low: Option<f64>,
    pub(crate) beta: Option<f64>,
    pub(crate) earnings_per_share: Option<f64>,
    /// Cash per share, the quarterly payment.
    pub(crate) dividend: Option<f64>,
    pub(crate) shares: Option<f64>,
}

impl FeedEvent for ProfileEvent {
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
}

/// Model price and sensitivities of an option.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GreeksEvent {
    pub(crate) symbol: Arc<str>,
    pub(crate) time: DateTime<Utc>,
    /// Annualised ratio.
    pub(crate) volatility: f64,
    pub(crate) value: Sensitivities,
}

impl FeedEvent for GreeksEvent {
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
}

/// One candle of a candle symbol.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CandleEvent {
    /// Canonical candle symbol.
    pub(crate) symbol: Arc<str>,
    pub(crate) flags: i64,
    /// Start of the candle.
    pub(crate) time: DateTime<Utc>,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: f64,
    pub(crate) vwap: f64,
    /// Trades in the candle.
    pub(crate) count: i64,
    /// Annualised ratio, NaN when there is none.
    pub(crate) volatility: f64,
    /// NaN for stocks.
    pub(crate) open_interest: f64,
}

impl FeedEvent for CandleEvent {
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

/// Days since 1970-01-01.
fn day_number(date: NaiveDate) -> i64 {
    (date - NaiveDate::default()).num_days()
}

/// The index of a time series event: seconds, milliseconds, sequence number 0.
pub(crate) fn series_index(time: DateTime<Utc>) -> i64 {
    let millis = time.timestamp_millis();
    (millis.div_euclid(1_000) << 32) | (millis.rem_euclid(1_000) << 22)
}

fn optional<'a>(number: Option<f64>) -> Value<'a> {
    Value::Number(number.unwrap_or(f64::NAN))
}

/// Six decimals, as model figures are sent.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelled_as_the_wire_has_them() {
        let written = |value: Value<'_>| {
            let mut out = String::new();
            value.write(&mut out);
            out
        };
        assert_eq!(written(Value::Number(500.01)), "500.01");
        assert_eq!(written(Value::Number(300.0)), "300.0");
        assert_eq!(written(Value::Number(f64::NAN)), "\"NaN\"");
        assert_eq!(written(Value::Number(f64::NEG_INFINITY)), "\"-Infinity\"");
        assert_eq!(written(Value::Text("a\"b")), "\"a\\\"b\"");
        assert_eq!(written(Value::Null), "null");
    }

    #[test]
    fn an_index_is_seconds_milliseconds_and_sequence() {
        let at = |millis| DateTime::<Utc>::from_timestamp_millis(millis).unwrap();
        assert_eq!(series_index(at(1_684_559_855_338)), 7_235_129_486_797_176_832);
        assert_eq!(series_index(at(1_767_571_200_000)), 7_591_660_497_351_475_200);
    }
}
