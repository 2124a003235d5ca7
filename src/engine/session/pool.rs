//! Sessions that are lent to one call after another.
//!
//! A front end without connections opens a session for each call. It would copy the functions of the template and plan its
//! statement anew each time; one that is lent to the next call of the same user under the same settings has both.

use super::Session;
use crate::error::QueryError;
use crate::role::Role;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The setting whose value may mean another moment at each call.
const AS_OF: &str = "as_of";

/// Sessions that wait for their next call, of all users together.
const WAITING_MAX: usize = 32;

/// Sessions that no call uses at the moment. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Pool {
    /// Those that came back last stand at the end. Held for a few instructions.
    waiting: Arc<Mutex<VecDeque<Waiting>>>,
}

/// A session that waits for its next call.
struct Waiting {
    key: Key,
    session: Arc<Session>,
}

/// Whose calls may have a session.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    user: String,
    role: Role,
    front_end: &'static str,
    settings: BTreeMap<String, String>,
}

/// A session for one call.
pub struct LentSession {
    session: Arc<Session>,
    key: Key,
    /// What its settings were when it was lent.
    version: u64,
    pool: Pool,
}

impl Pool {
    /// A session under settings for one call; `open` opens one where none waits.
    ///
    /// # Errors
    /// Settings that there are not, and values that they do not take.
    pub(crate) fn lend(
        &self,
        user: &str,
        role: Role,
        front_end: &'static str,
        settings: &BTreeMap<String, String>,
        open: impl FnOnce() -> Session,
    ) -> Result<LentSession, QueryError> {
        let key = Key { user: user.to_owned(), role, front_end, settings: settings.clone() };
        let session = match self.take(&key) {
            Some(session) => {
                session.wake();
                session
            }
            None => {
                let session = open();
                session.plans().keep_at_once();
                let mut own = session.settings();
                settings.iter().try_for_each(|(name, value)| own.set(name, value))?;
                drop(own);
                Arc::new(session)
            }
        };
        let version = session.settings().version();
        Ok(LentSession { session, key, version, pool: self.clone() })
    }

    fn take(&self, key: &Key) -> Option<Arc<Session>> {
        let mut waiting = self.waiting();
        let place = waiting.iter().rposition(|one| one.key == *key)?;
        waiting.remove(place).map(|one| one.session)
    }

    fn give_back(&self, key: Key, session: Arc<Session>) {
        let mut waiting = self.waiting();
        waiting.push_back(Waiting { key, session });
        let longest = if waiting.len() > WAITING_MAX { waiting.pop_front() } else { None };
        drop(waiting);
        drop(longest);
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Is no longer open for now; nothing of the call before is left to the next.
    fn rest(&self) {
        *self.place() = None;
        *self.part.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.end_request();
        self.take_notices();
        self.take_warnings();
    }

    /// Is open again, for another call.
    fn wake(&self) {
        *self.place() = Some(self.shared.sessions.add(self.open.clone()));
    }
}

impl Deref for LentSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for LentSession {
    fn drop(&mut self) {
        let unchanged = self.session.settings().version() == self.version;
        if unchanged && !self.key.settings.contains_key(AS_OF) && !self.session.terminated().is_cancelled() {
            self.session.rest();
            self.pool.give_back(self.key.clone(), self.session.clone());
        }
    }
}
