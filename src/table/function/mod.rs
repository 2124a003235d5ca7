//! PostgreSQL's functions that the engine below lacks: about the session, the catalog, names, sizes and time zones.
//!
//! Two lists: [`functions`] depend on the catalog alone and are registered once; [`session_functions`] know the user and
//! the settings of one connection and are registered in each.

mod age;
mod array;
mod catalog;
mod define;
mod json;
mod keywords;
pub(crate) mod search_path;
mod session;
mod sleep;
mod text;
mod time_zone;
mod to_char;
mod to_char_number;

pub(in crate::table) use text::quote as quoted;

use super::pg_catalog::Comments;
use crate::role::Role;
use crate::engine::Signal;
use chrono::{DateTime, Utc};
use datafusion::catalog::CatalogProvider;
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::ScalarUDF;
use define::{Facts, define};
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

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
    /// The schemas in which an unqualified name is looked for, in order, whether they are there or not.
    pub fn search_path(&self) -> Vec<String> {
        let setting = self.variables.show("search_path").unwrap_or_default();
        search_path::parse(&setting, &self.user)
    }

    /// Whether this user may read the statements of another.
    pub fn sees(&self, user: &str) -> bool {
        self.role == Role::Admin || self.user == user
    }
}

/// What the template's functions know, for those that each session registers again.
struct CatalogFacts(Arc<Facts>);

/// Functions that depend on the catalog at most.
fn functions(facts: &Arc<Facts>) -> Vec<ScalarUDF> {
    let lists = [age::FUNCTIONS, array::FUNCTIONS, catalog::FUNCTIONS, json::FUNCTIONS, text::FUNCTIONS];
    let mut functions: Vec<ScalarUDF> = lists.into_iter().flatten().map(|function| define(function, facts)).collect();
    functions.push(ScalarUDF::from(time_zone::TimeZone::default()));
    functions.push(ScalarUDF::from(to_char::ToChar::default()));
    functions.push(sleep::function());
    functions
}

/// Functions that tell about one session, and those that look for unqualified names along its search path.
fn session_functions(facts: &Arc<Facts>) -> Vec<ScalarUDF> {
    let along_path = catalog::FUNCTIONS.iter().filter(|function| catalog::ALONG_PATH.contains(&function.name));
    session::FUNCTIONS.iter().chain(along_path).map(|function| define(function, facts)).collect()
}

/// Gives a session template all functions that do not depend on the session.
pub fn register(
    template: &mut SessionState,
    source: Arc<dyn CatalogProvider>,
    comments: Arc<dyn Comments>,
) -> Result<()> {
    let started_at = crate::clock::Clock::System.now();
    let (catalog, signatures) = (Some((source, comments)), OnceLock::new());
    let facts = Arc::new(Facts { catalog, session: None, started_at, signatures });
    for function in functions(&facts) {
        template.register_udf(Arc::new(function))?;
    }
    template.register_udtf("pg_get_keywords", Arc::new(keywords::Keywords));
    // What is told of functions includes those that each session registers.
    let mut whole = template.clone();
    for function in session_functions(&facts) {
        whole.register_udf(Arc::new(function))?;
    }
    let all = super::pg_catalog::functions::all(&whole).into_iter();
    let _ = facts
        .signatures
        .set(all.map(|function| (super::pg_catalog::oid::function(&function.name), function)).collect());
    template.config_mut().set_extension(Arc::new(CatalogFacts(facts)));
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
    let shared = state.config().get_extension::<CatalogFacts>();
    let facts = Arc::new(Facts {
        catalog: shared.as_ref().and_then(|shared| shared.0.catalog.clone()),
        session: Some(session),
        started_at: shared.map_or_else(|| crate::clock::Clock::System.now(), |shared| shared.0.started_at),
        signatures: OnceLock::new(),
    });
    for function in session_functions(&facts) {
        state.register_udf(Arc::new(function))?;
    }
    Ok(())
}
