//! The rate budget of one source: its client takes one request from it before it sends one.
//!
//! Where more requests wait than may go, those go first for which somebody waits; then those of the dataset that needs the
//! fewest, so that what is small is not kept by what is large. That is decided anew for each request.

use crate::clock::Clock;
use crate::collect::purpose::Purpose;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

/// Requests per second with a burst, shared by all requests to one origin.
pub(super) struct Budget {
    rate: u32,
    burst: u32,
    clock: Clock,
    /// Held for a look or a change, never across an await.
    queue: Mutex<Queue>,
    /// One of those who wait hands the requests out, to all.
    turn: Semaphore,
}

struct Queue {
    /// Requests that may go at once, as of a moment.
    left: f64,
    at: Instant,
    /// Those that wait, by what they are for. As many as runs that are under way.
    lines: Vec<Line>,
    places: u64,
}

struct Line {
    purpose: Arc<Purpose>,
    /// First come first served.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
}

/// The requests of one dataset that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The dataset; empty for what is no dataset's.
    pub dataset: &'static str,
    /// Whether somebody waits for it.
    pub awaited: bool,
    /// Requests that wait to be sent.
    pub requests: u64,
    /// When the last of them is expected to be sent.
    pub sent_at: DateTime<Utc>,
}

/// The budget as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetStatus {
    /// Sustained requests per second.
    pub per_second: u32,
    /// Requests that may go at once when none went for long.
    pub burst: u32,
    /// Requests that may go at once now.
    pub left: u32,
    /// What waits, in the order in which it goes.
    pub waiting: Vec<Waiting>,
}

/// A place in the queue; dropping it gives it up.
struct Place<'a> {
    budget: &'a Budget,
    number: u64,
}

impl Budget {
    pub(super) fn new(rate: u32, burst: u32, clock: Clock) -> Self {
        let (rate, burst) = (rate.max(1), burst.max(1));
        let queue = Queue { left: f64::from(burst), at: Instant::now(), lines: Vec::new(), places: 0 };
        Self { rate, burst, clock, queue: Mutex::new(queue), turn: Semaphore::new(1) }
    }

    /// Waits until one more request fits, and nothing that goes before it waits.
    pub(super) async fn take(&self, purpose: &Arc<Purpose>) {
        let (grant, mut granted) = oneshot::channel();
        let _place = self.place(purpose, grant);
        let hand_out = async {
            let _turn = self.turn.acquire().await;
            loop {
                let wait = self.hand_out();
                tokio::time::sleep(wait).await;
            }
        };
        // The one who hands out is told like all others.
        tokio::select! {
            biased;
            _ = &mut granted => {}
            () = hand_out => {}
        }
    }

    /// Requests that would pass at once now.
    pub(super) fn left(&self) -> u32 {
        let mut queue = self.lock();
        self.regain(&mut queue);
        queue.left as u32
    }

    /// The budget and what waits for it now.
    pub(super) fn status(&self) -> BudgetStatus {
        let mut queue = self.lock();
        self.regain(&mut queue);
        queue.lines.sort_by_key(Line::order);
        let mut before = 0;
        let waiting = queue.lines.iter().map(|line| {
            before += line.waiting.len();
            Waiting {
                dataset: line.purpose.dataset,
                awaited: line.purpose.is_awaited(),
                requests: line.waiting.len() as u64,
                sent_at: self.sent_at(queue.left, before),
            }
        });
        let waiting = waiting.collect();
        BudgetStatus { per_second: self.rate, burst: self.burst, left: queue.left as u32, waiting }
    }

