//! From one symbol's candles to its daily bars: one per date, of sessions that are over. What cannot be a bar is rejected,
//! what is odd is kept and told. Pure.

use super::events::Candle;
use crate::collect::findings::FindingsSink;
use crate::collect::venue::number::whole_number;
use crate::lake::quality::{Doubt, DoubtKind, Rejected, Severity};
use crate::market::bar::Bar;
use chrono::{DateTime, Days, NaiveDate, TimeDelta};
use std::collections::BTreeMap;

/// What stands in the column `source` of these bars.
pub const BAR_SOURCE: &str = "dxlink";
/// A daily bar may be stamped with the evening before its date.
const DATE_ROUNDING: TimeDelta = TimeDelta::hours(2);
/// A bar of the session after the last closed one is that of the running session; one of later dates cannot be.
const AHEAD_MAX: Days = Days::new(7);

/// The dates a symbol is asked for, both included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: NaiveDate,
    pub(super) last_closed: NaiveDate,
}

/// The bars of one symbol.
pub(super) fn bars(item: &str, candles: impl Iterator<Item = Candle>, span: Span, findings: &FindingsSink) -> Vec<Bar> {
    let mut by_date = BTreeMap::new();
    for candle in candles {
        match bar(item, &candle, span, findings) {
            Ok(Some(bar)) => drop(by_date.insert(bar.date, bar)),
            Ok(None) => {}
            Err(reason) => reject(item, &candle, reason, findings),
        }
    }
    by_date.into_values().collect()
}

/// The session that a candle is of.
pub(super) fn date_of(candle: &Candle) -> Option<NaiveDate> {
    let start = DateTime::from_timestamp_millis(candle.time_ms)?;
    start.checked_add_signed(DATE_ROUNDING).map(|start| start.date_naive())
}

/// One candle. `Ok(None)` where it is no bar of the span: of the running session, or of a day without a trade.
fn bar(item: &str, candle: &Candle, span: Span, findings: &FindingsSink) -> Result<Option<Bar>, String> {
    let Candle { open, high, low, close, .. } = *candle;
    let date = date_of(candle).ok_or_else(|| format!("{} is no time", candle.time_ms))?;
    if date > span.last_closed.checked_add_days(AHEAD_MAX).unwrap_or(NaiveDate::MAX) {
        return Err(format!("{date} is in the future"));
    }
    let prices = [open, high, low, close];
    if !(span.from..=span.last_closed).contains(&date) || prices.iter().all(Option::is_none) {
        return Ok(None);
    }
    let close = close.ok_or_else(|| format!("{date} has no close"))?;
    if let Some(price) = prices.iter().flatten().find(|price| **price <= 0.0) {
        return Err(format!("{date} has a price of {price}"));
    }
    if let Some((high, low)) = high.zip(low).filter(|(high, low)| high < low) {
        return Err(format!("{date} has its high {high} below its low {low}"));
    }
    let outside = |price: f64| high.is_some_and(|high| price > high) || low.is_some_and(|low| price < low);
    let doubt = |kind, example: String| findings.doubt(Doubt::about(item, kind, Severity::Warning, example), 1);
    for (name, price) in [("open", open), ("close", Some(close))] {
        if let Some(price) = price.filter(|price| outside(*price)) {
            doubt(DoubtKind::OutsideRange, format!("{date}: {name} {price} is not within low and high"));
        }
    }
    if [open, high, low].iter().any(Option::is_none) {
        doubt(DoubtKind::MissingValue, format!("{date} lacks open, high or low"));
    }
    let size = |name: &str, size: Option<f64>| {
        let negative = size.filter(|size| *size < 0.0);
        if let Some(size) = negative {
            doubt(DoubtKind::MissingValue, format!("{date}: {name} is {size}"));
        }
        size.filter(|_| negative.is_none()).and_then(whole_number)
    };
    let (volume, open_interest) = (size("volume", candle.volume), size("open interest", candle.open_interest));
    Ok(Some(Bar { symbol: item.to_owned(), date, open, high, low, close: Some(close), volume, open_interest }))
}

fn reject(item: &str, candle: &Candle, reason: String, findings: &FindingsSink) {
    findings.doubt(Doubt::about(item, DoubtKind::Rejected, Severity::Warning, reason.clone()), 1);
    let price = |price: Option<f64>| price.map_or_else(|| "NaN".to_owned(), |price| price.to_string());
    let prices = [candle.open, candle.high, candle.low, candle.close, candle.volume].map(price).join(" ");
    findings.reject(Rejected {
        source: BAR_SOURCE.to_owned(),
        location: "Candle".to_owned(),
        line: None,
        symbol: Some(item.to_owned()),
        text: format!("{} {prices}", candle.time_ms),
        reason,
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60 * 1000;

    /// A candle of so many days since 1970.
    fn candle(day: i64, prices: [Option<f64>; 4], volume: Option<f64>) -> Candle {
        let [open, high, low, close] = prices;
        let symbol = "A{=d}".into();
        Candle { symbol, flags: 0, index: day, time_ms: day * DAY, open, high, low, close, volume, open_interest: None }
    }

    #[test]
    fn what_cannot_be_is_rejected_and_what_is_odd_is_told() {
        let date = |day: u64| NaiveDate::default().checked_add_days(Days::new(day)).unwrap();
        let span = Span { from: date(1), last_closed: date(20) };
        let good = [Some(2.0), Some(3.0), Some(1.0), Some(2.5)];
        let candles = [
            candle(0, good, None),
            candle(1, good, Some(10.4)),
            candle(2, [None; 4], None),
            candle(3, [Some(2.0), Some(3.0), Some(1.0), None], None),
            candle(4, [Some(2.0), Some(3.0), Some(-1.0), Some(2.0)], None),
            candle(5, [Some(2.0), Some(1.0), Some(3.0), Some(2.0)], None),
            candle(6, [Some(2.0), Some(3.0), Some(1.0), Some(9.0)], None),
            candle(7, [None, None, None, Some(2.0)], Some(-5.0)),
            candle(8, [Some(0.0), Some(3.0), Some(1.0), Some(2.0)], None),
            candle(21, good, None),
            candle(400, good, None),
        ];
        let findings = FindingsSink::default();
        let bars = bars("A", candles.into_iter(), span, &findings);
        let told: Vec<_> = bars.iter().map(|bar| (bar.date, bar.close, bar.volume)).collect();
        let expected = [(date(1), Some(2.5), Some(10)), (date(6), Some(9.0), None), (date(7), Some(2.0), None)];
        assert_eq!(told, expected);
        let findings = findings.take();
        let rejected: Vec<_> = findings.rejected().map(|(row, _)| row.reason.as_str()).collect();
        assert_eq!(
            rejected,
            [
                "1970-01-04 has no close",
                "1970-01-05 has a price of -1",
                "1970-01-06 has its high 1 below its low 3",
                "1970-01-09 has a price of 0",
                "1971-02-05 is in the future",
            ]
        );
        let doubts: Vec<_> = findings.doubts().map(|(doubt, count)| (doubt.kind.name(), count)).collect();
        assert_eq!(doubts, [("missing_value", 2), ("outside_range", 1), ("rejected", 5)]);
    }
}
