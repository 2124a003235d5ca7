//! European options on shares by Black-Scholes-Merton: price, sensitivities, implied volatility.

use super::inputs::{DAYS_PER_YEAR, Inputs, Sensitivities, sign};
use super::normal::{cumulative, density};
use crate::market::symbol::Side;
use implied_vol::{DefaultSpecialFn, ImpliedBlackVolatility, PriceBlackScholes};

/// Model price, or `None` for inputs that have none ([`Inputs::valid`]).
pub fn price(side: Side, inputs: &Inputs) -> Option<f64> {
    let (forward, strike) = legs(inputs)?;
    let model = PriceBlackScholes::builder().forward(forward).strike(strike).volatility(inputs.volatility);
    let model = model.expiry(inputs.years).is_call(side == Side::Call).build()?;
    Some(model.calculate::<DefaultSpecialFn>()).filter(|price| price.is_finite())
}

/// What the option exchanges, the share and the strike, as they are worth now. In these the price has no discount left.
fn legs(inputs: &Inputs) -> Option<(f64, f64)> {
    let share = inputs.underlying * inputs.dividend_discount();
    let strike = inputs.strike * inputs.discount();
    let held = |leg: f64| leg.is_finite() && leg > 0.0;
    (inputs.valid() && held(share) && held(strike)).then_some((share, strike))
}

/// Price and sensitivities; `None` for inputs that have none ([`Inputs::valid`]), and where the price has a corner: at
/// the money with no time or no volatility left.
pub fn sensitivities(side: Side, inputs: &Inputs) -> Option<Sensitivities> {
    let price = price(side, inputs)?;
    let (d1, d2) = inputs.moneyness()?;
    let sign = sign(side);
    let dividend_discount = inputs.dividend_discount();
    let delta = sign * dividend_discount * cumulative(sign * d1);
    let paid = inputs.strike * inputs.discount() * cumulative(sign * d2);
    let density = dividend_discount * density(d1);
    let carry = inputs.dividend_yield * inputs.underlying * delta - sign * inputs.rate * paid;
    // Nothing is left of gamma, and of what decays, when nothing is left to happen.
    let deviation = inputs.deviation();
    let (gamma, decay) = match deviation > 0.0 {
        true => (
            density / (inputs.underlying * deviation),
            inputs.underlying * density * inputs.volatility / (2.0 * inputs.years.sqrt()),
        ),
        false => (0.0, 0.0),
    };
    let theta = if inputs.years > 0.0 { carry - decay } else { 0.0 };
    let vega = inputs.underlying * density * inputs.years.sqrt();
    let rho = sign * paid * inputs.years;
    Sensitivities { price, delta, gamma, theta: theta / DAYS_PER_YEAR, vega: vega / 100.0, rho: rho / 100.0 }.finite()
}

