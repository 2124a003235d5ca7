//! Columns of live events as arrow arrays, for the spool and for the tables over the books.

use crate::market::event::{Column, Event, Read};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Date32Type;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Symbols of the events.
pub fn symbols<E: Event>(events: &[Arc<E>]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(events.iter().map(|event| event.symbol().as_ref())))
}

/// A moment of each event, in microseconds UTC.
pub fn instants<E>(events: &[Arc<E>], read: impl Fn(&E) -> Option<DateTime<Utc>>) -> ArrayRef {
    let micros = events.iter().map(|event| read(event).map(|at| at.timestamp_micros()));
    Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))
}

/// The values of one column, one per event.
pub fn values<E: Event>(events: &[Arc<E>], column: &Column<E>) -> ArrayRef {
    let events_of = || events.iter().map(Arc::as_ref);
    match &column.read {
        Read::Boolean(read) => Arc::new(BooleanArray::from_iter(events_of().map(read))),
        Read::Date(read) => {
            let days = events_of().map(|event| read(event).map(Date32Type::from_naive_date));
            Arc::new(Date32Array::from_iter(days))
        }
        Read::Double(read) => Arc::new(Float64Array::from_iter(events_of().map(read))),
        Read::Instant(read) => instants(events, read),
        Read::Integer(read) => Arc::new(Int64Array::from_iter(events_of().map(read))),
        Read::Text(read) => Arc::new(StringArray::from_iter(events_of().map(read))),
    }
}
