//! Sessions of Flight clients that log in but keep no cookies: this process keeps their settings, by login.
//!
//! Callers that keep cookies carry their settings themselves (see [`super::call`]) and have no entry here.

use super::token::Token;
use crate::heap::Promise;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Settings by name, where they are not the defaults.
pub(super) type SettingsMap = BTreeMap<String, String>;

/// What one login has set.
struct Session {
    /// When its token expires.
    expires_at: DateTime<Utc>,
    settings: SettingsMap,
    _room: Promise,
}

/// The sessions by number of the login.
type Kept = HashMap<[u8; 16], Session>;

/// The settings of all logins of this process that keep no cookies, behind one lock.
pub(super) struct Sessions {
    /// Held for a lookup, never across an await.
    kept: Mutex<Kept>,
    /// Logins whose settings are kept (`flight.sessions`); expired ones are removed when that many are reached.
    sessions_max: usize,
}

/// There is no room for another session.
#[derive(Debug)]
pub(super) struct Full;

impl Sessions {
    /// No sessions yet; at most so many.
    pub(super) fn new(sessions_max: usize) -> Self {
        Self { kept: Mutex::default(), sessions_max }
    }

    /// Settings of a login; none when it has set none.
    pub(super) fn settings(&self, token: &Token) -> SettingsMap {
        self.lock().get(&token.id).map(|session| session.settings.clone()).unwrap_or_default()
    }

    /// Keeps the settings of a login until its token expires; [`Full`] when `flight.sessions` logins keep some already, or
    /// there is no memory for them.
    pub(super) fn keep(&self, token: &Token, settings: SettingsMap, now: DateTime<Utc>) -> Result<(), Full> {
        let mut kept = self.lock();
        if !kept.contains_key(&token.id) && kept.len() >= self.sessions_max {
            kept.retain(|_, session| session.expires_at > now);
            if kept.len() >= self.sessions_max {
                return Err(Full);
            }
        }
        let bytes = settings.iter().map(|(name, value)| name.len() + value.len()).sum();
        let room = Promise::of_all(bytes).ok_or(Full)?;
        kept.insert(token.id, Session { expires_at: token.expires_at, settings, _room: room });
        Ok(())
    }

    /// Forgets what a login has set. The token still holds: others may use it too.
    pub(super) fn forget(&self, token: &Token) {
        self.lock().remove(&token.id);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u8, expires_at: &str) -> Token {
        Token { user: "ada".to_owned(), id: [number; 16], expires_at: expires_at.parse().unwrap() }
    }

    #[test]
    fn sessions_are_bounded_and_make_room_when_their_tokens_expire() {
        let sessions = Sessions::new(2);
        let (first, second) = (token(1, "2026-11-20T10:00:00Z"), token(2, "2026-11-20T12:00:00Z"));
        let third = token(3, "2026-11-20T13:00:00Z");
        let now = "2026-11-20T09:00:00Z".parse().unwrap();
        let settings = SettingsMap::from([("freshness".to_owned(), "serve".to_owned())]);
        sessions.keep(&first, settings.clone(), now).unwrap();
        sessions.keep(&second, settings.clone(), now).unwrap();
        assert!(sessions.keep(&third, settings.clone(), now).is_err());
        assert_eq!(sessions.settings(&first), settings);
        sessions.forget(&second);
        assert!(sessions.settings(&second).is_empty());
        sessions.keep(&second, settings.clone(), now).unwrap();
        sessions.keep(&third, settings.clone(), "2026-11-20T10:00:00Z".parse().unwrap()).unwrap();
        assert_eq!((sessions.settings(&first).len(), sessions.settings(&third)), (0, settings));
    }
}
