//! What an option model is told, and what it says.

use crate::market::symbol::Side;

/// Calendar days in the year that [`Inputs::years`] counts.
pub const DAYS_PER_YEAR: f64 = 365.0;

/// What the model is told about one option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inputs {
    /// Price of the underlying; above 0.
    pub underlying: f64,
    /// Strike price; above 0.
    pub strike: f64,
    /// Time to expiration in years; at 0 the option is worth its intrinsic value, below it nothing is known.
    pub years: f64,
    /// Continuously compounded risk-free rate, ratio per year.
    pub rate: f64,
    /// Continuously compounded dividend yield, ratio per year.
    pub dividend_yield: f64,
    /// Volatility, annualised ratio; not below 0.
    pub volatility: f64,
}

/// A model price and its sensitivities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensitivities {
    /// Price in currency units.
    pub price: f64,
    /// Price change per unit of the underlying.
    pub delta: f64,
    /// Delta change per unit of the underlying.
    pub gamma: f64,
    /// Price change per calendar day that passes.
    pub theta: f64,
    /// Price change per 1 % (0.01) of volatility.
    pub vega: f64,
    /// Price change per 1 % (0.01) of interest rate.
    pub rho: f64,
}

impl Sensitivities {
    /// These, where all of them are numbers.
    pub(super) fn finite(self) -> Option<Self> {
        let Self { price, delta, gamma, theta, vega, rho } = self;
        [price, delta, gamma, theta, vega, rho].iter().all(|value| value.is_finite()).then_some(self)
    }
}

impl Inputs {
    /// Whether the model has a value for these: finite, prices above 0, time and volatility not below 0.
    pub fn valid(&self) -> bool {
        let Self { underlying, strike, years, rate, dividend_yield, volatility } = *self;
        let finite =
            [underlying, strike, years, rate, dividend_yield, volatility].iter().all(|value| value.is_finite());
        finite && underlying > 0.0 && strike > 0.0 && years >= 0.0 && volatility >= 0.0
    }

    /// Volatility over the remaining life.
    pub(super) fn deviation(&self) -> f64 {
        self.volatility * self.years.sqrt()
    }

    /// What one unit of money at expiration is worth now.
    pub(super) fn discount(&self) -> f64 {
        (-self.rate * self.years).exp()
    }

    /// What one share delivered at expiration is worth now, in shares.
    pub(super) fn dividend_discount(&self) -> f64 {
        (-self.dividend_yield * self.years).exp()
    }

    /// `d1` and `d2` of the formula; infinite when nothing is left to happen, `None` where that is at the money.
    pub(super) fn moneyness(&self) -> Option<(f64, f64)> {
        let deviation = self.deviation();
        let drift = (self.underlying / self.strike).ln() + (self.rate - self.dividend_yield) * self.years;
        if deviation > 0.0 {
            let d1 = drift / deviation + deviation / 2.0;
            return Some((d1, d1 - deviation));
        }
        let certain = f64::INFINITY.copysign(drift);
        (drift != 0.0).then_some((certain, certain))
    }
}

/// 1 for a call, -1 for a put.
pub(super) fn sign(side: Side) -> f64 {
    match side {
        Side::Call => 1.0,
        Side::Put => -1.0,
    }
}
