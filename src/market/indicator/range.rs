//! The true range of a bar, and Wilder's average of it.

use super::behind::behind;

/// How far a price went since the close before: the greatest distance between high, low and that close. Without a close
/// before, from low to high.
pub fn true_range(high: f64, low: f64, previous_close: Option<f64>) -> f64 {
    let gaps = previous_close.map(|close| (high - close).abs().max((low - close).abs()));
    gaps.map_or(high - low, |gap| gap.max(high - low))
}

/// The average true range over a period, smoothed by Wilder's weight of 1 / period. The first bar has no close before it and
/// counts for nothing; the average begins with the mean of the `period` ranges behind it.
pub fn average_true_range(high: &[f64], low: &[f64], close: &[f64], period: usize) -> Vec<Option<f64>> {
    let bars = high.len().min(low.len()).min(close.len());
    if period == 0 || bars <= period {
        return vec![None; bars];
    }
    let mut ranges = (1..bars).map(|bar| true_range(high[bar], low[bar], Some(close[bar - 1])));
    let length = period as f64;
    let mean = ranges.by_ref().take(period).sum::<f64>() / length;
    let later = ranges.scan(mean, |average, range| {
        *average = (*average * (length - 1.0) + range) / length;
        Some(*average)
    });
    behind(period, bars, std::iter::once(mean).chain(later))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_belongs_to_the_range() {
        assert_eq!(true_range(5.0, 4.0, None), 1.0);
        assert_eq!(true_range(5.0, 4.0, Some(4.5)), 1.0);
        assert_eq!(true_range(5.0, 4.0, Some(2.0)), 3.0);
        assert_eq!(true_range(5.0, 4.0, Some(7.0)), 3.0);
    }

    #[test]
    fn the_average_begins_behind_the_first_bar() {
        let (high, low, close) = ([9.0, 3.0, 5.0, 5.0], [1.0, 1.0, 4.0, 4.0], [2.0, 2.0, 4.5, 4.5]);
        assert_eq!(average_true_range(&high, &low, &close, 2), [None, None, Some(2.5), Some(1.75)]);
        assert_eq!(average_true_range(&high, &low, &close, 4), [None; 4]);
    }
}
