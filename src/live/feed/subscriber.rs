//! The queries that follow live events: what each follows, how far it is behind, and what it lost.

use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// How far one follower is in its book. The follower writes it, anyone reads it.
#[derive(Debug, Default)]
pub struct Listening {
    /// Events of the book that it has taken, or that were taken from it, counted as the book counts.
    pub(in crate::live) taken: AtomicU64,
    /// Events that it lost.
    pub(in crate::live) missed: AtomicU64,
    /// Events that it was given.
    pub(in crate::live) given: AtomicU64,
}

/// A query that follows along.
pub struct Subscriber {
    /// The session's number; `None` where it is not known.
    pub pid: Option<i32>,
    /// Its user; `None` where it is not known.
    pub user: Option<String>,
    /// The table it follows.
    pub table: &'static str,
    /// The symbols it names; `None` is all.
    pub symbols: Option<BTreeSet<String>>,
    /// Since when it follows.
    pub since: DateTime<Utc>,
    /// How far it is.
    pub listening: Arc<Listening>,
    /// How many events its book has published.
    pub published: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("table", &self.table).field("pid", &self.pid).finish_non_exhaustive()
    }
}

/// A query that follows along, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriberRow {
    /// The session's number; `None` where it is not known.
    pub pid: Option<i32>,
    /// Its user; `None` where it is not known.
    pub user: Option<String>,
    /// The table it follows.
    pub table: &'static str,
    /// The symbols it names; `None` is all.
    pub symbols: Option<BTreeSet<String>>,
    /// Since when it follows.
    pub since: DateTime<Utc>,
    /// Events of its book that it has not looked at yet, wanted or not.
    pub lag: u64,
    /// Events that it lost.
    pub missed: u64,
    /// Events that it was given.
    pub given: u64,
}

#[derive(Debug, Default)]
struct Listed {
    next: u64,
    all: BTreeMap<u64, Subscriber>,
}

/// The queries that follow along. Clones share the list.
#[derive(Debug, Default, Clone)]
pub struct Subscribers {
    /// Held for a copy or a change, never across an await.
    listed: Arc<Mutex<Listed>>,
}

impl Subscribers {
    /// Lists a query until what is given back is dropped.
    pub fn list(&self, subscriber: Subscriber) -> impl Send + Sync + 'static {
        struct Place(Subscribers, u64);
        impl Drop for Place {
            fn drop(&mut self) {
                self.0.listed.lock().unwrap_or_else(PoisonError::into_inner).all.remove(&self.1);
            }
        }
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let number = listed.next;
        listed.next += 1;
        listed.all.insert(number, subscriber);
        Place(self.clone(), number)
    }

    /// All of them at this moment, the oldest first.
    pub fn rows(&self) -> Vec<SubscriberRow> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |one: &Subscriber| SubscriberRow {
            pid: one.pid,
            user: one.user.clone(),
            table: one.table,
            symbols: one.symbols.clone(),
            since: one.since,
            lag: (one.published)().saturating_sub(one.listening.taken.load(Relaxed)),
            missed: one.listening.missed.load(Relaxed),
            given: one.listening.given.load(Relaxed),
        };
        listed.all.values().map(row).collect()
    }
}
