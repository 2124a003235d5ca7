//! Executions that this server runs for Flight clients, by number: a cancel finds its statement here.

use crate::engine::CancelHandle;
use crate::role::Role;
use crate::serve::auth::Identity;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Cancelled executions that are remembered, so that they do not start later.
const CANCELLED_MAX: usize = 1_024;

/// The random number of one execution of a statement: 16 bytes, chosen when the statement is described, and carried by
/// every ticket of its result.
pub(super) type Execution = [u8; 16];

/// The executions of a server. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Executions {
    /// Held for a lookup, never across an await.
    state: Arc<Mutex<State>>,
}

/// The running streams of rows and the executions that were cancelled, behind one lock.
#[derive(Default)]
struct State {
    /// The number of the stream listed last.
    next: u64,
    /// Streams by number; an execution has as many as its rows are read in parallel.
    running: HashMap<u64, Running>,
    /// Executions and the user who cancelled each, oldest first, at most 1,024.
    cancelled: VecDeque<(Execution, String)>,
}

/// One stream of rows that is being sent, by which user, and the handle that cancels its statement.
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

/// What a cancel found: the execution here, nothing of it, or another user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What ran of it is cancelled.
    Cancelled,
    /// Nothing of it ran; it will not begin here.
    NotRunning,
    /// It runs for another user and is left running.
    NotYours,
}

/// The execution was cancelled by its user before this stream of it began; the caller answers CANCELLED.
#[derive(Debug)]
pub(super) struct Cancelled;

impl Executions {
    /// Lists a stream of an execution until the returned place is dropped, so that a cancel finds it. [`Cancelled`]
    /// when its user has cancelled the execution before.
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

    /// Cancels an execution, and keeps what has not begun of it from beginning. An admin may cancel any execution.
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
