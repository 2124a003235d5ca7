//! Market metrics, corporate events and market data snapshots.

use super::reply::{Query, Refusal, Reply, decimal, instant, money, optional, points};
use super::venue::Venue;
use crate::market::symbol::{OptionSymbol, occ_to_streamer};
use crate::simulator::event::{ProfileEvent, QuoteEvent, SummaryEvent, TypedEvent};
use crate::simulator::exchange::Source;
use crate::simulator::metrics::{self, Payment};
use crate::simulator::universe::Instrument;
use crate::simulator::{chain, noise};
use chrono::NaiveDate;
use serde_json::{Value, json};
use std::sync::Arc;

/// Most symbols one snapshot request may name.
const SNAPSHOT_SYMBOLS_MAX: usize = 100;

/// `/market-metrics`.
pub(super) fn market_metrics(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let symbols = query.list("symbols");
    if symbols.is_empty() {
        return Err(Refusal::invalid("symbols", "is missing"));
    }
    let found = symbols.iter().filter_map(|symbol| venue.exchange.universe.find(symbol));
    Ok(Reply::List(found.map(|instrument| metrics_of(venue, instrument)).collect(), None))
}

fn metrics_of(venue: &Venue, instrument: &Instrument) -> Value {
    let now = venue.now();
    let exchange = &venue.exchange;
    let figures = metrics::volatility(exchange, instrument, now);
    let last = exchange.last(&Source::Equity(instrument.place), now).unwrap_or(instrument.level);
    let stamp = instant(now, venue.zulu);
    let implied = |ratio: f64| if instrument.optionable { decimal(ratio) } else { Value::Null };
    let place = exchange.tape.current(now);
    let expirations = chain::expirations(exchange, instrument, now);
    let term = expirations.iter().map(|expiration| {
        let days = (expiration.date - venue.today()).num_days() as f64;
        json!({
            "expiration-date": expiration.date, "option-chain-type": "Standard", "settlement-type": "PM",
            "implied-volatility": decimal(exchange.term_volatility(instrument, place, days)),
        })
    });
    let term: Vec<Value> = term.collect();
    let dividends = metrics::dividends(instrument, now);
    let past = dividends.iter().rev().find(|payment| payment.date <= venue.today());
    let next = dividends.iter().find(|payment| payment.date > venue.today());
    let annual = past.map(|payment| payment.amount * 4.0);
    let liquidity = instrument.daily_volume * last / 1e6;
    let rating = (libm::log10(liquidity.max(1.0)) * 1.2).clamp(0.0, 4.0) as i64;
    let annual_earnings = instrument.earnings_per_share;
    let correlation = optional(figures.correlation, |ratio| decimal((ratio * 100.0).round() / 100.0));
    json!({
        "symbol": &*instrument.symbol,
        "implied-volatility-index": implied(figures.index),
        "implied-volatility-index-5-day-change": implied(figures.index_5_day_change),
        "implied-volatility-index-rank": implied(figures.rank),
        "tos-implied-volatility-index-rank": implied(figures.rank),
        "tw-implied-volatility-index-rank": implied((figures.rank * 0.97).clamp(0.0, 1.0)),
        "tos-implied-volatility-index-rank-updated-at": stamp,
        "implied-volatility-index-rank-source": "tos",
        "implied-volatility-percentile": implied(figures.percentile),
        "implied-volatility-updated-at": stamp,
        "liquidity-value": decimal(liquidity),
        "liquidity-rank": decimal(libm::log10(liquidity.max(1.0)) / 4.0),
        "liquidity-rating": rating,
        "created-at": null,
        "updated-at": stamp,
        "option-expiration-implied-volatilities": if term.is_empty() { Value::Null } else { Value::Array(term) },
        "beta": decimal((instrument.beta * 1e6).round() / 1e6),
        "beta-updated-at": stamp,
        "corr-spy-3month": correlation,
        "dividend-rate-per-share": optional(past, |payment| money(payment.amount)),
        "annual-dividend-per-share": optional(annual, money),
        "dividend-yield": optional(annual, |annual| decimal((annual / last * 1e4).round() / 1e4)),
        "dividend-ex-date": optional(past, |payment| json!(payment.date)),
        "dividend-next-date": optional(next, |payment| json!(payment.date)),
        "dividend-pay-date": optional(past, |payment| json!(payment.date + chrono::Days::new(14))),
        "dividend-updated-at": if dividends.is_empty() { Value::Null } else { stamp.clone() },
        "earnings": coming_earnings(venue, instrument),
        "listed-market": instrument.market,
        "lendability": "Easy To Borrow",
        "borrow-rate": "0.0",
        "market-cap": (instrument.shares * last) as i64,
        "implied-volatility-30-day": if instrument.optionable { points(figures.ahead_30_day) } else { Value::Null },
        "historical-volatility-30-day": optional(figures.realised_30_day, points),
        "historical-volatility-60-day": optional(figures.realised_60_day, points),
        "historical-volatility-90-day": optional(figures.realised_90_day, points),
        "iv-hv-30-day-difference": optional(
            figures.realised_30_day.filter(|_| instrument.optionable),
            |realised| difference(figures.ahead_30_day, realised),
        ),
        "price-earnings-ratio": optional(annual_earnings.filter(|eps| *eps > 0.0), |eps| money(last / eps)),
        "earnings-per-share": optional(annual_earnings, money),
        "sector": instrument.sector,
    })
}