    fn place(&self, purpose: &Arc<Purpose>, grant: oneshot::Sender<()>) -> Place<'_> {
        let mut queue = self.lock();
        queue.places += 1;
        let number = queue.places;
        match queue.lines.iter_mut().find(|line| Arc::ptr_eq(&line.purpose, purpose)) {
            Some(line) => line.waiting.push_back((number, grant)),
            None => queue.lines.push(Line { purpose: purpose.clone(), waiting: [(number, grant)].into() }),
        }
        Place { budget: self, number }
    }

    /// Lets as many go as may, in their order. How long it takes until one more may.
    fn hand_out(&self) -> Duration {
        let mut queue = self.lock();
        self.regain(&mut queue);
        while queue.left >= 1.0
            && let Some(line) = queue.lines.iter_mut().min_by_key(|line| line.order())
        {
            let next = line.waiting.pop_front();
            // Who went away took nothing.
            if next.is_some_and(|(_, grant)| grant.send(()).is_ok()) {
                queue.left -= 1.0;
            }
            queue.forget_empty();
        }
        queue.lines.sort_by_key(Line::order);
        let mut before = 0;
        for line in &queue.lines {
            before += line.waiting.len();
            line.purpose.set_sent_at(Some(self.sent_at(queue.left, before)));
        }
        Duration::from_secs_f64(((1.0 - queue.left).max(0.0) / f64::from(self.rate)).max(0.001))
    }

    /// When the last of so many requests goes.
    fn sent_at(&self, left: f64, requests: usize) -> DateTime<Utc> {
        let seconds = (requests as f64 - left).max(0.0) / f64::from(self.rate);
        let wait = Duration::try_from_secs_f64(seconds).ok().and_then(|wait| TimeDelta::from_std(wait).ok());
        self.clock.now().checked_add_signed(wait.unwrap_or(TimeDelta::MAX)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    fn regain(&self, queue: &mut Queue) {
        let now = Instant::now();
        let regained = now.saturating_duration_since(queue.at).as_secs_f64() * f64::from(self.rate);
        queue.left = (queue.left + regained).min(f64::from(self.burst));
        queue.at = now;
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn forget_empty(&mut self) {
        self.lines.retain(|line| {
            if line.waiting.is_empty() {
                line.purpose.set_sent_at(None);
            }
            !line.waiting.is_empty()
        });
    }
}

impl Line {
    /// What goes first is least.
    fn order(&self) -> (bool, usize, &'static str) {
        (!self.purpose.is_awaited(), self.waiting.len(), self.purpose.dataset)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.budget.lock();
        for line in &mut queue.lines {
            line.waiting.retain(|(number, _)| *number != self.number);
        }
        queue.forget_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for a place each, in the order of the list, and tells in which order they went.
    async fn order(budget: &Arc<Budget>, purposes: &[&Arc<Purpose>]) -> Vec<&'static str> {
        let gone = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (number, purpose) in purposes.iter().enumerate() {
            let (taken, purpose, gone) = (budget.clone(), (*purpose).clone(), gone.clone());
            tasks.push(tokio::spawn(async move {
                taken.take(&purpose).await;
                gone.lock().unwrap_or_else(PoisonError::into_inner).push(purpose.dataset);
            }));
            // The next comes when this one has its place.
            while budget.status().waiting.iter().map(|line| line.requests).sum::<u64>() <= number as u64 {
                tokio::task::yield_now().await;
            }
        }
        for task in tasks {
            task.await.expect("no panic");
        }
        let gone = gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.clone()
    }

    fn purpose(dataset: &'static str) -> Arc<Purpose> {
        Arc::new(Purpose::of(dataset))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_awaited_goes_first_then_what_is_small() {
        let budget = Arc::new(Budget::new(2, 1, Clock::hand_set(DateTime::UNIX_EPOCH)));
        budget.take(&purpose("")).await;
        let (large, small, awaited) = (purpose("dividends"), purpose("market_metrics"), purpose("earnings"));
        awaited.set_awaited(true);
        let asked = [&large, &large, &large, &large, &small, &small, &awaited, &awaited, &awaited];
        let gone = order(&budget, &asked).await;
        assert_eq!(gone, [["earnings"; 3].as_slice(), &["market_metrics"; 2], &["dividends"; 4]].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_what_waits_and_until_when() {
        let budget = Arc::new(Budget::new(2, 1, Clock::hand_set(DateTime::UNIX_EPOCH)));
        budget.take(&purpose("")).await;
        let (large, small) = (purpose("dividends"), purpose("symbols"));
        let take = |purpose: &Arc<Purpose>| {
            let (budget, purpose) = (budget.clone(), purpose.clone());
            tokio::spawn(async move { budget.take(&purpose).await })
        };
        let tasks: Vec<_> = (0..10).map(|_| take(&large)).chain([take(&small)]).collect();
        while budget.status().waiting.iter().map(|line| line.requests).sum::<u64>() < 11 {
            tokio::task::yield_now().await;
        }
        let waiting = budget.status().waiting;
        let told: Vec<_> =
            waiting.iter().map(|line| (line.dataset, line.requests, line.sent_at.timestamp_millis())).collect();
        assert_eq!(told, [("symbols", 1, 500), ("dividends", 10, 5500)]);
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        for task in tasks {
            assert!(task.await.is_err());
        }
        assert!(budget.status().waiting.is_empty() && large.sent_at().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_go_at_the_rate_and_a_burst_at_once() {
        let budget = Budget::new(100, 5, Clock::hand_set(DateTime::UNIX_EPOCH));
        let (begun, purpose) = (Instant::now(), purpose(""));
        for _ in 0..25 {
            budget.take(&purpose).await;
        }
        let elapsed = begun.elapsed();
        assert!((Duration::from_millis(195)..Duration::from_millis(260)).contains(&elapsed), "{elapsed:?}");
        assert!(budget.left() <= 5);
    }
}
