//! Buckets by the clock of a time zone, right where the clock is changed.
//!
//! Buckets of days and months begin with the first moment at which the clock reaches their beginning. Those that are
//! parts of a day begin whenever the clock shows their beginning: an hour that comes twice is two buckets, one of two
//! hours has one more hour or one less, and one that the clock skips does not begin.

use super::grid::Grid;
use super::span::Span;
use crate::text::calendar::DAY_US;
use crate::text::zone::{Offsets, Zone};

/// Buckets on the clock of a zone.
#[derive(Debug)]
pub(super) struct Local {
    offsets: Offsets,
    grid: Grid,
    /// Whether a bucket is a part of a day.
    is_part_of_day: bool,
}

impl Local {
    /// Buckets of a grid that counts by the zone's clock.
    pub(super) fn new(zone: Zone, grid: Grid, is_part_of_day: bool) -> Self {
        Self { offsets: Offsets::of(zone), grid, is_part_of_day }
    }

    /// The bucket of a moment; `None` beyond the moments there are.
    pub(super) fn span(&mut self, us: i64) -> Option<Span> {
        if self.is_part_of_day { self.part_of_day(us) } else { self.days(us) }
    }

    fn east(&mut self, us: i64) -> i64 {
        self.offsets.east_us(us)
    }

    fn days(&mut self, us: i64) -> Option<Span> {
        let local = us.checked_add(self.east(us))?;
        let shown = self.grid.start(local)?;
        let next = self.grid.next(shown);
        let end = self.reached(next);
        if us < end {
            return Some(Span::bucket(self.reached(shown), end));
        }
        // The clock was set back over the end of the bucket, which is over nevertheless.
        let behind = self.grid.next(next);
        Some(Span::bucket(end, self.reached(behind)))
    }

    /// The first moment at which the clock shows a time, or has passed it.
    fn reached(&mut self, local: i64) -> i64 {
        let before = self.east(local.saturating_sub(DAY_US));
        let after = self.east(local.saturating_add(DAY_US));
        let early = local.saturating_sub(before.max(after));
        let late = local.saturating_sub(before.min(after));
        if before == after {
            return early;
        }
        self.first(early, late, |clock, us| us.saturating_add(clock.east(us)) >= local)
    }

    fn part_of_day(&mut self, us: i64) -> Option<Span> {
        let east = self.east(us);
        let shown = self.grid.start(us.checked_add(east)?)?;
        let start = shown.checked_sub(east)?;
        let start = if self.east(start) == east { start } else { self.start_over_change(start, us)? };
        let end = self.end_of_part(start)?;
        Some(Span::bucket(start, end))
    }

    /// The beginning of the bucket of a moment before which the clock was changed, after `from`.
    fn start_over_change(&mut self, from: i64, us: i64) -> Option<i64> {
        let east = self.east(us);
        let change = self.first(from, us, |clock, us| clock.east(us) == east);
        let last = change.checked_sub(1)?;
        let east_before = self.east(last);
        let shown = self.grid.start(last.checked_add(east_before)?)?;
        // Whatever the clock skipped the beginning of begins with the change.
        let skipped = self.grid.next(shown) < change.saturating_add(east);
        if skipped { Some(change) } else { shown.checked_sub(east_before) }
    }

    fn end_of_part(&mut self, start: i64) -> Option<i64> {
        let east = self.east(start);
        let shown = self.grid.start(start.checked_add(east)?)?;
        let next = self.grid.next(shown);
        let end = next.saturating_sub(east);
        let east_after = self.east(end);
        if east_after == east {
            return Some(end);
        }
        let change = self.first(start, end, |clock, us| clock.east(us) == east_after);
        let shown_then = change.saturating_add(east_after);
        if east_after > east && next <= shown_then {
            return Some(change);
        }
        let shown = self.grid.start(shown_then.checked_sub(1)?)?;
        Some(self.grid.next(shown).saturating_sub(east_after))
    }

