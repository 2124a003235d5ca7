//! `system.budget`: the rate limit of every source, and what each dataset still needs of it. The server hands the rows over.

use super::schema::{SystemColumn, SystemTable};
use crate::lake::dataset::instant;
use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType::{Boolean, Int64, Utf8};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// What waits for the rate limit of a source now.
#[derive(Debug, Clone)]
pub struct BudgetRow {
    /// The source, as in `[source.NAME]`.
    pub source: &'static str,
    /// The dataset whose requests wait; `None` for the source as a whole.
    pub dataset: Option<&'static str>,
    /// Requests that wait to be sent.
    pub waiting: u64,
    /// Whether a query or a command waits for them.
    pub awaited: Option<bool>,
    /// When the last of them is expected to be sent; `None` when none waits.
    pub sent_at: Option<DateTime<Utc>>,
    /// Sustained requests per second of the source.
    pub per_second: u32,
    /// Requests that may go at once after a pause.
    pub burst: u32,
    /// Requests that may go at once now.
    pub left: u32,
}

/// Gives the rows now.
pub type BudgetRows = Arc<dyn Fn() -> Vec<BudgetRow> + Send + Sync>;

/// The table: one row per source with a limit, and one per dataset that waits for it.
pub fn table(rows: BudgetRows) -> SystemTable {
    SystemTable::new(
        columns(),
        Arc::new(move |schema| {
            let all = rows();
            let number = |value: u64| i64::try_from(value).ok();
            let sent_at = all.iter().map(|one| one.sent_at.map(|at| at.timestamp_micros()));
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.source))),
                Arc::new(all.iter().map(|one| one.dataset).collect::<StringArray>()),
                Arc::new(all.iter().map(|one| number(one.waiting)).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| one.awaited).collect::<BooleanArray>()),
                Arc::new(sent_at.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
                Arc::new(all.iter().map(|one| Some(i64::from(one.per_second))).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| Some(i64::from(one.burst))).collect::<Int64Array>()),
                Arc::new(all.iter().map(|one| Some(i64::from(one.left))).collect::<Int64Array>()),
            ];
            RecordBatch::try_new(schema.clone(), columns)
        }),
    )
}

/// Columns of `system.budget`, in the order that [`table`] fills them.
pub(crate) fn columns() -> Vec<SystemColumn> {
    vec![
        ("source", Utf8, "Name of the source, as in [source.NAME] of the configuration"),
        ("dataset", Utf8, "Dataset whose requests wait; NULL for the source as a whole"),
        ("waiting", Int64, "Requests that wait to be sent, in the order of the rows [requests]"),
        ("awaited", Boolean, "Whether a query or a command waits for them: then they go first"),
        ("sent_at", instant(), "When the last of them is expected to be sent; NULL when none waits"),
        ("per_second", Int64, "Sustained rate of the source [requests per second]"),
        ("burst", Int64, "Requests that may go at once after a pause [requests]"),
        ("left", Int64, "Requests that may go at once now [requests]"),
    ]
}
