//! Prices against QuantLib's, sensitivities against slopes of prices, and what has no price.

use super::{Pricer, implied_volatility};
use crate::market::option_model::inputs::{DAYS_PER_YEAR, Inputs};
use crate::market::option_model::{american, european};
use crate::market::symbol::Side;

/// Side, price of the underlying, days, rate, yield, volatility, and the price of an option with strike 100 by QuantLib
/// 1.44, `QdFpAmericanEngine` with the scheme `QdFpTanhSinhIterationScheme(24, 48, 1e-13)`.
const QUANTLIB: &[(Side, f64, f64, f64, f64, f64, f64)] = &[
    (Side::Put, 100.0, 365.0, 0.05, 0.0, 0.2, 6.090370589508921),
    (Side::Put, 80.0, 365.0, 0.05, 0.0, 0.2, 20.00000000335444),
    (Side::Put, 90.0, 73.0, 0.08, 0.02, 0.35, 11.553308848686628),
    (Side::Put, 120.0, 730.0, 0.03, 0.06, 0.25, 8.772798255918197),
    (Side::Put, 100.0, 30.0, 0.0001, 0.0, 0.5, 5.713354363093949),
    (Side::Call, 100.0, 365.0, 0.05, 0.0, 0.2, 10.450583572185572),
    (Side::Call, 100.0, 365.0, 0.05, 0.05, 0.2, 7.66260927694287),
    (Side::Call, 110.0, 180.0, 0.02, 0.08, 0.3, 13.068792921166438),
    (Side::Call, 130.0, 730.0, 0.01, 0.12, 0.4, 33.04550466286857),
    (Side::Call, 95.0, 7.0, 0.04, 0.01, 0.15, 0.00485353294342411),
    (Side::Put, 100.0, 365.0, 0.0, -0.03, 0.2, 6.871829854669926),
    (Side::Call, 100.0, 365.0, -0.02, 0.0, 0.2, 7.207306798624849),
    (Side::Call, 90.0, 1095.0, -0.01, 0.03, 0.3, 11.122956620548381),
    (Side::Put, 100.0, 3650.0, 0.1, 0.02, 0.05, 0.5682010823187672),
    (Side::Put, 50.0, 7300.0, 0.05, 0.01, 1.0, 76.71578838603384),
];

fn inputs(underlying: f64, days: f64, rate: f64, dividend_yield: f64, volatility: f64) -> Inputs {
    Inputs { underlying, strike: 100.0, years: days / DAYS_PER_YEAR, rate, dividend_yield, volatility }
}

fn price(side: Side, inputs: &Inputs) -> Option<f64> {
    Pricer::default().price(side, inputs)
}

#[test]
fn prices_are_quantlibs() {
    for (side, underlying, days, rate, dividend_yield, volatility, expected) in QUANTLIB {
        let inputs = inputs(*underlying, *days, *rate, *dividend_yield, *volatility);
        let found = price(*side, &inputs).unwrap();
        assert!((found - expected).abs() < 1e-7, "{found} is not {expected}: {side:?} {inputs:?}");
    }
}

#[test]
fn a_pricer_that_was_used_gives_the_same() {
    let mut pricer = Pricer::default();
    for (side, underlying, days, rate, dividend_yield, volatility, _) in QUANTLIB {
        let inputs = inputs(*underlying, *days, *rate, *dividend_yield, *volatility);
        let higher = Inputs { strike: 105.0, ..inputs };
        for inputs in [inputs, higher] {
            assert_eq!(pricer.price(*side, &inputs), price(*side, &inputs));
        }
    }
}

