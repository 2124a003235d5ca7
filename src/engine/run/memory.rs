//! The memory pool of one query within that of all: a share it cannot exceed, so that running out ends that query
//! alone.

use crate::dialect::error::QUERY_LIMIT;
use crate::heap;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The context with memory of its own for one query, `limit` bytes of that of all.
pub(crate) fn limited(context: TaskContext, limit: Option<usize>) -> TaskContext {
    let Some(limit) = limit else { return context };
    let shared = context.runtime_env();
    let pool = QueryPool { shared: shared.memory_pool.clone(), limit, used: AtomicUsize::new(0) };
    let runtime = RuntimeEnv { memory_pool: Arc::new(pool), ..shared.as_ref().clone() };
    context.with_runtime(Arc::new(runtime))
}

/// One query's part of a pool.
#[derive(Debug)]
struct QueryPool {
    shared: Arc<dyn MemoryPool>,
    limit: usize,
    used: AtomicUsize,
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query({}) of {}", self.limit, self.shared)
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.shared.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.shared.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        self.shared.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.shared.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let within = |used: usize| used.checked_add(additional).filter(|used| *used <= self.limit);
        if self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_err() {
            let text = format!("{QUERY_LIMIT}{additional} more bytes for {}", reservation.consumer().name());
            return Err(DataFusionError::ResourcesExhausted(text));
        }
        let granted = match heap::has_room(additional) {
            true => self.shared.try_grow(reservation, additional),
            false => Err(DataFusionError::ResourcesExhausted(format!(
                "{additional} more bytes for {} when the program is at its limit",
                reservation.consumer().name()
            ))),
        };
        granted.inspect_err(|_| {
            self.used.fetch_sub(additional, Ordering::Relaxed);
        })
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::memory_pool::GreedyMemoryPool;

    #[test]
    fn a_query_has_its_own_limit_and_that_of_all() {
        let shared: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(100));
        let pool = |limit| -> Arc<dyn MemoryPool> {
            Arc::new(QueryPool { shared: shared.clone(), limit, used: AtomicUsize::new(0) })
        };
        let (first, second) = (pool(60), pool(60));
        let one = MemoryConsumer::new("one").register(&first);
        let two = MemoryConsumer::new("two").register(&second);
        one.try_grow(60).unwrap();
        assert!(one.try_grow(1).unwrap_err().to_string().contains(QUERY_LIMIT));
        two.try_grow(40).unwrap();
        assert!(!two.try_grow(1).unwrap_err().to_string().contains(QUERY_LIMIT));
        assert_eq!((first.reserved(), second.reserved(), shared.reserved()), (60, 40, 100));
        one.shrink(10);
        two.try_grow(5).unwrap();
        drop((one, two));
        assert_eq!((first.reserved(), second.reserved(), shared.reserved()), (0, 0, 0));
    }
}