/// Difference of two ratios as the rounded percentage points they are shown in.
fn difference(implied: f64, realised: f64) -> Value {
    let shown = |ratio: f64| (ratio * 10_000.0).round() / 100.0;
    money(shown(implied) - shown(realised))
}

fn coming_earnings(venue: &Venue, instrument: &Instrument) -> Value {
    let today = venue.today();
    let reports = metrics::earnings(instrument, venue.now());
    let Some(next) = reports.iter().find(|quarter| metrics::report_date(instrument, quarter.date) >= today) else {
        return Value::Null;
    };
    let time_of_day = if noise::bits(instrument.seed, 0x3004) & 1 == 0 { "BTO" } else { "AMC" };
    json!({
        "visible": true,
        "expected-report-date": metrics::report_date(instrument, next.date),
        "estimated": true,
        "late-flag": 0,
        "quarter-end-date": next.date,
        "actual-eps": null,
        "consensus-estimate": money(next.amount * 0.98),
        "time-of-day": time_of_day,
        "updated-at": instant(venue.now(), venue.zulu),
    })
}

/// `/market-metrics/historic-corporate-events/dividends/{symbol}`: newest first.
pub(super) fn dividends(venue: &Venue, symbol: &str) -> Result<Reply, Refusal> {
    let payments = metrics::dividends(venue.instrument(symbol)?, venue.now());
    let past = payments.into_iter().rev().filter(|payment| payment.date <= venue.today());
    Ok(Reply::List(past.map(|payment| occurred(payment, "amount")).collect(), None))
}

/// `/market-metrics/historic-corporate-events/earnings-reports/{symbol}`: oldest first.
pub(super) fn earnings_reports(venue: &Venue, symbol: &str, query: &Query) -> Result<Reply, Refusal> {
    let instrument = venue.instrument(symbol)?;
    let from = query.date("start-date")?.ok_or_else(|| Refusal::invalid("start-date", "is missing"))?;
    let to = query.date("end-date")?.unwrap_or(NaiveDate::MAX);
    let reported = |payment: &Payment| metrics::report_date(instrument, payment.date) <= venue.today();
    let payments = metrics::earnings(instrument, venue.now());
    let wanted = payments.into_iter().filter(|payment| (from..=to).contains(&payment.date) && reported(payment));
    Ok(Reply::List(wanted.map(|payment| occurred(payment, "eps")).collect(), None))
}

fn occurred(payment: Payment, field: &str) -> Value {
    json!({"occurred-date": payment.date, field: money(payment.amount)})
}

