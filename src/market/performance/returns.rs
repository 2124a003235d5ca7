//! Returns of an investment, less those without risk, against their risk.

use super::moments::Moments;

/// Returns, and how they scatter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Returns {
    /// The mean of the returns and their distances from it.
    pub moments: Moments,
    /// The sum of squares of those below 0.
    pub downside: f64,
}

impl Default for Returns {
    fn default() -> Self {
        Self { moments: Moments::default(), downside: 0.0 }
    }
}

impl Returns {
    /// Counts the return of one more period.
    pub fn add(&mut self, value: f64) {
        self.moments.add(value);
        let loss = value.min(0.0);
        self.downside += loss * loss;
    }

    /// Both together, as if all were counted in one.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        Self { moments: self.moments.merged(&other.moments), downside: self.downside + other.downside }
    }

    /// The mean return over the standard deviation of a sample, for a year of so many periods; `None` of fewer than two
    /// returns, or where they do not differ.
    pub fn sharpe(&self, periods_per_year: f64) -> Option<f64> {
        self.ratio(self.moments.squares / (self.moments.count - 1.0), periods_per_year)
    }

    /// The mean return over the root of the mean square of those below 0, for a year of so many periods; `None` of fewer than
    /// two returns, or where none is below 0.
    pub fn sortino(&self, periods_per_year: f64) -> Option<f64> {
        self.ratio(self.downside / self.moments.count, periods_per_year)
    }

    fn ratio(&self, variance: f64, periods_per_year: f64) -> Option<f64> {
        let known = self.moments.count >= 2.0 && variance > 0.0;
        known.then(|| self.moments.mean / variance.sqrt() * periods_per_year.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Returns {
        let mut returns = Returns::default();
        values.iter().for_each(|value| returns.add(*value));
        returns
    }

    #[test]
    fn ratios_are_of_the_mean() {
        let returns = of(&[0.01, -0.02, 0.03]).merged(&of(&[0.02, -0.01]));
        // empyrical-reloaded 0.7.1: `sharpe_ratio` and `sortino_ratio` of these returns.
        assert!((returns.sharpe(252.0).unwrap() - 4.593220484431882).abs() < 1e-12);
        assert!((returns.sortino(252.0).unwrap() - 9.524704719832524).abs() < 1e-12);
        assert_eq!(of(&[0.01]).sharpe(252.0), None);
        assert_eq!(of(&[0.1; 9]).sharpe(252.0), None);
        assert_eq!(of(&[0.01, 0.02]).sortino(252.0), None);
    }
}
