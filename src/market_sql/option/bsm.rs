//! `bsm_*`: European options on shares by Black-Scholes-Merton.

use super::arguments::{GREEKS, function, greeks, numbers, resolved};
use crate::dialect::moment::function::Call;
use crate::market::option_model::european;
use crate::market::option_model::higher_order::{charm, color, speed, ultima, vanna, vomma, zomma};
use crate::market::option_model::inputs::{Inputs, Sensitivities};
use crate::market::symbol::Side;
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::ScalarUDF;

/// A function of kind, spot, strike, ttm, rate, vol and dividend_yield, which may be left out.
macro_rules! bsm {
    ($name:literal, $doc:literal, $value:expr) => {
        function($name, $doc, |given| resolved(given, 5..=6, DataType::Float64), |call| of_terms(call, $value))
    };
}

/// One of the sensitivities.
macro_rules! bsm_greek {
    ($name:literal, $doc:literal, $field:ident) => {
        bsm!($name, $doc, |side, inputs| {
            european::sensitivities(side, inputs).map(|Sensitivities { $field, .. }| $field)
        })
    };
}

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        bsm!("bsm_price", "The price of a European option by Black-Scholes-Merton.", european::price),
        function(
            "bsm_greeks",
            "Delta, gamma, vega, theta and rho of a European option by Black-Scholes-Merton.",
            |given| resolved(given, 5..=6, GREEKS.clone()),
            |call| greeks(call, |side, terms| Ok(european::sensitivities(side, &inputs(terms)))),
        ),
        function(
            "bsm_implied_vol",
            "The volatility at which a European option has a price by Black-Scholes-Merton.",
            |given| resolved(given, 5..=6, DataType::Float64),
            |call| {
                numbers(call, |side, [price, underlying, strike, years, rate, dividend_yield]| {
                    let inputs = Inputs { underlying, strike, years, rate, dividend_yield, volatility: 0.0 };
                    Ok(european::implied_volatility(side, price, &inputs))
                })
            },
        ),
        bsm_greek!("bsm_delta", "Price change of a European option per unit of the underlying.", delta),
        bsm_greek!("bsm_gamma", "Delta change of a European option per unit of the underlying.", gamma),
        bsm_greek!("bsm_vega", "Price change of a European option per 1 % of volatility.", vega),
        bsm_greek!("bsm_theta", "Price change of a European option per calendar day that passes.", theta),
        bsm_greek!("bsm_rho", "Price change of a European option per 1 % of the rate.", rho),
        bsm!("bsm_vanna", "Delta change of a European option per 1 % of volatility.", vanna),
        bsm!("bsm_vomma", "Vega change of a European option per 1 % of volatility.", vomma),
        bsm!("bsm_charm", "Delta change of a European option per calendar day that passes.", charm),
        bsm!("bsm_speed", "Gamma change of a European option per unit of the underlying.", speed),
        bsm!("bsm_zomma", "Gamma change of a European option per 1 % of volatility.", zomma),
        bsm!("bsm_color", "Gamma change of a European option per calendar day that passes.", color),
        bsm!("bsm_ultima", "Vomma change of a European option per 1 % of volatility.", ultima),
    ]
}

/// The terms of a row as the model takes them.
fn inputs([underlying, strike, years, rate, volatility, dividend_yield]: [f64; 6]) -> Inputs {
    Inputs { underlying, strike, years, rate, dividend_yield, volatility }
}

fn of_terms(call: &Call<'_>, value: fn(Side, &Inputs) -> Option<f64>) -> Result<ArrayRef> {
    numbers(call, |side, terms| Ok(value(side, &inputs(terms))))
}
