//! What was computed of a day lately: a column of dates has the same days for each symbol, and calendars and zones take
//! longer than a look.

use crate::text::calendar::DAY_US;
use datafusion::common::Result;

/// Days that are remembered at once: a year has fewer, and none of its days takes the place of another.
const DAYS: i64 = 512;

/// Results by the number that they were computed of, for the last one of each day modulo [`DAYS`].
#[derive(Debug)]
pub(super) struct Recent<V> {
    known: Vec<Option<(i64, V)>>,
    /// How many of the numbers make a day.
    of_day: i64,
}

impl<V: Copy> Recent<V> {
    /// For results of days.
    pub(super) fn of_days() -> Self {
        Self { known: Vec::new(), of_day: 1 }
    }

    /// For results of microseconds.
    pub(super) fn of_moments() -> Self {
        Self { known: Vec::new(), of_day: DAY_US }
    }

    /// What is computed of a number, or was the last time.
    ///
    /// # Errors
    /// What computing it fails with, which is not remembered.
    pub(super) fn get(&mut self, number: i64, compute: impl FnOnce() -> Result<V>) -> Result<V> {
        if self.known.is_empty() {
            self.known.resize_with(usize::try_from(DAYS).unwrap_or(1), || None);
        }
        let place = usize::try_from(number.div_euclid(self.of_day).rem_euclid(DAYS)).unwrap_or(0);
        let Some(slot) = self.known.get_mut(place) else { return compute() };
        if let Some((known, value)) = slot
            && *known == number
        {
            return Ok(*value);
        }
        let value = compute()?;
        *slot = Some((number, value));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::common::exec_err;

    #[test]
    fn a_number_is_computed_once_until_another_takes_its_place() {
        let mut recent = Recent::of_moments();
        let mut computed = 0;
        let mut get = |number: i64| {
            recent.get(number, || {
                computed += 1;
                Ok(number * 2)
            })
        };
        for number in [5, 5, DAY_US, 5, 6, 5, -1, -1, DAY_US] {
            assert_eq!(get(number).unwrap(), number * 2);
        }
        assert_eq!(computed, 5);
        assert!(recent.get(9 * DAY_US, || exec_err!("no")).is_err());
        assert_eq!(recent.get(9 * DAY_US, || Ok(1)).unwrap(), 1);
    }
}
