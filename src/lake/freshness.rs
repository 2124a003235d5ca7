//! How old each dataset is, and how old it may be. The scheduler writes it; readers decide by it.
//!
//! The contract follows RFC 5861: fresh is served; stale within `stale_while_revalidate` is served while one refresh
//! runs; older waits for the refresh at most `wait_timeout`; if that fails, rows within `stale_if_error` are served
//! with a notice, and beyond it nothing is.
//!
//! Who asks for some items alone (see [`Scope`]) is answered for those: they may be younger than the dataset, when they
//! were refreshed alone, or older, when they failed. A derived dataset is as old as the oldest rows it was made of, and
//! is stale while one of its inputs is.

use super::dataset::Dataset;
use super::{DatasetState, ItemFailure, ItemState, LakeTable, Run, Scope};
use crate::clock::Clock;
use crate::market::calendar;
use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
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
    /// How far the expiries of several collecting processes are spread.
    pub jitter: Duration,
}

/// Where a dataset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Never loaded: there are no rows to serve.
    Missing,
    /// Rows are added as they are received.
    Live,
    /// Loaded, and within its TTL.
    Fresh,
    /// Past its TTL, and not being refreshed.
    Stale,
    /// A refresh of it runs now.
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
    /// Name of the dataset.
    pub dataset: &'static str,
    /// Its contract; `None` for what never goes stale (a history that only grows).
    pub policy: Option<Policy>,
    /// Whether this process refreshes it. Rows that were only ever imported go stale only where it does.
    pub refreshable: bool,
    /// Whether it has items that can be told apart.
    pub by_item: bool,
    /// Datasets that are refreshed first.
    pub depends_on: Vec<&'static str>,
    /// `real-time`, `delayed`, `simulated`, `imported` or `unknown`: the class of the feed behind it.
    pub feed_class: &'static str,
    /// For a derived dataset: what it depends on.
    inputs: Vec<Input>,
    state: ArcSwap<DatasetState>,
    /// What this process is to fetch of it.
    wanted: ArcSwap<Coverage>,
    /// Items that are wanted and were never asked for, as they follow from the two above.
    new_items: ArcSwapOption<NewItems>,
    /// Why the table or what is remembered of it cannot be read.
    damage: ArcSwapOption<String>,
    /// Runs that have ended in this process. Held while the state is replaced, never across an await.
    runs_ended: Mutex<u64>,
    /// When the rows that were seen stale had been loaded, in microseconds: a clock set back does not undo it. Held for
    /// a look or an insertion.
    seen_stale: Mutex<BTreeSet<i64>>,
    refreshing: AtomicBool,
    /// Microseconds since 1970 at which a run that is under way is expected to have asked for all it needs; 0 is unknown.
    expected_at: AtomicI64,
    /// Microseconds since 1970 of the newest row of a history kept here; 0 is none.
    live_at: AtomicI64,
    /// Why rows that are received here cannot be kept.
    live_failure: ArcSwapOption<String>,
    clock: Clock,
}

/// What of a dataset is fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The items; none where they are not told apart.
    pub items: Arc<BTreeSet<String>>,
    /// How far back, in days; `None` where that says nothing.
    pub reach_days: Option<u32>,
}

/// An input of a derived dataset.
#[derive(Debug)]
struct Input {
    table: Arc<LakeTable>,
    freshness: Arc<Freshness>,
}

impl Freshness {
    /// A dataset that was never loaded, until [`Freshness::set_state`] says otherwise.
    pub fn new(
        dataset: &Dataset,
        policy: Option<Policy>,
        refreshable: bool,
        feed_class: &'static str,
        clock: Clock,
    ) -> Self {
        Self {
            dataset: dataset.name,
            policy,
            refreshable,
            by_item: dataset.by_item,
            depends_on: Vec::new(),
            feed_class,
            inputs: Vec::new(),
            state: ArcSwap::default(),
            wanted: ArcSwap::default(),
            new_items: ArcSwapOption::empty(),
            damage: ArcSwapOption::empty(),
            runs_ended: Mutex::default(),
            seen_stale: Mutex::default(),
            refreshing: AtomicBool::new(false),
            expected_at: AtomicI64::new(0),
            live_at: AtomicI64::new(0),
            live_failure: ArcSwapOption::empty(),
            clock,
        }
    }

