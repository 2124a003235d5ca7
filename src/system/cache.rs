//! `system.cache`: which columns of the lake are in memory, and how often they were what a statement wanted.

use super::schema::{SystemColumn, SystemTable};
use crate::resident::{DatasetFigures, Residents};
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// The table: one row per dataset.
pub fn table(residents: Arc<Residents>) -> SystemTable {
    SystemTable::new(columns(), Arc::new(move |schema| RecordBatch::try_new(schema.clone(), arrays(&residents))))
}

/// The values of [`columns`], in order.
fn arrays(residents: &Residents) -> Vec<ArrayRef> {
    let rows = residents.figures();
    let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    let numbers = |value: &dyn Fn(&DatasetFigures) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(value)))
    };
    vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.dataset))),
        numbers(&|row| count(row.files)),
        numbers(&|row| count(row.columns)),
        numbers(&|row| count(row.bytes)),
        numbers(&|row| row.hits.cast_signed()),
        numbers(&|row| row.misses.cast_signed()),
        numbers(&|_| count(residents.limit())),
    ]
}

/// Columns of `system.cache`, in the order that [`table`] fills them.
pub(crate) fn columns() -> Vec<SystemColumn> {
    vec![
        ("dataset", Utf8, "Name of the dataset"),
        ("files", Int64, "Files of which a column is in memory [files]"),
        ("columns", Int64, "Columns in memory, each counted for each file [columns]"),
        ("bytes", Int64, "Memory that they take [bytes]"),
        ("hits", Int64, "Reads that found all columns in memory, since the start of the server"),
        ("misses", Int64, "Reads that did not, and went to the files"),
        ("memory", Int64, "Room for columns of all datasets together: lake.memory [bytes]"),
    ]
}
