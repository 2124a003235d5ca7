//! Parameter bindings of Flight clients that do not take the handle that carries them, but go on with the one they prepared.
//!
//! Such clients are tied to the server they bound at. What is kept is bounded: the parameters bound longest ago go first,
//! and whoever executes without them is told that they are missing.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Statements whose parameters are kept.
const BINDINGS_MAX: usize = 256;

/// Parameters by number of the prepared statement.
#[derive(Default)]
pub(super) struct Bindings {
    /// Oldest first. Held for a lookup, never across an await.
    kept: Mutex<VecDeque<(Bytes, Bytes)>>,
}

impl Bindings {
    /// Keeps parameters for a statement in the place of those before.
    pub(super) fn keep(&self, statement: &Bytes, parameters: Bytes) {
        let mut kept = self.lock();
        kept.retain(|(other, _)| other != statement);
        if kept.len() >= BINDINGS_MAX {
            kept.pop_front();
        }
        kept.push_back((statement.clone(), parameters));
    }

    /// Parameters kept for a statement; empty when there are none.
    pub(super) fn of(&self, statement: &Bytes) -> Bytes {
        let kept = self.lock();
        let found = kept.iter().find(|(known, _)| known == statement);
        found.map(|(_, parameters)| parameters.clone()).unwrap_or_default()
    }

    /// Forgets a statement.
    pub(super) fn forget(&self, statement: &Bytes) {
        self.lock().retain(|(known, _)| known != statement);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Bytes, Bytes)>> {
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
