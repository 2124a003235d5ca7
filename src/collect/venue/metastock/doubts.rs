//! What is odd about the bars of one symbol that are imported all the same: dates without a session, sessions without a
//! bar, jumps, prices outside of their range, values that are not there.

use super::date;
use super::series::{Day, Series, Settled};
use crate::lake::quality::{Doubt, DoubtKind, Severity};
use crate::market::calendar::SessionDays;

/// A close so many times the one before it, or a fraction of it, is a jump: a split that nobody told of, or a slip.
const JUMP: f64 = 2.0;
/// A jump that makes nonsense of whatever is computed across it.
const WILD_JUMP: f64 = 10.0;
/// So many sessions in a row without a bar are more than a symbol that trades seldom.
const LONG_GAP: u32 = 5;
/// A symbol of which more than this part of bars, in percent, are on no session keeps another calendar.
const OTHER_CALENDAR_PERCENT: u64 = 10;

/// A doubt, and the number of rows it is about.
pub(super) type Counted = (Doubt, u64);

/// How often something was met, and where first.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    first: Option<i32>,
}

impl Tally {
    fn add_if(&mut self, met: bool, day: i32) {
        if met {
            self.count += 1;
            self.first.get_or_insert(day);
        }
    }

    fn first(&self) -> Option<String> {
        self.first.map(date::text)
    }
}

/// Which columns the file has: what is missing elsewhere is no doubt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) open: bool,
    pub(super) high: bool,
    pub(super) low: bool,
    pub(super) volume: bool,
}

impl Present {
    fn lacks(self, day: &Day) -> bool {
        self.open && day.open.is_none()
            || self.high && day.high.is_none()
            || self.low && day.low.is_none()
            || self.volume && day.volume.is_none()
    }
}

/// The largest change from one close to the next.
#[derive(Debug, Clone, Copy)]
struct Jump {
    times: f64,
    day: i32,
    from: f64,
    to: f64,
}

/// The longest run of sessions without a bar.
#[derive(Debug, Clone, Copy)]
struct Gap {
    sessions: u32,
    after: i32,
    before: i32,
}

#[derive(Debug, Default)]
struct Seen {
    off_session: Tally,
    outside: Tally,
    lacking: Tally,
    jumps: u64,
    largest: Option<Jump>,
    missing: u64,
    longest: Option<Gap>,
}

/// Looks at the days of a symbol, sorted and one per date, and tells what is odd about them.
pub(super) fn doubts(series: &Series, present: Present, told: &mut Vec<Counted>) {
    let sessions = SessionDays::of_equities();
    let mut seen = Seen::default();
    let mut last: Option<&Day> = None;
    for day in &series.days {
        seen.off_session.add_if(sessions.has(day.day) == Some(false), day.day);
        seen.outside.add_if(is_outside(day), day.day);
        seen.lacking.add_if(present.lacks(day), day.day);
        if let Some(last) = last {
            seen.step(last, day, sessions);
        }
        last = Some(day);
    }
    seen.tell(series, told);
}

/// Whether the open or the close is outside of low to high.
fn is_outside(day: &Day) -> bool {
    let (Some(high), Some(low)) = (day.high, day.low) else { return false };
    let outside = |price: Option<f64>| price.is_some_and(|price| !(low..=high).contains(&price));
    outside(day.open) || outside(day.close)
}

impl Seen {
    /// From one bar to the next.
    fn step(&mut self, last: &Day, day: &Day, sessions: &SessionDays) {
        if let (Some(from), Some(to)) = (last.close, day.close) {
            let times = if from < to { to / from } else { from / to };
            if times >= JUMP {
                self.jumps += 1;
                let jump = Jump { times, day: day.day, from, to };
                self.largest = self.largest.filter(|largest| largest.times >= times).or(Some(jump));
            }
        }
        // Mostly the next day, or the one after a weekend.
        if day.day - last.day > 1 {
            let missing = sessions.between(last.day.saturating_add(1), day.day);
            if missing > 0 {
                self.missing += u64::from(missing);
                let gap = Gap { sessions: missing, after: last.day, before: day.day };
                self.longest = self.longest.filter(|longest| longest.sessions >= missing).or(Some(gap));
            }
        }
    }

