//! What is known of the feed: how its connections are, what they follow, what was missed, and who follows along.
//!
//! The feed writes it, tables and health checks read it; a reader never holds the feed up. A board of a process that
//! follows no feed has no connection, and nothing to say.

mod demand;
mod followed;
mod gap;
mod line;
mod subscriber;
mod verdict;

pub use demand::{Demand, Hold, is_askable};
pub use followed::{Followed, Follows, Why};
pub use gap::{Gap, Gaps};
pub use line::{FeedState, Line, LineStatus};
pub use subscriber::{Listening, Subscriber, SubscriberRow, Subscribers};
pub use verdict::{Judged, Verdict};

use crate::clock::Clock;
use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// What is agreed of a feed from the start.
#[derive(Debug, Clone)]
pub struct FeedTerms {
    /// Name of the feed in `system.sources` and `system.feed_gaps`.
    pub name: &'static str,
    /// Class of its data: `real-time`, `delayed`, `simulated`.
    pub class: &'static str,
    /// Silence within session hours after which something is wrong.
    pub silence: Duration,
    /// How long a symbol is followed after the last query that named it.
    pub linger: Duration,
}

impl Default for FeedTerms {
    fn default() -> Self {
        Self { name: "dxlink", class: "unknown", silence: Duration::from_secs(60), linger: Duration::from_secs(300) }
    }
}

/// An event of a symbol that is not followed, because the venue takes no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The symbol, in our spelling.
    pub symbol: Arc<str>,
    /// The event, by the name of its table.
    pub event: &'static str,
    /// Why it was to be followed.
    pub why: Why,
}

/// What is known of the feed. Shared by reference between the feed, the tables and the health checks.
#[derive(Debug)]
pub struct FeedBoard {
    clock: Clock,
    terms: FeedTerms,
    /// The connections in use, by number.
    lines: ArcSwap<Vec<Arc<Line>>>,
    gaps: Gaps,
    demand: Demand,
    subscribers: Subscribers,
    left_out: ArcSwap<BTreeSet<LeftOut>>,
    /// What the venue calls the account's data: `demo`, `api`.
    level: ArcSwapOption<String>,
    /// Whether nothing is wrong: readers of one row look here and no further.
    whole: AtomicBool,
    /// Counts changes of state.
    changes: watch::Sender<u64>,
}

impl Default for FeedBoard {
    fn default() -> Self {
        Self::new(Clock::System, FeedTerms::default())
    }
}

impl FeedBoard {
    /// A board without connections.
    pub fn new(clock: Clock, terms: FeedTerms) -> Self {
        Self {
            demand: Demand::new(clock.clone(), terms.linger),
            clock,
            terms,
            lines: ArcSwap::default(),
            gaps: Gaps::default(),
            subscribers: Subscribers::default(),
            left_out: ArcSwap::default(),
            level: ArcSwapOption::empty(),
            whole: AtomicBool::new(true),
            changes: watch::Sender::new(0),
        }
    }

    /// What was agreed of the feed.
    pub fn terms(&self) -> &FeedTerms {
        &self.terms
    }

    /// The present moment, by the clock that the feed goes by.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The connections in use.
    pub fn lines(&self) -> Arc<Vec<Arc<Line>>> {
        self.lines.load_full()
    }

    /// The spans in which events may be missing.
    pub fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// What running queries want followed.
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// The queries that follow along.
    pub fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }

    /// What is not followed, because the venue takes no more.
    pub fn left_out(&self) -> Arc<BTreeSet<LeftOut>> {
        self.left_out.load_full()
    }

    /// What the venue calls the account's data; `None` before it said so.
    pub fn level(&self) -> Option<Arc<String>> {
        self.level.load_full()
    }

    /// Whether the latest event of a symbol is kept up to date: a connection follows it, or there is no feed that could.
    pub fn keeps(&self, event: &'static str, symbol: &str) -> bool {
        let lines = self.lines.load();
        lines.is_empty() || lines.iter().any(|line| line.is_following(event, symbol))
    }

    /// Whether an event of a symbol is followed, or was to be, whatever queries want.
    pub fn is_listed(&self, event: &'static str, symbol: &str) -> bool {
        let listed = |line: &Arc<Line>| line.follows().get(event, symbol).is_some_and(|one| one.why == Why::List);
        let left_out = || {
            let left_out = self.left_out.load();
            left_out.iter().any(|one| one.event == event && &*one.symbol == symbol && one.why == Why::List)
        };
        self.lines.load().iter().any(listed) || left_out()
    }

    /// Wakes with each change of state.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// One connection more, which has the next number.
    pub fn open_line(&self) -> Arc<Line> {
        let line = Arc::new(Line::new(self.lines.load().len(), self.now()));
        self.lines.rcu(|lines| lines.iter().cloned().chain([line.clone()]).collect::<Vec<_>>());
        self.changed();
        line
    }

    /// A connection goes, because nothing is left for it to follow.
    pub fn close_line(&self, line: &Arc<Line>) {
        self.gaps.close(line.number(), self.now());
        self.lines.rcu(|lines| lines.iter().filter(|other| !Arc::ptr_eq(other, line)).cloned().collect::<Vec<_>>());
        self.changed();
    }

    /// The venue says what the account's data are.
    pub fn set_level(&self, level: Option<String>) {
        self.level.store(level.map(Arc::new));
    }

    /// Other symbols are left out from now on.
    pub fn set_left_out(&self, left_out: BTreeSet<LeftOut>) {
        if *self.left_out.load_full() != left_out {
            self.left_out.store(Arc::new(left_out));
            self.changed();
        }
    }

    /// A connection speaks no more, or not as it should: from its last event on there is a gap until it does again. One that
    /// never spoke has missed nothing that anybody waited for.
    pub fn lost(&self, line: &Line, state: FeedState, reason: &str) {
        if !line.set(state, Some(reason.to_owned()), self.now()) {
            return;
        }
        if let Some(from) = line.last_data_at() {
            let alone = self.lines.load().len() <= 1;
            self.gaps.open(line.number(), || line.gap(self.terms.name, from, reason, alone));
        }
        self.changed();
    }

    /// A connection brings events, or may be silent because nothing trades.
    pub fn speaks(&self, line: &Line) {
        if line.state() == FeedState::Live {
            return;
        }
        let now = self.now();
        line.set(FeedState::Live, None, now);
        self.gaps.close(line.number(), now);
        self.changed();
    }

    /// Something changed that queries may have to be told.
    pub fn changed(&self) {
        let is_live = |line: &Arc<Line>| line.state() == FeedState::Live && line.remark().is_none();
        let quiet = |line: &Arc<Line>| line.follows().iter().any(|one| one.is_quiet());
        let lines = self.lines.load();
        let whole = lines.iter().all(|line| is_live(line) && !quiet(line))
            && self.left_out.load().is_empty()
            && self.terms.class != "delayed";
        self.whole.store(whole, Ordering::Release);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Whether nothing is wrong with it that is known.
    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests;
