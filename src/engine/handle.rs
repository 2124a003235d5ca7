//! The engine as the Postgres and the Flight server hold it: a cheap handle that opens sessions.

use super::admit::own_statement::OwnStatements;
use super::run::cpu::Cpu;
use super::run::memory_limit;
use super::run::queries::Queries;
use super::session::Session;
use super::session::exported::Exported;
use super::session::pool::{LentSession, Pool};
use super::session::registry::Sessions;
use super::session::settings::Defaults;
use super::shared::{ListUsers, Shared};
use crate::dialect::extension::Extension;
use crate::error::QueryError;
use crate::market_sql::MarketSql;
use crate::role::Role;
use crate::temporary::grammar::CreateTableAs;
use datafusion::execution::session_state::SessionState;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

/// The SQL engine: the state that all sessions share, behind an `Arc`, so that clones are cheap and mean the same
/// engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    /// Sessions that are lent from call to call.
    pool: Pool,
}

/// What this engine adds to the dialect, in the order in which the parser asks.
pub(crate) fn extensions() -> Vec<Arc<dyn Extension>> {
    vec![Arc::new(OwnStatements), Arc::new(CreateTableAs), Arc::new(MarketSql)]
}

impl Engine {
    /// An engine over a session template: catalog, limits, and the dialect that [`crate::dialect::install`] put into
    /// it; `queries` is a list of running statements that others look at too.
    pub(crate) fn with_queries(template: SessionState, defaults: Defaults, queries: Arc<Queries>) -> Self {
        let shared = Shared {
            template,
            extensions: extensions(),
            defaults,
            next_session: AtomicU64::new(1),
            queries,
            exported: Exported::default(),
            sessions: Arc::default(),
            users: OnceLock::new(),
            cpu: Arc::new(Cpu::start()),
        };
        Self { shared: Arc::new(shared), pool: Pool::default() }
    }

    /// Has `pg_roles` and its like list these users. Only the first call counts.
    pub fn list_users(&self, users: ListUsers) {
        // A second list is a mistake of the caller's that changes nothing.
        let _ = self.shared.users.set(users);
    }

    /// Who is connected, over all front ends.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.shared.sessions
    }

    /// Keeps the whole process within its memory limit from now on. For the one engine that a process serves.
    ///
    /// # Errors
    /// The system gives no thread that watches.
    pub fn keep_to_memory(&self, limit_bytes: usize) -> io::Result<()> {
        memory_limit::keep(limit_bytes, &self.shared.queries)
    }

    /// The statements that run now, over all sessions.
    pub fn queries(&self) -> &Arc<Queries> {
        &self.shared.queries
    }

    /// Pieces of work on the threads for statements, those included whose client has stopped waiting.
    pub fn tasks(&self) -> usize {
        self.shared.cpu.tasks()
    }

    /// The state every session starts from.
    pub(crate) fn template(&self) -> &SessionState {
        &self.shared.template
    }

    /// Opens a session for one connection; it is listed among the open sessions until it is dropped.
    pub fn open_session(&self, user: &str, role: Role, front_end: &'static str) -> Session {
        Session::open(&self.shared, user, role, front_end)
    }

    /// A session under settings for one call of a front end that knows no connections. It goes to the next call when it is
    /// dropped.
    ///
    /// # Errors
    /// Settings that there are not, and values that they do not take.
    pub fn lend_session(
        &self,
        user: &str,
        role: Role,
        front_end: &'static str,
        settings: &BTreeMap<String, String>,
    ) -> Result<LentSession, QueryError> {
        self.pool.lend(user, role, front_end, settings, || self.open_session(user, role, front_end))
    }
}
