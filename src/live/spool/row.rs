//! Live events as rows of the spool.

use crate::live::LiveEvent;
use crate::market::quote::{Quote, Trade};
use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// An event that is kept.
pub trait SpoolEvent: LiveEvent {
    /// What the event measures, one array per column between `symbol` and `event_at`.
    fn measured(events: &[Arc<Self>]) -> Vec<ArrayRef>;

    /// Venue time.
    fn event_at(&self) -> Option<DateTime<Utc>>;

    /// Time of arrival.
    fn received_at(&self) -> DateTime<Utc>;
}

impl SpoolEvent for Quote {
    fn measured(events: &[Arc<Self>]) -> Vec<ArrayRef> {
        vec![
            doubles(events, |quote| quote.bid),
            integers(events, |quote| quote.bid_size),
            doubles(events, |quote| quote.ask),
            integers(events, |quote| quote.ask_size),
        ]
    }

    fn event_at(&self) -> Option<DateTime<Utc>> {
        self.event_at
    }

    fn received_at(&self) -> DateTime<Utc> {
        self.received_at
    }
}

impl SpoolEvent for Trade {
    fn measured(events: &[Arc<Self>]) -> Vec<ArrayRef> {
        vec![
            doubles(events, |trade| trade.price),
            integers(events, |trade| trade.size),
            doubles(events, |trade| trade.change),
            integers(events, |trade| trade.day_volume),
        ]
    }

    fn event_at(&self) -> Option<DateTime<Utc>> {
        self.event_at
    }

    fn received_at(&self) -> DateTime<Utc> {
        self.received_at
    }
}

/// Rows of the events, numbered from `first` on.
pub(super) fn rows<E: SpoolEvent>(
    schema: &SchemaRef,
    events: &[Arc<E>],
    first: i64,
) -> Result<RecordBatch, ArrowError> {
    let symbols = StringArray::from_iter_values(events.iter().map(|event| event.symbol().as_ref()));
    let received_at = instants(events, |event| Some(event.received_at()));
    let mut columns: Vec<ArrayRef> = vec![Arc::new(symbols)];
    columns.extend(E::measured(events));
    columns.push(instants(events, E::event_at));
    columns.push(received_at.clone());
    columns.push(Arc::new(Int64Array::from_iter_values((first..).take(events.len()))));
    columns.push(received_at);
    RecordBatch::try_new(schema.clone(), columns)
}

fn doubles<E>(events: &[Arc<E>], value: impl Fn(&E) -> Option<f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(events.iter().map(|event| value(event))))
}

fn integers<E>(events: &[Arc<E>], value: impl Fn(&E) -> Option<i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter(events.iter().map(|event| value(event))))
}

fn instants<E>(events: &[Arc<E>], value: impl Fn(&E) -> Option<DateTime<Utc>>) -> ArrayRef {
    let micros = events.iter().map(|event| value(event).map(|at| at.timestamp_micros()));
    Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))
}
