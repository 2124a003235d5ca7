//! Live events as arrow columns.

use crate::lake::dataset::instant;
use crate::live::LiveEvent;
use crate::market::quote::{Greeks, Quote, Trade};
use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Fields};
use chrono::{DateTime, Utc};
use std::fmt::Debug;
use std::sync::Arc;

/// An event that is a row. The first column is `symbol`; a price or size the venue does not know is NULL.
pub(super) trait LiveRow: LiveEvent + Debug {
    /// Name of the table.
    const NAME: &str;

    /// Name, type and nullability of each column.
    fn fields() -> Fields;

    /// One array per field, one value per event.
    fn columns(events: &[Arc<Self>]) -> Vec<ArrayRef>;
}

/// Fields of a row: symbol, what is measured, and the two instants every event has.
fn row_fields(measured: &[(&str, DataType)]) -> Fields {
    let measured = measured.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    std::iter::once(Field::new("symbol", DataType::Utf8, false))
        .chain(measured)
        .chain([Field::new("event_at", instant(), true), Field::new("received_at", instant(), false)])
        .collect()
}

fn symbols<E: LiveEvent>(events: &[Arc<E>]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(events.iter().map(|event| event.symbol().as_ref())))
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

/// Midpoint of bid and ask, only where both are known.
fn mid(quote: &Quote) -> Option<f64> {
    Some((quote.bid? + quote.ask?) / 2.0)
}

impl LiveRow for Quote {
    const NAME: &str = "quotes";

    fn fields() -> Fields {
        use DataType::{Float64, Int64};
        row_fields(&[("bid", Float64), ("bid_size", Int64), ("ask", Float64), ("ask_size", Int64), ("mid", Float64)])
    }

    fn columns(events: &[Arc<Self>]) -> Vec<ArrayRef> {
        vec![
            symbols(events),
            doubles(events, |quote| quote.bid),
            integers(events, |quote| quote.bid_size),
            doubles(events, |quote| quote.ask),
            integers(events, |quote| quote.ask_size),
            doubles(events, mid),
            instants(events, |quote| quote.event_at),
            instants(events, |quote| Some(quote.received_at)),
        ]
    }
}

impl LiveRow for Trade {
    const NAME: &str = "trades";

    fn fields() -> Fields {
        use DataType::{Float64, Int64};
        row_fields(&[("price", Float64), ("size", Int64), ("change", Float64), ("day_volume", Int64)])
    }

    fn columns(events: &[Arc<Self>]) -> Vec<ArrayRef> {
        vec![
            symbols(events),
            doubles(events, |trade| trade.price),
            integers(events, |trade| trade.size),
            doubles(events, |trade| trade.change),
            integers(events, |trade| trade.day_volume),
            instants(events, |trade| trade.event_at),
            instants(events, |trade| Some(trade.received_at)),
        ]
    }
}

impl LiveRow for Greeks {
    const NAME: &str = "greeks";

    fn fields() -> Fields {
        let names = ["price", "volatility", "delta", "gamma", "theta", "rho", "vega"];
        row_fields(&names.map(|name| (name, DataType::Float64)))
    }

    fn columns(events: &[Arc<Self>]) -> Vec<ArrayRef> {
        vec![
            symbols(events),
            doubles(events, |greeks| greeks.price),
            doubles(events, |greeks| greeks.volatility),
            doubles(events, |greeks| greeks.delta),
            doubles(events, |greeks| greeks.gamma),
            doubles(events, |greeks| greeks.theta),
            doubles(events, |greeks| greeks.rho),
            doubles(events, |greeks| greeks.vega),
            instants(events, |greeks| greeks.event_at),
            instants(events, |greeks| Some(greeks.received_at)),
        ]
    }
}
