//! Live events as rows of SQL tables. The first column is `symbol`; a price or size the venue does not know is NULL.

use crate::lake::dataset::data_type;
use crate::live::columns::{instants, symbols, values};
use crate::market::event::{ColumnDescription, Event};
use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema, SchemaRef};
use std::sync::Arc;

/// The described columns as a schema.
pub(super) fn schema(columns: &[ColumnDescription]) -> SchemaRef {
    let field = |column: &ColumnDescription| Field::new(column.name, data_type(column.kind), column.nullable);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// One array per column of the table of latest events, one value per event.
pub(super) fn arrays<E: Event>(events: &[Arc<E>]) -> Vec<ArrayRef> {
    let mut columns = vec![symbols(events)];
    columns.extend(E::COLUMNS.iter().map(|column| values(events, column)));
    columns.push(instants(events, E::event_at));
    columns.push(instants(events, |event| Some(event.received_at())));
    columns
}
