//! Closes of one symbol with the sessions they are of: what lies how far apart, and what can be compared at all.

use crate::market::calendar::SessionDays;
use std::collections::BTreeMap;

/// So many sessions in a row without a bar end a run: a symbol that trades seldom lacks fewer.
const GAP_SESSIONS: u32 = 5;
/// Where another source's bars begin, a close within these times the last one is in the same scale.
const SAME_SCALE: std::ops::RangeInclusive<f64> = 0.55..=1.8;

/// The close of one session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bar {
    /// Number of the session; the next session has the next number.
    pub(super) session: u32,
    /// Number of the run of bars it is of. Bars of different runs are not compared.
    pub(super) run: u32,
    pub(super) close: f64,
}

/// Closes by day, in days since 1970, as they come.
#[derive(Debug, Default)]
pub(super) struct Series {
    closes: BTreeMap<i32, (f64, usize)>,
    sources: Vec<String>,
}

impl Series {
    /// Takes in a close above 0.
    pub(super) fn add(&mut self, day: i32, close: f64, source: &str) {
        let known = self.sources.iter().position(|known| known == source);
        let source = known.unwrap_or_else(|| {
            self.sources.push(source.to_owned());
            self.sources.len() - 1
        });
        self.closes.insert(day, (close, source));
    }

    /// The bars in order, with their sessions and runs. Days on which the exchange has no session are left out.
    pub(super) fn bars(self) -> Vec<Bar> {
        let sessions = SessionDays::of_equities();
        let mut bars: Vec<Bar> = Vec::with_capacity(self.closes.len());
        let (mut last_day, mut last_source) = (0, None);
        for (day, (close, source)) in self.closes {
            let last = bars.last().copied();
            let session = match (sessions.has(day), last) {
                (Some(false), _) => continue,
                (_, None) => 0,
                (Some(true), Some(last)) => last.session.saturating_add(sessions.between(last_day, day).max(1)),
                // Beyond what is known of the calendar, bars are taken to follow each other.
                (None, Some(last)) => last.session.saturating_add(1),
            };
            let continues = last.is_none_or(|last| {
                let same_scale = last_source == Some(source) || SAME_SCALE.contains(&(close / last.close));
                session.saturating_sub(last.session) <= GAP_SESSIONS && same_scale
            });
            let run = last.map_or(0, |last| last.run + u32::from(!continues));
            (last_day, last_source) = (day, Some(source));
            bars.push(Bar { session, run, close });
        }
        bars
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn bars(closes: &[(&str, f64, &str)]) -> Vec<(u32, u32)> {
        let mut series = Series::default();
        for (date, close, source) in closes {
            let date: NaiveDate = date.parse().unwrap();
            let day = date.signed_duration_since(NaiveDate::default()).num_days();
            series.add(i32::try_from(day).unwrap(), *close, source);
        }
        series.bars().into_iter().map(|bar| (bar.session, bar.run)).collect()
    }

    #[test]
    fn sessions_are_counted_by_the_calendar() {
        // A Thursday, the Monday behind it, the Wednesday: of Friday and Tuesday there is no bar. Saturday has no session.
        let some =
            [("2026-06-04", 1.0, "a"), ("2026-06-06", 9.0, "a"), ("2026-06-08", 1.0, "a"), ("2026-06-10", 1.0, "a")];
        assert_eq!(bars(&some), [(0, 0), (2, 0), (4, 0)]);
        assert_eq!(bars(&[]), []);
    }

    #[test]
    fn a_run_ends_at_a_gap_and_where_another_scale_begins() {
        let gap = [("2026-06-01", 1.0, "a"), ("2026-06-09", 1.0, "a"), ("2026-06-10", 1.0, "a")];
        assert_eq!(bars(&gap), [(0, 0), (6, 1), (7, 1)]);
        let seam = [("2026-06-08", 10.0, "a"), ("2026-06-09", 1.0, "b"), ("2026-06-10", 10.0, "b")];
        assert_eq!(bars(&seam), [(0, 0), (1, 1), (2, 1)]);
        assert_eq!(bars(&[("2026-06-08", 10.0, "a"), ("2026-06-09", 11.0, "b")]), [(0, 0), (1, 0)]);
    }
}
