//! The work that a thread is at: what it takes of memory, and whether anybody still waits for it.
//!
//! A step that keeps its thread asks [`is_over`] now and then, so that a statement that was cancelled, that is out of time
//! or that has to end for want of memory gives back its thread and what it holds.

use crate::heap::Meter;
use futures::future::BoxFuture;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

thread_local! {
    /// The work that this thread is at.
    static AT: RefCell<Option<Work>> = const { RefCell::new(None) };

    /// How often this thread has asked.
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

/// Questions between two looks: one takes a few nanoseconds, a look reads the clock.
const ASKED_PER_LOOK: u32 = 256;

/// One piece of work. Cheap to clone; clones are the same work.
#[derive(Clone)]
pub(crate) struct Work {
    meter: Arc<Meter>,
    over: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Work {
    /// Work that is counted by a meter, and is over when `over` says so.
    pub(crate) fn new(meter: Arc<Meter>, over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { meter, over: Arc::new(over) }
    }

    /// Does a step of it.
    pub(crate) fn step<T>(&self, step: impl FnOnce() -> T) -> T {
        let outer = AT.replace(Some(self.clone()));
        let done = self.meter.counted(step);
        AT.set(outer);
        done
    }

    /// A future whose polls are steps of it.
    pub(crate) fn steps<T>(self, future: impl Future<Output = T> + Send + 'static) -> Steps<T> {
        Steps { future: Box::pin(future), work: self }
    }
}

/// The work that this thread is at.
pub(crate) fn current() -> Option<Work> {
    AT.with_borrow(Clone::clone)
}

/// Bytes that the work that this thread is at has taken so far; 0 where it is at none.
pub(crate) fn bytes() -> usize {
    AT.with_borrow(|work| work.as_ref().map_or(0, |work| work.meter.bytes_within_step()))
}

/// Whether nobody waits for the work that this thread is at. Often asked, it looks now and then.
pub(crate) fn is_over() -> bool {
    let asked = ASKED.get().wrapping_add(1);
    ASKED.set(asked);
    asked.is_multiple_of(ASKED_PER_LOOK) && is_over_now()
}

/// The same for one who asks seldom.
pub(crate) fn is_over_now() -> bool {
    AT.with_borrow(|work| work.as_ref().is_some_and(|work| (work.over)()))
}

/// A future as steps of some work.
pub(crate) struct Steps<T> {
    future: BoxFuture<'static, T>,
    work: Work,
}

impl<T> Future for Steps<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Self { future, work } = &mut *self;
        work.step(|| future.as_mut().poll(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_step_knows_whether_its_work_is_over() {
        let over = Arc::new(AtomicBool::new(false));
        let seen = over.clone();
        let work = Work::new(Arc::default(), move || seen.load(Ordering::Relaxed));
        assert!(!is_over_now() && current().is_none());
        work.step(|| {
            assert!(!is_over_now());
            over.store(true, Ordering::Relaxed);
            assert!(is_over_now() && (0..ASKED_PER_LOOK).any(|_| is_over()));
            Work::new(Arc::default(), || false).step(|| assert!(!is_over_now()));
            assert!(is_over_now());
        });
        assert!(!is_over_now() && current().is_none());
    }
}
