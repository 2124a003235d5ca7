//! One followed event of one symbol, and the rhythm in which its events come.

use crate::market::hours::Hours;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

/// Waits between events that make a rhythm.
const WAITS_MIN: u64 = 10;
/// Weight of the newest wait in the usual one: a sixteenth.
const WEIGHT: i64 = 16;
/// A silence of so many usual waits is none of chance.
const WAITS_OF_SILENCE: i64 = 20;

/// Why something is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The configuration names it, or it is an option near the money.
    List,
    /// A query names it, or one did a moment ago.
    Query,
}

impl Why {
    /// The word for it in `system.subscriptions`.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Query => "query",
        }
    }
}

/// When events come, and how long the wait for the next one usually is. One task writes it, anyone reads it.
#[derive(Debug, Default)]
pub struct Rhythm {
    /// Microseconds since 1970; 0 is none.
    last_at: AtomicI64,
    /// Waits within sessions that were measured.
    waits: AtomicU64,
    /// The usual wait, in microseconds.
    usual: AtomicI64,
}

impl Rhythm {
    /// An event has come. `open_since` is when the session began; waits over its beginning do not count.
    pub fn heard(&self, now: DateTime<Utc>, open_since: Option<DateTime<Utc>>) {
        let now = now.timestamp_micros();
        let last = self.last_at.swap(now, Relaxed);
        if open_since.is_none_or(|open| last < open.timestamp_micros()) {
            return;
        }
        let (wait, waits, usual) = ((now - last).max(0), self.waits.load(Relaxed), self.usual.load(Relaxed));
        let usual = if waits == 0 { wait } else { usual + (wait - usual) / WEIGHT };
        self.usual.store(usual, Relaxed);
        self.waits.store(waits.saturating_add(1), Relaxed);
    }

    /// When the last event came.
    pub fn last_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.last_at.load(Relaxed)).filter(|at| *at > DateTime::UNIX_EPOCH)
    }

    /// The silence that is no chance any more; `None` while there is no rhythm to go by.
    pub fn too_long(&self, least: TimeDelta) -> Option<TimeDelta> {
        let known = self.waits.load(Relaxed) >= WAITS_MIN;
        let long = TimeDelta::microseconds(self.usual.load(Relaxed).saturating_mul(WAITS_OF_SILENCE));
        known.then(|| long.max(least))
    }
}

/// One event of one symbol that a connection is asked for.
#[derive(Debug)]
pub struct Followed {
    /// The symbol, in our spelling.
    pub symbol: Arc<str>,
    /// The event, by the name of its table.
    pub event: &'static str,
    /// Whether its events flow while its venue is open, so that it has a rhythm to go by.
    pub flows: bool,
    /// Why it is followed.
    pub why: Why,
    /// Since when it is asked for.
    pub since: DateTime<Utc>,
    /// The hours in which the symbol trades.
    pub hours: Hours,
    /// When its events come.
    pub rhythm: Rhythm,
    /// Whether it fell silent against its rhythm while its connection goes on.
    quiet: AtomicBool,
}

impl Followed {
    /// Something that is asked for from now on.
    pub fn new(symbol: Arc<str>, event: &'static str, flows: bool, why: Why, since: DateTime<Utc>) -> Self {
        let hours = Hours::of(&symbol);
        Self { symbol, event, flows, why, since, hours, rhythm: Rhythm::default(), quiet: AtomicBool::new(false) }
    }

    /// Whether it fell silent against its rhythm while its connection goes on.
    pub fn is_quiet(&self) -> bool {
        self.quiet.load(Relaxed)
    }

    /// Says that it did, or that it speaks again; whether that is news.
    pub fn set_quiet(&self, quiet: bool) -> bool {
        self.quiet.swap(quiet, Relaxed) != quiet
    }
}

/// What one connection follows, by event and symbol.
#[derive(Debug, Default, Clone)]
pub struct Follows(HashMap<&'static str, HashMap<Arc<str>, Arc<Followed>>>);

impl Follows {
    /// Adds one event of a symbol.
    pub fn insert(&mut self, one: Arc<Followed>) {
        self.0.entry(one.event).or_default().insert(one.symbol.clone(), one);
    }

    /// One event of a symbol, when it is followed.
    pub fn get(&self, event: &str, symbol: &str) -> Option<&Arc<Followed>> {
        self.0.get(event)?.get(symbol)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Followed>> {
        self.0.values().flat_map(HashMap::values)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rhythm_is_known_after_some_waits_and_tells_silence_from_quiet() {
        let rhythm = Rhythm::default();
        let open = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let least = TimeDelta::seconds(60);
        for second in 0..=5 {
            rhythm.heard(open + TimeDelta::seconds(second), Some(open));
        }
        assert_eq!(rhythm.too_long(least), None);
        for second in 6..=20 {
            rhythm.heard(open + TimeDelta::seconds(second), Some(open));
        }
        assert_eq!(rhythm.too_long(least), Some(least));
        assert_eq!(rhythm.too_long(TimeDelta::seconds(5)), Some(TimeDelta::seconds(20)));
        assert_eq!(rhythm.last_at(), Some(open + TimeDelta::seconds(20)));
    }

    #[test]
    fn waits_over_night_and_outside_of_sessions_do_not_count() {
        let rhythm = Rhythm::default();
        let open = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        for day in 0..40 {
            rhythm.heard(open + TimeDelta::days(day), Some(open + TimeDelta::days(day)));
            rhythm.heard(open + TimeDelta::days(day) + TimeDelta::hours(9), None);
        }
        assert_eq!(rhythm.too_long(TimeDelta::seconds(60)), None);
    }
}
