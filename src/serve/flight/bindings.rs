//! Parameter bindings of Flight clients that do not take the handle that carries them, but go on with the one they
//! prepared.
//!
//! Such clients are tied to the server they bound at. What is kept is bounded: the parameters bound longest ago go
//! first, and an execution without them fails with INVALID_ARGUMENT.

use crate::heap::Promise;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Statements whose parameters are kept.
const BINDINGS_MAX: usize = 256;

/// Parameters by number of the prepared statement.
#[derive(Default)]
pub(super) struct Bindings {
    /// Bound longest ago first. The lock is held for one pass over at most 256, never across an await.
    kept: Mutex<VecDeque<Binding>>,
}

/// The parameters of one statement.
struct Binding {
    /// Number of the prepared statement.
    statement: Bytes,
    /// The parameters as they were bound, encoded.
    parameters: Bytes,
    _room: Promise,
}

impl Bindings {
    /// Keeps parameters for a statement in the place of those before, unless there is no room for them even without all
    /// others.
    pub(super) fn keep(&self, statement: &Bytes, parameters: Bytes) {
        let mut kept = self.lock();
        kept.retain(|other| other.statement != statement);
        if kept.len() >= BINDINGS_MAX {
            kept.pop_front();
        }
        let room = loop {
            match Promise::of_all(parameters.len()) {
                Some(room) => break room,
                None if kept.pop_front().is_none() => return,
                None => {}
            }
        };
        kept.push_back(Binding { statement: statement.clone(), parameters, _room: room });
    }

    /// Parameters kept for a statement; empty when there are none.
    pub(super) fn of(&self, statement: &Bytes) -> Bytes {
        let kept = self.lock();
        let found = kept.iter().find(|known| known.statement == statement);
        found.map(|known| known.parameters.clone()).unwrap_or_default()
    }

    /// Drops the parameters of a statement that its client closes; no effect when none are kept.
    pub(super) fn forget(&self, statement: &Bytes) {
        self.lock().retain(|known| known.statement != statement);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Binding>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_parameters_of_the_latest_statements_are_kept() {
        let bindings = Bindings::default();
        let name = |number: usize| Bytes::from(number.to_string());
        for number in 0..=BINDINGS_MAX {
            bindings.keep(&name(number), Bytes::from_static(b"first"));
        }
        bindings.keep(&name(1), Bytes::from_static(b"second"));
        assert_eq!(bindings.of(&name(0)), Bytes::new());
        assert_eq!(bindings.of(&name(1)), Bytes::from_static(b"second"));
        bindings.forget(&name(1));
        assert_eq!((bindings.of(&name(1)), bindings.lock().len()), (Bytes::new(), BINDINGS_MAX - 1));
    }
}
