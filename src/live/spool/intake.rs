//! The intake of a spool: a bounded buffer that the feed fills without waiting and the spool's thread takes whole.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Events on their way from a book to its spool. Offering never waits; taking does.
#[derive(Debug)]
pub struct Intake<E> {
    /// Held for an append or a swap.
    gathered: Mutex<Gathered<E>>,
    ready: Condvar,
    events_max: usize,
}

#[derive(Debug)]
struct Gathered<E> {
    events: Vec<Arc<E>>,
    /// Events lost after the last of `events`.
    lost: u64,
    closed: bool,
    /// How many events end the wait of the spool's thread.
    enough: usize,
}

/// What one take removed from the intake: all events of that moment, and the gap behind them.
#[derive(Debug)]
pub(super) struct Taken<E> {
    /// Events in the order in which they were published.
    pub(super) events: Vec<Arc<E>>,
    /// Events lost after the last of them.
    pub(super) lost: u64,
    /// Nothing comes any more.
    pub(super) closed: bool,
}

impl<E> Intake<E> {
    /// An empty intake for at most `events_max` events.
    pub fn new(events_max: usize) -> Self {
        let gathered = Gathered { events: Vec::new(), lost: 0, closed: false, enough: usize::MAX };
        Self { gathered: Mutex::new(gathered), ready: Condvar::new(), events_max: events_max.max(1) }
    }

    /// Leaves a frame of events. What does not fit is lost and counted, and so is everything until the next take, so
    /// that a loss is one gap.
    pub fn offer(&self, frame: impl ExactSizeIterator<Item = Arc<E>>) {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let count = frame.len();
        let room = if gathered.lost > 0 || gathered.closed { 0 } else { self.events_max - gathered.events.len() };
        gathered.events.extend(frame.take(room));
        gathered.lost += count.saturating_sub(room) as u64;
        if gathered.events.len() >= gathered.enough {
            self.ready.notify_one();
        }
    }

    /// Waits for `enough` events or for `time`, whichever is first, and takes all there are.
    pub(super) fn take(&self, enough: usize, time: Duration) -> Taken<E> {
        let until = Instant::now() + time;
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.enough = enough.clamp(1, self.events_max);
        while gathered.events.len() < gathered.enough && !gathered.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            gathered = self.ready.wait_timeout(gathered, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let capacity = gathered.events.len();
        let events = std::mem::replace(&mut gathered.events, Vec::with_capacity(capacity));
        Taken { events, lost: std::mem::take(&mut gathered.lost), closed: gathered.closed }
    }

    /// Takes nothing from now on.
    pub(super) fn close(&self) {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.ready.notify_all();
    }

    /// Whether it takes nothing any more.
    pub fn closed(&self) -> bool {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner).closed
    }
}
