//! European option values by Black-Scholes-Merton: price, sensitivities, implied volatility.
//!
//! Rates, yields and volatilities are ratios per year (0.25 = 25 %), times are years of 365 days.

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
    /// Time to expiration in years; at or below 0 the option is worth its intrinsic value.
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

impl Inputs {
    /// Whether the model has a value for these: finite, prices above 0, volatility not below 0.
    pub fn valid(&self) -> bool {
        let finite = [self.underlying, self.strike, self.years, self.rate, self.dividend_yield, self.volatility]
            .iter()
            .all(|value| value.is_finite());
        finite && self.underlying > 0.0 && self.strike > 0.0 && self.volatility >= 0.0
    }

    /// Volatility over the remaining life.
    fn deviation(&self) -> f64 {
        self.volatility * self.years.max(0.0).sqrt()
    }

    fn discount(&self) -> f64 {
        libm::exp(-self.rate * self.years.max(0.0))
    }

    fn dividend_discount(&self) -> f64 {
        libm::exp(-self.dividend_yield * self.years.max(0.0))
    }

    /// `d1` and `d2` of the formula; infinite when nothing is left to happen.
    fn moneyness(&self) -> (f64, f64) {
        let deviation = self.deviation();
        let years = self.years.max(0.0);
        let drift = libm::log(self.underlying / self.strike) + (self.rate - self.dividend_yield) * years;
        if deviation <= 0.0 {
            let certain = if drift >= 0.0 { f64::INFINITY } else { f64::NEG_INFINITY };
            return (certain, certain);
        }
        let d1 = drift / deviation + deviation / 2.0;
        (d1, d1 - deviation)
    }
}

/// Model price, or `None` for inputs that have none ([`Inputs::valid`]).
pub fn price(side: Side, inputs: &Inputs) -> Option<f64> {
    inputs.valid().then(|| {
        let sign = sign(side);
        let (d1, d2) = inputs.moneyness();
        let forward = inputs.underlying * inputs.dividend_discount() * normal_cumulative(sign * d1);
        let paid = inputs.strike * inputs.discount() * normal_cumulative(sign * d2);
        (sign * (forward - paid)).max(0.0)
    })
}

/// Price and sensitivities, or `None` for inputs that have none ([`Inputs::valid`]).
/// At expiration (or with zero volatility) gamma, theta and vega are 0.
pub fn sensitivities(side: Side, inputs: &Inputs) -> Option<Sensitivities> {
    let price = price(side, inputs)?;
    let sign = sign(side);
    let (d1, d2) = inputs.moneyness();
    let dividend_discount = inputs.dividend_discount();
    let delta = sign * dividend_discount * normal_cumulative(sign * d1);
    let deviation = inputs.deviation();
    if deviation <= 0.0 {
        return Some(Sensitivities { price, delta, gamma: 0.0, theta: 0.0, vega: 0.0, rho: 0.0 });
    }
    let density = dividend_discount * normal_density(d1);
    let paid = inputs.strike * inputs.discount() * normal_cumulative(sign * d2);
    let decay = -inputs.underlying * density * inputs.volatility / (2.0 * inputs.years.sqrt());
    let carry = inputs.dividend_yield * inputs.underlying * delta - sign * inputs.rate * paid;
    Some(Sensitivities {
        price,
        delta,
        gamma: density / (inputs.underlying * deviation),
        theta: (decay + carry) / DAYS_PER_YEAR,
        vega: inputs.underlying * density * inputs.years.sqrt() / 100.0,
        rho: sign * paid * inputs.years / 100.0,
    })
}

/// The volatility at which the model gives `price`; [`Inputs::volatility`] is ignored.
///
/// `None` when no volatility up to 1000 % does: the price is below the intrinsic or above the possible value, or the
/// option has expired.
pub fn implied_volatility(side: Side, target: f64, inputs: &Inputs) -> Option<f64> {
    let model = |volatility: f64| price(side, &Inputs { volatility, ..*inputs });
    let (mut low, mut high) = (1e-6, 10.0);
    if inputs.years <= 0.0 || !target.is_finite() || target <= model(low)? || target >= model(high)? {
        return None;
    }
    // The price rises with volatility, so halving always converges; 60 halvings reach the last bit.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if model(middle)? < target {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some((low + high) / 2.0)
}

