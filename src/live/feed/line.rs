//! One connection of the feed: how it is, when it spoke last, and what it follows.

use super::followed::{Follows, Rhythm};
use super::gap::Gap;
use crate::market::hours::Hours;
use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// How a connection, or the feed as a whole, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FeedState {
    /// Events come, or nothing trades.
    Live,
    /// Nothing has come yet since the start.
    Connecting,
    /// Connected, and silent while it should not be.
    Stalled,
    /// Not connected; it is tried again.
    Disconnected,
    /// The venue refuses it; it is tried again, but a person may have to help.
    Refused,
}

impl FeedState {
    /// The word for it in `system.sources` and in notices.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Connecting => "connecting",
            Self::Stalled => "stalled",
            Self::Disconnected => "disconnected",
            Self::Refused => "refused",
        }
    }
}

/// How a connection is, since when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineStatus {
    /// How the connection is.
    pub state: FeedState,
    /// Since when it is so.
    pub since: DateTime<Utc>,
    /// Why, one clear sentence; `None` while it is live.
    pub reason: Option<String>,
    /// What the venue would not do, while the rest goes on.
    pub remark: Option<String>,
}

/// One connection. Its task writes it, anyone reads it.
#[derive(Debug)]
pub struct Line {
    number: usize,
    rhythm: Rhythm,
    follows: ArcSwap<Follows>,
    /// Held for a copy, never across an await.
    status: Mutex<LineStatus>,
}

impl Line {
    /// A connection that has not spoken yet.
    pub(super) fn new(number: usize, now: DateTime<Utc>) -> Self {
        let status = LineStatus { state: FeedState::Connecting, since: now, reason: None, remark: None };
        Self { number, rhythm: Rhythm::default(), follows: ArcSwap::default(), status: Mutex::new(status) }
    }

    /// Its number, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// How it is, since when, and why.
    pub fn status(&self) -> LineStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the connection is now.
    pub fn state(&self) -> FeedState {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).state
    }

    /// What the venue would not do, while the rest goes on.
    pub fn remark(&self) -> Option<String> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).remark.clone()
    }

    /// Remembers what the venue would not do; `None` once it may do it.
    pub fn set_remark(&self, remark: Option<String>) {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).remark = remark;
    }

    /// Says how it is; whether that is news.
    pub(super) fn set(&self, state: FeedState, reason: Option<String>, now: DateTime<Utc>) -> bool {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = status.state != state;
        if changed {
            status.since = now;
        }
        let news = changed || status.reason != reason;
        (status.state, status.reason) = (state, reason);
        news
    }

    /// A frame of events has come.
    pub fn heard(&self, now: DateTime<Utc>) {
        self.rhythm.heard(now, self.hours().open_since(now));
    }

    /// When its last event came.
    pub fn last_data_at(&self) -> Option<DateTime<Utc>> {
        self.rhythm.last_at()
    }

    /// Whether a silence of so long is against the rhythm in which it used to speak.
    pub fn is_against_rhythm(&self, silence: TimeDelta, least: TimeDelta) -> bool {
        self.rhythm.too_long(least).is_some_and(|limit| silence >= limit)
    }

    /// What the connection follows now.
    pub fn follows(&self) -> Arc<Follows> {
        self.follows.load_full()
    }

    /// Whether it follows an event of a symbol.
    pub fn is_following(&self, event: &str, symbol: &str) -> bool {
        self.follows.load().get(event, symbol).is_some()
    }

    /// It follows these from now on.
    pub fn set_follows(&self, follows: Follows) {
        self.follows.store(Arc::new(follows));
    }

    /// The hours in which it is expected to speak: the shortest of those that its symbols keep.
    pub fn hours(&self) -> Hours {
        let follows = self.follows.load();
        let mut hours = Hours::Always;
        for one in follows.iter() {
            hours = hours.min(one.hours);
            if hours == Hours::Equities {
                return hours;
            }
        }
        if follows.is_empty() { Hours::Equities } else { hours }
    }

    /// A gap that begins with its last event. Symbols are named where other connections go on.
    pub(super) fn gap(&self, feed: &'static str, from: DateTime<Utc>, reason: &str, alone: bool) -> Gap {
        let follows = self.follows.load();
        let events: BTreeSet<&'static str> = follows.iter().map(|one| one.event).collect();
        let symbols = || follows.iter().map(|one| one.symbol.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        Gap {
            feed,
            from,
            to: None,
            reason: reason.to_owned(),
            symbols: (!alone).then(symbols),
            events: events.into_iter().collect(),
        }
    }
}
