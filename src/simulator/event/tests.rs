//! Events agree with the market that they are of.

use super::greeks::GreeksEvent;
use super::quote::QuoteEvent;
use super::summary::SummaryEvent;
use super::time_and_sale::TimeAndSaleEvent;
use super::trade::TradeEvent;
use super::typed::TypedEvent;
use crate::clock::Clock;
use crate::market::symbol::{OptionSymbol, Side};
use crate::simulator::exchange::{Exchange, Source};
use chrono::{NaiveDate, TimeDelta};
use std::sync::Arc;

fn fixture(now: &str) -> Exchange {
    Exchange::new(42, 30, Clock::hand_set(now.parse().unwrap()))
}

fn quotes(exchange: &Exchange, symbol: &str) {
    let source = exchange.resolve(symbol).unwrap();
    let symbol: Arc<str> = symbol.into();
    for count in 0..2_000 {
        let now = exchange.clock.now() + TimeDelta::seconds(count as i64 * 7);
        let quote = QuoteEvent::at(exchange, &symbol, &source, now, count).unwrap();
        let last = exchange.last(&source, now).unwrap();
        assert!(0.0 < quote.bid && quote.bid < quote.ask, "{quote:?}");
        assert!(quote.bid <= last + 1e-9 && last <= quote.ask + 1e-9, "{quote:?} {last}");
        assert!(quote.bid_size > 0.0 && quote.ask_size > 0.0);
    }
}

#[test]
fn the_bid_is_below_the_ask() {
    for now in ["2026-01-05T15:00:00Z", "2026-01-10T15:00:00Z"] {
        let exchange = fixture(now);
        quotes(&exchange, "SPY");
        quotes(&exchange, "AAPL");
        quotes(&exchange, ".SPY260116C560");
        quotes(&exchange, ".SPY260116P10");
    }
}

#[test]
fn an_option_is_priced_from_its_underlying() {
    let exchange = fixture("2026-01-05T15:00:00Z");
    let now = exchange.clock.now();
    let spy = exchange.universe.find("SPY").unwrap();
    let price = exchange.last(&Source::Equity(spy.place), now).unwrap();
    let date = NaiveDate::from_ymd_opt(2026, 3, 20).unwrap();
    let option = |side, strike| Source::Option(spy.place, OptionSymbol::new("SPY", date, side, strike).unwrap());
    let greeks = |source| GreeksEvent::at(&exchange, &"x".into(), &source, now, 0).unwrap();
    let call = greeks(option(Side::Call, price.round()));
    let put = greeks(option(Side::Put, price.round()));
    assert!((0.4..0.7).contains(&call.value.delta), "{call:?}");
    assert!((call.value.delta - put.value.delta - 1.0).abs() < 0.02);
    assert!((0.02..1.0).contains(&call.volatility));
    assert!(greeks(option(Side::Put, price * 0.8)).volatility > call.volatility);
    let last = exchange.last(&option(Side::Call, price.round()), now).unwrap();
    assert!((last - call.value.price).abs() <= 0.05);
    assert_eq!(GreeksEvent::at(&exchange, &"x".into(), &Source::Equity(spy.place), now, 0), None);
}

#[test]
fn a_trade_agrees_with_the_day() {
    let exchange = fixture("2026-01-05T15:00:00Z");
    let source = exchange.resolve("AAPL").unwrap();
    let symbol: Arc<str> = "AAPL".into();
    let trade = TradeEvent::at(&exchange, &symbol, &source, exchange.clock.now(), 1).unwrap();
    let summary = SummaryEvent::at(&exchange, &symbol, &source, exchange.clock.now(), 0).unwrap();
    assert_eq!(trade.price, summary.bar.close);
    assert!(!trade.extended_hours && summary.open);
    assert!((trade.price - trade.change - summary.previous.close).abs() < 0.006);
}

#[test]
fn a_sale_is_at_the_bid_or_the_ask_and_the_same_every_time() {
    let exchange = fixture("2026-01-05T15:00:00Z");
    let source = exchange.resolve("AAPL").unwrap();
    let now = exchange.clock.now();
    let sale = |count| TimeAndSaleEvent::at(&exchange, &"AAPL".into(), &source, now, count).unwrap();
    for count in 0..200 {
        let one = sale(count);
        assert_eq!(one, sale(count));
        assert_eq!(one.price(), if one.buys { one.quote.ask } else { one.quote.bid });
        assert!(one.size > 0.0 && !one.spread_leg && !one.extended_hours);
    }
    assert!((0..200).any(|count| sale(count).buys) && (0..200).any(|count| !sale(count).buys));
}
