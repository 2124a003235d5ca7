//! Where a function of one number is zero, by Chandrupatla's method: inverse quadratic interpolation where that is
//! safe, halving elsewhere.

/// Evaluations at most; halving alone takes a few more than fifty.
const EVALUATIONS: usize = 100;

/// A place at which a function is, and its value there.
type Place = (f64, f64);

/// Where a function changes sign between two places at which it has different signs, to a relative precision. `None`
/// where the function has no value.
pub(super) fn between(one: Place, other: Place, precision: f64, value: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let (mut one, mut other) = (one, other);
    let mut share = 0.5;
    for _ in 0..EVALUATIONS {
        let at = one.0 + share * (other.0 - one.0);
        let found = (at, value(at)?);
        let third = if (found.1 > 0.0) == (one.1 > 0.0) { one } else { std::mem::replace(&mut other, one) };
        one = found;
        let best = if one.1.abs() < other.1.abs() { one } else { other };
        let least = precision * best.0.abs() / (other.0 - one.0).abs();
        if best.1 == 0.0 || least > 0.5 {
            return Some(best.0);
        }
        share = interpolated(one, other, third).unwrap_or(0.5).clamp(least, 1.0 - least);
    }
    None
}

/// The share of the way from one place to the other at which a parabola through three is zero, where it is trustworthy.
fn interpolated(one: Place, other: Place, third: Place) -> Option<f64> {
    let ((x1, f1), (x2, f2), (x3, f3)) = (one, other, third);
    let (place, rise) = ((x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2));
    let safe = rise * rise < place && (1.0 - rise) * (1.0 - rise) < 1.0 - place;
    safe.then(|| f1 / (f2 - f1) * f3 / (f2 - f3) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_root_is_found_in_few_evaluations() {
        let evaluations = Cell::new(0);
        let cubic = |x: f64| {
            evaluations.set(evaluations.get() + 1);
            Some(x * x * x - 2.0)
        };
        let found = between((0.0, -2.0), (5.0, 123.0), 1e-14, cubic);
        assert!(found.is_some_and(|found| (found - 2.0_f64.cbrt()).abs() < 1e-13), "{found:?}");
        assert!(evaluations.get() < 20, "{}", evaluations.get());
        assert_eq!(between((0.0, -2.0), (5.0, 123.0), 1e-14, |_| None), None);
    }
}
