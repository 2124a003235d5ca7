//! The table `system.sources`: for each endpoint of the vendor, its circuit breaker, calls and rate budget.

use super::system::SystemTable;
use crate::collect::client::Client;
use crate::lake::dataset::instant;
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// The table: one row per endpoint that was called, with counts since the start. `open_until` is NULL unless the
/// circuit breaker is open, `budget_left` where the client keeps no budget for the endpoint.
pub fn table(client: Client) -> SystemTable {
    let columns = vec![
        ("origin", Utf8),
        ("endpoint", Utf8),
        ("breaker", Utf8),
        ("open_until", instant()),
        ("calls", Int64),
        ("failures", Int64),
        ("in_flight", Int64),
        ("budget_left", Int64),
        ("last_error", Utf8),
    ];
    SystemTable::new(
        columns,
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
