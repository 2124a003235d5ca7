//! The deepest fall of a value below its peak.

/// The peak so far, and the deepest fall below one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Drawdown {
    peak: Option<f64>,
    deepest: Option<f64>,
}

impl Drawdown {
    /// Takes the next value. A fall is a share of the peak; below a peak that is not above 0 there is none.
    pub fn add(&mut self, value: f64) {
        let peak = self.peak.map_or(value, |peak| peak.max(value));
        self.peak = Some(peak);
        if peak > 0.0 {
            let fall = (value - peak) / peak;
            self.deepest = Some(self.deepest.map_or(fall, |deepest| deepest.min(fall)));
        }
    }

    /// The deepest fall, at most 0; `None` where no value was above 0.
    pub fn deepest(&self) -> Option<f64> {
        self.deepest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], expected: Option<f64>) {
        let mut drawdown = Drawdown::default();
        values.iter().for_each(|value| drawdown.add(*value));
        assert_eq!(drawdown.deepest(), expected);
    }

    #[test]
    fn falls_are_shares_of_the_peak() {
        check(&[100.0, 110.0, 55.0, 120.0, 90.0], Some(-0.5));
        check(&[1.0, 2.0, 3.0], Some(0.0));
        check(&[-1.0, 2.0, -2.0], Some(-2.0));
        check(&[-1.0, 0.0], None);
        check(&[], None);
    }
}
