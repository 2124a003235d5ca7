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

    /// The fault of a row that cannot be a session's, whose date is later than `latest`, or whose prices no session has.
    pub(super) fn check(&self, latest: i32) -> Result<(), String> {
        let prices = [("open", self.open), ("high", self.high), ("low", self.low), ("close", self.close)];
        let below = prices.into_iter().find_map(|(name, price)| Some((name, price.filter(|price| *price < 0.0)?)));
        match (self.high, self.low, self.close) {
            _ if self.day > latest => Err(format!("{} is in the future", date::text(self.day))),
            (.., None) => Err("it has no close".to_owned()),
            (.., Some(0.0)) => Err("the close is 0".to_owned()),
            _ if let Some((name, price)) = below => Err(format!("the {name} {price} is below 0")),
            (Some(high), Some(low), _) if high < low => Err(format!("the high {high} is below the low {low}")),
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
    /// First date with contradicting rows, and the last one.
    pub(super) first_conflict: Option<i32>,
    last_conflict: Option<i32>,
    /// Dates with contradicting rows, and those with three or more.
    pub(super) conflict_days: usize,
    crowded_days: usize,
    last_crowded: Option<i32>,
    /// First date with rows at two times of the day.
    pub(super) two_times: Option<i32>,
    /// Contradicting rows whose closes are far apart, as those of two securities are.
    pub(super) far_apart: u64,
}

/// Closes of one session that differ by more than this part are not those of one security.
const FAR_APART: f64 = 0.2;

impl Settled {
    /// A sentence about contradicting rows, if there are any.
    pub(super) fn warning(&self, symbol: &str) -> Option<String> {
        let day = date::text(self.first_conflict?);
        Some(format!("{symbol}: contradicting rows, of which the last counts: {}, first on {day}", self.conflicts))
    }

    /// A date with several rows, where so many dates have them that they are no corrections: more than half of `days`, or
    /// a tenth three or more.
    pub(super) fn several_a_day(&self, days: usize) -> Option<i32> {
        let pairs = self.conflict_days > 1 && self.conflict_days * 2 > days;
        let crowds = self.crowded_days > 0 && self.crowded_days * 10 >= days;
        self.first_conflict.filter(|_| pairs || crowds)
    }

    fn conflict(&mut self, later: &Day, kept: &Day) {
        self.conflicts += 1;
        self.first_conflict.get_or_insert(later.day);
        if self.last_conflict != Some(later.day) {
            self.last_conflict = Some(later.day);
            self.conflict_days += 1;
        } else if self.last_crowded != Some(later.day) {
            self.last_crowded = Some(later.day);
            self.crowded_days += 1;
        }
        if let (Some(one), Some(other)) = (later.close, kept.close) {
            self.far_apart += u64::from((one - other).abs() > FAR_APART * one.abs().max(other.abs()));
        }
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
                settled.conflict(later, kept);
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
    fn corrections_are_told_from_several_rows_a_day() {
        let found = |rows: &[(i32, f64)]| {
            let mut days = series(rows);
            days.settle().several_a_day(days.days.len())
        };
        assert_eq!(found(&[(1, 1.0), (1, 2.0), (2, 1.0)]), None, "one correction");
        assert_eq!(found(&[(1, 1.0), (1, 2.0)]), None);
        assert_eq!(found(&[(1, 1.0), (1, 2.0), (1, 3.0)]), Some(1));
        assert_eq!(found(&[(1, 1.0), (1, 2.0), (2, 1.0), (2, 3.0), (3, 1.0)]), Some(1));
        assert_eq!(found(&[(1, 1.0), (1, 1.0), (1, 1.0), (2, 1.0), (2, 1.0)]), None, "the same again is no bar");
        let mut days = series(&[(1, 1.0), (1, 1.1), (2, 1.0), (2, 50.0), (3, 1.0)]);
        assert_eq!(days.settle().far_apart, 1);
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
