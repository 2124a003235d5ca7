//! Executions that this server runs for Flight clients, by number: a cancel finds its statement here.

use crate::engine::CancelHandle;
use crate::role::Role;
use crate::serve::auth::Identity;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Cancelled executions that are remembered, so that they do not start later.
const CANCELLED_MAX: usize = 1_024;

/// Number of an execution.
pub(super) type Execution = [u8; 16];

/// The executions of a server. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Executions {
    /// Held for a lookup, never across an await.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Streams by number; an execution has as many as its rows are read in parallel.
    running: HashMap<u64, Running>,
    cancelled: VecDeque<(Execution, String)>,
}

struct Running {
    execution: Execution,
    user: String,
    handle: CancelHandle,
}

/// A stream's place in the list; dropping it takes it off.
pub(super) struct Listed {
    executions: Executions,
    number: u64,
}

/// What a cancel did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What ran of it is cancelled.
    Cancelled,
    /// Nothing of it ran; it will not begin here.
    NotRunning,
    /// It runs for another user, and goes on.
    NotYours,
}

/// It was cancelled before it began.
#[derive(Debug)]
pub(super) struct Cancelled;

impl Executions {
    /// Lists a stream of an execution.
    pub(super) fn list(&self, execution: Execution, user: &str, handle: CancelHandle) -> Result<Listed, Cancelled> {
        let mut state = self.lock();
        if state.cancelled.iter().any(|(cancelled, by)| *cancelled == execution && by == user) {
            return Err(Cancelled);
        }
        state.next += 1;
        let number = state.next;
        state.running.insert(number, Running { execution, user: user.to_owned(), handle });
        Ok(Listed { executions: self.clone(), number })
    }

    /// Cancels an execution, and keeps what has not begun of it from beginning. An admin may cancel anybody's.
    pub(super) fn cancel(&self, execution: Execution, by: &Identity) -> Outcome {
        let mut state = self.lock();
        let mut running = state.running.values().filter(|running| running.execution == execution).peekable();
        let found = running.peek().is_some();
        for running in running {
            if running.user != by.user && by.role != Role::Admin {
                return Outcome::NotYours;
            }
            running.handle.cancel();
        }
        if state.cancelled.len() >= CANCELLED_MAX {
            state.cancelled.pop_front();
        }
        state.cancelled.push_back((execution, by.user.clone()));
        if found { Outcome::Cancelled } else { Outcome::NotRunning }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.executions.lock().running.remove(&self.number);
    }
}
