//! How old each dataset is, and how old it may be. The scheduler writes it; readers decide by it.
//!
//! The contract follows RFC 5861: fresh is served; stale within `stale_while_revalidate` is served while one refresh
//! runs; older waits for the refresh at most `wait_timeout`; if that fails, rows within `stale_if_error` are served
//! with a notice, and beyond it nothing is.

use super::{DatasetState, LakeTable, Run};
use crate::clock::Clock;
use crate::market::calendar;
use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A load time this far in the future means that the clock was set back: such rows do not count as fresh.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// When rows go stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// This long after they were loaded.
    After(Duration),
    /// This long after the first close of a regular session that follows their loading.
    SessionClose(Duration),
    /// When an input has another version than the one they were made from; and at the next close of
    /// a regular session, since derived rows may count sessions.
    Inputs,
}

/// The freshness contract of one dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// When rows go stale.
    pub ttl: Ttl,
    /// How long past that they are served at once while a refresh runs.
    pub stale_while_revalidate: Duration,
    /// How long a query waits for a refresh.
    pub wait_timeout: Duration,
    /// How long past the TTL rows are served when the refresh fails.
    pub stale_if_error: Duration,
}

/// Where a dataset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Never loaded.
    Missing,
    /// Rows are added as they are received.
    Live,
    /// Within its TTL.
    Fresh,
    /// Past its TTL.
    Stale,
    /// A refresh runs.
    Refreshing,
    /// Past its TTL (or never loaded), and the last refresh failed; or what is held cannot be read; or live rows cannot
    /// be kept.
    Failed,
}

impl State {
    /// The word in `system.freshness`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Live => "live",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Refreshing => "refreshing",
            Self::Failed => "failed",
        }
    }
}

/// The freshness of one dataset, shared between the scheduler and readers.
#[derive(Debug)]
pub struct Freshness {
    /// Dataset.
    pub dataset: &'static str,
    /// Its contract; `None` for what never goes stale (a history that only grows).
    pub policy: Option<Policy>,
    /// Whether this process refreshes it. Rows that were only ever imported go stale only where it does.
    pub refreshable: bool,
    /// Datasets it is made from or fetched for.
    pub depends_on: &'static [&'static str],
    /// `real-time`, `delayed`, `simulated`, `imported` or `unknown`: the class of the feed behind it.
    pub feed_class: &'static str,
    /// For a derived dataset: its inputs, to see their versions.
    inputs: Vec<Arc<LakeTable>>,
    state: ArcSwap<DatasetState>,
    /// Why the table or what is remembered of it cannot be read.
    damage: ArcSwapOption<String>,
    /// Runs that have ended in this process. Held while the state is replaced, never across an await.
    runs_ended: Mutex<u64>,
    /// When the rows that were seen stale had been loaded, in microseconds: a clock set back does not undo it.
    seen_stale: AtomicI64,
    refreshing: AtomicBool,
    /// Microseconds since 1970 of the newest row of a history kept here; 0 is none.
    live_at: AtomicI64,
    clock: Clock,
}

