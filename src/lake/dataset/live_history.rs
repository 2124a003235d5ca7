//! Histories of live events: every event received, appended as it comes. They follow the list of live events.

use super::definition::{Column, Definition, Earlier, Kind, WriteMode};
use crate::market::event::{self, ColumnDescription, EventDescription, HISTORY_KEY};

/// The history of every event that has one. Called once in a process: what it makes lives as long as that.
pub(super) fn definitions() -> Vec<&'static Definition> {
    event::descriptions().iter().filter_map(definition).collect()
}

fn definition(event: &EventDescription) -> Option<&'static Definition> {
    let history = event.history?;
    let columns: Vec<Column> = event.history_columns().into_iter().map(column).collect();
    let columns: &'static [Column] = Box::leak(columns.into_boxed_slice());
    Some(Box::leak(Box::new(Definition {
        name: history.name,
        comment: history.comment,
        columns: Box::leak(Box::new([columns])),
        key: HISTORY_KEY,
        mode: WriteMode::Append,
        retention: None,
        ..Definition::BASE
    })))
}

/// The comment of an event's column names its unit itself.
fn column(event: ColumnDescription) -> Column {
    Column {
        name: event.name,
        kind: kind(event.kind),
        unit: "",
        meaning: Box::leak(event.comment.into_boxed_str()),
        earlier: Earlier::Never,
    }
}

fn kind(event: event::Kind) -> Kind {
    match event {
        event::Kind::Boolean => Kind::Flag,
        event::Kind::Date => Kind::Date,
        event::Kind::Double => Kind::Number,
        event::Kind::Instant => Kind::Instant,
        event::Kind::Integer => Kind::Integer,
        event::Kind::Text => Kind::Text,
    }
}

/// Arrow type of a column of live events.
pub fn data_type(event: event::Kind) -> arrow::datatypes::DataType {
    kind(event).data_type()
}

/// Whether live events are added to a dataset as they are received.
pub fn is_live_history(name: &str) -> bool {
    event::descriptions().iter().filter_map(|event| event.history).any(|history| history.name == name)
}
