//! Wilder's relative strength index.

use super::behind::behind;

/// Below this size, TA-Lib takes a sum of gains and losses for none.
const NOTHING: f64 = 1e-14;

/// The relative strength index over a period of changes: the share of gains in all changes, from 0 to 100, both smoothed by
/// Wilder's weight of 1 / period. It begins with the means of the first `period` changes, and is 0 where nothing changes.
pub fn relative_strength(values: &[f64], period: usize) -> Vec<Option<f64>> {
    if period == 0 || values.len() <= period {
        return vec![None; values.len()];
    }
    let mut changes = values.windows(2).map(|pair| pair[1] - pair[0]);
    let length = period as f64;
    let (mut gain, mut loss) = (0.0, 0.0);
    for change in changes.by_ref().take(period) {
        gain += change.max(0.0);
        loss += (-change).max(0.0);
    }
    (gain, loss) = (gain / length, loss / length);
    let later = changes.scan((gain, loss), |(gain, loss), change| {
        *gain = (*gain * (length - 1.0) + change.max(0.0)) / length;
        *loss = (*loss * (length - 1.0) + (-change).max(0.0)) / length;
        Some(share(*gain, *loss))
    });
    behind(period, values.len(), std::iter::once(share(gain, loss)).chain(later))
}

/// The share of gains in per cent.
fn share(gain: f64, loss: f64) -> f64 {
    let all = gain + loss;
    if all.abs() < NOTHING { 0.0 } else { 100.0 * (gain / all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_share_of_gains() {
        assert_eq!(
            relative_strength(&[1.0, 2.0, 3.0, 2.0, 4.0], 2),
            [None, None, Some(100.0), Some(50.0), Some(100.0 * (1.25 / 1.5))]
        );
        assert_eq!(relative_strength(&[5.0, 5.0, 5.0], 2), [None, None, Some(0.0)]);
        assert_eq!(relative_strength(&[5.0, 5.0], 2), [None, None]);
    }
}
