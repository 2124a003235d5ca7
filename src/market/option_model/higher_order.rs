//! Sensitivities of the sensitivities of European options, in the units of
//! [`Sensitivities`](super::inputs::Sensitivities): per calendar day that passes, per 1 % of volatility.

use super::inputs::{DAYS_PER_YEAR, Inputs, sign};
use super::normal::{cumulative, density};
use crate::market::symbol::Side;

/// What one formula needs of an option.
struct Terms {
    inputs: Inputs,
    sign: f64,
    d1: f64,
    d2: f64,
    /// Volatility over the remaining life.
    deviation: f64,
    /// Density at `d1`, discounted by the dividends.
    density: f64,
    gamma: f64,
    /// Price change per unit of volatility.
    vega: f64,
}

/// The value of a formula; `None` for inputs that have none, and without time or volatility left.
fn of(side: Side, inputs: &Inputs, formula: impl Fn(&Terms) -> f64) -> Option<f64> {
    let deviation = inputs.deviation();
    if !inputs.valid() || deviation <= 0.0 {
        return None;
    }
    let (d1, d2) = inputs.moneyness()?;
    let density = inputs.dividend_discount() * density(d1);
    let gamma = density / (inputs.underlying * deviation);
    let vega = inputs.underlying * density * inputs.years.sqrt();
    let value = formula(&Terms { inputs: *inputs, sign: sign(side), d1, d2, deviation, density, gamma, vega });
    value.is_finite().then_some(value)
}

impl Terms {
    /// How fast `d1` changes with the time to expiration, times the deviation.
    fn drift(&self) -> f64 {
        let Inputs { rate, dividend_yield, years, .. } = self.inputs;
        (rate - dividend_yield) - self.d2 * self.deviation / (2.0 * years)
    }
}

/// Delta change per 1 % of volatility, which is the vega change per unit of the underlying.
pub fn vanna(side: Side, inputs: &Inputs) -> Option<f64> {
    of(side, inputs, |terms| -terms.density * terms.d2 / terms.inputs.volatility / 100.0)
}

/// Vega change per 1 % of volatility.
pub fn vomma(side: Side, inputs: &Inputs) -> Option<f64> {
    of(side, inputs, |terms| terms.vega * terms.d1 * terms.d2 / terms.inputs.volatility / 1e4)
}

/// Delta change per calendar day that passes.
pub fn charm(side: Side, inputs: &Inputs) -> Option<f64> {
    of(side, inputs, |terms| {
        let Inputs { dividend_yield, .. } = terms.inputs;
        let held = terms.sign * terms.inputs.dividend_discount() * cumulative(terms.sign * terms.d1);
        (dividend_yield * held - terms.density * terms.drift() / terms.deviation) / DAYS_PER_YEAR
    })
}

/// Gamma change per unit of the underlying.
pub fn speed(side: Side, inputs: &Inputs) -> Option<f64> {
    of(side, inputs, |terms| -terms.gamma / terms.inputs.underlying * (terms.d1 / terms.deviation + 1.0))
}

/// Gamma change per 1 % of volatility.
pub fn zomma(side: Side, inputs: &Inputs) -> Option<f64> {
    of(side, inputs, |terms| terms.gamma * (terms.d1 * terms.d2 - 1.0) / terms.inputs.volatility / 100.0)
}

/// Gamma change per calendar day that passes.
pub fn color(side: Side, inputs: &Inputs) -> Option<f64> {
    of(side, inputs, |terms| {
        let Inputs { dividend_yield, years, .. } = terms.inputs;
        let growth = dividend_yield + 0.5 / years + terms.d1 * terms.drift() / terms.deviation;
        terms.gamma * growth / DAYS_PER_YEAR
    })
}

/// Vomma change per 1 % of volatility.
pub fn ultima(side: Side, inputs: &Inputs) -> Option<f64> {
    of(side, inputs, |terms| {
        let (d1, d2, volatility) = (terms.d1, terms.d2, terms.inputs.volatility);
        let product = d1 * d2;
        -terms.vega / (volatility * volatility) * (product * (1.0 - product) + d1 * d1 + d2 * d2) / 1e6
    })
}
