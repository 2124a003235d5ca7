//! Curves that are known at some points and straight between them: rates by time, volatilities by strike or by delta.

/// The value at `at` of the line through points, sorted by their first number. Of several points at one place it takes the
/// mean. `None` outside of the points: a curve says nothing beyond its ends.
pub fn value_at(points: &[(f64, f64)], at: f64) -> Option<f64> {
    let before = points.partition_point(|point| point.0 < at);
    let through = points.partition_point(|point| point.0 <= at);
    if before < through {
        return Some(mean(&points[before..through]));
    }
    let (low, high) = (points[..before].last()?.0, points.get(before)?.0);
    let at_low = mean(&points[points.partition_point(|point| point.0 < low)..before]);
    let at_high = mean(&points[before..points.partition_point(|point| point.0 <= high)]);
    Some(at_low + (at_high - at_low) * ((at - low) / (high - low)))
}

/// The mean of the second numbers of at least one point.
fn mean(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of numpy.interp of NumPy 2, but for what lies outside.
    #[test]
    fn values_lie_on_the_line_and_nowhere_else() {
        let points = [(1.0, 10.0), (2.0, 20.0), (4.0, 0.0)];
        for (at, value) in [(1.0, 10.0), (1.25, 12.5), (2.0, 20.0), (3.0, 10.0), (4.0, 0.0)] {
            assert_eq!(value_at(&points, at), Some(value), "{at}");
        }
        for at in [0.999, 4.001, f64::NAN, f64::INFINITY] {
            assert_eq!(value_at(&points, at), None, "{at}");
        }
        assert_eq!(value_at(&[], 1.0), None);
    }

    #[test]
    fn points_at_one_place_are_their_mean() {
        let points = [(1.0, 0.0), (1.0, 2.0), (3.0, 5.0), (3.0, 7.0)];
        assert_eq!(value_at(&points, 1.0), Some(1.0));
        assert_eq!(value_at(&points, 2.0), Some(3.5));
    }
}
