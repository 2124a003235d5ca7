//! `system.sources`: the endpoints of the vendor as its client sees them.

use super::system::{SystemColumn, SystemTable};
use crate::collect::client::Client;
use crate::lake::dataset::instant;
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// The table: one row per endpoint that was called.
pub fn table(client: Client) -> SystemTable {
    SystemTable::new(
        columns(),
        Arc::new(move |schema| {
            let all = client.sources();
            let number = |value: u64| i64::try_from(value).ok();
            let open_until = all.iter().map(|one| one.open_until.map(|until| until.timestamp_micros()));
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| &one.origin))),
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.endpoint))),
                Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.breaker_state.name()))),
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

/// Its columns.
pub(super) fn columns() -> Vec<SystemColumn> {
    vec![
        ("origin", Utf8, "Host of the vendor"),
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
