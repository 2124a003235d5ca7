//! The views over option chains, over a chain whose volatility, rate and forward are known.
#![allow(clippy::unwrap_used)]

use super::tests::{query, quote, session};
use crate::live::Live;
use crate::market::event::Quote;
use crate::market::option_model::european;
use crate::market::option_model::inputs::Inputs;
use crate::market::symbol::Side;
use chrono::{DateTime, Duration, Utc};
use datafusion::prelude::SessionContext;

const VOLATILITY: f64 = 0.2;
const RATE: f64 = 0.03;

/// Days until the expirations of the chain.
const DAYS: [i64; 2] = [20, 48];
/// Strikes between these have bids; beyond them are several that nobody bids for.
const QUOTED: std::ops::RangeInclusive<i64> = 70..=140;

/// Name of an option in the chain.
fn name(days: i64, side: Side, strike: i64) -> String {
    format!(".U{days}{}{strike}", side.letter())
}

fn options() -> impl Iterator<Item = (i64, Side, i64)> {
    let strikes = |days| (50..=160).step_by(2).map(move |strike| (days, strike));
    DAYS.into_iter()
        .flat_map(strikes)
        .flat_map(|(days, strike)| [(days, Side::Call, strike), (days, Side::Put, strike)])
}

/// The chain as rows of `option_chains`.
fn listed(now: DateTime<Utc>) -> String {
    let rows = options().map(|(days, side, strike)| {
        let (expiration, symbol) = ((now + Duration::days(days)).date_naive(), name(days, side, strike));
        let side = if side == Side::Call { "call" } else { "put" };
        format!("('{expiration}', {strike}.0, '{side}', '{symbol}')")
    });
    format!(
        "SELECT 'U' AS underlying, CAST(expiration AS date) AS expiration, strike, side, symbol, symbol AS streamer_symbol,
                'U' AS root, 'PM' AS settlement, 100 AS shares_per_contract
         FROM (VALUES {}) AS listed (expiration, strike, side, symbol)",
        rows.collect::<Vec<_>>().join(", ")
    )
}

/// A session with the chain, each option quoted closely around what it is worth.
async fn chain(live: &Live) -> SessionContext {
    let now = Utc::now();
    let context = session(live, &[("option_chains", &listed(now))]).await;
    let mut quotes = vec![Quote { received_at: now, ..quote("U", 99.99, 100.01) }];
    let sql = "SELECT DISTINCT year_fraction(now(), settles_at, 'minutes') AS ttm FROM chain_quotes ORDER BY ttm";
    let years: Vec<f64> = query(&context, sql).await.iter().map(|years| years.parse().unwrap()).collect();
    for (days, side, strike) in options() {
        let inputs = Inputs {
            underlying: 100.0,
            strike: strike as f64,
            years: years[usize::from(days == DAYS[1])],
            rate: RATE,
            dividend_yield: 0.0,
            volatility: VOLATILITY,
        };
        let price = european::price(side, &inputs).unwrap();
        let bid = if QUOTED.contains(&strike) { price - price.min(1e-3) / 2.0 } else { 0.0 };
        quotes.push(Quote { received_at: now, ..quote(&name(days, side, strike), bid, price + price.min(1e-3) / 2.0) });
    }
    live.book::<Quote>().publish_all(quotes);
    context
}

/// Whether each row of a query is true.
async fn holds(context: &SessionContext, sql: &str) {
    let rows = query(context, sql).await;
    assert!(!rows.is_empty() && rows.iter().all(|row| row == "true"), "{sql}: {rows:?}");
}

#[tokio::test]
async fn a_chain_gives_its_forward_and_its_rate_back() {
    let live = Live::new(1024);
    let context = chain(&live).await;
    let near = "abs(forward - 100 * exp(0.03 * ttm)) < 1e-3 AND abs(rate - 0.03) < 1e-3 AND abs(dividend_yield) < 1e-3";
    holds(&context, &format!("SELECT {near} AND pairs = 10 AND rmse < 1e-6 AND spot = 100 FROM chain_forwards")).await;
    assert_eq!(query(&context, "SELECT count(*) FROM chain_forwards").await, ["2"]);
}

#[tokio::test]
async fn options_have_the_volatility_that_they_were_priced_at() {
    let live = Live::new(1024);
    let context = chain(&live).await;
    let quoted = "strike BETWEEN 90 AND 110";
    holds(&context, &format!("SELECT abs(volatility - 0.2) < 2e-4 FROM chain_greeks WHERE {quoted}")).await;
    let call = "delta BETWEEN 0 AND 1 AND gamma > 0 AND vega > 0 AND theta < 0 AND rho > 0";
    holds(&context, &format!("SELECT {call} FROM chain_greeks WHERE {quoted} AND side = 'call'")).await;
    let age =
        "quote_age < INTERVAL '1 minute' AND spot_age < INTERVAL '1 minute' AND forward_age < INTERVAL '1 minute'";
    holds(&context, &format!("SELECT {age} FROM chain_greeks WHERE {quoted}")).await;
    holds(&context, "SELECT mid IS NULL AND volatility IS NULL AND delta IS NULL FROM chain_greeks WHERE strike < 70")
        .await;
    let flat = "abs(at_the_money - 0.2) < 1e-3 AND abs(put_25 - 0.2) < 1e-3 AND abs(call_10 - 0.2) < 1e-3
                AND abs(risk_reversal_25) < 1e-3 AND abs(butterfly_25) < 1e-3";
    holds(&context, &format!("SELECT {flat} FROM volatility_surface")).await;
}

#[tokio::test]
async fn without_the_spot_there_are_volatilities_and_no_sensitivities() {
    let live = Live::new(1024);
    let context = chain(&live).await;
    live.book::<Quote>().publish(Quote { bid: None, received_at: Utc::now(), ..quote("U", 1.0, 1.0) });
    let sql =
        "SELECT abs(volatility - 0.2) < 2e-4 AND delta IS NULL AND spot IS NULL FROM chain_greeks WHERE strike = 100";
    holds(&context, sql).await;
}

#[tokio::test]
async fn the_strip_has_the_volatility_of_its_options() {
    let live = Live::new(1024);
    let context = chain(&live).await;
    // Strikes are 2 % apart, which adds a part of a point to the volatility.
    let sql = "SELECT abs(value - 20) < 0.5 AND complete AND near_strikes > 20 AND near_expiration < next_expiration
               FROM vix_like";
    holds(&context, sql).await;
    // The strikes beyond are listed and not quoted: what they would add is not known.
    for (days, side, strike) in options().filter(|(_, _, strike)| !QUOTED.contains(strike)) {
        let none =
            Quote { bid: None, ask: None, received_at: Utc::now(), ..quote(&name(days, side, strike), 0.0, 0.0) };
        live.book::<Quote>().publish(none);
    }
    holds(&context, "SELECT NOT complete FROM vix_like").await;
}

#[tokio::test]
async fn parity_is_violated_where_a_quote_is_off() {
    let live = Live::new(1024);
    let context = chain(&live).await;
    assert!(query(&context, "SELECT * FROM put_call_parity").await.is_empty());
    // Far from the money, so that the line through the nearest strikes stays.
    let off = Quote { received_at: Utc::now(), ..quote(&name(DAYS[0], Side::Call, 80), 25.0, 25.1) };
    live.book::<Quote>().publish(off);
    let sql = "SELECT strike, call_bid, violation BETWEEN 4.5 AND 5.5 FROM put_call_parity";
    assert_eq!(query(&context, sql).await, ["80.0 25.0 true"]);
}