    fn tell(self, series: &Series, told: &mut Vec<Counted>) {
        let mut tell = |kind, severity, example: String, count| {
            told.push((Doubt::about(&series.symbol, kind, severity, example), count));
        };
        if let Some(first) = self.off_session.first() {
            let other = self.off_session.count * 100 > series.days.len() as u64 * OTHER_CALENDAR_PERCENT;
            let severity = if other { Severity::Info } else { Severity::Warning };
            let example = format!("{first} has a bar and no session of the New York Stock Exchange");
            tell(DoubtKind::Calendar, severity, example, self.off_session.count);
        }
        if let Some(first) = self.outside.first() {
            let example = format!("{first}: the open or the close is outside of low to high");
            tell(DoubtKind::OutsideRange, Severity::Warning, example, self.outside.count);
        }
        if let Some(first) = self.lacking.first() {
            let example =
                format!("{first}: the open, high, low or volume is not there, 0 or unreadable, and NULL here");
            tell(DoubtKind::MissingValue, Severity::Info, example, self.lacking.count);
        }
        if let Some(Jump { times, day, from, to }) = self.largest {
            let severity = if times >= WILD_JUMP { Severity::Severe } else { Severity::Warning };
            let example = format!("{}: the close goes from {from} to {to}", date::text(day));
            tell(DoubtKind::Outlier, severity, example, self.jumps);
        }
        if let Some(Gap { sessions, after, before }) = self.longest {
            let severity = if sessions >= LONG_GAP { Severity::Warning } else { Severity::Info };
            let (after, before) = (date::text(after), date::text(before));
            let example = format!("between {after} and {before} are {sessions} sessions without a bar");
            tell(DoubtKind::Gap, severity, example, self.missing);
        }
    }
}

/// Tells of rows of one date that contradict each other, in a file or in several.
pub(super) fn contradictions(symbol: &str, settled: &Settled, told: &mut Vec<Counted>) {
    let Some(day) = settled.first_conflict.map(date::text) else { return };
    // What is corrected is corrected a little, and now and then.
    let two_securities = settled.far_apart > 1 && settled.far_apart * 2 > settled.conflicts;
    let (severity, what) = match two_securities {
        true => (Severity::Severe, "rows that are far apart, as of two securities"),
        false => (Severity::Warning, "contradicting rows"),
    };
    let example = format!("{day} has {what}; the last one counts");
    told.push((Doubt::about(symbol, DoubtKind::Duplicate, severity, example), settled.conflicts));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn bar(day: &str, close: f64) -> Day {
        let day: NaiveDate = day.parse().unwrap();
        let days = day.signed_duration_since(NaiveDate::default()).num_days();
        Day {
            day: i32::try_from(days).unwrap(),
            open: Some(close),
            high: Some(close),
            low: Some(close),
            close: Some(close),
            volume: Some(1),
            ..Day::default()
        }
    }

    fn told(days: Vec<Day>) -> Vec<(DoubtKind, Severity, u64, String)> {
        let mut told = Vec::new();
        let present = Present { open: true, high: true, low: true, volume: true };
        doubts(&Series { symbol: "A".to_owned(), days }, present, &mut told);
        told.into_iter().map(|(doubt, count)| (doubt.kind, doubt.severity, count, doubt.example)).collect()
    }

    #[test]
    fn good_bars_are_not_doubted() {
        // A weekend, Christmas, a weekend.
        let days = ["2025-12-19", "2025-12-22", "2025-12-23", "2025-12-24", "2025-12-26", "2025-12-29"];
        assert_eq!(told(days.map(|day| bar(day, 10.0)).to_vec()), []);
    }

    #[test]
    fn each_oddity_is_one_doubt_with_its_count() {
        let mut odd = bar("2026-01-08", 11.0);
        odd.high = Some(10.0);
        let mut lacking = bar("2026-01-09", 10.0);
        lacking.volume = None;
        let mut days = vec![bar("2026-01-02", 10.0), bar("2026-01-03", 10.0), bar("2026-01-05", 10.0)];
        days.extend([odd, lacking, bar("2026-01-12", 0.5), bar("2026-02-02", 0.5)]);
        days.extend((3..=6).map(|day| bar(&format!("2026-02-0{day}"), 0.5)));
        let told = told(days);
        let kinds: Vec<_> = told.iter().map(|(kind, severity, count, _)| (*kind, *severity, *count)).collect();
        assert_eq!(
            kinds,
            [
                (DoubtKind::Calendar, Severity::Warning, 1),
                (DoubtKind::OutsideRange, Severity::Warning, 1),
                (DoubtKind::MissingValue, Severity::Info, 1),
                (DoubtKind::Outlier, Severity::Severe, 1),
                (DoubtKind::Gap, Severity::Warning, 15),
            ]
        );
        assert!(told[3].3.contains("2026-01-12: the close goes from 10 to 0.5"), "{told:?}");
        assert!(told[4].3.contains("between 2026-01-12 and 2026-02-02 are 13 sessions"), "{told:?}");
    }

    #[test]
    fn two_securities_under_one_symbol_are_grave() {
        let days = ["2026-01-05", "2026-01-06", "2026-01-07"];
        let both = |other: f64| {
            let days = days.iter().flat_map(|day| [bar(day, 10.0), bar(day, other)]).collect();
            let mut series = Series { symbol: "A".to_owned(), days };
            let (settled, mut told) = (series.settle(), Vec::new());
            contradictions("A", &settled, &mut told);
            (told[0].0.severity, told[0].1)
        };
        assert_eq!(both(50.0), (Severity::Severe, 3));
        assert_eq!(both(10.1), (Severity::Warning, 3));
    }
}
