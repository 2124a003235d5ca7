//! PostgreSQL's functions that the engine below lacks: about the session, the catalog, names, sizes and time zones.
//!
//! Two lists: [`functions`] depend on the catalog alone and are registered once; [`session_functions`] know the user and
//! the settings of one connection and are registered in each.

mod array;
mod catalog;
mod define;
mod json;
mod session;
mod text;
mod time_zone;

use super::pg_catalog::Comments;
use crate::engine::{Role, Signal};
use chrono::{DateTime, Utc};
use datafusion::catalog::CatalogProvider;
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::ScalarUDF;
use define::{Facts, define};
use std::fmt::Debug;
use std::sync::Arc;

/// What `version()` says: clients read the number after the first word.
pub const VERSION: &str =
    concat!("PostgreSQL 16.6 (ttapi ", env!("CARGO_PKG_VERSION"), ") on x86_64, compiled by rustc, 64-bit");

/// An open session: one row of `pg_stat_activity`.
#[derive(Debug, Clone)]
pub struct Activity {
    /// Its number.
    pub pid: i32,
    /// Its user.
    pub user: String,
    /// The name its client gave itself.
    pub application_name: String,
    /// `postgres`, `flight` or `local`.
    pub front_end: String,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When the statement below arrived; `None` before the first.
    pub started_at: Option<DateTime<Utc>>,
    /// `active`, `idle` or `idle in transaction`.
    pub state: &'static str,
    /// Text of the statement it runs, or the beginning of the last it ran.
    pub sql: String,
}

/// What a session can tell and change of itself. Calls do not wait.
pub trait SessionVariables: Debug + Send + Sync {
    /// The value of a setting; an error for a name that is not known.
    fn show(&self, name: &str) -> Result<String>;

    /// Sets a setting; an error for an unknown name or a value it does not take.
    fn set(&self, name: &str, value: &str) -> Result<()>;

    /// All settings with their values, sorted by name.
    fn all(&self) -> Vec<(String, String)>;

    /// All open sessions.
    fn activity(&self) -> Vec<Activity> {
        Vec::new()
    }

    /// The users that may connect, sorted by name; `None` when everybody may.
    fn users(&self) -> Option<Vec<(String, Role)>> {
        None
    }

    /// Signals the session of a number; false when there is none. An error when it is not this user's to signal.
    fn signal(&self, pid: i32, signal: Signal) -> Result<bool> {
        let _ = (pid, signal);
        Ok(false)
    }
}

/// One connection, as its functions see it. Catalog tables find it as an extension of the session's config.
#[derive(Debug, Clone)]
pub struct SessionFacts {
    /// User that logged in.
    pub user: String,
    /// What the user may do.
    pub role: Role,
    /// Database it is connected to.
    pub database: String,
    /// Number of the session.
    pub pid: i32,
    /// Its settings.
    pub variables: Arc<dyn SessionVariables>,
}

impl SessionFacts {
    /// Whether this user may read the statements of another.
    pub fn sees(&self, user: &str) -> bool {
        self.role == Role::Admin || self.user == user
    }
}

/// Functions that depend on the catalog at most.
pub fn functions(source: Arc<dyn CatalogProvider>, comments: Arc<dyn Comments>) -> Vec<ScalarUDF> {
    let started_at = crate::clock::Clock::System.now();
    let facts = Arc::new(Facts { catalog: Some((source, comments)), session: None, started_at });
    let lists = [array::FUNCTIONS, catalog::FUNCTIONS, json::FUNCTIONS, text::FUNCTIONS];
    let mut functions: Vec<ScalarUDF> = lists.into_iter().flatten().map(|function| define(function, &facts)).collect();
    functions.push(ScalarUDF::from(time_zone::TimeZone::default()));
    functions
}

/// Functions that tell about one session.
pub fn session_functions(session: Arc<SessionFacts>) -> Vec<ScalarUDF> {
    let started_at = crate::clock::Clock::System.now();
    let facts = Arc::new(Facts { catalog: None, session: Some(session), started_at });
    session::FUNCTIONS.iter().map(|function| define(function, &facts)).collect()
}

/// Gives a session template all functions that do not depend on the session.
pub fn register(
    template: &mut SessionState,
    source: Arc<dyn CatalogProvider>,
    comments: Arc<dyn Comments>,
) -> Result<()> {
    for function in functions(source, comments) {
        template.register_udf(Arc::new(function))?;
    }
    Ok(())
}

/// Gives one session's state the functions and catalog rows that depend on it.
pub fn register_session(state: &mut SessionState, session: SessionFacts) -> Result<()> {
    let session = Arc::new(session);
    state.config_mut().set_extension(session.clone());
    // `now` and its like carry the session's time zone.
    let options = state.config_options();
    let zoned = state.scalar_functions().values().filter_map(|function| function.inner().with_updated_config(options));
    for function in zoned.collect::<Vec<_>>() {
        state.register_udf(Arc::new(function))?;
    }
    for function in session_functions(session) {
        state.register_udf(Arc::new(function))?;
    }
    Ok(())
}
