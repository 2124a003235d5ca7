//! A session is one connection as the dialect's functions and catalog tables see it: who is
//! connected, its settings, and the sessions beside it.
//!
//! The engine implements [`SessionVariables`] and puts a [`SessionFacts`] into each DataFusion
//! session's config; functions such as `current_setting` and `pg_cancel_backend` and the tables
//! `pg_settings` and `pg_stat_activity` read it.

use super::search_path;
use crate::role::Role;
use chrono::{DateTime, Utc};
use datafusion::common::{Result, not_impl_err};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// What one session asks of another, by `pg_cancel_backend` or `pg_terminate_backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ends the statement the other session runs; without one, nothing happens.
    Cancel,
    /// Ends the other session, with whatever it runs.
    Terminate,
}

/// An open session: one row of `pg_stat_activity`.
#[derive(Debug, Clone)]
pub struct Activity {
    /// The session's number, which `pg_backend_pid()` gives and signals name.
    pub pid: i32,
    /// The name of the user that logged in.
    pub user: String,
    /// The name its client gave itself in `application_name`; empty when it gave none.
    pub application_name: String,
    /// The front end it came in by: `postgres`, `flight` or `local`. Shown for a client without a
    /// name.
    pub front_end: String,
    /// When the session was opened, in UTC.
    pub opened_at: DateTime<Utc>,
    /// When the statement in `sql` arrived, in UTC; `None` before the first.
    pub started_at: Option<DateTime<Utc>>,
    /// When the transaction began that it is in, a statement by itself included.
    pub transaction_began: Option<DateTime<Utc>>,
    /// `active`, `idle` or `idle in transaction`.
    pub state: &'static str,
    /// Text of the statement it runs, or the beginning of the last it ran.
    pub sql: String,
}

/// What a client holds open in a session, which `pg_prepared_statements` and `pg_cursors` show.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// Its prepared statements, sorted by name.
    pub statements: Vec<HeldStatement>,
    /// Its cursors and portals, sorted by name.
    pub cursors: Vec<HeldCursor>,
}

/// A prepared statement, by PREPARE or by the protocol.
#[derive(Debug, Clone)]
pub struct HeldStatement {
    /// The name that EXECUTE takes; empty for the unnamed one of the protocol.
    pub name: String,
    /// Its text, with `PREPARE` where it was prepared so.
    pub sql: String,
    /// When it was prepared.
    pub at: DateTime<Utc>,
    /// The types of its parameters in order, as PostgreSQL names them.
    pub parameters: Vec<String>,
    /// Whether it was prepared by PREPARE.
    pub from_sql: bool,
}

/// A cursor, or a portal of the protocol.
#[derive(Debug, Clone)]
pub struct HeldCursor {
    /// The name that FETCH takes.
    pub name: String,
    /// The text that declared it.
    pub sql: String,
    /// When it was declared.
    pub at: DateTime<Utc>,
    /// Whether it outlives its transaction.
    pub hold: bool,
    /// Whether it can go back.
    pub scroll: bool,
}

/// What a session can tell and change of itself and of the sessions beside it. Calls do not wait,
/// since functions are computed in the middle of a plan.
pub trait SessionVariables: Debug + Send + Sync {
    /// The value of a setting, as `SHOW` and `current_setting` give it.
    ///
    /// # Errors
    /// `UnknownObject` (inside a DataFusion error) for a name that is not known.
    fn show(&self, name: &str) -> Result<String>;

    /// Sets a setting for the rest of the session.
    ///
    /// # Errors
    /// An error for an unknown name, or for a value the setting does not take.
    fn set(&self, name: &str, value: &str) -> Result<()>;

    /// Changes a setting until the transaction ends, and gives its value.
    ///
    /// # Errors
    /// Those of [`Self::set`].
    fn set_local(&self, name: &str, value: &str) -> Result<String>;

    /// All settings with their values, sorted by name: the rows of `pg_settings`.
    fn all(&self) -> Vec<(String, String)>;

    /// How long a live event is held back for others of an earlier time, where events are put in its order.
    fn live_lateness(&self) -> Duration {
        Duration::ZERO
    }

    /// All open sessions of the server, this one included: the rows of `pg_stat_activity`.
    fn activity(&self) -> Vec<Activity> {
        Vec::new()
    }

    /// What the session's client holds open: the rows of `pg_prepared_statements` and `pg_cursors`.
    fn held(&self) -> Held {
        Held::default()
    }

    /// The users that may connect, sorted by name, with what they may do; `None` when everybody may,
    /// and names are not known before.
    fn users(&self) -> Option<Vec<(String, Role)>> {
        None
    }

    /// Lets another session read the versions of the tables that this session's transaction reads, and gives the name
    /// by which it asks for them.
    ///
    /// # Errors
    /// An error where there are no other sessions.
    fn export_snapshot(&self) -> Result<String> {
        not_impl_err!("pg_export_snapshot is not supported here")
    }

    /// Signals the session of a number, and tells whether there is one; does not wait for its effect.
    ///
    /// # Errors
    /// An error when the session is not this user's to signal.
    fn signal(&self, pid: i32, signal: Signal) -> Result<bool> {
        let _ = (pid, signal);
        Ok(false)
    }
}

/// One connection, as its functions see it. Catalog tables find it as an extension of the DataFusion
/// session's config.
#[derive(Debug, Clone)]
pub struct SessionFacts {
    /// The name of the user that logged in.
    pub user: String,
    /// What the user may do: read, or administer as well.
    pub role: Role,
    /// The name of the database in the client's startup message, as `current_database()` gives it.
    pub database: String,
    /// The session's number, the same as in `Activity`.
    pub pid: i32,
    /// The session's settings, and its view of the other sessions.
    pub variables: Arc<dyn SessionVariables>,
}

impl SessionFacts {
    /// The schemas in which an unqualified name is looked for, in order, whether they exist or not.
    pub fn search_path(&self) -> Vec<String> {
        let setting = self.variables.show("search_path").unwrap_or_default();
        search_path::parse(&setting, &self.user)
    }

    /// Whether this user may read the statements of another: its own, and an admin all.
    pub fn sees(&self, user: &str) -> bool {
        self.is_admin() || self.user == user
    }

    /// Whether this user may know of the server what others need not.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}
