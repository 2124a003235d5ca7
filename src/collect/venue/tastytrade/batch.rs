//! From our rows to record batches with exactly the datasets' schemas.

use super::parse::{CalendarRow, EventKind, EventRow, OptionRow, SymbolRow};
use crate::lake::dataset;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListBuilder, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use std::sync::Arc;

/// Days from the Common Era to 1970.
const EPOCH_DAYS: i32 = 719_163;

pub(crate) fn schema(name: &str) -> SchemaRef {
    dataset::find(name).expect("the dataset is in the list").schema
}

/// Puts columns together; the callers' columns follow the schema, so anything else is our own fault.
pub(crate) fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(schema, columns).expect("the columns follow the dataset's schema")
}

pub(crate) fn texts<'a, T: AsRef<str> + 'a>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

pub(crate) fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

pub(crate) fn integers(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

pub(crate) fn dates(values: impl Iterator<Item = Option<NaiveDate>>) -> ArrayRef {
    Arc::new(values.map(|date| date.map(|date| date.num_days_from_ce() - EPOCH_DAYS)).collect::<Date32Array>())
}

pub(crate) fn instants(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    let micros = values.map(|moment| moment.map(|moment| moment.timestamp_micros()));
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

pub(crate) fn repeated(moment: DateTime<Utc>, count: usize) -> ArrayRef {
    instants(std::iter::repeat_n(Some(moment), count))
}

pub(crate) fn flags(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.collect::<BooleanArray>())
}

fn text_lists<'a>(values: impl Iterator<Item = &'a [String]>) -> ArrayRef {
    let element = Arc::new(Field::new("element", DataType::Utf8, true));
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(element);
    for list in values {
        builder.append_value(list.iter().map(Some));
    }
    Arc::new(builder.finish())
}

/// Rows of the dataset `symbols`, with exactly its columns.
pub(crate) fn symbols(rows: &[SymbolRow], fetched_at: DateTime<Utc>) -> RecordBatch {
    let columns = vec![
        texts(rows.iter().map(|row| Some(&row.symbol))),
        texts(rows.iter().map(|row| Some(row.kind))),
        texts(rows.iter().map(|row| row.description.as_ref())),
        texts(rows.iter().map(|row| row.market.as_ref())),
        text_lists(rows.iter().map(|row| row.lists.as_slice())),
        flags(rows.iter().map(|row| row.active)),
        texts(rows.iter().map(|row| Some(&row.streamer_symbol))),
        repeated(fetched_at, rows.len()),
    ];
    batch(schema("symbols"), columns)
}

/// Rows of the dataset `option_chains`, with exactly its columns.
pub(crate) fn option_chains(rows: &[OptionRow], fetched_at: DateTime<Utc>) -> RecordBatch {
    let columns = vec![
        texts(rows.iter().map(|row| Some(&row.underlying))),
        dates(rows.iter().map(|row| Some(row.expiration))),
        numbers(rows.iter().map(|row| Some(row.strike))),
        texts(rows.iter().map(|row| Some(row.side))),
        texts(rows.iter().map(|row| Some(&row.symbol))),
        texts(rows.iter().map(|row| Some(&row.root))),
        texts(rows.iter().map(|row| row.expiration_type.as_ref())),
        texts(rows.iter().map(|row| row.settlement.as_ref())),
        integers(rows.iter().map(|row| row.shares_per_contract)),
        texts(rows.iter().map(|row| Some(&row.streamer_symbol))),
        repeated(fetched_at, rows.len()),
    ];
    batch(schema("option_chains"), columns)
}

/// Rows of `dividends` or `earnings`.
pub(crate) fn events(rows: &[EventRow], kind: EventKind, fetched_at: DateTime<Utc>) -> RecordBatch {
    let mut columns =
        vec![texts(rows.iter().map(|row| Some(&row.symbol))), dates(rows.iter().map(|row| Some(row.date)))];
    let name = match kind {
        EventKind::Dividend => {
            columns.push(integers(rows.iter().map(|row| Some(row.number))));
            "dividends"
        }
        EventKind::Earnings => "earnings",
    };
    columns.push(numbers(rows.iter().map(|row| row.value)));
    columns.push(repeated(fetched_at, rows.len()));
    batch(schema(name), columns)
}

/// Rows of the dataset `calendar`, with exactly its columns.
pub(crate) fn calendar(rows: &[CalendarRow], fetched_at: DateTime<Utc>) -> RecordBatch {
    let columns = vec![
        dates(rows.iter().map(|row| Some(row.date))),
        instants(rows.iter().map(|row| row.hours.map(|(open, _)| open))),
        instants(rows.iter().map(|row| row.hours.map(|(_, close)| close))),
        flags(rows.iter().map(|row| Some(row.session == "early"))),
        texts(rows.iter().map(|row| Some(row.session))),
        repeated(fetched_at, rows.len()),
    ];
    batch(schema("calendar"), columns)
}
