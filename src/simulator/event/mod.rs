//! Feed events: one file per type with its fields on the wire and how the venue makes an event of it, and the list of the
//! types (`kind`).

mod candle;
mod greeks;
mod kind;
mod profile;
mod quote;
mod summary;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod time_and_sale;
mod trade;
mod typed;
mod wire;

pub(crate) use candle::CandleEvent;
pub(crate) use kind::{Delivery, EventKind, Pace, SHARE_OF_QUOTES};
pub(crate) use profile::ProfileEvent;
pub(crate) use quote::QuoteEvent;
pub(crate) use summary::SummaryEvent;
pub(crate) use typed::{FeedEvent, Tick, TypedEvent};
