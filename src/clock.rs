//! The one place time is read, so that TTLs, token expiry and breakers are tested without sleeping.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// A source of the present moment. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands still until it is set.
    Hand(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// A clock that stands at `now` until [`Clock::advance`] or [`Clock::set`] moves it.
    pub fn hand_set(now: DateTime<Utc>) -> Self {
        Self::Hand(Arc::new(Mutex::new(now)))
    }

    /// The present moment.
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
