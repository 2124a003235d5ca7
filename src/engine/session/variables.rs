//! Session variables as SQL functions and catalog tables read them: settings, other sessions and users.

use super::registry::OpenSession;
use super::settings::Settings;
use crate::dialect::session::Signal;
use crate::dialect::session::{Activity, Held, SessionVariables};
use crate::engine::run::queries::RunningQuery;
use crate::engine::shared::Shared;
use crate::role::Role;
use crate::table::context::Notices;
use datafusion::common::exec_err;
use datafusion::error::{DataFusionError, Result};
use std::fmt;
use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// What `current_setting`, `set_config`, `pg_cancel_backend` and `pg_stat_activity` read and write.
pub(crate) struct Variables {
    pub(crate) session: Arc<OpenSession>,
    pub(crate) notices: Notices,
    /// The engine's own, which holds the sessions that hold this.
    pub(crate) shared: Weak<Shared>,
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Variables {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.session.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionVariables for Variables {
    fn show(&self, name: &str) -> Result<String> {
        self.settings().show(name).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn set(&self, name: &str, value: &str) -> Result<()> {
        self.settings().set(name, value).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn set_local(&self, name: &str, value: &str) -> Result<String> {
        let mut settings = self.settings();
        let set = if self.session.front_end == "postgres" {
            settings.set_local(name, value).and_then(|()| settings.show(name))
        } else {
            // Each statement is a transaction of its own there, so that nothing is left to be seen of it.
            let mut tried = settings.clone();
            tried.set(name, value).and_then(|()| tried.show(name))
        };
        set.map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn all(&self) -> Vec<(String, String)> {
        self.settings().all()
    }

    fn live_lateness(&self) -> Duration {
        self.settings().live_lateness()
    }

    fn activity(&self) -> Vec<Activity> {
        let Some(shared) = self.shared.upgrade() else { return Vec::new() };
        let running = shared.queries.running();
        let session = |session: Arc<OpenSession>| activity(&session, &running);
        shared.sessions.open().into_iter().map(session).collect()
    }

    fn held(&self) -> Held {
        self.session.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn users(&self) -> Option<Vec<(String, Role)>> {
        self.shared.upgrade()?.users()
    }

    fn export_snapshot(&self) -> Result<String> {
        let Some(shared) = self.shared.upgrade() else { return exec_err!("the server stops") };
        let snapshots = self.session.snapshots.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Outside a transaction the snapshot ends with its statement, as in PostgreSQL.
        Ok(shared.exported.add(self.session.pid, &snapshots.unwrap_or_default()))
    }

    fn signal(&self, pid: i32, signal: Signal) -> Result<bool> {
        let Some(shared) = self.shared.upgrade() else { return Ok(false) };
        let reached = shared.sessions.signal(pid, signal, &self.session.user, self.session.role);
        let reached = reached.map_err(|error| DataFusionError::External(Box::new(error)))?;
        if !reached {
            self.notices.warn(format!("PID {pid} is not a backend process of this server"));
        }
        Ok(reached)
    }
}

/// A session with the statement it runs, or else the last it ran.
fn activity(session: &OpenSession, running: &[RunningQuery]) -> Activity {
    let now = running.iter().rfind(|query| query.pid == session.pid);
    let last = session.last_statement();
    let state = match now {
        Some(_) => "active",
        None if session.transaction_began().is_some() => "idle in transaction",
        None => "idle",
    };
    let started_at = now.map(|query| query.started_at);
    Activity {
        pid: session.pid,
        user: session.user.clone(),
        application_name: session.application_name(),
        front_end: session.front_end.to_owned(),
        opened_at: session.opened_at,
        started_at: started_at.or(last.as_ref().map(|(at, _)| *at)),
        transaction_began: session.transaction_began().or(started_at),
        state,
        sql: now.map(|query| query.sql.clone()).or(last.map(|(_, sql)| sql)).unwrap_or_default(),
    }
}