/// The volatility at which the model gives `price`; [`Inputs::volatility`] is ignored.
///
/// `None` when none does: the price is not above the value without volatility, or not below what any volatility gives,
/// or the option has expired; and when what the price holds above that value is lost in its last digits.
pub fn implied_volatility(side: Side, price: f64, inputs: &Inputs) -> Option<f64> {
    let inputs = Inputs { volatility: 0.0, ..*inputs };
    let (share, strike) = legs(&inputs)?;
    let intrinsic = (sign(side) * (share - strike)).max(0.0);
    if inputs.years <= 0.0 || !price.is_finite() || price - intrinsic <= 4.0 * f64::EPSILON * price.max(0.0) {
        return None;
    }
    let solver = ImpliedBlackVolatility::builder().option_price(price).forward(share).strike(strike);
    let found = solver.expiry(inputs.years).is_call(side == Side::Call).build()?.calculate::<DefaultSpecialFn>();
    found.filter(|volatility| volatility.is_finite() && *volatility > 0.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::market::option_model::future;
    use crate::market::option_model::higher_order::{charm, color, speed, ultima, vanna, vomma, zomma};

    const INPUTS: Inputs =
        Inputs { underlying: 100.0, strike: 105.0, years: 0.5, rate: 0.05, dividend_yield: 0.02, volatility: 0.25 };

    #[track_caller]
    fn near(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() <= tolerance * expected.abs().max(1e-300), "{value} is not {expected}");
    }

    /// A change of the inputs.
    type Shift = fn(&mut Inputs, f64);

    /// The slope of a function of the inputs, by five points.
    fn slope(of: impl Fn(&Inputs) -> f64, shift: Shift, step: f64) -> f64 {
        let at = |steps: f64| {
            let mut inputs = INPUTS;
            shift(&mut inputs, steps * step);
            of(&inputs)
        };
        (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step)
    }

    const SPOT: Shift = |inputs, change| inputs.underlying += change;
    const VOLATILITY: Shift = |inputs, change| inputs.volatility += change / 100.0;
    const RATE: Shift = |inputs, change| inputs.rate += change / 100.0;
    const TIME: Shift = |inputs, change| inputs.years -= change / DAYS_PER_YEAR;

    #[test]
    fn sensitivities_are_slopes_in_their_units() {
        for side in [Side::Call, Side::Put] {
            let greeks = |inputs: &Inputs| sensitivities(side, inputs).unwrap();
            let found = greeks(&INPUTS);
            let price = |inputs: &Inputs| price(side, inputs).unwrap();
            near(found.price, price(&INPUTS), 0.0);
            near(found.delta, slope(price, SPOT, 0.1), 1e-9);
            near(found.gamma, slope(|inputs| greeks(inputs).delta, SPOT, 0.1), 1e-9);
            near(found.vega, slope(price, VOLATILITY, 0.1), 1e-9);
            near(found.rho, slope(price, RATE, 0.1), 1e-9);
            near(found.theta, slope(price, TIME, 0.1), 1e-9);
            near(vanna(side, &INPUTS).unwrap(), slope(|inputs| greeks(inputs).delta, VOLATILITY, 0.1), 1e-8);
            near(vanna(side, &INPUTS).unwrap(), slope(|inputs| greeks(inputs).vega, SPOT, 0.1), 1e-8);
            near(vomma(side, &INPUTS).unwrap(), slope(|inputs| greeks(inputs).vega, VOLATILITY, 0.1), 1e-7);
            near(charm(side, &INPUTS).unwrap(), slope(|inputs| greeks(inputs).delta, TIME, 0.1), 1e-8);
            near(speed(side, &INPUTS).unwrap(), slope(|inputs| greeks(inputs).gamma, SPOT, 0.1), 1e-7);
            near(zomma(side, &INPUTS).unwrap(), slope(|inputs| greeks(inputs).gamma, VOLATILITY, 0.1), 1e-7);
            near(color(side, &INPUTS).unwrap(), slope(|inputs| greeks(inputs).gamma, TIME, 0.1), 1e-7);
            let ultima = ultima(side, &INPUTS).unwrap();
            near(ultima, slope(|inputs| vomma(side, inputs).unwrap(), VOLATILITY, 0.1), 1e-6);
        }
    }

    #[test]
    fn an_option_on_a_future_has_the_slopes_of_its_price() {
        for side in [Side::Call, Side::Put] {
            let price = |inputs: &Inputs| price(side, &future::carried(inputs)).unwrap();
            let found = future::sensitivities(side, &INPUTS).unwrap();
            near(found.delta, slope(price, SPOT, 0.1), 1e-9);
            near(found.vega, slope(price, VOLATILITY, 0.1), 1e-9);
            near(found.theta, slope(price, TIME, 0.1), 1e-9);
            near(found.rho, slope(price, RATE, 0.1), 1e-9);
        }
    }

    /// Figures of vollib 1.0.11.
    #[test]
    fn prices_and_sensitivities_are_vollibs() {
        for (side, price, delta, gamma, theta, vega, rho) in VOLLIB {
            let found = sensitivities(side, &INPUTS).unwrap();
            near(found.price, price, 1e-13);
            near(found.delta, delta, 1e-13);
            near(found.gamma, gamma, 1e-13);
            near(found.theta, theta, 1e-12);
            near(found.vega, vega, 1e-13);
            near(found.rho, rho, 1e-13);
        }
    }

    const VOLLIB: [(Side, f64, f64, f64, f64, f64, f64); 2] = [
        (
            Side::Call,
            5.520494749451022,
            0.4545097456170327,
            0.02222538135672233,
            -0.022008044310559662,
            0.27781726695902925,
            0.19965239906126125,
        ),
        (
            Side::Put,
            8.923052137509153,
            -0.5355400881321352,
            0.02222538135672233,
            -0.0134045446649421,
            0.27781726695902925,
            -0.3123853047536133,
        ),
    ];

    #[test]
    fn implied_volatility_is_the_inverse_of_price() {
        for volatility in [0.03, 0.25, 1.5, 4.0] {
            for side in [Side::Call, Side::Put] {
                let inputs = Inputs { volatility, ..INPUTS };
                let found = implied_volatility(side, price(side, &inputs).unwrap(), &inputs).unwrap();
                near(found, volatility, 1e-12);
            }
        }
    }

    #[test]
    fn what_has_no_volatility_has_none() {
        let of = |side, price, inputs: &Inputs| implied_volatility(side, price, inputs);
        assert_eq!(of(Side::Call, 0.0, &INPUTS), None);
        assert_eq!(of(Side::Call, 100.0, &INPUTS), None);
        assert_eq!(of(Side::Call, f64::NAN, &INPUTS), None);
        assert_eq!(of(Side::Call, 1.0, &Inputs { years: 0.0, ..INPUTS }), None);
        assert_eq!(of(Side::Call, 1.0, &Inputs { strike: 0.0, ..INPUTS }), None);
        // What the price of an option deep in the money holds above its intrinsic value is its last digits.
        let deep = Inputs { underlying: 200.0, rate: 0.0, dividend_yield: 0.0, ..INPUTS };
        assert_eq!(of(Side::Call, 95.0, &deep), None);
        assert_eq!(of(Side::Call, 95.000_000_000_000_02, &deep), None);
        assert!(of(Side::Call, 95.000_000_001, &deep).is_some());
    }

    #[test]
    fn at_expiration_an_option_is_worth_its_intrinsic_value() {
        let inputs = Inputs { years: 0.0, ..INPUTS };
        assert_eq!(price(Side::Call, &inputs), Some(0.0));
        assert_eq!(price(Side::Put, &inputs), Some(5.0));
        let found = sensitivities(Side::Put, &inputs).unwrap();
        assert_eq!((found.delta, found.gamma, found.theta, found.vega), (-1.0, 0.0, 0.0, 0.0));
        assert_eq!(sensitivities(Side::Put, &Inputs { underlying: 105.0, ..inputs }), None);
        assert_eq!(price(Side::Put, &Inputs { underlying: 0.0, ..inputs }), None);
        assert_eq!(price(Side::Put, &Inputs { years: -0.1, ..inputs }), None);
        assert_eq!(price(Side::Put, &Inputs { volatility: -0.1, ..INPUTS }), None);
        assert_eq!(price(Side::Put, &Inputs { rate: f64::NAN, ..INPUTS }), None);
        assert_eq!(price(Side::Call, &Inputs { rate: -1e5, ..INPUTS }), None);
    }
}
