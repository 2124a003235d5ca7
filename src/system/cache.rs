//! `system.cache`: which columns of the lake and rows of views are in memory, and how often they were what a statement
//! wanted.

use super::schema::{SystemColumn, SystemTable};
use crate::resident::{DatasetFigures, Residents};
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Gives the figures of what is kept beside the columns of datasets.
pub type FurtherFigures = Box<dyn Fn() -> Vec<DatasetFigures> + Send + Sync>;

/// The table: one row per dataset, then one for each of the further figures.
pub fn table(residents: Arc<Residents>, further: FurtherFigures) -> SystemTable {
    let rows = move |schema: &SchemaRef| {
        let figures = [residents.figures(), further()].concat();
        RecordBatch::try_new(schema.clone(), arrays(&figures, residents.limit()))
    };
    SystemTable::new(columns(), Arc::new(rows))
}

/// The values of [`columns`], in order.
fn arrays(rows: &[DatasetFigures], limit: usize) -> Vec<ArrayRef> {
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
        numbers(&|_| count(limit)),
    ]
}

/// Columns of `system.cache`, in the order that [`table`] fills them.
pub(crate) fn columns() -> Vec<SystemColumn> {
    vec![
        ("dataset", Utf8, "Name of the dataset, or of a view whose rows are kept"),
        ("files", Int64, "Files of which a column is in memory [files]"),
        ("columns", Int64, "Columns in memory, each counted for each file [columns]"),
        ("bytes", Int64, "Memory that they take [bytes]"),
        (
            "hits",
            Int64,
            "Reads that found all columns, or the rows of a view, in memory, since the start of the server",
        ),
        ("misses", Int64, "Reads that did not, and went to the files, or computed the view"),
        ("memory", Int64, "Room for columns of all datasets together: lake.memory [bytes]"),
    ]
}
