//! `system.subscribers`: the live queries that run, how far each is behind, and what it lost.

use super::schema::{SystemColumn, SystemTable, instants, text_list};
use crate::lake::dataset::instant;
use crate::live::feed::FeedBoard;
use arrow::array::{ArrayRef, Int64Array, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// The table: one row per live query, the oldest first. What others name is for admins to know.
pub fn table(feed: Arc<FeedBoard>) -> SystemTable {
    SystemTable::for_reader(
        columns(),
        Arc::new(move |schema, reader| {
            let rows = feed.subscribers().rows();
            let number = |value: u64| i64::try_from(value).ok();
            let mut symbols = ListBuilder::new(StringBuilder::new());
            for row in &rows {
                let sees = reader.is_some_and(|reader| reader.sees(row.user.as_deref().unwrap_or_default()));
                let shown = row.symbols.as_ref().filter(|_| sees);
                symbols.append_option(shown.map(|names| names.iter().map(Some)));
            }
            let columns: Vec<ArrayRef> = vec![
                Arc::new(rows.iter().map(|row| row.pid.map(i64::from)).collect::<Int64Array>()),
                Arc::new(rows.iter().map(|row| row.user.clone()).collect::<StringArray>()),
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.table))),
                Arc::new(symbols.finish()),
                instants(rows.iter().map(|row| Some(row.since))),
                Arc::new(rows.iter().map(|row| number(row.given)).collect::<Int64Array>()),
                Arc::new(rows.iter().map(|row| number(row.lag)).collect::<Int64Array>()),
                Arc::new(rows.iter().map(|row| number(row.missed)).collect::<Int64Array>()),
            ];
            RecordBatch::try_new(schema.clone(), columns)
        }),
    )
}

/// Columns of `system.subscribers`, in the order that [`table`] fills them.
pub(crate) fn columns() -> Vec<SystemColumn> {
    vec![
        ("pid", Int64, "Number of the session"),
        ("user", Utf8, "Name of its user"),
        ("event", Utf8, "Event that is followed, by the name of its table"),
        ("symbols", text_list(), "Symbols that the query names; NULL is all, or for whom it does not concern"),
        ("since", instant(), "Since when it follows"),
        ("given", Int64, "Events that it was given [events]"),
        ("lag", Int64, "Events of all symbols that wait for it [events]"),
        ("missed", Int64, "Events that it lost because it fell behind [events]"),
    ]
}
