//! Candles that are stated anew: as after a split, and corrected.

use crate::simulator::event::CandleEvent;
use crate::simulator::price::cents;
use chrono::NaiveDate;

/// A corrected close is so many times the old one.
const CORRECTION: f64 = 1.01;

/// Brings candles into new shares, `ratio` of them for an old one: those from a date on, and those before it where the
/// history is restated.
pub(super) fn split(candles: &mut [CandleEvent], date: NaiveDate, ratio: f64, restated: bool) {
    for candle in candles.iter_mut().filter(|candle| restated || candle.time.date_naive() >= date) {
        for price in [&mut candle.open, &mut candle.high, &mut candle.low, &mut candle.close, &mut candle.vwap] {
            *price = cents(*price / ratio);
        }
        candle.volume = (candle.volume * ratio).round();
    }
}

/// Lets the candle of a date close higher than it did.
pub(super) fn correct(candles: &mut [CandleEvent], date: NaiveDate) {
    for candle in candles.iter_mut().filter(|candle| candle.time.date_naive() == date) {
        candle.close = cents(candle.close * CORRECTION);
        candle.high = candle.high.max(candle.close);
    }
}
