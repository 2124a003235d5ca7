//! The mean of numbers and their squared distances from it, of which parts can be put together (Welford, Chan).

/// How many numbers there were, their mean, and their squared distances from it. Equal numbers have no distance, to the last
/// digit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    /// Numbers that were counted.
    pub count: f64,
    /// The mean of them.
    pub mean: f64,
    /// The sum of squared distances from the mean.
    pub squares: f64,
}

impl Moments {
    /// Counts one more number.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (value - self.mean);
    }

    /// Both together, as if all were counted in one.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        if self.count == 0.0 {
            return *other;
        }
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + distance * (other.count / count),
            squares: self.squares + other.squares + distance * distance * (self.count * other.count / count),
        }
    }

    /// The variance of the numbers as a whole population.
    pub fn variance(&self) -> f64 {
        self.squares / self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|value| moments.add(*value));
        moments
    }

    #[test]
    fn parts_give_the_whole() {
        let whole = of(&[1.0, 2.0, 3.0, 6.0]);
        assert_eq!((whole.count, whole.mean, whole.squares), (4.0, 3.0, 14.0));
        assert_eq!(of(&[1.0]).merged(&of(&[2.0, 3.0, 6.0])).count, 4.0);
        let parts = of(&[1.0, 2.0]).merged(&of(&[3.0, 6.0]));
        assert_eq!((parts.mean, parts.squares), (3.0, 14.0));
        assert_eq!(Moments::default().merged(&whole), whole);
        assert_eq!(whole.merged(&Moments::default()), whole);
        assert_eq!(of(&[0.1; 7]).merged(&of(&[0.1; 3])).squares, 0.0);
    }
}
