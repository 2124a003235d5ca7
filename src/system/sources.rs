//! `system.sources`: the endpoints of every source as its client sees them, and the live feed. The server hands the rows over.

use super::schema::{SystemColumn, SystemTable, instants};
use crate::lake::dataset::instant;
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// One endpoint of a source now, or the live feed.
#[derive(Debug, Clone)]
pub struct SourceRow {
    /// The source, as in `[source.NAME]`.
    pub source: &'static str,
    /// Host and port that the request went to.
    pub origin: String,
    /// Endpoint, with `{}` in place of symbols.
    pub endpoint: &'static str,
    /// `closed`, `open` or `half_open`; `None` for the feed, which has none.
    pub breaker: Option<&'static str>,
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
    /// How the feed is; `None` for an endpoint.
    pub feed: Option<FeedFigures>,
}

/// How the live feed is.
#[derive(Debug, Clone)]
pub struct FeedFigures {
    /// `live`, `connecting`, `stalled`, `disconnected` or `refused`.
    pub state: &'static str,
    /// Since when it is so.
    pub since: DateTime<Utc>,
    /// When the connection that was silent for longest spoke last.
    pub last_data_at: Option<DateTime<Utc>>,
    /// Class of its data.
    pub class: String,
}

/// Gives the rows now.
pub type SourceRows = Arc<dyn Fn() -> Vec<SourceRow> + Send + Sync>;

/// The table: one row per source and endpoint that was called, and one for the live feed.
pub fn table(rows: SourceRows) -> SystemTable {
    SystemTable::new(
        columns(),
        Arc::new(move |schema| {
            let all = rows();
            let number = |value: u64| i64::try_from(value).ok();
            let feeds = || all.iter().map(|one| one.feed.as_ref());
            let open_until = all.iter().map(|one| one.open_until.map(|until| until.timestamp_micros()));
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.source))),
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| &one.origin))),
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.endpoint))),
                Arc::new(all.iter().map(|one| one.breaker).collect::<StringArray>()),
                Arc::new(open_until.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
                Arc::new(all.iter().map(|one| number(one.calls)).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| number(one.failures)).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| number(one.in_flight)).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| one.budget_left.map(i64::from)).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| one.last_error.clone()).collect::<StringArray>()),
                Arc::new(feeds().map(|feed| Some(feed?.state)).collect::<StringArray>()),
                instants(feeds().map(|feed| Some(feed?.since))),
                instants(feeds().map(|feed| feed?.last_data_at)),
                Arc::new(feeds().map(|feed| Some(feed?.class.clone())).collect::<StringArray>()),
            ];
            RecordBatch::try_new(schema.clone(), columns)
        }),
    )
}

/// Columns of `system.sources`, in the order that [`table`] fills them.
pub(crate) fn columns() -> Vec<SystemColumn> {
    vec![
        ("source", Utf8, "Name of the source, as in [source.NAME] of the configuration"),
        ("origin", Utf8, "Host and port of the source"),
        ("endpoint", Utf8, "Route, without its parameters; 'live feed' for the feed, whose requests are its sessions"),
        ("breaker", Utf8, "State of the breaker; NULL for the live feed"),
        ("open_until", instant(), "Until when an open breaker refuses; NULL when it is not open"),
        ("calls", Int64, "Requests so far, retries included [requests]"),
        ("failures", Int64, "Requests that failed [requests]"),
        ("in_flight", Int64, "Requests under way now [requests]"),
        ("budget_left", Int64, "Requests that may go at once now; NULL without a limit [requests]"),
        (
            "last_error",
            Utf8,
            "What failed last; of the live feed, why it is not live, or what it was last interrupted by",
        ),
        (
            "state",
            Utf8,
            "Of the live feed: 'live', 'connecting', 'stalled', 'disconnected' or 'refused'; NULL for an endpoint",
        ),
        ("since", instant(), "Since when the live feed is so"),
        (
            "last_data_at",
            instant(),
            "When events of the live feed came last, on the connection that is silent for longest",
        ),
        ("class", Utf8, "Class of the live feed's data, such as 'real-time', 'delayed' or 'simulated'"),
    ]
}
