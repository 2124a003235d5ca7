//! The days of one symbol: sorted, one per date. What every kind of file is read into.

use super::date;

/// One session of one symbol, as the file has it. `None` where the file has nothing, or a price of 0.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Day {
    /// The date as days since 1970-01-01.
    pub(super) day: i32,
    /// Seconds since midnight; daily files mostly have 0.
    pub(super) second: u32,
    pub(super) open: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) close: Option<f64>,
    pub(super) volume: Option<i64>,
    pub(super) open_interest: Option<i64>,
}

impl Day {
    /// Whether both say the same of their session.
    fn agrees(&self, other: &Self) -> bool {
        Self { day: 0, second: 0, ..*self } == Self { day: 0, second: 0, ..*other }
    }

    /// Whether there is any price at all.
    pub(super) fn priced(&self) -> bool {
        [self.open, self.high, self.low, self.close].iter().any(Option::is_some)
    }

    /// The fault of a high below its low, which no session can have.
    pub(super) fn check(&self) -> Result<(), String> {
        match (self.high, self.low) {
            (Some(high), Some(low)) if high < low => Err(format!("the high {high} is below the low {low}")),
            _ => Ok(()),
        }
    }
}

/// All days of one symbol.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) symbol: String,
    pub(super) days: Vec<Day>,
}

/// What [`Series::settle`] found among the rows of a symbol.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) duplicates: u64,
    pub(super) conflicts: u64,
    /// First date with contradicting rows.
    first_conflict: Option<i32>,
    /// First date with rows at two times of the day.
    pub(super) two_times: Option<i32>,
}

impl Settled {
    /// A sentence about contradicting rows, if there are any.
    pub(super) fn warning(&self, symbol: &str) -> Option<String> {
        let day = date::text(self.first_conflict?);
        Some(format!("{symbol}: contradicting rows, of which the last counts: {}, first on {day}", self.conflicts))
    }
}

impl Series {
    /// Sorts the days and leaves one per date: the one that was last.
    pub(super) fn settle(&mut self) -> Settled {
        let mut settled = Settled::default();
        if !self.days.is_sorted_by_key(|day| day.day) {
            self.days.sort_by_key(|day| day.day);
        }
        self.days.dedup_by(|later, kept| {
            if later.day != kept.day {
                return false;
            }
            if later.second != kept.second {
                settled.two_times.get_or_insert(later.day);
            }
            if later.agrees(kept) {
                settled.duplicates += 1;
            } else {
                settled.conflicts += 1;
                settled.first_conflict.get_or_insert(later.day);
                *kept = *later;
            }
            true
        });
        settled
    }

    /// A symbol without contracts has an open interest of 0 on every day, which says that there is none to know.
    pub(super) fn forget_absent_contracts(&mut self) {
        if self.days.iter().all(|day| day.open_interest == Some(0)) {
            self.days.iter_mut().for_each(|day| day.open_interest = None);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn series(days: &[(i32, f64)]) -> Series {
        let days = days.iter().map(|&(day, close)| Day { day, close: Some(close), ..Day::default() }).collect();
        Series { symbol: "ACME".to_owned(), days }
    }

    #[test]
    fn the_last_row_of_a_date_counts() {
        let mut days = series(&[(2, 1.0), (1, 5.0), (2, 3.0), (1, 5.0), (2, 3.0)]);
        let settled = days.settle();
        assert_eq!(days, series(&[(1, 5.0), (2, 3.0)]));
        assert_eq!((settled.duplicates, settled.conflicts), (2, 1));
        let warning = "ACME: contradicting rows, of which the last counts: 1, first on 1970-01-03";
        assert_eq!(settled.warning("ACME").as_deref(), Some(warning));
        assert_eq!(series(&[(1, 1.0)]).settle().warning("ACME"), None);
    }

    #[test]
    fn open_interest_of_a_symbol_with_contracts_stays() {
        let mut days = series(&[(1, 1.0), (2, 1.0)]);
        days.days[0].open_interest = Some(0);
        days.days[1].open_interest = Some(7);
        days.forget_absent_contracts();
        assert_eq!(days.days[0].open_interest, Some(0));
        days.days[1].open_interest = Some(0);
        days.forget_absent_contracts();
        assert_eq!((days.days[0].open_interest, days.days[1].open_interest), (None, None));
    }
}
