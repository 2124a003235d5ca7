//! Table `system.views`: the views that are part of the program, with the queries that they stand for.

use super::view;
use crate::system::schema::{SystemColumn, SystemTable};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, SchemaRef};
use std::sync::Arc;

/// Columns of `system.views`, all text.
pub(super) fn columns() -> Vec<SystemColumn> {
    use DataType::Utf8;
    vec![
        ("name", Utf8, "Name of the view"),
        ("comment", Utf8, "What it is for, its grain and its units"),
        ("sql", Utf8, "The query it stands for"),
    ]
}

/// The table with a row for each view.
pub(super) fn table() -> SystemTable {
    SystemTable::new(columns(), Arc::new(rows))
}

/// Rows of `system.views`: name, comment and query of each embedded view.
fn rows(schema: &SchemaRef) -> Result<RecordBatch, arrow::error::ArrowError> {
    let all = view::all();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.name))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| &one.comment))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.sql))),
    ];
    RecordBatch::try_new(schema.clone(), columns)
}
