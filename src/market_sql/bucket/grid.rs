//! Buckets of one width that follow each other on a line: of whole numbers, or of microseconds and months on one clock.

use crate::dialect::moment::fault::{invalid, not_supported, out_of_range};
use crate::text::calendar::{DAY_US, civil, days_of};
use arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::Result;

/// How wide buckets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// So many microseconds, or other units.
    Even(i64),
    /// So many months, however long they are.
    Months(i64),
}

impl Width {
    /// The width that a span of time is.
    ///
    /// # Errors
    /// 0A000 for months beside days or a time, 22023 for a span that is not positive.
    pub(crate) fn of(span: IntervalMonthDayNano) -> Result<Self> {
        let rest = microseconds(span)?;
        if span.months != 0 && rest != 0 {
            return Err(not_supported("month intervals cannot have day or time component".to_owned()));
        }
        let width = if span.months == 0 { Self::Even(rest) } else { Self::Months(span.months.into()) };
        width.positive()
    }

    /// The width itself.
    ///
    /// # Errors
    /// 22023 where it is not positive.
    pub(crate) fn positive(self) -> Result<Self> {
        let (Self::Even(size) | Self::Months(size)) = self;
        if size > 0 { Ok(self) } else { Err(invalid("period must be greater than 0".to_owned())) }
    }

    /// Whether it is less than a day, so that what it begins with is a time of the day.
    pub(crate) fn is_part_of_day(self) -> bool {
        matches!(self, Self::Even(us) if us < DAY_US)
    }

    /// Whether buckets of dates can have it.
    pub(crate) fn is_of_days(self) -> bool {
        matches!(self, Self::Even(us) if us % DAY_US == 0) || matches!(self, Self::Months(_))
    }
}

/// The days and the time of a span in microseconds.
pub(crate) fn microseconds(span: IntervalMonthDayNano) -> Result<i64> {
    let days = i64::from(span.days) * DAY_US;
    days.checked_add(span.nanoseconds / 1_000).ok_or_else(|| out_of_range("interval"))
}

/// Where buckets begin, on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grid {
    /// Every so many units from an origin on, and before it.
    Even {
        /// Width of a bucket.
        width: i64,
        /// Where one of the buckets begins.
        origin: i64,
    },
    /// Every so many months.
    Months {
        /// Width of a bucket in months.
        count: i64,
        /// A month with which a bucket begins, counted from the year 0.
        origin: i64,
        /// Microseconds after the month's beginning with which a bucket begins.
        offset: i64,
    },
}

impl Grid {
    /// The beginning of the bucket of a moment; `None` beyond the numbers there are.
    pub(crate) fn start(&self, at: i64) -> Option<i64> {
        match *self {
            Self::Even { width, origin } => {
                let since = (at.rem_euclid(width) - origin.rem_euclid(width)).rem_euclid(width);
                at.checked_sub(since)
            }
            Self::Months { count, origin, offset } => {
                let month = month_of(at.checked_sub(offset)?);
                let first = (month - origin).div_euclid(count).checked_mul(count)?.checked_add(origin)?;
                beginning(first)?.checked_add(offset)
            }
        }
    }

    /// The beginning of the bucket behind one that begins at a moment; the last number there is, where there is none.
    pub(crate) fn next(&self, start: i64) -> i64 {
        match *self {
            Self::Even { width, .. } => start.saturating_add(width),
            Self::Months { count, offset, .. } => {
                let month = month_of(start.saturating_sub(offset)).saturating_add(count);
                beginning(month).and_then(|us| us.checked_add(offset)).unwrap_or(i64::MAX)
            }
        }
    }
}

/// The month of a moment, counted from the year 0.
pub(crate) fn month_of(us: i64) -> i64 {
    let (year, month, _) = civil(us.div_euclid(DAY_US));
    year * 12 + month - 1
}

/// The first moment of a month.
fn beginning(month: i64) -> Option<i64> {
    // Beyond these years there are no moments in any case.
    let year = Some(month.div_euclid(12)).filter(|year| (-400_000..=400_000).contains(year))?;
    days_of(year, month.rem_euclid(12) + 1, 1).checked_mul(DAY_US)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(grid: Grid, at: i64, start: i64, next: i64) {
        assert_eq!((grid.start(at).unwrap(), grid.next(start)), (start, next));
    }

    #[test]
    fn buckets_are_left_closed_on_both_sides_of_their_origin() {
        for (at, start) in [(0, -1), (2, -1), (3, 3), (-1, -1), (-2, -5), (-5, -5), (-6, -9)] {
            check(Grid::Even { width: 4, origin: 3 }, at, start, start + 4);
        }
        assert_eq!(Grid::Even { width: 7, origin: 0 }.start(i64::MIN), None);
        assert_eq!(Grid::Even { width: i64::MAX, origin: i64::MIN }.start(i64::MAX - 1), Some(i64::MAX - 1));
        assert_eq!(Grid::Even { width: 7, origin: 0 }.next(i64::MAX - 1), i64::MAX);
    }

    #[test]
    fn months_are_counted_from_their_origin() {
        let day = |year, month, day| days_of(year, month, day) * DAY_US;
        let quarters = Grid::Months { count: 3, origin: 2000 * 12, offset: 0 };
        check(quarters, day(2026, 5, 31), day(2026, 4, 1), day(2026, 7, 1));
        check(quarters, day(1999, 12, 31), day(1999, 10, 1), day(2000, 1, 1));
        let shifted = Grid::Months { count: 1, origin: 2000 * 12, offset: 14 * DAY_US };
        check(shifted, day(2026, 3, 14), day(2026, 2, 15), day(2026, 3, 15));
        check(shifted, day(2026, 3, 15), day(2026, 3, 15), day(2026, 4, 15));
    }

    #[test]
    fn a_width_is_positive_and_of_one_kind() {
        let width = |months, days, ns| Width::of(IntervalMonthDayNano::new(months, days, ns));
        assert_eq!(width(0, 1, 1_000).unwrap(), Width::Even(DAY_US + 1));
        assert_eq!(width(14, 0, 0).unwrap(), Width::Months(14));
        for (months, days, ns) in [(1, 1, 0), (1, 0, 1_000), (0, 0, 0), (-1, 0, 0), (0, -1, 0), (0, 0, 999)] {
            assert!(width(months, days, ns).is_err(), "{months} {days} {ns}");
        }
    }
}
