//! Live events as rows of the spool.

use crate::live::columns::{instants, symbols, values};
use crate::market::event::Event;
use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Rows of the events, numbered from `first` on.
pub(super) fn rows<E: Event>(schema: &SchemaRef, events: &[Arc<E>], first: i64) -> Result<RecordBatch, ArrowError> {
    let received_at = instants(events, |event| Some(event.received_at()));
    let mut columns: Vec<ArrayRef> = vec![symbols(events)];
    columns.extend(E::COLUMNS.iter().filter(|column| !column.computed).map(|column| values(events, column)));
    columns.push(instants(events, E::event_at));
    columns.push(received_at.clone());
    columns.push(Arc::new(Int64Array::from_iter_values((first..).take(events.len()))));
    columns.push(received_at);
    RecordBatch::try_new(schema.clone(), columns)
}
