//! The standard normal distribution.

use implied_vol::{DefaultSpecialFn, SpecialFn};
use std::f64::consts::FRAC_1_SQRT_2;

/// One over the square root of two pi.
const PEAK: f64 = 0.398_942_280_401_432_7;

/// Density of the distribution at `x`.
pub(super) fn density(x: f64) -> f64 {
    PEAK * (-0.5 * x * x).exp()
}

/// Probability of at most `x`.
pub(super) fn cumulative(x: f64) -> f64 {
    DefaultSpecialFn::norm_cdf(x)
}

/// Density of the distribution at `x`.and probability of at most `x`, for one exponential.
pub(super) fn density_and_cumulative(x: f64) -> (f64, f64) {
    let exponential = (-0.5 * x * x).exp();
    let tail = 0.5 * exponential * DefaultSpecialFn::erfcx(x.abs() * FRAC_1_SQRT_2);
    (PEAK * exponential, if x < 0.0 { tail } else { 1.0 - tail })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of mpmath 1.4.1.
    #[test]
    fn tails_keep_their_digits() {
        for (x, expected) in [
            (-37.0, 5.725_571_222_524_576e-300),
            (-8.0, 6.220_960_574_271_785e-16),
            (-1.0, 0.158_655_253_931_457_05),
            (0.0, 0.5),
            (2.5, 0.993_790_334_674_223_8),
        ] {
            let both = density_and_cumulative(x);
            assert!((cumulative(x) / expected - 1.0).abs() < 1e-13, "{x}: {}", cumulative(x));
            assert!((both.1 / expected - 1.0).abs() < 1e-13, "{x}: {}", both.1);
            assert_eq!(both.0, density(x));
        }
    }
}
