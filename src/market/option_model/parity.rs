//! The forward and the discount factor that a chain implies by put-call parity: call less put is `DF * (F - K)`, a line
//! in the strike K.

/// What the line through a chain says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parity {
    /// The forward price of the underlying.
    pub forward: f64,
    /// What one unit of money at expiration is worth now.
    pub discount_factor: f64,
    /// How many pairs of a call and a put it goes through.
    pub count: usize,
    /// Root of the mean squared distance of the pairs from the line, in units of the price.
    pub rmse: f64,
}

/// The line of least squares through pairs of a strike and call less put. The pairs come to be sorted, so that their
/// order makes no difference to the last digit.
///
/// `None` for fewer than two strikes, and where the line does not fall: then there is no discount factor.
pub fn fit(pairs: &mut [(f64, f64)]) -> Option<Parity> {
    pairs.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let count = pairs.len() as f64;
    let mean = |value: fn(&(f64, f64)) -> f64| pairs.iter().map(value).sum::<f64>() / count;
    let (strike, difference) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let about_means = || pairs.iter().map(|pair| (pair.0 - strike, pair.1 - difference));
    let squares: f64 = about_means().map(|(x, _)| x * x).sum();
    let discount_factor = -about_means().map(|(x, y)| x * y).sum::<f64>() / squares;
    let distances: f64 = about_means().map(|(x, y)| (y + discount_factor * x).powi(2)).sum();
    let found = Parity {
        forward: strike + difference / discount_factor,
        discount_factor,
        count: pairs.len(),
        rmse: (distances / count).sqrt(),
    };
    let several = pairs.first().map(|pair| pair.0) < pairs.last().map(|pair| pair.0);
    let is_line = discount_factor > 0.0 && found.forward.is_finite() && found.rmse.is_finite();
    (several && is_line).then_some(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_at_parity_gives_its_forward_back() {
        let (forward, discount_factor) = (101.25, 0.985);
        let mut pairs = [90.0, 95.0, 100.0, 105.0, 120.0].map(|strike| (strike, discount_factor * (forward - strike)));
        let found = fit(&mut pairs).unwrap();
        assert!((found.forward - forward).abs() < 1e-12, "{found:?}");
        assert!((found.discount_factor - discount_factor).abs() < 1e-14, "{found:?}");
        assert!(found.count == 5 && found.rmse < 1e-13, "{found:?}");
    }

    /// Figures of scipy.stats.linregress of SciPy 1.17.1.
    #[test]
    fn noise_is_averaged_in_any_order() {
        let mut pairs = [(100.0, 1.9), (110.0, -7.2), (90.0, 11.6), (95.0, 7.1)];
        let found = fit(&mut pairs).unwrap();
        assert!((found.forward - 102.294_437_726_723_09).abs() < 1e-12, "{found:?}");
        assert!((found.discount_factor - 0.945_142_857_142_857_2).abs() < 1e-14, "{found:?}");
        pairs.reverse();
        assert_eq!(fit(&mut pairs), Some(found));
    }

    #[test]
    fn what_is_no_line_has_no_forward() {
        assert_eq!(fit(&mut []), None);
        assert_eq!(fit(&mut [(100.0, 1.0)]), None);
        assert_eq!(fit(&mut [(100.0, 1.0), (100.0, 2.0)]), None);
        assert_eq!(fit(&mut [(100.0, 1.0), (110.0, 2.0)]), None);
        assert_eq!(fit(&mut [(100.0, 1.0), (110.0, 1.0)]), None);
    }
}
