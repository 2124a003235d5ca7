//! Keeps the whole program within its memory limit, whatever operators forget to reserve: when more is allocated than
//! the limit and a margin, the statement that has taken most ends, with the error of a memory limit.
//!
//! The memory pool knows what operators reserve. Functions, encoders, caches and what waits for a client take memory
//! besides. The allocator knows all of it, and is asked a hundred times a second; it cannot refuse, so that a single
//! step that takes much is to ask first ([`heap::room`]).

use super::queries::{Queries, QueryState, RunningQuery};
use crate::clock::Clock;
use crate::heap::{self, Meter};
use crate::work;
use datafusion::common::runtime::{JoinSetTracer, set_join_set_tracer};
use futures::future::BoxFuture;
use std::any::Any;
use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Bytes beside the memory limit for what is no working memory: tables' metadata, connections, the program itself.
const MARGIN_BYTES: usize = 100 << 20;

/// Bytes that single out a statement. Where none has taken as much, what waits for clients is what is large: rows that
/// many do not read.
const MUCH: usize = 64 << 20;

/// How long a statement runs before it can be meant where none has taken much: most are over by then.
const SETTLED: Duration = Duration::from_secs(1);

/// How long a statement that was ended may take to give back what it has, before another one ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it takes until the system has what caches gave back.
const RECLAIMED: Duration = Duration::from_millis(1_200);

/// Time between two looks while memory is short, and while it is not.
const LOOK: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(25));

/// Keeps this process to a limit from now on; for the one engine that a process serves.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn keep(limit_bytes: usize, queries: &Arc<Queries>) -> io::Result<()> {
    let ceiling = limit_bytes.saturating_add(MARGIN_BYTES);
    heap::limit_to(ceiling);
    // A second one is a second engine of this process; what is traced is the same.
    let _ = set_join_set_tracer(&Counting);
    let queries = Arc::downgrade(queries);
    std::thread::Builder::new().name("tt-memory".to_owned()).spawn(move || watch(&queries, ceiling)).map(drop)
}

/// Looks until the engine is gone.
fn watch(queries: &Weak<Queries>, ceiling: usize) {
    let mut ended: Option<(Weak<Meter>, Instant)> = None;
    let mut reclaimed: Option<Instant> = None;
    while let Some(running) = queries.upgrade() {
        let room = heap::room();
        let giving_back =
            |(meter, since): &(Weak<Meter>, Instant)| meter.strong_count() > 0 && since.elapsed() < PATIENCE;
        let just_reclaimed = |since: Instant| since.elapsed() < RECLAIMED;
        if room == 0 && !ended.as_ref().is_some_and(giving_back) && !reclaimed.is_some_and(just_reclaimed) {
            if heap::reclaim(ceiling / 8) > 0 {
                reclaimed = Some(Instant::now());
                continue;
            }
            ended = end_largest(&running).map(|meter| (meter, Instant::now()));
        }
        drop(running);
        let short = room < ceiling / 2;
        std::thread::sleep(if short { LOOK.0 } else { LOOK.1 });
    }
}

/// Ends the statement that has taken most, or where none has taken much the latest quarter of them; gives a meter, which
/// stays as long as anything of its statement runs.
fn end_largest(queries: &Queries) -> Option<Weak<Meter>> {
    let running = queries.running();
    let going_on = || running.iter().filter(|query| !query.progress.is_out_of_memory());
    let largest = going_on().max_by_key(|query| query.progress.meter().bytes())?;
    let much = largest.progress.meter().bytes() >= MUCH;
    let since = Clock::System.now() - SETTLED;
    let counts = |query: &&RunningQuery| query.progress.state() == QueryState::Running && query.started_at < since;
    let latest: Vec<&RunningQuery> = going_on().rev().filter(counts).collect();
    let ended = if much { vec![largest] } else { latest.iter().take(latest.len().div_ceil(4)).copied().collect() };
    for query in &ended {
        tracing::warn!(bytes = query.progress.meter().bytes(), pid = query.pid, "out of memory: a statement ends");
        query.progress.end_for_memory();
    }
    ended.first().map(|query| Arc::downgrade(query.progress.meter()))
}

/// Has the tasks that DataFusion starts for a statement counted as its own.
struct Counting;

impl JoinSetTracer for Counting {
    fn trace_future(&self, future: BoxFuture<'static, Box<dyn Any + Send>>) -> BoxFuture<'static, Box<dyn Any + Send>> {
        match work::current() {
            Some(work) => Box::pin(work.steps(future)),
            None => future,
        }
    }

    fn trace_block(
        &self,
        block: Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>,
    ) -> Box<dyn FnOnce() -> Box<dyn Any + Send> + Send> {
        match work::current() {
            Some(work) => Box::new(move || work.step(block)),
            None => block,
        }
    }
}
