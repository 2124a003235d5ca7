//! `system.feed_gaps`: spans of time in which live events may be missing.

use super::schema::{SystemColumn, SystemTable, instants, text_list};
use crate::lake::dataset::instant;
use crate::live::feed::FeedBoard;
use arrow::array::{ArrayRef, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::DataType::Utf8;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// The table: one row per gap that is known, the oldest first.
pub fn table(feed: Arc<FeedBoard>) -> SystemTable {
    SystemTable::new(
        columns(),
        Arc::new(move |schema| {
            let all = feed.gaps().all();
            let (mut symbols, mut events) = (list(), list());
            for gap in &all {
                symbols.append_option(gap.symbols.as_ref().map(|names| names.iter().map(|name| Some(&**name))));
                events.append_value(gap.events.iter().map(|name| Some(*name)));
            }
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from_iter_values(all.iter().map(|gap| gap.feed))),
                instants(all.iter().map(|gap| Some(gap.from))),
                instants(all.iter().map(|gap| gap.to)),
                Arc::new(StringArray::from_iter_values(all.iter().map(|gap| &gap.reason))),
                Arc::new(symbols.finish()),
                Arc::new(events.finish()),
            ];
            RecordBatch::try_new(schema.clone(), columns)
        }),
    )
}

fn list() -> ListBuilder<StringBuilder> {
    ListBuilder::new(StringBuilder::new())
}

/// Columns of `system.feed_gaps`, in the order that [`table`] fills them.
pub(crate) fn columns() -> Vec<SystemColumn> {
    vec![
        ("feed", Utf8, "Name of the feed"),
        ("from_at", instant(), "When the last event before the gap came"),
        ("to_at", instant(), "When events came again; NULL while the gap lasts"),
        ("reason", Utf8, "What happened"),
        ("symbols", text_list(), "Symbols of which events may be missing; NULL is all"),
        ("events", text_list(), "Events that may be missing, by the names of their tables"),
    ]
}