impl Freshness {
    /// A dataset that was never loaded, until [`Freshness::set_state`] says otherwise.
    pub fn new(
        dataset: &'static str,
        policy: Option<Policy>,
        refreshable: bool,
        depends_on: &'static [&'static str],
        feed_class: &'static str,
        clock: Clock,
    ) -> Self {
        Self {
            dataset,
            policy,
            refreshable,
            depends_on,
            feed_class,
            inputs: Vec::new(),
            state: ArcSwap::default(),
            damage: ArcSwapOption::empty(),
            runs_ended: Mutex::default(),
            seen_stale: AtomicI64::new(i64::MIN),
            refreshing: AtomicBool::new(false),
            live_at: AtomicI64::new(0),
            clock,
        }
    }

    /// Makes it a derived dataset of these inputs.
    pub fn with_inputs(mut self, inputs: Vec<Arc<LakeTable>>) -> Self {
        self.inputs = inputs;
        self
    }

    /// Whether it is made from other datasets.
    pub fn is_derived(&self) -> bool {
        !self.inputs.is_empty()
    }

    /// What is remembered of it.
    pub fn remembered(&self) -> Arc<DatasetState> {
        self.state.load_full()
    }

    /// Replaces what is remembered.
    pub fn set_state(&self, state: DatasetState) {
        self.state.store(Arc::new(state));
    }

    /// Says why the dataset cannot be read, or that it can be. Returns what was not known before.
    pub fn set_damage(&self, damage: Option<String>) -> Option<String> {
        let damage = damage.map(Arc::new);
        let before = self.damage.swap(damage.clone());
        damage.filter(|damage| before.as_ref() != Some(damage)).map(Arc::unwrap_or_clone)
    }

    /// What is wrong: the dataset cannot be read, or its last refresh failed.
    pub fn last_error(&self) -> Option<String> {
        let damage = self.damage.load_full().map(Arc::unwrap_or_clone);
        damage.or_else(|| self.state.load().last_error.clone())
    }

    /// How many runs have ended in this process. Whoever reads it before it looks at the rows can tell later whether
    /// one has ended since.
    pub fn runs_ended(&self) -> u64 {
        *self.runs_ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a run has begun.
    pub fn begin(&self) {
        self.refreshing.store(true, Ordering::Relaxed);
    }

    /// Takes in a run of this process that has ended.
    pub fn end(&self, run: Run) {
        let mut runs_ended = self.runs_ended.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = DatasetState::clone(&self.remembered());
        state.record(run);
        self.set_state(state);
        *runs_ended += 1;
        self.refreshing.store(false, Ordering::Relaxed);
    }

    /// Takes what was read from the lake, unless a run of this process has ended since `seen` were.
    pub fn adopt(&self, seen: u64, state: DatasetState) {
        let runs_ended = self.runs_ended.lock().unwrap_or_else(PoisonError::into_inner);
        if *runs_ended == seen {
            self.set_state(state);
        }
    }

    /// Says that this process adds rows as they are received, and when it received the newest.
    pub fn set_live(&self, newest: DateTime<Utc>) {
        self.live_at.store(newest.timestamp_micros(), Ordering::Relaxed);
    }

    /// When the newest row was received; `None` where rows are not added as they are received.
    fn live_at(&self) -> Option<DateTime<Utc>> {
        let micros = Some(self.live_at.load(Ordering::Relaxed)).filter(|micros| *micros != 0);
        micros.and_then(DateTime::from_timestamp_micros)
    }

    /// When the rows were loaded from their source.
    pub fn loaded_at(&self) -> Option<DateTime<Utc>> {
        self.state.load().loaded_at
    }

    /// How old the rows are, since their import if no source ever loaded any; `None` when there are none. Never negative.
    pub fn age(&self) -> Option<TimeDelta> {
        let state = self.state.load();
        let since = self.live_at().or(state.loaded_at).or(state.imported_at)?;
        Some((self.clock.now() - since).max(TimeDelta::zero()))
    }

    /// When the rows go stale; `None` when they do not, or there are none.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        expiry(self.policy?.ttl, self.loaded_at()?)
    }

    /// How far past its TTL the dataset is: `None` when fresh, the longest time when it was never loaded. What is damaged
    /// counts as stale at once: a refresh may mend it.
    pub fn overdue(&self) -> Option<TimeDelta> {
        let policy = self.policy?;
        let now = self.clock.now();
        let state = self.state.load();
        let Some(loaded_at) = state.loaded_at else {
            let imported = state.imported_at.is_some() && !self.refreshable;
            return (!imported).then_some(TimeDelta::MAX);
        };
        if loaded_at > now + CLOCK_TOLERANCE {
            return Some(loaded_at - now);
        }
        let loaded_micros = loaded_at.timestamp_micros();
        let overdue = expiry(policy.ttl, loaded_at).map(|expires_at| now - expires_at);
        if let Some(overdue) = overdue.filter(|overdue| *overdue >= TimeDelta::zero()) {
            self.seen_stale.store(loaded_micros, Ordering::Relaxed);
            return Some(overdue);
        }
        let was_stale = self.seen_stale.load(Ordering::Relaxed) == loaded_micros;
        let changed = || policy.ttl == Ttl::Inputs && self.inputs_changed(&state);
        let damaged = self.damage.load().is_some();
        (was_stale || changed() || damaged).then(TimeDelta::zero)
    }

    /// Whether the rows are older than a limit of the reader's own; so are rows that were never loaded, and those
    /// whose age a clock set back hides.
    pub fn older_than(&self, limit: Duration) -> bool {
        let from_later = self.loaded_at().is_some_and(|loaded_at| loaded_at > self.clock.now() + CLOCK_TOLERANCE);
        let limit = TimeDelta::from_std(limit).unwrap_or(TimeDelta::MAX);
        from_later || self.age().is_none_or(|age| age > limit)
    }

    fn inputs_changed(&self, state: &DatasetState) -> bool {
        self.inputs.iter().any(|input| {
            let version = input.current().map(|snapshot| snapshot.version);
            version != state.inputs.get(input.dataset().name).copied()
        })
    }

    /// Where the dataset stands now.
    pub fn state(&self) -> State {
        let remembered = self.state.load();
        if self.refreshing.load(Ordering::Relaxed) {
            return State::Refreshing;
        }
        if self.damage.load().is_some() {
            return State::Failed;
        }
        if self.live_at().is_some() {
            return if remembered.last_error.is_some() { State::Failed } else { State::Live };
        }
        match self.overdue() {
            Some(_) if remembered.last_error.is_some() => State::Failed,
            Some(_) if remembered.loaded_at.is_some() => State::Stale,
            None if remembered.loaded_at.or(remembered.imported_at).is_some() => State::Fresh,
            _ => State::Missing,
        }
    }
}

/// When rows loaded at that moment go stale; `None` beyond the calendar's end.
fn expiry(ttl: Ttl, loaded_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match ttl {
        Ttl::After(ttl) => loaded_at.checked_add_signed(TimeDelta::from_std(ttl).ok()?),
        Ttl::Inputs => Some(calendar::next_close(loaded_at).close_at),
        Ttl::SessionClose(delay) => {
            let delay = TimeDelta::from_std(delay).ok()?;
            Some(calendar::next_close(loaded_at - delay).close_at + delay)
        }
    }
}

