//! What was measured of a statement that EXPLAIN tells of.

use std::time::Duration;

/// How long a statement took, as far as it has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// From the statement's logical plan to its physical plan.
    pub(super) planning: Duration,
    /// From the first operator's start to the last row; `None` when it has not run.
    pub(super) execution: Option<Duration>,
}

/// A duration in the unit that EXPLAIN shows.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
