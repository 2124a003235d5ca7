//! Exponential moving averages.

use super::behind::behind;

/// The exponential moving average over a period, with the weight 2 / (period + 1). It begins with the mean of the first
/// `period` numbers.
pub fn exponential_average(values: &[f64], period: usize) -> Vec<Option<f64>> {
    let first = period.saturating_sub(1);
    behind(first, values.len(), averages(values, period, first))
}

/// The averages from a place on; the first is the mean of the `period` numbers that end there. None where the series or the
/// period is too short.
pub(super) fn averages(values: &[f64], period: usize, first: usize) -> impl Iterator<Item = f64> {
    let begin = (first + 1).checked_sub(period).filter(|_| period > 0);
    let seeds = begin.and_then(|begin| values.get(begin..=first));
    let mean = seeds.map(|seeds| seeds.iter().sum::<f64>() / period as f64);
    let weight = 2.0 / (period as f64 + 1.0);
    let rest = values.get(first + 1..).unwrap_or_default();
    let later = mean.into_iter().flat_map(move |mean| {
        rest.iter().scan(mean, move |average, value| {
            *average += weight * (value - *average);
            Some(*average)
        })
    });
    mean.into_iter().chain(later)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_the_mean_of_a_period() {
        let found = exponential_average(&[1.0, 2.0, 6.0, 5.0], 3);
        assert_eq!(found, [None, None, Some(3.0), Some(4.0)]);
        assert_eq!(exponential_average(&[1.0, 2.0], 1), [Some(1.0), Some(2.0)]);
        assert_eq!(exponential_average(&[1.0, 2.0], 3), [None, None]);
        assert_eq!(exponential_average(&[1.0, 2.0], usize::MAX), [None, None]);
        assert_eq!(exponential_average(&[], 3), []);
    }
}
