//! A circuit breaker for one endpoint: after too many failures in a row nothing is sent for a while.
//!
//! Closed, requests pass. Open, they are refused without being sent. After the open time it is half open: one request
//! at a time passes as a trial; enough successes close it, one failure opens it again.

use crate::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// When a breaker opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerOptions {
    /// Failures in a row that open it. Should exceed the number of requests that one bad symbol can spoil at once.
    pub failures: u32,
    /// How long it stays open.
    pub open_for: Duration,
    /// Trials in a row that must succeed to close it.
    pub successes: u32,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self { failures: 20, open_for: Duration::from_secs(30), successes: 2 }
    }
}

/// What a breaker does with the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Lets every request pass and counts failures.
    Closed,
    /// Refuses it until the open time is over.
    Open,
    /// Lets it pass as a trial.
    HalfOpen,
}

impl BreakerState {
    /// `closed`, `open` or `half_open`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32 },
    Open { until: DateTime<Utc> },
    HalfOpen { successes: u32, trial: bool },
}

/// The breaker. Shared by every request to its endpoint.
#[derive(Debug)]
pub struct Breaker {
    options: BreakerOptions,
    clock: Clock,
    /// Held for a few instructions, never across an await.
    state: Mutex<State>,
}

/// Leave to send one request. Dropped without a verdict (a cancelled request), it counts for nothing.
#[derive(Debug)]
#[must_use]
pub struct Admission<'a> {
    breaker: &'a Breaker,
    open: bool,
}

impl Breaker {
    /// A closed breaker, which lets every request through.
    pub fn new(options: BreakerOptions, clock: Clock) -> Self {
        Self { options, clock, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Whether a request would be refused now, and until when. Asks for nothing.
    pub fn refuses(&self) -> Option<DateTime<Utc>> {
        match *self.lock() {
            State::Open { until } if self.clock.now() < until => Some(until),
            _ => None,
        }
    }

    /// Leave to send one request, or the moment at which to ask again.
    pub fn admit(&self) -> Result<Admission<'_>, DateTime<Utc>> {
        let now = self.clock.now();
        let mut state = self.lock();
        match &mut *state {
            State::Closed { .. } => {}
            State::Open { until } if now < *until => return Err(*until),
            State::Open { .. } => *state = State::HalfOpen { successes: 0, trial: true },
            State::HalfOpen { trial, .. } if *trial => return Err(now),
            State::HalfOpen { trial, .. } => *trial = true,
        }
        Ok(Admission { breaker: self, open: true })
    }

    /// What the breaker does with the next request.
    pub fn state(&self) -> BreakerState {
        match *self.lock() {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until } if self.clock.now() < until => BreakerState::Open,
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn succeeded(&self) {
        let mut state = self.lock();
        match &mut *state {
            State::Closed { failures } => *failures = 0,
            // A request that was sent before the breaker opened proves nothing about now.
            State::Open { .. } => {}
            State::HalfOpen { successes, trial } => {
                *trial = false;
                *successes += 1;
                if *successes >= self.options.successes {
                    *state = State::Closed { failures: 0 };
                }
            }
        }
    }

    fn failed(&self) {
        let mut state = self.lock();
        let open = match &mut *state {
            State::Closed { failures } => {
                *failures = failures.saturating_add(1);
                *failures >= self.options.failures
            }
            State::Open { .. } => false,
            State::HalfOpen { .. } => true,
        };
        if open {
            let open_for = TimeDelta::from_std(self.options.open_for).unwrap_or(TimeDelta::MAX);
            let until = self.clock.now().checked_add_signed(open_for).unwrap_or(DateTime::<Utc>::MAX_UTC);
            *state = State::Open { until };
        }
    }

    fn withdrawn(&self) {
        if let State::HalfOpen { trial, .. } = &mut *self.lock() {
            *trial = false;
        }
    }
}

impl Admission<'_> {
    /// The endpoint answered as it should.
    pub fn succeeded(mut self) {
        self.open = false;
        self.breaker.succeeded();
    }

    /// The endpoint did not.
    pub fn failed(mut self) {
        self.open = false;
        self.breaker.failed();
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.open {
            self.breaker.withdrawn();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn breaker() -> (Breaker, Clock) {
        let clock = Clock::hand_set(DateTime::UNIX_EPOCH);
        let options = BreakerOptions { failures: 3, open_for: Duration::from_secs(30), successes: 2 };
        (Breaker::new(options, clock.clone()), clock)
    }

    fn fail(breaker: &Breaker) {
        breaker.admit().unwrap().failed();
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let (breaker, _) = breaker();
        fail(&breaker);
        fail(&breaker);
        breaker.admit().unwrap().succeeded();
        fail(&breaker);
        fail(&breaker);
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&breaker);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(breaker.admit().is_err());
        assert!(breaker.refuses().is_some());
    }

    #[test]
    fn it_lets_one_trial_through_at_a_time_and_closes_after_enough() {
        let (breaker, clock) = breaker();
        (0..3).for_each(|_| fail(&breaker));
        clock.advance(TimeDelta::seconds(29));
        assert!(breaker.admit().is_err());
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        let trial = breaker.admit().unwrap();
        assert!(breaker.admit().is_err());
        trial.succeeded();
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.admit().unwrap().succeeded();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_failed_trial_opens_it_again_and_a_cancelled_one_does_not() {
        let (breaker, clock) = breaker();
        (0..3).for_each(|_| fail(&breaker));
        clock.advance(TimeDelta::seconds(31));
        drop(breaker.admit().unwrap());
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.admit().unwrap().failed();
        assert_eq!(breaker.state(), BreakerState::Open);
    }
}
