//! Convergence and divergence of moving averages (MACD).

use super::average::averages;
use super::behind::behind;

/// The indicator at one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Convergence {
    /// The fast average less the slow one.
    pub line: f64,
    /// The average of the line.
    pub signal: f64,
    /// The line less its signal.
    pub histogram: f64,
}

/// The distance of a fast exponential average from a slow one, and its own average.
///
/// Both begin at one number, with the means of the `fast` and the `slow` numbers that end there, and the signal with the mean
/// of the first `signal` distances; nothing is told before all three are there. The longer period is the slow one.
pub fn moving_average_convergence(values: &[f64], fast: usize, slow: usize, signal: usize) -> Vec<Option<Convergence>> {
    let (fast, slow) = (fast.min(slow), fast.max(slow));
    if fast == 0 || signal == 0 {
        return vec![None; values.len()];
    }
    let first = slow - 1;
    let fast = averages(values, fast, first);
    let lines: Vec<f64> = fast.zip(averages(values, slow, first)).map(|(fast, slow)| fast - slow).collect();
    let signals = averages(&lines, signal, signal - 1);
    let told = lines.iter().skip(signal - 1).zip(signals);
    let all = told.map(|(line, signal)| Convergence { line: *line, signal, histogram: line - signal });
    behind(first.saturating_add(signal - 1), values.len(), all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_averages_are_seeded_with_means() {
        let found = moving_average_convergence(&[1.0, 2.0, 6.0, 2.0], 1, 3, 2);
        let (first, second) = (6.0 - 3.0, 2.0 - 2.5);
        let signal = (first + second) / 2.0;
        let last = Convergence { line: second, signal, histogram: second - signal };
        assert_eq!(found, [None, None, None, Some(last)]);
        assert_eq!(moving_average_convergence(&[1.0, 2.0, 6.0, 2.0], 3, 1, 2), found);
        assert_eq!(moving_average_convergence(&[1.0, 2.0], 12, 26, 9), [None, None]);
        assert_eq!(moving_average_convergence(&[1.0], usize::MAX, usize::MAX, usize::MAX), [None]);
    }
}