    /// Names the datasets that are refreshed first.
    pub fn depending_on(mut self, depends_on: Vec<&'static str>) -> Self {
        self.depends_on = depends_on;
        self
    }

    /// Makes it a derived dataset of these inputs.
    pub fn with_inputs(mut self, inputs: Vec<(Arc<LakeTable>, Arc<Freshness>)>) -> Self {
        self.inputs = inputs.into_iter().map(|(table, freshness)| Input { table, freshness }).collect();
        self
    }

    /// Whether it is made from other datasets.
    pub fn is_derived(&self) -> bool {
        !self.inputs.is_empty()
    }

    /// Says what this process is to fetch of it. What no refresh ever asked for counts as never loaded.
    pub fn want(&self, wanted: Coverage) {
        self.wanted.store(Arc::new(wanted));
    }

    /// Items that are wanted and that no refresh ever asked for, though the dataset was loaded.
    pub fn never_asked(&self) -> BTreeSet<String> {
        self.new_items().items.clone()
    }

    /// The same, worked out once for what is remembered and what is wanted: every statement over the whole asks.
    fn new_items(&self) -> Arc<NewItems> {
        let (state, wanted) = (self.state.load_full(), self.wanted.load_full());
        let known = self.new_items.load_full();
        if let Some(known) =
            known.filter(|known| Arc::ptr_eq(&known.state, &state) && Arc::ptr_eq(&known.wanted, &wanted))
        {
            return known;
        }
        let items = wanted.items.iter().filter(|item| is_new(&state, &wanted, item)).cloned().collect();
        let found = Arc::new(NewItems { state, wanted, items });
        self.new_items.store(Some(found.clone()));
        found
    }

    /// Whether it is to reach further back than the last refresh of the whole did.
    pub fn reaches_further(&self) -> bool {
        let (state, wanted) = (self.state.load(), self.wanted.load());
        state.loaded_at.is_some() && wanted.reach_days.is_some_and(|days| Some(days) > state.reach_days)
    }

    /// What is remembered of it.
    pub fn remembered(&self) -> Arc<DatasetState> {
        self.state.load_full()
    }

    /// Replaces what is remembered.
    pub fn set_state(&self, state: DatasetState) {
        self.forget_stale(&state);
        self.state.store(Arc::new(state));
    }

    /// Says why the dataset cannot be read, or that it can be. Returns what was not known before.
    pub fn set_damage(&self, damage: Option<String>) -> Option<String> {
        replace_reason(&self.damage, damage)
    }

    /// Says why rows that are received here cannot be kept, or that they can be. Returns what was not known before.
    pub fn set_live_failure(&self, failure: Option<String>) -> Option<String> {
        replace_reason(&self.live_failure, failure)
    }

    /// Why rows that are received here cannot be kept; `None` when they can be.
    pub fn live_failure(&self) -> Option<String> {
        self.live_failure.load_full().map(Arc::unwrap_or_clone)
    }

    /// What is wrong: the dataset cannot be read, its rows cannot be kept, or its last refresh failed.
    pub fn last_error(&self) -> Option<String> {
        let reason = self.damage.load_full().or_else(|| self.live_failure.load_full());
        reason.map(Arc::unwrap_or_clone).or_else(|| self.state.load().last_error.clone())
    }

