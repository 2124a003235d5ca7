//! `system.spools`: live events on their way into the lake. The server hands the rows over.

use super::schema::{SystemColumn, SystemTable};
use crate::lake::dataset::instant;
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// One history that this process keeps, now.
#[derive(Debug, Clone)]
pub struct SpoolRow {
    /// Name of the dataset it is of.
    pub dataset: &'static str,
    /// Its spool; `None` while that cannot be opened.
    pub spool: Option<SpoolFigures>,
}

/// What a spool tells of itself.
#[derive(Debug, Clone)]
pub struct SpoolFigures {
    /// The name under which its position stands in the lake.
    pub application: String,
    /// Events written since the start.
    pub written: u64,
    /// Events lost before the spool since the start.
    pub missed: u64,
    /// Events the lake does not have yet.
    pub uncommitted: usize,
    /// Bytes on the disk.
    pub disk_bytes: u64,
    /// When the newest event came, in microseconds since 1970.
    pub last_received_at: Option<i64>,
    /// The last failure, one sentence; `None` when there was none.
    pub last_error: Option<String>,
}

/// Gives the rows now.
pub type SpoolRows = Arc<dyn Fn() -> Vec<SpoolRow> + Send + Sync>;

/// The table: one row per history this process keeps.
pub fn table(rows: SpoolRows) -> SystemTable {
    SystemTable::new(
        columns(),
        Arc::new(move |schema| {
            let rows = rows();
            let all = || rows.iter().map(|row| row.spool.as_ref());
            let number = |value: u64| i64::try_from(value).ok();
            let last = all().map(|spool| spool?.last_received_at);
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.dataset))),
                Arc::new(all().map(|spool| Some(spool?.application.clone())).collect::<StringArray>()),
                Arc::new(all().map(|spool| number(spool?.written)).collect::<Int64Array>()),
                Arc::new(all().map(|spool| number(spool?.missed)).collect::<Int64Array>()),
                Arc::new(all().map(|spool| i64::try_from(spool?.uncommitted).ok()).collect::<Int64Array>()),
                Arc::new(all().map(|spool| number(spool?.disk_bytes)).collect::<Int64Array>()),
                Arc::new(last.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
                Arc::new(all().map(|spool| spool?.last_error.clone()).collect::<StringArray>()),
            ];
            RecordBatch::try_new(schema.clone(), columns)
        }),
    )
}

/// Columns of `system.spools`, in the order that [`table`] fills them.
pub(crate) fn columns() -> Vec<SystemColumn> {
    vec![
        ("dataset", Utf8, "History the events are for"),
        ("spool", Utf8, "Name of the spool; NULL while it is not open"),
        ("written", Int64, "Events written since the start [events]"),
        ("missed", Int64, "Events lost since the start [events]"),
        ("uncommitted", Int64, "Events that wait for the lake [events]"),
        ("disk_bytes", Int64, "Size of the spool on disk [bytes]"),
        ("last_received_at", instant(), "When the newest event arrived"),
        ("last_error", Utf8, "What went wrong last; NULL when nothing did"),
    ]
}
