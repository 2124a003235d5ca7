//! What a table may know of the session that reads it: how stale an answer it takes, and where notices go.

use datafusion::catalog::Session;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What to do with a stale table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnStale {
    /// Serve the old rows with a notice.
    Serve,
    /// Wait for the refresh, as the dataset's contract says.
    #[default]
    Wait,
    /// Fail at once.
    Fail,
}

/// Notices for the client of one session.
#[derive(Debug, Clone, Default)]
pub struct Notices(Arc<Mutex<Vec<String>>>);

impl Notices {
    /// Adds a notice; the same text twice in one statement is one notice.
    pub fn add(&self, notice: String) {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }

    /// Takes what has been left.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One statement's demands on freshness. Travels in the session's configuration extensions.
#[derive(Debug, Clone, Default)]
pub struct QueryContext {
    /// What to do with a stale table.
    pub on_stale: OnStale,
    /// The oldest rows this session takes, whatever the dataset's own contract.
    pub max_staleness: Option<Duration>,
    /// Where notices go.
    pub notices: Notices,
}

impl QueryContext {
    /// The context of the statement being planned; the default outside a session of ours.
    pub fn of(session: &dyn Session) -> Arc<Self> {
        session.config().get_extension::<Self>().unwrap_or_default()
    }
}
