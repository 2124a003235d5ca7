//! `black76_*`: European options on futures by Black-76.

use super::arguments::{GREEKS, function, greeks, numbers, resolved};
use crate::market::option_model::inputs::Inputs;
use crate::market::option_model::{european, future};
use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        function(
            "black76_price",
            "The price of a European option on a future by Black-76.",
            |given| resolved(given, 5..=5, DataType::Float64),
            |call| numbers(call, |side, terms| Ok(european::price(side, &inputs(terms)))),
        ),
        function(
            "black76_greeks",
            "Delta, gamma, vega, theta and rho of a European option on a future by Black-76.",
            |given| resolved(given, 5..=5, GREEKS.clone()),
            |call| greeks(call, |side, terms| Ok(future::sensitivities(side, &inputs(terms)))),
        ),
        function(
            "black76_implied_vol",
            "The volatility at which a European option on a future has a price by Black-76.",
            |given| resolved(given, 5..=5, DataType::Float64),
            |call| {
                numbers(call, |side, [price, forward, strike, years, rate]| {
                    Ok(european::implied_volatility(side, price, &inputs([forward, strike, years, rate, 0.0])))
                })
            },
        ),
    ]
}

/// The terms of a row as the model takes them.
fn inputs([underlying, strike, years, rate, volatility]: [f64; 5]) -> Inputs {
    future::carried(&Inputs { underlying, strike, years, rate, dividend_yield: 0.0, volatility })
}
