//! What all sessions share: the template they start from, who is connected, what runs, and the threads it runs on.

use super::run::cpu::Cpu;
use super::run::queries::Queries;
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
    pub(crate) template: SessionState,
    pub(crate) extensions: Vec<Arc<dyn Extension>>,
    pub(crate) defaults: Defaults,
    pub(crate) next_session: AtomicU64,
    pub(crate) queries: Arc<Queries>,
    pub(crate) sessions: Arc<Sessions>,
    /// Asks who may connect. It is told once, by whoever knows.
    pub(crate) users: OnceLock<ListUsers>,
    pub(crate) cpu: Arc<Cpu>,
}

impl Shared {
    /// The users that may connect; `None` when everybody may.
    pub(crate) fn users(&self) -> Option<Vec<(String, Role)>> {
        self.users.get().map(|list| list())
    }
}
