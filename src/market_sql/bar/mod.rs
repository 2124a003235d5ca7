//! Bars of trades, and prices weighted by volume and by time.

mod candlestick;
mod traded;
mod twap;
mod vwap;

use super::aggregate::Aggregate;

/// The aggregates of this folder.
pub(super) fn aggregates() -> Vec<Aggregate> {
    vec![candlestick::aggregate(), twap::aggregate(), vwap::aggregate()]
}
