//! Small systems of linear equations.

/// Solves a system by elimination with row pivots; the result takes the place of the right side. `None` for a system
/// that has no one solution in numbers.
pub(super) fn solve<const N: usize>(matrix: &mut [[f64; N]; N], right: &mut [f64; N]) -> Option<()> {
    for column in 0..N {
        let pivot =
            (column..N).max_by(|one, other| matrix[*one][column].abs().total_cmp(&matrix[*other][column].abs()))?;
        matrix.swap(pivot, column);
        right.swap(pivot, column);
        let (above, below) = matrix.split_at_mut(column + 1);
        let (row, value) = (&above[column], right[column]);
        for (other, value_of_other) in below.iter_mut().zip(&mut right[column + 1..]) {
            let factor = other[column] / row[column];
            other[column..].iter_mut().zip(&row[column..]).for_each(|(one, pivot)| *one -= factor * pivot);
            *value_of_other -= factor * value;
        }
    }
    for place in (0..N).rev() {
        let known: f64 = matrix[place].iter().zip(right.iter()).skip(place + 1).map(|(one, value)| one * value).sum();
        right[place] = (right[place] - known) / matrix[place][place];
    }
    right.iter().all(|value| value.is_finite()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_whose_first_pivot_is_zero_is_solved() {
        let mut right = [8.0, -4.0, -3.0];
        assert_eq!(solve(&mut [[0.0, 2.0, 5.0], [-3.0, -1.0, 2.0], [-2.0, 1.0, 2.0]], &mut right), Some(()));
        let expected = [3.0, -1.0, 2.0];
        assert!(right.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-12), "{right:?}");
    }

    #[test]
    fn a_system_without_one_solution_is_refused() {
        assert_eq!(solve(&mut [[1.0, 2.0], [2.0, 4.0]], &mut [1.0, 1.0]), None);
        assert_eq!(solve(&mut [[f64::NAN, 2.0], [2.0, 4.0]], &mut [1.0, 1.0]), None);
    }
}
