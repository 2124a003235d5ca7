//! A sum of doubles in twice their digits, so that it does not depend on the order in which they are added.

/// The sum, as what a double holds of it and what that leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sum {
    high: f64,
    low: f64,
}

impl Sum {
    /// The sum of two parts, as [`Self::parts`] gives them.
    pub(crate) fn of(high: f64, low: f64) -> Self {
        Self { high, low }
    }

    /// What a double holds of the sum, and what that leaves out.
    pub(crate) fn parts(self) -> (f64, f64) {
        (self.high, self.low)
    }

    /// Adds a number, with all its digits.
    pub(crate) fn add(&mut self, value: f64) {
        let sum = self.high + value;
        let of_value = sum - self.high;
        let left_out = (self.high - (sum - of_value)) + (value - of_value);
        // What is infinite leaves nothing out.
        let low = if sum.is_finite() { self.low + left_out } else { 0.0 };
        let high = sum + low;
        *self = if high.is_finite() { Self { high, low: low - (high - sum) } } else { Self { high, low: 0.0 } };
    }

    /// Adds a product, with all its digits.
    pub(crate) fn add_product(&mut self, one: f64, other: f64) {
        let product = one * other;
        self.add(product);
        if product.is_finite() {
            self.add(one.mul_add(other, -product));
        }
    }

    /// Adds what was summed elsewhere.
    pub(crate) fn merge(&mut self, other: Self) {
        self.add(other.high);
        self.add(other.low);
    }

    /// The sum as a double.
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_order_of_numbers_changes_a_sum() {
        let numbers = [1e16, 0.1, -1e16, 0.2, 1e8, -1e8];
        let sum = |numbers: &mut dyn Iterator<Item = &f64>| {
            let mut sum = Sum::default();
            numbers.for_each(|number| sum.add(*number));
            sum
        };
        assert_eq!(sum(&mut numbers.iter()).value(), 0.1 + 0.2);
        assert_eq!(sum(&mut numbers.iter().rev()).value(), 0.1 + 0.2);
        let mut parts = sum(&mut numbers[..2].iter());
        parts.merge(sum(&mut numbers[2..].iter()));
        assert_eq!(parts.value(), 0.1 + 0.2);
    }

    #[test]
    fn products_keep_their_digits() {
        let mut sum = Sum::default();
        sum.add_product(0.1, 0.1);
        sum.add(-(0.1 * 0.1));
        assert_ne!(sum.value(), 0.0);
        sum.add(f64::MAX);
        sum.add(f64::MAX);
        assert_eq!(sum.value(), f64::INFINITY);
    }
}