/// `/market-data/by-type`.
pub(super) fn snapshots(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let types = ["index", "equity", "equity-option", "future", "future-option", "cryptocurrency"];
    let asked: Vec<(&str, String)> =
        types.iter().flat_map(|kind| query.list(kind).into_iter().map(|symbol| (*kind, symbol))).collect();
    if asked.len() > SNAPSHOT_SYMBOLS_MAX {
        return Err(Refusal::invalid("symbols", &format!("must not exceed {SNAPSHOT_SYMBOLS_MAX}")));
    }
    Ok(Reply::List(asked.iter().filter_map(|(kind, symbol)| snapshot(venue, kind, symbol)).collect(), None))
}

/// `/market-data/{type}/{symbol}`.
pub(super) fn snapshot_of(venue: &Venue, kind: &str, symbol: &str) -> Result<Reply, Refusal> {
    let kind = kind.to_lowercase().replace(' ', "-");
    snapshot(venue, &kind, symbol).map(Reply::Single).ok_or_else(|| Refusal::not_found("market data"))
}

fn snapshot(venue: &Venue, kind: &str, symbol: &str) -> Option<Value> {
    let exchange = &venue.exchange;
    let now = venue.now();
    let (streamer, label) = match kind {
        "equity" => (symbol.to_owned(), "Equity"),
        "equity-option" => (occ_to_streamer(symbol)?, "Equity Option"),
        _ => return None,
    };
    let source = exchange.resolve(&streamer)?;
    if matches!((&source, label), (Source::Option(..), "Equity")) {
        return None;
    }
    let name: Arc<str> = streamer.into();
    let quote = QuoteEvent::at(exchange, &name, &source, now, now.timestamp().unsigned_abs())?;
    let summary = SummaryEvent::at(exchange, &name, &source, now, 0)?;
    let profile = ProfileEvent::at(exchange, &name, &source, now, 0)?;
    let last = exchange.last(&source, now)?;
    let middle = ((quote.bid + quote.ask) / 2.0 * 1_000.0).round() / 1_000.0;
    let bar = &summary.bar;
    let close = (!summary.open).then_some(bar.close);
    let option = OptionSymbol::parse_occ(symbol).is_some();
    Some(json!({
        "symbol": symbol,
        "instrument-type": label,
        "updated-at": instant(now, venue.zulu),
        "bid": decimal(quote.bid),
        "bid-size": decimal(quote.bid_size),
        "ask": decimal(quote.ask),
        "ask-size": decimal(quote.ask_size),
        "mid": decimal(middle),
        "mark": decimal(middle),
        "last": decimal(if summary.open { last } else { bar.close }),
        "last-mkt": decimal(bar.close),
        "last-ext": if summary.open || option { Value::Null } else { decimal(last) },
        "beta": optional(profile.beta, decimal),
        "dividend-amount": optional(profile.dividend, money),
        "dividend-frequency": optional(profile.dividend, |_| json!("4.0")),
        "open": decimal(bar.open),
        "day-high-price": decimal(bar.high),
        "day-low-price": decimal(bar.low),
        "close": optional(close, decimal),
        "close-price-type": if summary.open { "Unknown" } else { "Final" },
        "prev-close": decimal(summary.previous.close),
        "prev-close-price-type": "Final",
        "summary-date": bar.session.date,
        "prev-close-date": summary.previous.session.date,
        "low-limit-price": null,
        "high-limit-price": null,
        "is-trading-halted": false,
        "trading-halted-reason": null,
        "halt-start-time": -1,
        "halt-end-time": -1,
        "year-low-price": optional(profile.year_low, decimal),
        "year-high-price": optional(profile.year_high, decimal),
        "volume": decimal(bar.volume),
        "last-trade-time": now.min(bar.session.close_at).timestamp_millis(),
        "open-interest": if option { decimal(summary.open_interest as f64) } else { Value::Null },
    }))
}
