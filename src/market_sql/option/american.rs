//! `american_*`: American options on shares, exactly. A value takes up to some milliseconds, so each row looks whether
//! the statement goes on.

use super::arguments::{GREEKS, function, greeks, numbers, resolved};
use crate::dialect::abandoned;
use crate::market::option_model::american::{Pricer, implied_volatility};
use crate::market::option_model::inputs::Inputs;
use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        function(
            "american_price",
            "The price of an American option under the assumptions of Black, Scholes and Merton.",
            |given| resolved(given, 5..=6, DataType::Float64),
            |call| {
                let mut pricer = Pricer::default();
                numbers(call, |side, terms| {
                    abandoned::check()?;
                    Ok(pricer.price(side, &inputs(terms)))
                })
            },
        ),
        function(
            "american_greeks",
            "Delta, gamma, vega, theta and rho of an American option.",
            |given| resolved(given, 5..=6, GREEKS.clone()),
            |call| {
                let mut pricer = Pricer::default();
                greeks(call, |side, terms| {
                    abandoned::check()?;
                    Ok(pricer.sensitivities(side, &inputs(terms)))
                })
            },
        ),
        function(
            "american_implied_vol",
            "The volatility at which an American option has a price.",
            |given| resolved(given, 5..=6, DataType::Float64),
            |call| {
                numbers(call, |side, [price, underlying, strike, years, rate, dividend_yield]| {
                    abandoned::check()?;
                    let inputs = Inputs { underlying, strike, years, rate, dividend_yield, volatility: 0.0 };
                    Ok(implied_volatility(side, price, &inputs))
                })
            },
        ),
    ]
}

/// The terms of a row as the model takes them.
fn inputs([underlying, strike, years, rate, volatility, dividend_yield]: [f64; 6]) -> Inputs {
    Inputs { underlying, strike, years, rate, dividend_yield, volatility }
}