/// Density of the standard normal distribution at `x`.
pub fn normal_density(x: f64) -> f64 {
    libm::exp(-x * x / 2.0) / (2.0 * std::f64::consts::PI).sqrt()
}

/// Probability that a standard normal variable is at most `x`.
pub fn normal_cumulative(x: f64) -> f64 {
    libm::erfc(-x / std::f64::consts::SQRT_2) / 2.0
}

fn sign(side: Side) -> f64 {
    match side {
        Side::Call => 1.0,
        Side::Put => -1.0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const INPUTS: Inputs =
        Inputs { underlying: 100.0, strike: 105.0, years: 0.5, rate: 0.05, dividend_yield: 0.02, volatility: 0.25 };

    #[track_caller]
    fn near(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() <= tolerance, "{value} is not {expected}");
    }

    /// Hull's example: S=42, K=40, r=10 %, sigma=20 %, half a year.
    #[test]
    fn the_textbook_example_holds() {
        let inputs =
            Inputs { underlying: 42.0, strike: 40.0, years: 0.5, rate: 0.1, dividend_yield: 0.0, volatility: 0.2 };
        near(price(Side::Call, &inputs).unwrap(), 4.7594, 1e-4);
        near(price(Side::Put, &inputs).unwrap(), 0.8086, 1e-4);
    }

    #[test]
    fn call_and_put_are_at_parity() {
        let parity = INPUTS.underlying * INPUTS.dividend_discount() - INPUTS.strike * INPUTS.discount();
        near(price(Side::Call, &INPUTS).unwrap() - price(Side::Put, &INPUTS).unwrap(), parity, 1e-10);
    }

    #[test]
    fn sensitivities_are_the_slopes_of_the_price() {
        for side in [Side::Call, Side::Put] {
            let slope = |shift: &dyn Fn(&mut Inputs, f64), step: f64| {
                let (mut up, mut down) = (INPUTS, INPUTS);
                shift(&mut up, step);
                shift(&mut down, -step);
                (price(side, &up).unwrap() - price(side, &down).unwrap()) / (2.0 * step)
            };
            let greeks = sensitivities(side, &INPUTS).unwrap();
            near(greeks.delta, slope(&|inputs, step| inputs.underlying += step, 1e-4), 1e-6);
            near(greeks.vega * 100.0, slope(&|inputs, step| inputs.volatility += step, 1e-5), 1e-5);
            near(greeks.rho * 100.0, slope(&|inputs, step| inputs.rate += step, 1e-5), 1e-5);
            near(greeks.theta * DAYS_PER_YEAR, -slope(&|inputs, step| inputs.years += step, 1e-5), 1e-5);
            let (mut up, mut down) = (INPUTS, INPUTS);
            up.underlying += 1e-3;
            down.underlying -= 1e-3;
            let change = sensitivities(side, &up).unwrap().delta - sensitivities(side, &down).unwrap().delta;
            near(greeks.gamma, change / 2e-3, 1e-6);
        }
    }

    #[test]
    fn implied_volatility_is_the_inverse_of_price() {
        for volatility in [0.05, 0.25, 1.5] {
            for side in [Side::Call, Side::Put] {
                let inputs = Inputs { volatility, ..INPUTS };
                let found = implied_volatility(side, price(side, &inputs).unwrap(), &inputs).unwrap();
                near(found, volatility, 1e-8);
            }
        }
    }

    #[test]
    fn what_has_no_volatility_has_none() {
        assert_eq!(implied_volatility(Side::Call, 0.0, &INPUTS), None);
        assert_eq!(implied_volatility(Side::Call, 101.0, &INPUTS), None);
        assert_eq!(implied_volatility(Side::Call, f64::NAN, &INPUTS), None);
        assert_eq!(implied_volatility(Side::Call, 1.0, &Inputs { years: 0.0, ..INPUTS }), None);
    }

    #[test]
    fn an_expired_option_is_worth_its_intrinsic_value() {
        let inputs = Inputs { years: 0.0, ..INPUTS };
        assert_eq!(price(Side::Call, &inputs), Some(0.0));
        assert_eq!(price(Side::Put, &inputs), Some(5.0));
        assert_eq!(sensitivities(Side::Put, &inputs).unwrap().delta, -1.0);
        assert_eq!(price(Side::Put, &Inputs { underlying: 0.0, ..INPUTS }), None);
    }
}
