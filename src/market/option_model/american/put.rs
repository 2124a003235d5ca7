//! The value of a put with strike 1, for any price of the underlying.

use super::boundary::{Boundary, Condition};
use super::dynamics::Dynamics;
use super::grid::{WholePoint, grid};
use crate::market::option_model::european;
use crate::market::option_model::inputs::Inputs;
use crate::market::option_model::normal::density_and_cumulative;
use crate::market::symbol::Side;

/// Puts of one set of dynamics.
#[derive(Debug, Clone)]
pub(super) struct Put {
    dynamics: Dynamics,
    boundary: Boundary,
}

/// A price with its slopes by the price of the underlying.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Value {
    pub(super) price: f64,
    pub(super) delta: f64,
    pub(super) gamma: f64,
    /// Whether exercise now is the best.
    pub(super) exercised: bool,
}

/// How far the price at the boundary may be from the exercise's before the boundary is taken for no solution.
const MISMATCH: f64 = 1e-6;

/// How far two levels of the integral may differ for the finer one to be exact enough.
const AGREEMENT: f64 = 1e-9;

impl Put {
    /// The puts of these dynamics; `None` where exercise has no boundary or two, and where it was not found. `near` are
    /// puts of similar dynamics.
    pub(super) fn new(dynamics: Dynamics, near: Option<&Self>) -> Option<Self> {
        if dynamics.is_never_exercised() || dynamics.has_two_boundaries() {
            return None;
        }
        let near = near.map(|near| (Condition::SmoothPasting, Some(&near.boundary)));
        let afresh = [(Condition::SmoothPasting, None), (Condition::ValueMatching, None)];
        near.into_iter().chain(afresh).find_map(|(condition, near)| {
            let put = Self { dynamics, boundary: Boundary::new(&dynamics, condition, near)? };
            put.matches().then_some(put)
        })
    }

    /// Whether the price at the boundary is the exercise's.
    fn matches(&self) -> bool {
        let log = self.boundary.log_now();
        let held = self.held(log.exp());
        held.is_some_and(|held| (held.price - (1.0 - log.exp())).abs() < MISMATCH)
    }

    /// The value at a price of the underlying.
    pub(super) fn value(&self, spot: f64) -> Option<Value> {
        if spot.ln() <= self.boundary.log_now() {
            return Some(Value { price: 1.0 - spot, delta: -1.0, gamma: 0.0, exercised: true });
        }
        let held = self.held(spot)?;
        Some(Value { price: held.price.max(1.0 - spot), ..held })
    }

    fn european(&self, spot: f64) -> Option<Value> {
        let Dynamics { rate, dividend_yield, volatility, years } = self.dynamics;
        let inputs = Inputs { underlying: spot, strike: 1.0, years, rate, dividend_yield, volatility };
        let value = european::sensitivities(Side::Put, &inputs)?;
        Some(Value { price: value.price, delta: value.delta, gamma: value.gamma, exercised: false })
    }

    /// The value of holding on: the European put's, and the interest on the strike less the dividends for as long as
    /// the underlying is below the boundary.
    fn held(&self, spot: f64) -> Option<Value> {
        let european = self.european(spot)?;
        let mut premium = Value::default();
        for (place, level) in grid().levels.iter().enumerate() {
            let before = premium;
            premium = before.scaled(if place == 0 { 0.0 } else { 0.5 });
            level.iter().for_each(|whole| premium.add(&self.gained(spot, whole)));
            let (price, delta) = ((premium.price - before.price).abs(), (premium.delta - before.delta).abs());
            let gamma = (premium.gamma - before.gamma).abs() * spot;
            if place > 1 && price.max(delta).max(gamma) < AGREEMENT {
                break;
            }
        }
        premium.price = premium.price.max(0.0);
        premium.add(&european);
        Some(premium)
    }

    /// What a point of the integral adds.
    fn gained(&self, spot: f64, whole: &WholePoint) -> Value {
        let Dynamics { rate, dividend_yield, years, .. } = self.dynamics;
        let point = &whole.point;
        let passed = years * point.sine * point.sine;
        let deviation = self.dynamics.deviation() * point.sine;
        let d1 = self.dynamics.d1(spot.ln() - self.boundary.log_at(&whole.interpolation), point.sine);
        let d2 = d1 - deviation;
        let (share_density, share_below) = density_and_cumulative(-d1);
        let (strike_density, strike_below) = density_and_cumulative(-d2);
        let interest = point.weight * years * rate * (-rate * passed).exp();
        let dividends = point.weight * years * dividend_yield * (-dividend_yield * passed).exp();
        let (by_strike, by_share) = (interest * strike_density / deviation, dividends * share_density / deviation);
        Value {
            price: interest * strike_below - dividends * spot * share_below,
            delta: by_share - dividends * share_below - by_strike / spot,
            gamma: (by_strike / spot * (1.0 + d2 / deviation) + by_share * (1.0 - d1 / deviation)) / spot,
            exercised: false,
        }
    }

    /// Price change per year that passes, by the equation that every price follows while the option is held.
    pub(super) fn theta(&self, spot: f64, value: &Value) -> f64 {
        let Dynamics { rate, volatility, .. } = self.dynamics;
        let spread = 0.5 * volatility * volatility * spot * spot * value.gamma;
        if value.exercised { 0.0 } else { rate * value.price - self.dynamics.drift() * spot * value.delta - spread }
    }
}

impl Value {
    fn scaled(&self, factor: f64) -> Self {
        Self { price: self.price * factor, delta: self.delta * factor, gamma: self.gamma * factor, ..*self }
    }

    fn add(&mut self, other: &Self) {
        self.price += other.price;
        self.delta += other.delta;
        self.gamma += other.gamma;
    }
}
