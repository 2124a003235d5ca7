//! `system.sources`: the endpoints of every source as its client sees them. The server hands the rows over.

use super::system::{SystemColumn, SystemTable};
use crate::lake::dataset::instant;
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// One endpoint of a source now.
#[derive(Debug, Clone)]
pub struct SourceRow {
    /// The source, as in `[source.NAME]`.
    pub source: &'static str,
    /// Host and port that the request went to.
    pub origin: String,
    /// Endpoint, with `{}` in place of symbols.
    pub endpoint: &'static str,
    /// `closed`, `open` or `half_open`.
    pub breaker: &'static str,
    /// When an open breaker lets the next request through.
    pub open_until: Option<DateTime<Utc>>,
    /// Requests sent since the start.
    pub calls: u64,
    /// Requests that failed since the start.
    pub failures: u64,
    /// Requests that are under way now.
    pub in_flight: u64,
    /// Requests that the source's rate budget lets through at once now; `None` when there is no budget.
    pub budget_left: Option<u32>,
    /// The last failure, one sentence; `None` when there was none.
    pub last_error: Option<String>,
}

/// Gives the rows now.
pub type SourceRows = Arc<dyn Fn() -> Vec<SourceRow> + Send + Sync>;

/// The table: one row per source and endpoint that was called.
pub fn table(rows: SourceRows) -> SystemTable {
    SystemTable::new(
        columns(),
        Arc::new(move |schema| {
            let all = rows();
            let number = |value: u64| i64::try_from(value).ok();
            let open_until = all.iter().map(|one| one.open_until.map(|until| until.timestamp_micros()));
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.source))),
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| &one.origin))),
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.endpoint))),
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.breaker))),
                Arc::new(open_until.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
                Arc::new(all.iter().map(|one| number(one.calls)).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| number(one.failures)).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| number(one.in_flight)).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| one.budget_left.map(i64::from)).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| one.last_error.clone()).collect::<StringArray>()),
            ];
            RecordBatch::try_new(schema.clone(), columns)
        }),
    )
}

/// Columns of `system.sources`, in the order that [`table`] fills them.
pub(super) fn columns() -> Vec<SystemColumn> {
    vec![
        ("source", Utf8, "Name of the source, as in [source.NAME] of the configuration"),
        ("origin", Utf8, "Host and port of the source"),
        ("endpoint", Utf8, "Route, without its parameters"),
        ("breaker", Utf8, "State of the breaker"),
        ("open_until", instant(), "Until when an open breaker refuses; NULL when it is not open"),
        ("calls", Int64, "Requests so far, retries included [requests]"),
        ("failures", Int64, "Requests that failed [requests]"),
        ("in_flight", Int64, "Requests under way now [requests]"),
        ("budget_left", Int64, "Requests that may go at once now; NULL without a limit [requests]"),
        ("last_error", Utf8, "What failed last"),
    ]
}
