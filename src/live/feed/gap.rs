//! Gaps: spans of time in which events of the feed may be missing. The newest are kept, up to a bound.

use chrono::{DateTime, Utc};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Gaps that are kept, the oldest leave first.
const GAPS_MAX: usize = 10_000;

/// One span in which events may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Name of the feed.
    pub feed: &'static str,
    /// When the last event before it came.
    pub from: DateTime<Utc>,
    /// When events came again; `None` while it lasts.
    pub to: Option<DateTime<Utc>>,
    /// What happened, one clear sentence.
    pub reason: String,
    /// Symbols of which events may be missing, sorted; `None` is all.
    pub symbols: Option<Arc<[Arc<str>]>>,
    /// Events that may be missing, by the names of their tables, sorted.
    pub events: Arc<[&'static str]>,
}

#[derive(Debug, Default)]
struct Kept {
    gaps: VecDeque<Gap>,
    /// Numbers of the gaps that last, by connection. The oldest gap kept has the number `first`.
    open: HashMap<usize, u64>,
    first: u64,
}

/// The gaps of a feed, oldest first.
#[derive(Debug, Default)]
pub struct Gaps {
    /// Held for a copy or a change, never across an await.
    kept: Mutex<Kept>,
}

impl Gaps {
    /// Begins a gap of a connection, unless one lasts already: what came first is the reason.
    pub(super) fn open(&self, line: usize, gap: impl FnOnce() -> Gap) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.open.contains_key(&line) {
            let number = kept.add(gap());
            kept.open.insert(line, number);
        }
    }

    /// Whether a gap of a connection lasts.
    pub fn is_open(&self, line: usize) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).open.contains_key(&line)
    }

    /// Ends the gap of a connection, if one lasts.
    pub(super) fn close(&self, line: usize, now: DateTime<Utc>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.open.remove(&line).and_then(|number| kept.place(number));
        if let Some(gap) = place.and_then(|place| kept.gaps.get_mut(place)) {
            gap.to = Some(now);
        }
    }

    /// Takes over the gaps of earlier processes, and that of the time in which there was none: it ends when the first
    /// connection speaks.
    pub fn restore(&self, gaps: Vec<Gap>, away: Option<Gap>) {
        gaps.into_iter().for_each(|gap| self.add(gap));
        if let Some(away) = away {
            self.open(0, || away);
        }
    }

    /// What changes whenever a gap begins or ends: how many there ever were, and how many last.
    pub fn state(&self) -> (u64, usize) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.first + kept.gaps.len() as u64, kept.open.len())
    }

    /// Adds a gap that is over.
    pub fn add(&self, gap: Gap) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).add(gap);
    }

    /// The number of the oldest gap that lasts, or else that of the next one: from there on gaps are news to who begins to
    /// look now.
    pub fn first_open_or_next(&self) -> u64 {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.open.values().min().copied().unwrap_or(kept.first + kept.gaps.len() as u64)
    }

    /// The gaps of a number and after it, and the number to go on from.
    pub fn since(&self, number: u64) -> (Vec<Gap>, u64) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = usize::try_from(number.saturating_sub(kept.first)).unwrap_or(usize::MAX);
        let next = kept.first + kept.gaps.len() as u64;
        (kept.gaps.iter().skip(passed).cloned().collect(), next)
    }

    /// All that are kept, oldest first.
    pub fn all(&self) -> Vec<Gap> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).gaps.iter().cloned().collect()
    }
}

impl Kept {
    /// Adds a gap and gives its number.
    fn add(&mut self, gap: Gap) -> u64 {
        self.gaps.push_back(gap);
        if self.gaps.len() > GAPS_MAX {
            self.gaps.pop_front();
            self.first += 1;
        }
        self.first + self.gaps.len() as u64 - 1
    }

    /// Where the gap of a number stands; `None` once it has left.
    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(second: i64, reason: &str) -> Gap {
        Gap {
            feed: "dxlink",
            from: DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(second),
            to: None,
            reason: reason.to_owned(),
            symbols: None,
            events: ["quotes"].into(),
        }
    }

    #[test]
    fn a_gap_that_lasts_is_one_row_whatever_happens_meanwhile() {
        let gaps = Gaps::default();
        gaps.open(0, || gap(1, "stalled"));
        gaps.open(1, || gap(2, "lost"));
        gaps.open(0, || gap(3, "lost"));
        gaps.close(0, DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(9));
        gaps.close(0, DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(10));
        let all = gaps.all();
        assert_eq!(all.iter().map(|gap| gap.reason.as_str()).collect::<Vec<_>>(), ["stalled", "lost"]);
        assert_eq!(all.first().and_then(|gap| gap.to).map(|at| at.timestamp()), Some(9));
        assert!(gaps.is_open(1) && !gaps.is_open(0));
    }

    #[test]
    fn the_oldest_leave_first_and_take_no_other_with_them() {
        let gaps = Gaps::default();
        gaps.open(0, || gap(0, "first"));
        (0..GAPS_MAX).for_each(|_| gaps.add(gap(1, "other")));
        gaps.close(0, DateTime::UNIX_EPOCH);
        assert!(gaps.all().iter().all(|gap| gap.reason == "other" && gap.to.is_none()));
        assert_eq!(gaps.all().len(), GAPS_MAX);
    }
}
