//! The clock of the program: TTLs, token expiry, breakers and commit times are told by a [`Clock`] that is handed in,
//! so that tests move it instead of sleeping.
//!
//! The machine's time is read here. What waits (timeouts, intervals, backoff) goes by tokio's clock instead.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// A source of the present moment, in UTC. Cheap to clone: clones of a hand-set clock are the same clock.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The clock of the machine, which may be set back by whoever keeps it.
    #[default]
    System,
    /// A clock that stands still until it is set, for tests. The lock is held for one reading.
    Hand(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// A clock that stands at `now` until [`Clock::advance`] or [`Clock::set`] moves it.
    pub fn hand_set(now: DateTime<Utc>) -> Self {
        Self::Hand(Arc::new(Mutex::new(now)))
    }

    /// The present moment, to the microsecond or better.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Hand(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a hand-set clock forward (or back); the system clock is left alone.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Hand(now) = self {
            *now.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// Sets a hand-set clock; the system clock is left alone.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Self::Hand(now) = self {
            *now.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }
}
