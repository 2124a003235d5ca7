//! The registry of open sessions: who is connected over which front end, and how others cancel a statement or end a
//! session.

use super::settings::Settings;
use crate::clock::Clock;
use crate::dialect::session::{Held, Signal};
use crate::error::{ErrorKind, QueryError};
use crate::role::Role;
use crate::table::context::Snapshots;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// Bytes of a session's last statement that are kept, as in PostgreSQL.
const LAST_SQL_BYTES: usize = 1_024;

/// Cancels whatever its session runs at that moment; nothing when it runs nothing.
#[derive(Debug, Clone, Default)]
pub struct CancelHandle {
    /// Parent of the tokens of what runs. A cancel takes it away, so that what comes later has another.
    current: Arc<Mutex<CancellationToken>>,
}

impl CancelHandle {
    /// Cancels what its session runs at this moment. What begins later is not cancelled.
    pub fn cancel(&self) {
        std::mem::take(&mut *self.current.lock().unwrap_or_else(PoisonError::into_inner)).cancel();
    }

    /// Is cancelled by the next cancel.
    pub(crate) fn token(&self) -> CancellationToken {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).child_token()
    }
}

/// The open sessions of a process, by their process id.
#[derive(Debug, Default)]
pub struct Sessions {
    /// By pid. Held for a few instructions, never across an await.
    open: Mutex<BTreeMap<i32, Arc<OpenSession>>>,
}

/// One open session, as others see it.
#[derive(Debug)]
pub struct OpenSession {
    /// Number of the session, which `pg_cancel_backend` and `pg_terminate_backend` take.
    pub pid: i32,
    /// Name the user logged in with.
    pub user: String,
    /// What the user may do.
    pub role: Role,
    /// `postgres`, `flight` or `local`.
    pub front_end: &'static str,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// The session's settings, which `SET` changes and other sessions read for `application_name`.
    pub(crate) settings: Arc<Mutex<Settings>>,
    /// Cancels the statement that the session runs, if it runs one.
    pub(crate) cancel: CancelHandle,
    /// Cancelled by `pg_terminate_backend`; the front end then ends the connection.
    pub(crate) terminated: CancellationToken,
    /// When the transaction began that it is in; `None` outside. Held for a few instructions.
    pub(super) transaction_began: Mutex<Option<DateTime<Utc>>>,
    /// The versions of the tables that a transaction reads; `None` outside. Held for a few instructions.
    pub(super) snapshots: Mutex<Option<Snapshots>>,
    /// What its client holds open, as its front end told last.
    pub(super) held: Mutex<Held>,
    /// The statement that came last, and when.
    last: Mutex<Option<(DateTime<Utc>, String)>>,
}

impl OpenSession {
    pub(crate) fn new(
        pid: i32,
        user: &str,
        role: Role,
        front_end: &'static str,
        settings: Arc<Mutex<Settings>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            pid,
            user: user.to_owned(),
            role,
            front_end,
            opened_at: Clock::System.now(),
            settings,
            cancel: CancelHandle::default(),
            terminated: CancellationToken::new(),
            transaction_began: Mutex::default(),
            snapshots: Mutex::default(),
            held: Mutex::default(),
            last: Mutex::default(),
        })
    }

    /// The session's `application_name`; empty when its client has set none.
    pub fn application_name(&self) -> String {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.show("application_name").unwrap_or_default()
    }

    /// When the transaction began that it is in, between BEGIN and COMMIT; `None` outside.
    pub fn transaction_began(&self) -> Option<DateTime<Utc>> {
        *self.transaction_began.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The beginning of the statement that came last, and when it came.
    pub fn last_statement(&self) -> Option<(DateTime<Utc>, String)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the beginning of the statement that has come, and when it came.
    pub(crate) fn remember(&self, sql: &str) {
        let kept = sql.floor_char_boundary(LAST_SQL_BYTES);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Clock::System.now(), sql[..kept].to_owned()));
    }
}

/// A place among the open sessions; dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Place {
    sessions: Arc<Sessions>,
    pid: i32,
}

impl Sessions {
    /// The open sessions, in order of their pids.
    pub fn open(&self) -> Vec<Arc<OpenSession>> {
        self.lock().values().cloned().collect()
    }

    /// Signals the session of a pid, on behalf of a user; false when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] when the session is another user's and the asking one is no admin.
    pub fn signal(&self, pid: i32, signal: Signal, user: &str, role: Role) -> Result<bool, QueryError> {
        let Some(session) = self.lock().get(&pid).cloned() else { return Ok(false) };
        if role != Role::Admin && session.user != user {
            let what = match signal {
                Signal::Cancel => "cancel query",
                Signal::Terminate => "terminate process",
            };
            return Err(QueryError::new(ErrorKind::Forbidden, format!("permission denied to {what}"))
                .with_hint("Sessions of other users are an admin's to cancel and to terminate."));
        }
        match signal {
            Signal::Cancel => session.cancel.cancel(),
            Signal::Terminate => session.terminated.cancel(),
        }
        Ok(true)
    }

    pub(crate) fn add(self: &Arc<Self>, session: Arc<OpenSession>) -> Place {
        let pid = session.pid;
        self.lock().insert(pid, session);
        Place { sessions: self.clone(), pid }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<OpenSession>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_reaches_its_session_when_it_may() {
        let sessions = Arc::new(Sessions::default());
        let (ada, bob) = (Role::Admin, Role::Reader);
        let session = OpenSession::new(7, "bob", bob, "postgres", Arc::default());
        let place = sessions.add(session.clone());
        assert!(!sessions.signal(8, Signal::Cancel, "ada", ada).unwrap());
        let denied = sessions.signal(7, Signal::Terminate, "eve", Role::Reader).unwrap_err();
        assert_eq!(denied.kind, ErrorKind::Forbidden);
        assert!(!session.terminated.is_cancelled());
        let (first, second) = (session.cancel.token(), session.cancel.token());
        assert!(sessions.signal(7, Signal::Cancel, "bob", bob).unwrap());
        assert!(first.is_cancelled() && second.is_cancelled());
        assert!(!session.cancel.token().is_cancelled());
        assert!(sessions.signal(7, Signal::Terminate, "ada", ada).unwrap());
        assert!(session.terminated.is_cancelled());
        drop(place);
        assert!(!sessions.signal(7, Signal::Cancel, "ada", ada).unwrap());
        session.remember(&"é".repeat(1_000));
        assert_eq!(session.last_statement().unwrap().1.len(), 1_024);
    }
}
