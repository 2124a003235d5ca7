//! How long an operator keeps its thread before it lets other work go on.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::physical_plan::{RecordBatchStream, SendableRecordBatchStream};
use futures::{Stream, StreamExt};
use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How long a statement works without looking up, give or take a batch.
const SLICE: Duration = Duration::from_millis(10);

/// The same rows, with a pause for others each time [`SLICE`] is over.
pub(crate) fn yield_by_clock(rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
    Box::pin(Rows { rows, since: Instant::now() })
}

thread_local! {
    /// Since when the operator that works on this thread has not looked up.
    static SLICE_BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How long the operator that works on this thread has not looked up.
pub(crate) fn elapsed() -> Duration {
    SLICE_BEGAN.get().map_or(Duration::ZERO, |since| since.elapsed())
}

/// The time of the operator that works on this thread begins anew.
pub(crate) fn restart() {
    SLICE_BEGAN.set(Some(Instant::now()));
}

struct Rows {
    rows: SendableRecordBatchStream,
    /// When this was last seen to wait.
    since: Instant,
}

impl Stream for Rows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.since.elapsed() > SLICE {
            self.since = Instant::now();
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let outer = SLICE_BEGAN.replace(Some(self.since));
        let batch = self.rows.poll_next_unpin(context);
        SLICE_BEGAN.set(outer);
        if batch.is_pending() {
            self.since = Instant::now();
        }
        batch
    }
}

impl RecordBatchStream for Rows {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
