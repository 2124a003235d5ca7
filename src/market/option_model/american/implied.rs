//! The volatility that the price of an American option implies.

use super::pricer::{Mirrored, Pricer};
use super::root::between;
use crate::market::option_model::european;
use crate::market::option_model::inputs::Inputs;
use crate::market::symbol::Side;

/// Relative precision of the volatility that is looked for; the price's own is about that.
const PRECISION: f64 = 1e-12;

/// Volatility over the whole life above which none is looked for; prices there are within a digit of their bound.
const HIGHEST_DEVIATION: f64 = 15.0;

/// The volatility at which the model gives `price`; [`Inputs::volatility`] is ignored.
///
/// `None` when none does: the price is not above that of exercise now, or of exercise at the best time without
/// volatility; it is not below what any volatility gives; the option has expired; or it has no model price.
pub fn implied_volatility(side: Side, price: f64, inputs: &Inputs) -> Option<f64> {
    let least = Pricer::default().price(side, &Inputs { volatility: 0.0, ..*inputs })?;
    if inputs.years <= 0.0 || !price.is_finite() || price - least <= 4.0 * f64::EPSILON * price.max(0.0) {
        return None;
    }
    let as_european = european::implied_volatility(side, price, inputs);
    if Mirrored::of(side, inputs).dynamics.is_never_exercised() {
        return as_european;
    }
    let root = inputs.years.sqrt();
    // The right to exercise early is worth something, so less volatility does.
    let high = as_european.unwrap_or(HIGHEST_DEVIATION / root).min(HIGHEST_DEVIATION / root);
    search(side, price, inputs, high)
}

/// The volatility at or below `high`.
fn search(side: Side, price: f64, inputs: &Inputs, high: f64) -> Option<f64> {
    let excess = |volatility: f64| Some(Pricer::default().price(side, &Inputs { volatility, ..*inputs })? - price);
    let mut above = (high, excess(high)?);
    // At the European's volatility the price may fall short by its last digits.
    if above.1 <= 0.0 {
        return (above.1 > -1e-12 * price).then_some(high);
    }
    loop {
        let low = above.0 / 2.0;
        let below = (low, excess(low)?);
        if below.1 <= 0.0 {
            return between(above, below, PRECISION, excess);
        }
        above = below;
    }
}
