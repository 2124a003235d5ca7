//! Threads with a tokio runtime of their own, for work that is to be kept apart from the rest: the statements of the
//! engine, which may keep a thread for seconds, and the connections of the Postgres front end.

use std::io;
use tokio::runtime::{Builder, Handle, Runtime};

/// Stack of each thread: statements nest deeply, in the parser as in operators, the more so unoptimised.
const STACK_BYTES: usize = 8 << 20;

/// The threads. Dropping it stops what runs on them.
#[derive(Debug)]
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    /// `count` threads under a name.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn start(name: &str, count: usize) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(count.max(1)).thread_name(name).thread_stack_size(STACK_BYTES).enable_all();
        builder.build().map(|runtime| Self(Some(runtime)))
    }

    /// Where tasks are given to the threads.
    pub(crate) fn handle(&self) -> Handle {
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting for the threads is not allowed where this is dropped, inside another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Processors that this process may use, at least 1; a container's quota counts.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
