//! The rate budget of one source: its client takes one request from it before it sends one.

use governor::middleware::StateInformationMiddleware;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Requests per second with a burst, shared by all requests to one origin.
pub(super) struct Budget {
    limiter: DefaultDirectRateLimiter<StateInformationMiddleware>,
    rate: u32,
    burst: u32,
    /// What was left after the last request, and when that was. Held for a copy.
    last: Mutex<(u32, Instant)>,
}

impl Budget {
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let (rate, burst) = (NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN), burst.max(1));
        let quota = Quota::per_second(rate).allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        let limiter = RateLimiter::direct(quota).with_middleware::<StateInformationMiddleware>();
        Self { limiter, rate: rate.get(), burst, last: Mutex::new((burst, Instant::now())) }
    }

    /// Waits until one more request fits.
    pub(super) async fn take(&self) {
        loop {
            match self.limiter.check() {
                Ok(state) => {
                    let left = (state.remaining_burst_capacity(), Instant::now());
                    *self.last.lock().unwrap_or_else(PoisonError::into_inner) = left;
                    return;
                }
                Err(early) => {
                    let now = governor::clock::Clock::now(&governor::clock::DefaultClock::default());
                    tokio::time::sleep(early.wait_time_from(now).max(Duration::from_millis(1))).await;
                }
            }
        }
    }

    /// Requests that would pass at once now.
    pub(super) fn left(&self) -> u32 {
        let (left, at) = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let regained = at.elapsed().as_secs_f64() * f64::from(self.rate);
        left.saturating_add(regained as u32).min(self.burst)
    }
}
