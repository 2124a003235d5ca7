//! How long an origin asked to be left alone. It holds for every request to it.

use super::error::ClientError;
use crate::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A pause of which no more than this is left is waited for; a request that would wait longer is refused.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// The longest pause that is believed.
const PAUSE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The pause of one origin, if there is one.
#[derive(Debug, Default)]
pub(super) struct Pause {
    /// Held for a look or a change, never across an await.
    state: Mutex<Option<Paused>>,
}

#[derive(Debug, Clone)]
struct Paused {
    /// The end by the timer that requests sleep on, and by the clock. Whichever comes first ends it.
    until: Instant,
    until_at: DateTime<Utc>,
    /// What the origin answered when it asked.
    reason: String,
}

impl Pause {
    /// Nothing is sent for so long from now on. A longer pause that is in force stays.
    pub(super) fn begin(&self, wait: Duration, clock: &Clock, reason: String) {
        let wait = wait.min(PAUSE_MAX);
        let until_at = clock.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.as_ref().is_none_or(|paused| paused.until_at < until_at) {
            *state = Some(Paused { until: Instant::now() + wait, until_at, reason });
        }
    }

    /// Until when nothing is sent; `None` when requests may go.
    pub(super) fn until(&self, clock: &Clock) -> Option<DateTime<Utc>> {
        self.current(clock).map(|paused| paused.until_at)
    }

    /// Returns when requests may go.
    ///
    /// # Errors
    /// That is too long from now to be waited for.
    pub(super) async fn over(&self, clock: &Clock, origin: &str) -> Result<(), ClientError> {
        while let Some(Paused { until, until_at, reason }) = self.current(clock) {
            if until.saturating_duration_since(Instant::now()) > WAIT_MAX {
                return Err(ClientError::Paused { origin: origin.to_owned(), until: until_at, reason });
            }
            tokio::time::sleep_until(until).await;
        }
        Ok(())
    }

    fn current(&self, clock: &Clock) -> Option<Paused> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.take_if(|paused| paused.until <= Instant::now() || paused.until_at <= clock.now());
        state.clone()
    }
}
