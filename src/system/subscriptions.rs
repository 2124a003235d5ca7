//! `system.subscriptions`: what is followed live, why, and when it spoke last.

use super::schema::{SystemColumn, SystemTable, instants};
use crate::lake::dataset::instant;
use crate::live::feed::{FeedBoard, Why};
use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray};
use arrow::datatypes::DataType::{Boolean, Int64, Utf8};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// One event of one symbol that is followed, or was to be.
struct Row {
    symbol: Arc<str>,
    event: &'static str,
    why: Why,
    connection: Option<usize>,
    since: Option<DateTime<Utc>>,
    last_event_at: Option<DateTime<Utc>>,
    quiet: bool,
}

/// The table: one row per event and symbol, sorted by both.
pub fn table(feed: Arc<FeedBoard>) -> SystemTable {
    SystemTable::new(
        columns(),
        Arc::new(move |schema| {
            let rows = rows(&feed);
            let connection = |row: &Row| row.connection.and_then(|number| i64::try_from(number).ok());
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.symbol))),
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.event))),
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.why.name()))),
                Arc::new(rows.iter().map(connection).collect::<Int64Array>()),
                instants(rows.iter().map(|row| row.since)),
                instants(rows.iter().map(|row| row.last_event_at)),
                Arc::new(rows.iter().map(|row| row.connection.map(|_| row.quiet)).collect::<BooleanArray>()),
            ];
            RecordBatch::try_new(schema.clone(), columns)
        }),
    )
}

fn rows(feed: &FeedBoard) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in feed.lines().iter() {
        rows.extend(line.follows().iter().map(|one| Row {
            symbol: one.symbol.clone(),
            event: one.event,
            why: one.why,
            connection: Some(line.number()),
            since: Some(one.since),
            last_event_at: one.rhythm.last_at(),
            quiet: one.is_quiet(),
        }));
    }
    rows.extend(feed.left_out().iter().map(|one| Row {
        symbol: one.symbol.clone(),
        event: one.event,
        why: one.why,
        connection: None,
        since: None,
        last_event_at: None,
        quiet: false,
    }));
    rows.sort_by(|one, other| (&one.symbol, one.event).cmp(&(&other.symbol, other.event)));
    rows
}

/// Columns of `system.subscriptions`, in the order that [`table`] fills them.
pub(crate) fn columns() -> Vec<SystemColumn> {
    vec![
        ("symbol", Utf8, "Symbol, as rows have it"),
        ("event", Utf8, "Event, by the name of its table"),
        (
            "why",
            Utf8,
            "'list' where the configuration asks for it, 'query' where a query names it, or did a moment ago",
        ),
        (
            "connection",
            Int64,
            "Number of the connection, from 0; NULL where it is not followed, since the venue takes no more",
        ),
        ("since", instant(), "Since when it is asked for"),
        ("last_event_at", instant(), "When its last event came; NULL when none did"),
        ("silent", Boolean, "Whether it fell silent against its rhythm while others speak"),
    ]
}
