//! Buckets by whichever rule, with the one that was asked for last: rows of a column mostly come in order.

use super::grid::{Grid, Width, microseconds, month_of};
use super::local::Local;
use super::session::Sessions;
use super::span::Span;
use crate::dialect::moment::fault::{invalid, not_supported, out_of_range, overflow};
use crate::market::exchange::Exchange;
use crate::text::calendar::{DAY_US, days_of, is_moment};
use crate::text::zone::Zone;
use arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::Result;

/// What says where buckets begin.
#[derive(Debug)]
enum Rule {
    /// On a clock that is never changed.
    Clock(Grid),
    /// Of whole numbers, which are no moments.
    Numbers(Grid),
    /// On the clock of a zone.
    Local(Local),
    /// In the sessions of an exchange.
    Sessions(Sessions),
}

/// Buckets of one width.
#[derive(Debug)]
pub(crate) struct Buckets {
    rule: Rule,
    last: Span,
}

/// What buckets of time are aligned to.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Alignment {
    /// A moment with which a bucket begins.
    pub(crate) origin: Option<i64>,
    /// How much later than otherwise buckets begin.
    pub(crate) offset: Option<IntervalMonthDayNano>,
    /// By whose clock they begin; by that of UTC where it is left out.
    pub(crate) zone: Option<Zone>,
}

impl Buckets {
    fn by(rule: Rule) -> Self {
        Self { rule, last: Span::NOWHERE }
    }

    /// Buckets of whole numbers.
    ///
    /// # Errors
    /// 22023 for a width that is not positive.
    pub(crate) fn of_numbers(width: i64, offset: i64) -> Result<Self> {
        Width::Even(width).positive()?;
        Ok(Self::by(Rule::Numbers(Grid::Even { width, origin: offset })))
    }

    /// Buckets of time. Those of months begin with a month, the others are aligned to a Monday.
    ///
    /// # Errors
    /// 22008 for an origin that is infinite, 0A000 for an offset of months where the width has none.
    pub(crate) fn of_time(width: Width, alignment: Alignment) -> Result<Self> {
        let Alignment { origin, offset, zone } = alignment;
        if origin.is_some_and(|origin| !is_moment(origin)) {
            return Err(overflow("origin out of range"));
        }
        let failed = || out_of_range("timestamp");
        // An origin is a moment, and the grid counts by the clock.
        let by_clock = |us: i64| zone.as_ref().map_or(Some(us), |zone| zone.local(us)).ok_or_else(failed);
        let origin = origin.map(by_clock).transpose()?;
        let shift = offset.map_or(Ok(0), microseconds)?;
        let months = offset.map_or(0, |offset| i64::from(offset.months));
        let grid = match width {
            Width::Even(_) if months != 0 => {
                let message = "an offset of months needs buckets of months";
                return Err(not_supported(message.to_owned()));
            }
            Width::Even(width) => {
                let origin = origin.unwrap_or(days_of(2000, 1, 3) * DAY_US);
                Grid::Even { width, origin: origin.checked_add(shift).ok_or_else(failed)? }
            }
            Width::Months(count) => {
                let first = origin.map_or(2000 * 12, month_of);
                Grid::Months { count, origin: first + months, offset: shift }
            }
        };
        Ok(Self::by(match zone {
            Some(zone) => Rule::Local(Local::new(zone, grid, width.is_part_of_day())),
            None => Rule::Clock(grid),
        }))
    }

    /// Buckets in the sessions of an exchange; those of a day are whole sessions.
    ///
    /// # Errors
    /// 22023 for a width of more than a day.
    pub(crate) fn of_sessions(width: Width, exchange: &'static Exchange) -> Result<Self> {
        let width = match width {
            Width::Even(us) if us < DAY_US => Some(us),
            Width::Even(DAY_US) => None,
            _ => return Err(invalid("a bucket of a session is a day wide at most".to_owned())),
        };
        Ok(Self::by(Rule::Sessions(Sessions::new(exchange, width))))
    }

    /// The beginning of the bucket of a moment or number; `None` outside of sessions.
    ///
    /// # Errors
    /// 22008 where it has no place in its type, or nothing is known of the sessions then.
    pub(crate) fn start(&mut self, at: i64) -> Result<Option<i64>> {
        if !self.last.contains(at) {
            self.last = self.span(at)?;
        }
        Ok(self.last.start)
    }

    /// The beginning of the first bucket that begins at a moment or after it; `None` where there is none.
    ///
    /// # Errors
    /// As [`Buckets::start`].
    pub(crate) fn first_from(&mut self, at: i64) -> Result<Option<i64>> {
        let mut at = at;
        let wanted = at;
        loop {
            let span = self.span(at)?;
            match span.start {
                Some(start) if start >= wanted => return Ok(Some(start)),
                // Whole sessions have two stretches where there is a break, and the last time has no end.
                _ if span.to <= at || span.to == i64::MAX => return Ok(None),
                _ => at = span.to,
            }
        }
    }

