//! Prices and sensitivities of American options.

use super::dynamics::Dynamics;
use super::put::Put;
use crate::market::option_model::european;
use crate::market::option_model::inputs::{DAYS_PER_YEAR, Inputs, Sensitivities, sign};
use crate::market::symbol::Side;

/// Prices American options. It keeps the boundary of the last one, which options of other strikes share.
#[derive(Debug, Default)]
pub struct Pricer {
    last: Option<(Dynamics, Option<Put>)>,
}

/// A part of the volatility, by whose change its slope is measured.
const VOLATILITY_STEP: f64 = 4e-3;

/// A change of the rate, by which its slope is measured.
const RATE_STEP: f64 = 1e-4;

impl Pricer {
    /// Model price; `None` for inputs that have none ([`Inputs::valid`]), and where exercise has two boundaries: for a
    /// put `dividend_yield < rate < 0`, for a call `rate < dividend_yield < 0`.
    pub fn price(&mut self, side: Side, inputs: &Inputs) -> Option<f64> {
        self.near(side, inputs, None).filter(|price| price.is_finite())
    }

    /// Price and sensitivities; `None` where there is no price, no volatility, and where the price has a corner: at the
    /// money with no time left.
    pub fn sensitivities(&mut self, side: Side, inputs: &Inputs) -> Option<Sensitivities> {
        let option = Mirrored::of(side, inputs);
        if inputs.years == 0.0 || option.dynamics.is_never_exercised() {
            return european::sensitivities(side, inputs);
        }
        let price = self.price(side, inputs).filter(|_| inputs.deviation() > 0.0)?;
        let put = self.put(option.dynamics)?.clone();
        let value = put.value(option.spot)?;
        if value.exercised {
            let delta = sign(side);
            return Some(Sensitivities { price, delta, gamma: 0.0, theta: 0.0, vega: 0.0, rho: 0.0 });
        }
        let (delta, gamma) = match side {
            Side::Put => (value.delta, value.gamma / inputs.strike),
            Side::Call => {
                (value.price - option.spot * value.delta, value.gamma * option.spot * option.spot / inputs.underlying)
            }
        };
        let theta = option.unit * put.theta(option.spot, &value);
        let vega = slope(inputs.volatility * VOLATILITY_STEP, |change| {
            let volatility = inputs.volatility + change;
            Self::default().near(side, &Inputs { volatility, ..*inputs }, Some(&put))
        })?;
        let rho = slope(RATE_STEP, |change| {
            let rate = inputs.rate + change;
            Self::default().near(side, &Inputs { rate, ..*inputs }, Some(&put))
        })?;
        Sensitivities { price, delta, gamma, theta: theta / DAYS_PER_YEAR, vega: vega / 100.0, rho: rho / 100.0 }
            .finite()
    }

    /// The price, where `near` are puts of similar dynamics.
    fn near(&mut self, side: Side, inputs: &Inputs, near: Option<&Put>) -> Option<f64> {
        if !inputs.valid() {
            return None;
        }
        let option = Mirrored::of(side, inputs);
        if option.dynamics.is_never_exercised() {
            return european::price(side, inputs);
        }
        let exercise = sign(side) * (inputs.underlying - inputs.strike);
        if inputs.deviation() <= 0.0 {
            return Some((option.unit * certain(&option.dynamics, option.spot)).max(exercise));
        }
        if self.last.as_ref().is_none_or(|(dynamics, _)| *dynamics != option.dynamics) {
            self.last = Some((option.dynamics, Put::new(option.dynamics, near)));
        }
        Some((option.unit * self.put(option.dynamics)?.value(option.spot)?.price).max(exercise))
    }

    /// The put that was made last, where it is of these dynamics.
    fn put(&self, dynamics: Dynamics) -> Option<&Put> {
        self.last.as_ref().filter(|(last, _)| *last == dynamics)?.1.as_ref()
    }
}

/// An option as a number of puts with strike 1.
pub(super) struct Mirrored {
    pub(super) dynamics: Dynamics,
    /// Price of the underlying of such a put.
    spot: f64,
    /// How many of them the option is.
    unit: f64,
}

impl Mirrored {
    pub(super) fn of(side: Side, inputs: &Inputs) -> Self {
        let Inputs { underlying, strike, years, rate, dividend_yield, volatility } = *inputs;
        match side {
            Side::Put => Self {
                dynamics: Dynamics { rate, dividend_yield, volatility, years },
                spot: underlying / strike,
                unit: strike,
            },
            Side::Call => Self {
                dynamics: Dynamics { rate: dividend_yield, dividend_yield: rate, volatility, years },
                spot: strike / underlying,
                unit: underlying,
            },
        }
    }
}

/// The value of a put with strike 1 when nothing is uncertain: that of exercise at the best moment, or of none.
fn certain(dynamics: &Dynamics, spot: f64) -> f64 {
    let Dynamics { rate, dividend_yield, years, .. } = *dynamics;
    let exercised = |at: f64| (-rate * at).exp() - spot * (-dividend_yield * at).exp();
    // Where the interest on the strike is what the dividends are.
    let between = (dividend_yield * spot / rate).ln() / (dividend_yield - rate);
    let between = if between > 0.0 && between < years { exercised(between) } else { 0.0 };
    exercised(0.0).max(exercised(years)).max(between).max(0.0)
}

/// The slope of a function at 0 by four points about it, or by three from it on where those below have no value.
fn slope(step: f64, value: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let (near, far) = (value(step)?, value(2.0 * step)?);
    match (value(-step), value(-2.0 * step)) {
        (Some(below), Some(far_below)) => Some((8.0 * (near - below) - (far - far_below)) / (12.0 * step)),
        _ => Some((4.0 * near - far - 3.0 * value(0.0)?) / (2.0 * step)),
    }
}
