//! `system.spools`: live events on their way into the lake.

use super::system::{SystemColumn, SystemTable};
use crate::collect::history::History;
use crate::lake::dataset::instant;
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// The table: one row per history this process keeps.
pub fn table(histories: Vec<Arc<History>>) -> SystemTable {
    SystemTable::new(
        columns(),
        Arc::new(move |schema| {
            let all: Vec<_> = histories.iter().map(|history| history.spool()).collect();
            let all = || all.iter().map(Option::as_ref);
            let number = |value: u64| i64::try_from(value).ok();
            let last = all().map(|spool| spool?.status().last_received_at());
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from_iter_values(histories.iter().map(|history| history.dataset()))),
                Arc::new(all().map(|spool| Some(spool?.tail().application().to_owned())).collect::<StringArray>()),
                Arc::new(all().map(|spool| number(spool?.status().written())).collect::<Int64Array>()),
                Arc::new(all().map(|spool| number(spool?.status().missed())).collect::<Int64Array>()),
                Arc::new(all().map(|spool| i64::try_from(spool?.tail().events()).ok()).collect::<Int64Array>()),
                Arc::new(all().map(|spool| number(spool?.status().disk_bytes())).collect::<Int64Array>()),
                Arc::new(last.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
                Arc::new(all().map(|spool| spool?.status().last_error()).collect::<StringArray>()),
            ];
            RecordBatch::try_new(schema.clone(), columns)
        }),
    )
}

/// Its columns.
pub(super) fn columns() -> Vec<SystemColumn> {
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