    /// How many runs have ended in this process. Whoever reads it before it looks at the rows can tell later whether
    /// one has ended since.
    pub fn runs_ended(&self) -> u64 {
        *self.runs_ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a run over the whole dataset has begun.
    pub fn begin(&self) {
        self.refreshing.store(true, Ordering::Relaxed);
    }

    /// Says when the run that is under way is expected to have asked its source for all it needs.
    pub fn set_expected_at(&self, at: Option<DateTime<Utc>>) {
        self.expected_at.store(at.map_or(0, |at| at.timestamp_micros()), Ordering::Relaxed);
    }

    /// When that is; `None` where no run waits for the rate limit of its source.
    pub fn expected_at(&self) -> Option<DateTime<Utc>> {
        let micros = Some(self.expected_at.load(Ordering::Relaxed)).filter(|micros| *micros != 0);
        micros.and_then(DateTime::from_timestamp_micros).filter(|at| *at > self.clock.now())
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

    /// Rows that are no longer there need not be remembered as stale.
    fn forget_stale(&self, state: &DatasetState) {
        let mut seen_stale = self.seen_stale.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen_stale.is_empty() {
            let loaded = state.items.values().map(|item| item.loaded_at).chain([state.loaded_at]);
            let there: BTreeSet<i64> = loaded.flatten().map(|loaded_at| loaded_at.timestamp_micros()).collect();
            seen_stale.retain(|loaded_at| there.contains(loaded_at));
        }
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

    /// When the rows were loaded from their source, or computed.
    pub fn loaded_at(&self) -> Option<DateTime<Utc>> {
        self.state.load().loaded_at
    }

    /// When the oldest rows of the scope were loaded from their source; for a derived dataset, when the oldest rows it
    /// was made of were. `None` when there are none.
    pub fn data_loaded_at(&self, scope: &Scope) -> Option<DateTime<Utc>> {
        let state = self.state.load();
        let own = self.loaded_at_in(&state, scope)?;
        let of_input = |input: &Input| {
            let name = input.freshness.dataset;
            let known = state.made_of.inputs_loaded_at.get(name).copied();
            // The version it was made of may have been found to be in force again since.
            let now = input.freshness.data_loaded_at(&Scope::All).filter(|_| !input.has_changed(&state));
            now.into_iter().chain(known).max().unwrap_or(own)
        };
        Some(self.inputs.iter().map(of_input).min().unwrap_or(own))
    }

    /// When the oldest rows of the scope were loaded, or imported if no source ever loaded any.
    fn since(&self, scope: &Scope) -> Option<DateTime<Utc>> {
        self.live_at().or_else(|| self.data_loaded_at(scope)).or_else(|| self.state.load().imported_at)
    }

    fn loaded_at_in(&self, state: &DatasetState, scope: &Scope) -> Option<DateTime<Utc>> {
        let Some(names) = scope.names().filter(|_| self.by_item) else {
            return state.loaded_at;
        };
        let wanted = self.wanted.load();
        // `None`, never loaded, is the least of all.
        let of_item = |name: &String| match state.items.get(name) {
            Some(item) => item.loaded_at,
            None => state.loaded_at.filter(|_| !is_new(state, &wanted, name)),
        };
        names.iter().map(of_item).min().unwrap_or(state.loaded_at)
    }

    /// How old the rows of the scope are, or those they were made of; `None` when there are none. Never negative.
    pub fn age(&self, scope: &Scope) -> Option<TimeDelta> {
        Some((self.clock.now() - self.since(scope)?).max(TimeDelta::zero()))
    }

    /// When the rows go stale; `None` when they do not, or there are none.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        expiry(self.policy?.ttl, self.loaded_at()?)
    }

    /// How far past its TTL the scope is: `None` when it is within, the longest time when it was never loaded. What is
    /// damaged is due at once: a refresh may mend it. This is about the dataset alone: see [`Freshness::is_stale`].
    pub fn due(&self, scope: &Scope) -> Option<TimeDelta> {
        let policy = self.policy?;
        let now = self.clock.now();
        let state = self.state.load();
        let Some(loaded_at) = self.loaded_at_in(&state, scope) else {
            let imported = state.imported_at.is_some() && !self.refreshable;
            return (!imported).then_some(TimeDelta::MAX);
        };
        if loaded_at > now + CLOCK_TOLERANCE {
            return Some(loaded_at - now);
        }
        let loaded_micros = loaded_at.timestamp_micros();
        let overdue = expiry(policy.ttl, loaded_at).map(|expires_at| now - expires_at);
        let mut seen_stale = self.seen_stale.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(overdue) = overdue.filter(|overdue| *overdue >= TimeDelta::zero()) {
            seen_stale.insert(loaded_micros);
            return Some(overdue);
        }
        let was_stale = seen_stale.contains(&loaded_micros);
        drop(seen_stale);
        let changed = || policy.ttl == Ttl::Inputs && self.inputs.iter().any(|input| input.has_changed(&state));
        let damaged = self.damage.load().is_some();
        (was_stale || changed() || damaged || self.reaches_further()).then(TimeDelta::zero)
    }

    /// Whether the scope is past its TTL, or made of what is.
    pub fn is_stale(&self, scope: &Scope) -> bool {
        self.due(scope).is_some() || self.inputs.iter().any(|input| input.freshness.is_stale(&Scope::All))
    }

    /// Whether the scope is no further past its TTL than one of the contract's limits says; inputs are measured by their
    /// own contracts. What was never loaded is not within any.
    pub fn within(&self, scope: &Scope, limit: fn(&Policy) -> Duration) -> bool {
        let Some(policy) = &self.policy else { return true };
        let within = |due: TimeDelta| due.to_std().is_ok_and(|due| due <= limit(policy));
        self.due(scope).is_none_or(within) && self.inputs.iter().all(|input| input.freshness.within(&Scope::All, limit))
    }

    /// Whether the rows of the scope are older than a limit of the reader's own; so are rows that were never loaded, and
    /// those whose age a clock set back hides.
    pub fn older_than(&self, scope: &Scope, limit: Duration) -> bool {
        let from_later = self.loaded_at().is_some_and(|loaded_at| loaded_at > self.clock.now() + CLOCK_TOLERANCE);
        let limit = TimeDelta::from_std(limit).unwrap_or(TimeDelta::MAX);
        from_later || self.age(scope).is_none_or(|age| age > limit)
    }

    /// Items whose last refresh failed while the dataset's succeeded, and whose rows are therefore past the TTL, or older
    /// than `limit`, or missing; by name.
    pub fn lagging(&self, limit: Option<Duration>) -> Vec<(String, ItemState)> {
        let state = self.state.load();
        let failed = state.items.iter().filter(|(_, item)| self.by_item && item.failure.is_some());
        let lags = |name: &str| match limit {
            Some(limit) => self.older_than(&Scope::one(name), limit),
            None => self.due(&Scope::one(name)).is_some(),
        };
        let failed = failed.filter(|(name, _)| lags(name)).map(|(name, item)| (name.clone(), item.clone()));
        let reason = "it is new, and was not fetched yet".to_owned();
        let failure = Some(ItemFailure { at: self.clock.now(), times: 1, reason });
        let new = self.new_items();
        let new = new.items.iter().map(|name| (name.clone(), ItemState { loaded_at: None, failure: failure.clone() }));
        failed.chain(new).collect()
    }

    /// Items that failed in the last refresh they were in.
    pub fn failed_items(&self) -> Vec<String> {
        let state = self.state.load();
        let failed = state.items.iter().filter(|(_, item)| self.by_item && item.failure.is_some());
        failed.map(|(name, _)| name.clone()).collect()
    }

    /// Why the scope may not be fresh: its own last error, or that of an input.
    pub fn failure(&self, scope: &Scope) -> Option<String> {
        let state = self.state.load();
        let of_items = scope.names().into_iter().flatten().find_map(|name| {
            let failure = state.items.get(name)?.failure.as_ref()?;
            Some(format!("{name}: {}", failure.reason))
        });
        let of_input = || {
            let told = self.inputs.iter().map(|input| (input.freshness.dataset, input.freshness.failure(&Scope::All)));
            told.filter_map(|(name, failure)| Some(format!("{name}: {}", failure?))).next()
        };
        of_items.or_else(|| state.last_error.clone()).or_else(of_input)
    }

    /// When the oldest rows of each input were loaded: what a rebuild that begins now can be made of.
    pub fn inputs_loaded_at(&self) -> BTreeMap<String, DateTime<Utc>> {
        let of_input = |input: &Input| Some((input.freshness.dataset.to_owned(), input.freshness.since(&Scope::All)?));
        self.inputs.iter().filter_map(of_input).collect()
    }

    /// The version of each input.
    pub fn input_versions(&self) -> BTreeMap<String, u64> {
        let of_input = |input: &Input| Some((input.freshness.dataset.to_owned(), input.table.current()?.version));
        self.inputs.iter().filter_map(of_input).collect()
    }

    /// The tables it is derived from.
    pub fn input_tables(&self) -> impl Iterator<Item = &Arc<LakeTable>> {
        self.inputs.iter().map(|input| &input.table)
    }

    /// Where the dataset stands now.
    pub fn state(&self) -> State {
        self.state_of(&Scope::All)
    }

    /// Where a part of it stands now. Single items are not said to be refreshing.
    pub fn state_of(&self, scope: &Scope) -> State {
        let remembered = self.state.load();
        if self.refreshing.load(Ordering::Relaxed) {
            return State::Refreshing;
        }
        if self.damage.load().is_some() || self.live_failure.load().is_some() {
            return State::Failed;
        }
        if self.live_at().is_some() {
            return if remembered.last_error.is_some() { State::Failed } else { State::Live };
        }
        let loaded_at = self.loaded_at_in(&remembered, scope);
        let failed = || match scope.names() {
            Some(names) => {
                names.iter().any(|name| remembered.items.get(name).is_some_and(|item| item.failure.is_some()))
            }
            None => false,
        };
        match self.is_stale(scope) {
            true if remembered.last_error.is_some() || failed() => State::Failed,
            true if loaded_at.is_some() => State::Stale,
            false if loaded_at.or(remembered.imported_at).is_some() => State::Fresh,
            _ => State::Missing,
        }
    }
}

/// The items that are new for one state of a dataset and one coverage.
#[derive(Debug)]
struct NewItems {
    state: Arc<DatasetState>,
    wanted: Arc<Coverage>,
    items: BTreeSet<String>,
}

/// Whether an item is wanted and no refresh ever asked for it, though the dataset was loaded and it is known what for.
fn is_new(state: &DatasetState, wanted: &Coverage, item: &str) -> bool {
    let asked = |asked: &BTreeSet<String>| asked.contains(item) || state.items.contains_key(item);
    state.loaded_at.is_some() && wanted.items.contains(item) && state.asked.as_ref().is_some_and(|known| !asked(known))
}

/// Replaces a reason; gives the new one unless it was known.
fn replace_reason(place: &ArcSwapOption<String>, reason: Option<String>) -> Option<String> {
    let reason = reason.map(Arc::new);
    let before = place.swap(reason.clone());
    reason.filter(|reason| before.as_ref() != Some(reason)).map(Arc::unwrap_or_clone)
}

impl Input {
    /// Whether it has another version than the one that the state's rows were made of.
    fn has_changed(&self, state: &DatasetState) -> bool {
        let version = self.table.current().map(|snapshot| snapshot.version);
        version != state.made_of.inputs.get(self.freshness.dataset).copied()
    }
}

/// When rows loaded at that moment go stale; `None` beyond the calendar's end.
pub fn expiry(ttl: Ttl, loaded_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
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
#[path = "freshness_tests.rs"]
mod tests;
