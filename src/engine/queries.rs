//! What runs now: one entry per statement, from its arrival to its last row.

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A running statement; one row of `system.queries`.
#[derive(Debug, Clone)]
pub struct RunningQuery {
    /// Session number; over Postgres wire it is the backend's pid.
    pub session_id: u64,
    /// User of the session.
    pub user: String,
    /// `postgres` or `local`.
    pub front_end: &'static str,
    /// When the statement arrived.
    pub started_at: DateTime<Utc>,
    /// Text of the statement.
    pub sql: String,
}

/// The running statements of a process.
#[derive(Debug, Default)]
pub struct Queries {
    /// By order of arrival. Held for a few instructions, never across an await.
    running: Mutex<(u64, BTreeMap<u64, RunningQuery>)>,
}

/// A place in the list; dropping it takes the statement off.
#[derive(Debug)]
pub(super) struct Listed {
    queries: Arc<Queries>,
    id: u64,
}

impl Queries {
    /// What runs now, oldest first.
    pub fn running(&self) -> Vec<RunningQuery> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).1.values().cloned().collect()
    }

    pub(super) fn list(self: &Arc<Self>, query: RunningQuery) -> Listed {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.0 += 1;
        let id = running.0;
        running.1.insert(id, query);
        Listed { queries: self.clone(), id }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.queries.running.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&self.id);
    }
}