    /// The beginning of the bucket of a moment, or of the first one after it.
    ///
    /// # Errors
    /// As [`Buckets::start`].
    pub(crate) fn at_or_after(&mut self, at: i64) -> Result<Option<i64>> {
        match self.span(at)?.start {
            Some(start) => Ok(Some(start)),
            None => self.first_from(at),
        }
    }

    fn span(&mut self, at: i64) -> Result<Span> {
        let even = |grid: &Grid| {
            let start = grid.start(at).ok_or_else(|| out_of_range("timestamp"))?;
            Ok(Span::bucket(start, grid.next(start)))
        };
        let span = match &mut self.rule {
            Rule::Numbers(grid) => return even(grid),
            Rule::Clock(grid) => even(grid)?,
            Rule::Local(local) => local.span(at).ok_or_else(|| out_of_range("timestamp"))?,
            Rule::Sessions(sessions) => {
                let Exchange { mic, first, last, .. } = sessions.exchange();
                let beyond = || overflow(&format!("sessions of {mic} are known from {first} to {last}"));
                sessions.span(at).ok_or_else(beyond)?
            }
        };
        match span.start {
            Some(start) if !is_moment(start) => Err(out_of_range("timestamp")),
            _ => Ok(span),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::market::exchange;
    use crate::text::calendar::HOUR_US;

    fn day(year: i64, month: i64, day: i64) -> i64 {
        days_of(year, month, day) * DAY_US
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_their_first_day() {
        let mut weeks = Buckets::of_time(Width::Even(7 * DAY_US), Alignment::default()).unwrap();
        assert_eq!(weeks.start(day(2026, 11, 29)).unwrap(), Some(day(2026, 11, 23)));
        assert_eq!(weeks.start(day(2026, 11, 30)).unwrap(), Some(day(2026, 11, 30)));
        let mut months = Buckets::of_time(Width::Months(5), Alignment::default()).unwrap();
        assert_eq!(months.start(day(2026, 11, 29)).unwrap(), Some(day(2026, 9, 1)));
        let alignment = Alignment { origin: Some(day(2026, 1, 1)), ..Default::default() };
        let mut months = Buckets::of_time(Width::Months(5), alignment).unwrap();
        assert_eq!(months.start(day(2026, 11, 29)).unwrap(), Some(day(2026, 11, 1)));
    }

    #[test]
    fn what_is_remembered_changes_no_answer() {
        let zone = Zone::named("America/New_York");
        let alignment = Alignment { zone, ..Default::default() };
        let mut one = Buckets::of_time(Width::Even(4 * HOUR_US), alignment.clone()).unwrap();
        let mut at = day(2026, 3, 1);
        while at < day(2026, 12, 1) {
            let mut other = Buckets::of_time(Width::Even(4 * HOUR_US), alignment.clone()).unwrap();
            assert_eq!(one.start(at).unwrap(), other.start(at).unwrap());
            at += 97 * 60_000_000;
        }
    }

    #[test]
    fn buckets_follow_each_other() {
        let exchange = exchange::find("XTKS").unwrap();
        let starts = |width| {
            let mut buckets = Buckets::of_sessions(Width::Even(width), exchange).unwrap();
            let (mut at, mut found) = (day(2026, 11, 26), Vec::new());
            while let Some(start) = buckets.first_from(at).unwrap().filter(|start| *start < day(2026, 11, 28)) {
                found.push((start - day(2026, 11, 26)) / (HOUR_US / 2));
                at = start + 1;
            }
            found
        };
        // From 09:00 to 11:30 and from 12:30 to 15:30 in Tokyo; in units of half an hour.
        assert_eq!(starts(2 * HOUR_US), [0, 4, 7, 11, 48, 52, 55, 59]);
        assert_eq!(starts(DAY_US), [0, 48]);
    }

    #[test]
    fn what_has_no_place_is_an_error() {
        let mut months = Buckets::of_time(Width::Months(1_000_000_000), Alignment::default()).unwrap();
        assert!(months.start(day(1999, 1, 1)).is_err());
        let mut days = Buckets::of_time(Width::Even(DAY_US * 1_000), Alignment::default()).unwrap();
        assert!(days.start(day(-4712, 1, 1)).is_err());
        assert!(Buckets::of_numbers(0, 0).is_err());
        assert!(Buckets::of_sessions(Width::Even(DAY_US + 1), exchange::find("XNYS").unwrap()).is_err());
        let origin = Some(i64::MAX);
        assert!(Buckets::of_time(Width::Even(1), Alignment { origin, ..Default::default() }).is_err());
    }
}
