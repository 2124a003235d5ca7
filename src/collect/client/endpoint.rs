//! What is known of one endpoint: its breaker and its counters. The list of sources is made from these.

use super::breaker::{Breaker, BreakerOptions, BreakerState};
use crate::clock::Clock;
use chrono::{DateTime, Utc};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// One endpoint as a person sees it.
#[derive(Debug, Clone)]
pub struct EndpointStatus {
    /// Host and port that the request went to.
    pub origin: String,
    /// Endpoint, with `{}` in place of symbols.
    pub endpoint: &'static str,
    /// What the breaker does with the next request.
    pub breaker_state: BreakerState,
    /// When an open breaker lets the next request through.
    pub open_until: Option<DateTime<Utc>>,
    /// Requests sent since the start.
    pub calls: u64,
    /// Requests that failed since the start.
    pub failures: u64,
    /// Requests that are under way now.
    pub in_flight: u64,
    /// Requests that may be sent at once before the rate budget makes them wait; `None` when there is no budget.
    pub budget_left: Option<u32>,
    /// The last failure, one sentence; `None` when there was none.
    pub last_error: Option<String>,
}

#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) name: &'static str,
    pub(super) breaker: Breaker,
    calls: AtomicU64,
    failures: AtomicU64,
    in_flight: AtomicU64,
    /// Held for a few instructions, never across an await.
    last_error: Mutex<Option<String>>,
}

/// A request under way; dropping it ends it.
pub(super) struct InFlight<'a>(&'a Endpoint);

impl Endpoint {
    pub(super) fn new(name: &'static str, options: BreakerOptions, clock: Clock) -> Self {
        Self {
            name,
            breaker: Breaker::new(options, clock),
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            last_error: Mutex::new(None),
        }
    }

    /// Counts a request that is sent now.
    pub(super) fn send(&self) -> InFlight<'_> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Counts a request that failed.
    pub(super) fn fail(&self, reason: String) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn status(&self, origin: &str, budget_left: Option<u32>) -> EndpointStatus {
        EndpointStatus {
            origin: origin.to_owned(),
            endpoint: self.name,
            breaker_state: self.breaker.state(),
            open_until: self.breaker.refuses(),
            calls: self.calls.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            budget_left,
            last_error: self.last_error(),
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
