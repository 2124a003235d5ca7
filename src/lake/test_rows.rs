//! Rows for tests of the lake: of any dataset, with a symbol and a moment and nothing else.

use super::LakeTable;
use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// One row of a symbol, fetched a microsecond after 1970 began.
pub(super) fn row(table: &LakeTable, symbol: &str) -> RecordBatch {
    let schema = &table.dataset().schema;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "symbol" => Arc::new(StringArray::from(vec![symbol])),
            "fetched_at" => Arc::new(TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC")),
            _ => new_null_array(field.data_type(), 1),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).expect("rows that fit")
}
