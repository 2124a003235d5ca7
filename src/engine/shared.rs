//! The state that all sessions share: the template they start from, open sessions, running statements, and threads.

use super::run::cpu::Cpu;
use super::run::queries::Queries;
use super::session::exported::Exported;
use super::session::registry::Sessions;
use super::session::settings::Defaults;
use crate::dialect::extension::Extension;
use crate::role::Role;
use datafusion::execution::session_state::SessionState;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

/// Name of the one database.
pub(crate) const DATABASE: &str = "tt";

/// Gives the users that may connect, sorted by name.
pub type ListUsers = Box<dyn Fn() -> Vec<(String, Role)> + Send + Sync>;

/// What the sessions of one process share.
pub(crate) struct Shared {
    /// DataFusion's session state with catalog, functions and rules, which every session shares.
    pub(crate) template: SessionState,
    /// Extensions of the dialect, which every session applies to its statements.
    pub(crate) extensions: Vec<Arc<dyn Extension>>,
    /// The limits that the configuration gives to every session's settings.
    pub(crate) defaults: Defaults,
    /// Number of the next session, from 1; PostgreSQL clients see it as their process id.
    pub(crate) next_session: AtomicU64,
    /// The running statements, for `system.queries`.
    pub(crate) queries: Arc<Queries>,
    /// The snapshots that transactions have exported to others.
    pub(crate) exported: Exported,
    /// The open sessions, for `pg_stat_activity` and for cancelling.
    pub(crate) sessions: Arc<Sessions>,
    /// Gives the users that may connect. The program sets it once, before it serves; unset, everybody may.
    pub(crate) users: OnceLock<ListUsers>,
    /// The threads that plan and run statements.
    pub(crate) cpu: Arc<Cpu>,
}

impl Shared {
    /// The users that may connect; `None` when everybody may.
    pub(crate) fn users(&self) -> Option<Vec<(String, Role)>> {
        self.users.get().map(|list| list())
    }
}