#[test]
fn sensitivities_are_slopes_in_their_units() {
    for (side, underlying, days, rate, dividend_yield, volatility, _) in QUANTLIB {
        let here = inputs(*underlying, *days, *rate, *dividend_yield, *volatility);
        let found = Pricer::default().sensitivities(*side, &here).unwrap();
        let slope = |shift: &dyn Fn(&mut Inputs, f64)| {
            let at = |steps: f64| {
                let mut inputs = here;
                shift(&mut inputs, steps);
                price(*side, &inputs).unwrap()
            };
            (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / 12.0
        };
        let near = |name: &str, value: f64, expected: f64, tolerance: f64| {
            assert!((value - expected).abs() < tolerance, "{name} {value} is not {expected}: {side:?} {here:?}");
        };
        let exercised = found.gamma == 0.0;
        near("delta", found.delta, slope(&|inputs, steps| inputs.underlying += 0.05 * steps) / 0.05, 1e-6);
        near("vega", found.vega, slope(&|inputs, steps| inputs.volatility += 5e-4 * steps) / 0.05, 1e-6);
        near(
            "theta",
            found.theta,
            -slope(&|inputs, steps| inputs.years += steps * here.years / 1e3) / here.years * 1e3 / DAYS_PER_YEAR,
            1e-6,
        );
        let delta =
            |underlying: f64| Pricer::default().sensitivities(*side, &Inputs { underlying, ..here }).unwrap().delta;
        near("gamma", found.gamma, (delta(underlying + 0.01) - delta(underlying - 0.01)) / 0.02, 1e-5);
        assert!(!exercised || (found.delta.abs(), found.vega, found.rho, found.theta) == (1.0, 0.0, 0.0, 0.0));
    }
}

#[test]
fn the_rate_is_measured_from_one_side_where_the_other_has_no_price() {
    let here = inputs(100.0, 365.0, 0.0, -0.03, 0.2);
    let rho = Pricer::default().sensitivities(Side::Put, &here).unwrap().rho;
    let at = |rate: f64| price(Side::Put, &Inputs { rate, ..here }).unwrap();
    let expected = (4.0 * at(1e-3) - at(2e-3) - 3.0 * at(0.0)) / 2e-3 / 100.0;
    assert!((rho - expected).abs() < 1e-4, "{rho} is not {expected}");
}

#[test]
fn implied_volatility_is_the_inverse_of_price() {
    for (side, underlying, days, rate, dividend_yield, volatility, _) in QUANTLIB {
        let here = inputs(*underlying, *days, *rate, *dividend_yield, *volatility);
        let worth = price(*side, &here).unwrap();
        let exercise = (underlying - 100.0).abs() >= worth;
        let found = implied_volatility(*side, worth, &here);
        match found {
            Some(found) => assert!((found / volatility - 1.0).abs() < 1e-8, "{found}: {side:?} {here:?}"),
            None => assert!(exercise, "{side:?} {here:?}"),
        }
    }
}

#[test]
fn what_is_never_exercised_is_european() {
    let here = inputs(100.0, 365.0, 0.05, 0.0, 0.2);
    assert_eq!(price(Side::Call, &here), european::price(Side::Call, &here));
    let found = Pricer::default().sensitivities(Side::Call, &here).unwrap();
    let expected = european::sensitivities(Side::Call, &here).unwrap();
    for (found, expected) in [
        (found.delta, expected.delta),
        (found.gamma, expected.gamma),
        (found.vega, expected.vega),
        (found.theta, expected.theta),
        (found.rho, expected.rho),
    ] {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }
}

#[test]
fn without_volatility_it_is_exercised_at_the_best_time() {
    let certain = |underlying, rate, dividend_yield| inputs(underlying, 365.0, rate, dividend_yield, 0.0);
    assert_eq!(price(Side::Put, &certain(90.0, 0.05, 0.0)), Some(10.0));
    assert_eq!(price(Side::Put, &certain(110.0, 0.05, 0.0)), Some(0.0));
    // Dividends of 20 % a year and no interest: the later the better.
    let last = 100.0 - 90.0 * (-0.2_f64).exp();
    assert!((price(Side::Put, &certain(90.0, 0.0, 0.2)).unwrap() - last).abs() < 1e-12);
    // The best time lies between.
    let found = price(Side::Put, &inputs(90.0, 3650.0, 0.05, 0.2, 0.0)).unwrap();
    let best = (0..100_000).map(|step| f64::from(step) / 1e4);
    let best = best.map(|at| 100.0 * (-0.05 * at).exp() - 90.0 * (-0.2 * at).exp()).fold(0.0, f64::max);
    assert!((found - best).abs() < 1e-6, "{found} is not {best}");
}

#[test]
fn what_has_no_value_has_none() {
    let here = inputs(100.0, 365.0, 0.05, 0.02, 0.2);
    // Exercise pays between two boundaries.
    assert_eq!(price(Side::Put, &inputs(100.0, 365.0, -0.01, -0.03, 0.2)), None);
    assert_eq!(price(Side::Call, &inputs(100.0, 365.0, -0.03, -0.01, 0.2)), None);
    for broken in [
        Inputs { underlying: 0.0, ..here },
        Inputs { strike: -1.0, ..here },
        Inputs { years: -1.0, ..here },
        Inputs { volatility: -0.2, ..here },
        Inputs { rate: f64::INFINITY, ..here },
    ] {
        assert_eq!(price(Side::Put, &broken), None);
        assert_eq!(Pricer::default().sensitivities(Side::Put, &broken), None);
    }
    let implied = |price| american::implied_volatility(Side::Put, price, &Inputs { underlying: 90.0, ..here });
    assert_eq!(implied(10.0), None);
    assert_eq!(implied(9.0), None);
    assert_eq!(implied(100.0), None);
    assert_eq!(implied(f64::NAN), None);
    assert!(implied(10.5).is_some());
}