/// The freshness of every dataset, by name.
pub type FreshnessBoard = BTreeMap<&'static str, Arc<Freshness>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::Run;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn loaded(ttl: Ttl, loaded_at: &str, now: &str) -> Freshness {
        let policy = Policy {
            ttl,
            stale_while_revalidate: Duration::from_secs(60),
            wait_timeout: Duration::from_secs(5),
            stale_if_error: Duration::from_secs(600),
        };
        let freshness = Freshness::new("eod", Some(policy), true, &[], "simulated", Clock::hand_set(at(now)));
        let mut state = DatasetState::default();
        state.record(Run {
            cause: "ttl".to_owned(),
            started_at: at(loaded_at),
            ended_at: at(loaded_at),
            items: 1,
            failed: Vec::new(),
            rows: 1,
            origin_calls: 1,
            version: Some(0),
            inputs: BTreeMap::new(),
            error: None,
        });
        freshness.set_state(state);
        freshness
    }

    #[test]
    fn daily_bars_go_stale_half_an_hour_after_the_next_close() {
        let ttl = Ttl::SessionClose(Duration::from_secs(1800));
        // Loaded on a Sunday: the next close is Monday 16:00 Eastern.
        let sunday = "2026-11-22T12:00:00Z";
        assert_eq!(loaded(ttl, sunday, sunday).expires_at(), Some(at("2026-11-23T21:30:00Z")));
        assert_eq!(loaded(ttl, sunday, "2026-11-23T21:29:59Z").state(), State::Fresh);
        assert_eq!(loaded(ttl, sunday, "2026-11-23T21:30:00Z").state(), State::Stale);
        // Loaded between the close and half an hour later: today's bars are not final yet.
        assert_eq!(loaded(ttl, "2026-11-23T21:10:00Z", sunday).expires_at(), Some(at("2026-11-23T21:30:00Z")));
    }

    #[test]
    fn a_clock_set_back_does_not_make_rows_fresh() {
        let ttl = Ttl::After(Duration::from_secs(3600));
        assert_eq!(loaded(ttl, "2026-11-22T12:00:00Z", "2026-11-22T11:00:00Z").state(), State::Stale);
    }

    #[test]
    fn damage_is_told_once_and_shows_until_it_is_gone() {
        let freshness = loaded(Ttl::After(Duration::from_secs(3600)), "2026-11-22T12:00:00Z", "2026-11-22T12:01:00Z");
        assert_eq!(freshness.set_damage(Some("no log".to_owned())), Some("no log".to_owned()));
        assert_eq!(freshness.set_damage(Some("no log".to_owned())), None);
        assert_eq!((freshness.state(), freshness.last_error()), (State::Failed, Some("no log".to_owned())));
        assert_eq!(freshness.set_damage(None), None);
        assert_eq!((freshness.state(), freshness.last_error()), (State::Fresh, None));
    }

    #[test]
    fn rows_seen_stale_stay_stale_when_the_clock_goes_back_until_others_are_loaded() {
        let ttl = Ttl::After(Duration::from_secs(3600));
        let freshness = loaded(ttl, "2026-11-22T12:00:00Z", "2026-11-22T13:05:00Z");
        assert_eq!(freshness.state(), State::Stale);
        freshness.clock.set(at("2026-11-22T12:30:00Z"));
        assert_eq!(freshness.state(), State::Stale);
        let mut run = freshness.remembered().runs[0].clone();
        run.ended_at = at("2026-11-22T12:30:00Z");
        freshness.end(run);
        assert_eq!(freshness.state(), State::Fresh);
    }

    #[test]
    fn what_was_read_before_a_run_ended_does_not_replace_it() {
        let freshness = loaded(Ttl::After(Duration::from_secs(60)), "2026-11-22T12:00:00Z", "2026-11-22T12:02:00Z");
        let (seen, old) = (freshness.runs_ended(), DatasetState::clone(&freshness.remembered()));
        let mut run = old.runs[0].clone();
        run.ended_at = at("2026-11-22T12:02:00Z");
        freshness.end(run);
        freshness.adopt(seen, old.clone());
        assert_eq!(freshness.state(), State::Fresh);
        freshness.adopt(freshness.runs_ended(), old);
        assert_eq!(freshness.state(), State::Stale);
    }

    #[test]
    fn a_failed_refresh_shows_once_the_rows_are_stale() {
        let ttl = Ttl::After(Duration::from_secs(60));
        let freshness = loaded(ttl, "2026-11-22T12:00:00Z", "2026-11-22T12:00:30Z");
        let mut state = DatasetState::clone(&freshness.remembered());
        state.last_error = Some("503".to_owned());
        freshness.set_state(state);
        assert_eq!(freshness.state(), State::Fresh);
        freshness.clock.set(at("2026-11-22T12:02:00Z"));
        assert_eq!(freshness.state(), State::Failed);
    }
}
