//! What the feed tells of itself in numbers: health checks and the report of what is left out read it.

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The feed as a person sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedSnapshot {
    /// Whether every connection is open.
    pub connected: bool,
    /// Since when they are, or are not.
    pub since: Option<DateTime<Utc>>,
    /// Host and port of the venue, once it was connected to.
    pub origin: Option<String>,
    /// Pairs of event type and symbol that are asked for.
    pub subscriptions: u64,
    /// Symbols of which not everything is followed, because the venue takes no more subscriptions; sorted.
    pub left_out: Vec<String>,
    /// Events published since the start.
    pub events: u64,
    /// Frames with events since the start.
    pub frames: u64,
    /// Messages and events of the open sessions that were not understood.
    pub ignored: u64,
    /// Sessions opened since the start.
    pub sessions: u64,
    /// Sessions opened after the first of their connection.
    pub reconnects: u64,
    /// Sessions that ended or could not be opened since the start.
    pub failures: u64,
    /// Why the last session ended, or could not be opened.
    pub last_error: Option<String>,
    /// When the last event came.
    pub last_event_at: Option<DateTime<Utc>>,
}

/// What the feed tells of itself. The feed writes it; anyone reads it.
#[derive(Debug, Default)]
pub struct FeedStatus {
    events: AtomicU64,
    frames: AtomicU64,
    /// Microseconds since 1970 of the last event; 0 is none.
    last_event_at: AtomicU64,
    sessions: AtomicU64,
    reconnects: AtomicU64,
    failures: AtomicU64,
    subscriptions: AtomicU64,
    /// Held for a copy, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone)]
struct State {
    /// Whether each connection is open, by number, and what its session did not understand.
    lines: BTreeMap<usize, (bool, u64)>,
    connected: bool,
    since: Option<DateTime<Utc>>,
    origin: Option<String>,
    last_error: Option<String>,
    left_out: Vec<String>,
}

impl FeedStatus {
    /// What the feed is at, at this moment.
    pub fn snapshot(&self) -> FeedSnapshot {
        let State { lines, connected, since, origin, last_error, left_out } = self.state().clone();
        let last = i64::try_from(self.last_event_at.load(Ordering::Relaxed)).ok().filter(|micros| *micros > 0);
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FeedSnapshot {
            connected,
            since,
            origin,
            subscriptions: count(&self.subscriptions),
            left_out,
            events: count(&self.events),
            frames: count(&self.frames),
            ignored: lines.values().map(|(_, ignored)| ignored).sum(),
            sessions: count(&self.sessions),
            reconnects: count(&self.reconnects),
            failures: count(&self.failures),
            last_error,
            last_event_at: last.and_then(DateTime::from_timestamp_micros),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many subscriptions are made from now on, and these symbols are left out.
    pub(super) fn follows(&self, subscriptions: usize, left_out: Vec<String>) {
        self.subscriptions.store(subscriptions as u64, Ordering::Relaxed);
        self.state().left_out = left_out;
    }

    /// A connection has a session.
    pub(super) fn opened(&self, line: usize, origin: &str, now: DateTime<Utc>) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state();
        state.origin = Some(origin.to_owned());
        if state.lines.insert(line, (true, 0)).is_some() {
            self.reconnects.fetch_add(1, Ordering::Relaxed);
        }
        state.settle(now);
    }

    /// A connection has no session, or none any more.
    pub(super) fn ended(&self, line: usize, now: DateTime<Utc>, error: Option<String>) {
        let mut state = self.state();
        if let Some((open, _)) = state.lines.get_mut(&line) {
            *open = false;
        }
        if error.is_some() {
            self.failures.fetch_add(1, Ordering::Relaxed);
            state.last_error = error;
        }
        state.settle(now);
    }

    /// A connection is not needed any more.
    pub(super) fn closed(&self, line: usize, now: DateTime<Utc>) {
        let mut state = self.state();
        state.lines.remove(&line);
        state.settle(now);
    }

    /// A frame of so many events has come over a connection.
    pub(super) fn heard(&self, line: usize, events: usize, ignored: u64, now: DateTime<Utc>) {
        self.events.fetch_add(events as u64, Ordering::Relaxed);
        self.frames.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(now.timestamp_micros()).unwrap_or_default();
        self.last_event_at.store(micros, Ordering::Relaxed);
        if let Some((_, known)) = self.state().lines.get_mut(&line) {
            *known = ignored;
        }
    }
}

impl State {
    /// Whether all is connected, and since when.
    fn settle(&mut self, now: DateTime<Utc>) {
        let connected = !self.lines.is_empty() && self.lines.values().all(|(open, _)| *open);
        if self.connected != connected || self.since.is_none() {
            self.since = Some(now);
        }
        self.connected = connected;
    }
}
