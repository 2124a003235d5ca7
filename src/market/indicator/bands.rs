//! Bollinger's bands.

use super::behind::behind;
use crate::market::performance::Moments;

/// The bands at one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bands {
    /// The mean less so many deviations.
    pub lower: f64,
    /// The mean of the period.
    pub middle: f64,
    /// The mean and so many deviations.
    pub upper: f64,
}

/// The mean of each `period` numbers, and what lies `deviations` of their standard deviations, of the whole population, around
/// it.
///
/// No number is ever taken out of a sum, so that nothing is left of one that is gone: a period is the end of one block of
/// numbers and the beginning of the next, whose moments are put together.
pub fn bollinger_bands(values: &[f64], period: usize, deviations: f64) -> Vec<Option<Bands>> {
    if period == 0 || values.len() < period {
        return vec![None; values.len()];
    }
    let mut ends = vec![Moments::default(); period];
    let mut begun = Moments::default();
    let mut bands = Vec::with_capacity(values.len() + 1 - period);
    for (place, value) in values.iter().enumerate() {
        begun.add(*value);
        let within = place % period + 1;
        if within == period {
            ends = suffixes(&values[place + 1 - period..=place]);
            bands.push(begun.bands(deviations));
            begun = Moments::default();
        } else if place >= period {
            bands.push(ends[within].merged(&begun).bands(deviations));
        }
    }
    behind(period - 1, values.len(), bands.into_iter())
}

/// The moments of each end of a block.
fn suffixes(block: &[f64]) -> Vec<Moments> {
    let mut ends: Vec<Moments> = block
        .iter()
        .rev()
        .scan(Moments::default(), |moments, value| {
            moments.add(*value);
            Some(*moments)
        })
        .collect();
    ends.reverse();
    ends
}

impl Moments {
    fn bands(&self, deviations: f64) -> Bands {
        let distance = deviations * self.variance().sqrt();
        Bands { lower: self.mean - distance, middle: self.mean, upper: self.mean + distance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_lie_around_the_mean() {
        let found = bollinger_bands(&[1.0, 3.0, 7.0, 1e200, 7.0, 7.0], 2, 2.0);
        let bands = |lower, middle, upper| Some(Bands { lower, middle, upper });
        assert_eq!(found[..3], [None, bands(0.0, 2.0, 4.0), bands(1.0, 5.0, 9.0)]);
        // Nothing is left of what is gone.
        assert_eq!(found[5], bands(7.0, 7.0, 7.0));
        assert_eq!(bollinger_bands(&[1.0], 2, 2.0), [None]);
    }

    #[test]
    fn blocks_give_what_each_period_gives_alone() {
        let values: Vec<f64> = (0..50).map(|place| f64::from(place * 7919 % 101)).collect();
        for (place, found) in bollinger_bands(&values, 7, 2.0).into_iter().enumerate().skip(6) {
            let mut alone = Moments::default();
            values[place - 6..=place].iter().for_each(|value| alone.add(*value));
            let (found, alone) = (found.unwrap(), alone.bands(2.0));
            assert!((found.lower - alone.lower).abs() < 1e-12 && (found.upper - alone.upper).abs() < 1e-12);
        }
    }
}