    /// The first moment of a stretch from which on something holds; the last one where it holds nowhere before.
    fn first(&mut self, from: i64, to: i64, holds: impl Fn(&mut Self, i64) -> bool) -> i64 {
        if holds(self, from) {
            return from;
        }
        let (mut before, mut found) = (from, to);
        while found - before > 1 {
            let middle = before + (found - before) / 2;
            if holds(self, middle) {
                found = middle;
            } else {
                before = middle;
            }
        }
        found
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::text::calendar::HOUR_US;
    use chrono::{DateTime, NaiveDateTime};

    fn us(text: &str) -> i64 {
        let text = text.parse::<NaiveDateTime>().unwrap();
        text.and_utc().timestamp_micros()
    }

    fn shown(us: i64) -> String {
        DateTime::from_timestamp_micros(us).unwrap().format("%Y-%m-%dT%H:%M:%S").to_string()
    }

    fn of(zone: &str, width: i64) -> Local {
        let grid = Grid::Even { width, origin: us("2000-01-03T00:00:00") };
        Local::new(Zone::named(zone).unwrap(), grid, width < DAY_US)
    }

    #[track_caller]
    fn check(zone: &str, width: i64, at: &str, start: &str, end: &str) {
        let span = of(zone, width).span(us(at)).unwrap();
        assert_eq!((shown(span.from), shown(span.to)), (start.to_owned(), end.to_owned()), "{zone} {at}");
        assert!(span.contains(us(at)) && span.start == Some(span.from));
    }

    #[test]
    fn days_have_23_24_and_25_hours() {
        let rome = |at, start, end| check("Europe/Rome", DAY_US, at, start, end);
        rome("2026-03-29T12:00:00", "2026-03-28T23:00:00", "2026-03-29T22:00:00");
        rome("2026-03-28T22:59:59", "2026-03-27T23:00:00", "2026-03-28T23:00:00");
        rome("2026-10-25T22:59:59", "2026-10-24T22:00:00", "2026-10-25T23:00:00");
    }

    #[test]
    fn a_day_begins_when_the_clock_first_shows_midnight() {
        // Havana goes from 01:00 back to 00:00, and from 00:00 on to 01:00.
        check("America/Havana", DAY_US, "2025-11-02T04:30:00", "2025-11-02T04:00:00", "2025-11-03T05:00:00");
        check("America/Havana", DAY_US, "2025-11-02T05:30:00", "2025-11-02T04:00:00", "2025-11-03T05:00:00");
        check("America/Havana", DAY_US, "2025-03-09T12:00:00", "2025-03-09T05:00:00", "2025-03-10T04:00:00");
        // St. John's went from 00:01 back to 23:01 of the day before.
        let (back, next) = ("2010-11-07T02:30:00", "2010-11-08T03:30:00");
        check("America/St_Johns", DAY_US, "2010-11-07T02:30:30", back, next);
        check("America/St_Johns", DAY_US, "2010-11-07T03:00:00", back, next);
    }

    #[test]
    fn an_hour_that_comes_twice_is_two_buckets() {
        let rome = |width, at, start, end| check("Europe/Rome", width, at, start, end);
        rome(HOUR_US, "2026-10-25T00:30:00", "2026-10-25T00:00:00", "2026-10-25T01:00:00");
        rome(HOUR_US, "2026-10-25T01:30:00", "2026-10-25T01:00:00", "2026-10-25T02:00:00");
        // 00:00 to 04:00 has five hours, and that of two hours from 02:00 on ends when it begins again.
        rome(4 * HOUR_US, "2026-10-25T01:30:00", "2026-10-24T22:00:00", "2026-10-25T03:00:00");
        rome(4 * HOUR_US, "2026-10-24T22:30:00", "2026-10-24T22:00:00", "2026-10-25T03:00:00");
        rome(2 * HOUR_US, "2026-10-25T00:30:00", "2026-10-25T00:00:00", "2026-10-25T01:00:00");
        rome(2 * HOUR_US, "2026-10-25T01:30:00", "2026-10-25T01:00:00", "2026-10-25T03:00:00");
    }

    #[test]
    fn an_hour_that_is_skipped_is_no_bucket() {
        let rome = |width, at, start, end| check("Europe/Rome", width, at, start, end);
        rome(HOUR_US, "2026-03-29T00:59:59", "2026-03-29T00:00:00", "2026-03-29T01:00:00");
        rome(HOUR_US, "2026-03-29T01:00:00", "2026-03-29T01:00:00", "2026-03-29T02:00:00");
        rome(4 * HOUR_US, "2026-03-29T01:30:00", "2026-03-28T23:00:00", "2026-03-29T02:00:00");
        // 02:00 is not shown: what would have begun then begins with the change.
        rome(2 * HOUR_US, "2026-03-29T01:30:00", "2026-03-29T01:00:00", "2026-03-29T02:00:00");
        rome(2 * HOUR_US, "2026-03-29T00:30:00", "2026-03-28T23:00:00", "2026-03-29T01:00:00");
    }

    #[test]
    fn buckets_follow_each_other_without_gap() {
        for zone in ["Europe/Rome", "America/Havana", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"] {
            for width in [HOUR_US / 2, HOUR_US, 7 * HOUR_US / 2, 5 * HOUR_US, 12 * HOUR_US, DAY_US, 7 * DAY_US] {
                let mut local = of(zone, width);
                let (mut at, last) = (us("2010-01-01T00:00:00"), us("2011-01-01T00:00:00"));
                while at < last {
                    let span = local.span(at).unwrap();
                    assert!(span.to > at, "{zone} {width} {}", shown(at));
                    for inside in [span.from, span.from + (span.to - span.from) / 2, span.to - 1] {
                        assert_eq!(local.span(inside).unwrap(), span, "{zone} {width} {}", shown(inside));
                    }
                    at = span.to;
                }
            }
        }
    }
}
