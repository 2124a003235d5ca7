//! What queries want followed: the symbols that running ones name, and for a while those of queries that have ended.
//!
//! The collector takes it from here into the subscriptions of the feed. Nobody waits for it.

use crate::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Events of symbols that queries have followed at most, so that nobody fills the feed with names.
const WANTED_MAX: usize = 10_000;
/// Characters of a symbol at most.
const SYMBOL_CHARS: usize = 64;

/// Whether a text may be a symbol, so that the venue can be asked for it.
pub fn is_askable(symbol: &str) -> bool {
    let fits = |symbol: &str| !symbol.is_empty() && symbol.len() <= SYMBOL_CHARS;
    fits(symbol) && symbol.bytes().all(|byte| byte.is_ascii_graphic() && !b"{}\"\\*".contains(&byte))
}

/// An event by the name of its table, and a symbol.
type Key = (&'static str, Arc<str>);

/// How long one of them is wanted.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    /// Queries that follow it now.
    running: usize,
    /// Until when it is followed without them.
    until: DateTime<Utc>,
}

#[derive(Debug)]
struct Kept {
    clock: Clock,
    linger: TimeDelta,
    /// Held for a look or a change, never across an await.
    wanted: Mutex<HashMap<Key, Wanted>>,
    /// How many there are.
    count: AtomicUsize,
    /// Counts what came and went.
    changes: watch::Sender<u64>,
}

/// What queries want followed. Clones share it.
#[derive(Debug, Clone)]
pub struct Demand(Arc<Kept>);

impl Demand {
    /// A demand of nothing; what no query names any more is followed for `linger` yet.
    pub(super) fn new(clock: Clock, linger: Duration) -> Self {
        let linger = TimeDelta::from_std(linger).unwrap_or(TimeDelta::MAX);
        let (wanted, count, changes) = (Mutex::default(), AtomicUsize::new(0), watch::Sender::new(0));
        Self(Arc::new(Kept { clock, linger, wanted, count, changes }))
    }

    /// Wakes when something is wanted that was not.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.0.count.load(Ordering::Relaxed) == 0
    }

    /// Wants an event of some symbols until the hold is dropped, and for a while after. Gives the symbols too many, which
    /// are not followed, and those that can be no symbol.
    pub fn hold(&self, event: &'static str, symbols: impl IntoIterator<Item = String>) -> (Hold, Vec<String>) {
        let (mut keys, mut refused) = (Vec::new(), Vec::new());
        for symbol in symbols {
            match self.want(event, &symbol, 1) {
                Some(key) => keys.push(key),
                None => refused.push(symbol),
            }
        }
        (Hold { kept: self.0.clone(), keys }, refused)
    }

    /// Wants an event of a symbol for a while from now on. `false` where it cannot be followed.
    pub fn touch(&self, event: &'static str, symbol: &str) -> bool {
        self.want(event, symbol, 0).is_some()
    }

    fn want(&self, event: &'static str, symbol: &str, running: usize) -> Option<Key> {
        if !is_askable(symbol) {
            return None;
        }
        let key: Key = (event, symbol.into());
        let until = self.0.until();
        let mut wanted = self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = wanted.get_mut(&key) {
            known.running += running;
            known.until = until;
            return Some(key);
        }
        if wanted.len() >= WANTED_MAX {
            return None;
        }
        wanted.insert(key.clone(), Wanted { running, until });
        self.0.count.store(wanted.len(), Ordering::Relaxed);
        drop(wanted);
        self.0.changes.send_modify(|count| *count = count.wrapping_add(1));
        Some(key)
    }

    /// What is wanted now, sorted. What has not been for a while is forgotten.
    pub fn current(&self) -> BTreeSet<(&'static str, String)> {
        let now = self.0.clock.now();
        let mut wanted = self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.retain(|_, one| one.running > 0 || one.until > now);
        self.0.count.store(wanted.len(), Ordering::Relaxed);
        wanted.keys().map(|(event, symbol)| (*event, symbol.as_ref().to_owned())).collect()
    }
}

impl Kept {
    /// Until when something that is wanted now is followed.
    fn until(&self) -> DateTime<Utc> {
        self.clock.now().checked_add_signed(self.linger).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// The demand of a running query. Dropping it ends it.
#[derive(Debug)]
pub struct Hold {
    kept: Arc<Kept>,
    keys: Vec<Key>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let until = self.kept.until();
        let mut wanted = self.kept.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            if let Some(one) = wanted.get_mut(key) {
                one.running = one.running.saturating_sub(1);
                one.until = until;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_query_names_is_wanted_while_it_runs_and_for_a_while() {
        let clock = Clock::hand_set(DateTime::UNIX_EPOCH);
        let demand = Demand::new(clock.clone(), Duration::from_secs(300));
        let (hold, refused) = demand.hold("quotes", ["A".to_owned(), "B C".to_owned(), String::new()]);
        assert_eq!(refused, ["B C", ""]);
        let (second, _) = demand.hold("quotes", ["A".to_owned()]);
        assert!(demand.touch("trades", "T") && !demand.touch("quotes", "*"));
        clock.advance(TimeDelta::hours(1));
        assert_eq!(demand.current(), [("quotes", "A".to_owned())].into());
        drop(hold);
        clock.advance(TimeDelta::hours(1));
        assert_eq!(demand.current().len(), 1);
        drop(second);
        clock.advance(TimeDelta::seconds(299));
        assert_eq!(demand.current().len(), 1);
        clock.advance(TimeDelta::seconds(1));
        assert!(demand.current().is_empty() && demand.is_empty());
    }

    #[test]
    fn queries_cannot_fill_the_feed() {
        let demand = Demand::new(Clock::hand_set(DateTime::UNIX_EPOCH), Duration::from_secs(300));
        let (_hold, refused) = demand.hold("quotes", (0..WANTED_MAX + 2).map(|number| format!("S{number}")));
        assert_eq!(refused.len(), 2);
    }
}
