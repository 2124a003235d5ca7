//! What all sessions share: the template they start from, who is connected, what runs, and the threads it runs on.

use super::checked::Checked;
use super::cpu::Cpu;
use super::moments::Moments;
use super::operators::Operators;
use super::queries::Queries;
use crate::role::Role;
use super::session::Session;
use super::sessions::Sessions;
use super::settings::Defaults;
use super::spans::Spans;
use super::to_text::ToText;
use super::zone::Zoned;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Everything sessions share. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) template: SessionState,
    pub(super) defaults: Defaults,
    pub(super) next_session: AtomicU64,
    pub(super) queries: Arc<Queries>,
    pub(super) sessions: Arc<Sessions>,
    /// Asks who may connect. It is told once, by whoever knows.
    users: OnceLock<ListUsers>,
    pub(super) cpu: Cpu,
}

/// Gives the users that may connect, sorted by name.
pub type ListUsers = Box<dyn Fn() -> Vec<(String, Role)> + Send + Sync>;

impl Shared {
    /// The users that may connect; `None` when everybody may.
    pub(super) fn users(&self) -> Option<Vec<(String, Role)>> {
        self.users.get().map(|list| list())
    }

    pub(super) fn queries(&self) -> &Queries {
        &self.queries
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

impl Engine {
    /// An engine over a session template that holds catalogs, functions and limits.
    pub fn new(template: SessionState, statement_timeout: Option<Duration>) -> Self {
        Self::with_queries(template, Defaults { statement_timeout, ..Defaults::default() }, Arc::default())
    }

    /// The same with all that a session is given, and with a list of running statements that others look at too.
    pub fn with_queries(mut template: SessionState, defaults: Defaults, queries: Arc<Queries>) -> Self {
        let rules = template.register_function_rewrite(Arc::new(Checked));
        let rules = rules.and_then(|()| template.register_function_rewrite(Arc::new(Zoned)));
        let rules = rules.and_then(|()| template.register_function_rewrite(Arc::new(Spans)));
        let rules = rules.and_then(|()| template.register_function_rewrite(Arc::new(ToText)));
        template.add_analyzer_rule(Arc::new(Moments));
        if let Err(error) = rules.and_then(|()| template.register_expr_planner(Arc::new(Operators))) {
            tracing::error!("PostgreSQL's arithmetic is not registered: {error}");
        }
        Self {
            shared: Arc::new(Shared {
                template,
                defaults,
                next_session: AtomicU64::new(1),
                queries,
                sessions: Arc::default(),
                users: OnceLock::new(),
                cpu: Cpu::start(),
            }),
        }
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

    /// What runs now.
    pub fn queries(&self) -> &Arc<Queries> {
        &self.shared.queries
    }

    /// Pieces of work on the threads for statements, those included that nobody waits for any more.
    pub fn tasks(&self) -> usize {
        self.shared.cpu.tasks()
    }

    /// What every session starts from.
    pub(super) fn template(&self) -> &SessionState {
        &self.shared.template
    }

    /// Opens a session for one connection.
    pub fn open_session(&self, user: &str, role: Role, front_end: &'static str) -> Session {
        Session::open(self, user, role, front_end)
    }
}
