//! Well-known splits: what the bars around one look like tells whether a source adjusts its history for splits.

use super::bars::ByDay;
use chrono::NaiveDate;
use std::ops::Bound;

/// So many days around a split the bars must stand that tell of it.
const NEAR_DAYS: i32 = 7;

/// Symbol, first session in new shares, new shares per old share; in order of symbol.
const SPLITS: &[(&str, (i32, u32, u32), f64)] = &[
    ("AAPL", (2014, 6, 9), 7.0),
    ("AAPL", (2020, 8, 31), 4.0),
    ("AMZN", (2022, 6, 6), 20.0),
    ("AVGO", (2024, 7, 15), 10.0),
    ("CMG", (2024, 6, 26), 50.0),
    ("FAST", (2025, 5, 22), 2.0),
    ("GOOG", (2022, 7, 18), 20.0),
    ("GOOGL", (2022, 7, 18), 20.0),
    ("LRCX", (2024, 10, 3), 10.0),
    ("NFLX", (2015, 7, 15), 7.0),
    ("NFLX", (2025, 11, 17), 10.0),
    ("NVDA", (2021, 7, 20), 4.0),
    ("NVDA", (2024, 6, 10), 10.0),
    ("ORLY", (2025, 6, 10), 15.0),
    ("PANW", (2024, 12, 16), 2.0),
    ("TSLA", (2020, 8, 31), 5.0),
    ("TSLA", (2022, 8, 25), 3.0),
    ("WMT", (2024, 2, 26), 3.0),
];

/// A well-known split, and what the bars around it say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Probed {
    pub(super) effective: NaiveDate,
    pub(super) ratio: f64,
    /// Whether the bars before it are in new shares.
    pub(super) adjusted: bool,
}

/// Whether a symbol has had a well-known split.
pub(super) fn has(symbol: &str) -> bool {
    SPLITS.iter().any(|(listed, ..)| *listed == symbol)
}

/// The well-known splits of a symbol that its bars tell something of.
pub(super) fn probe<'a>(symbol: &'a str, bars: &'a ByDay) -> impl Iterator<Item = Probed> + 'a {
    let known = SPLITS.iter().filter(move |(listed, ..)| *listed == symbol);
    known.filter_map(|(_, (year, month, day), ratio)| {
        let effective = NaiveDate::from_ymd_opt(*year, *month, *day)?;
        let adjusted = is_adjusted(bars, super::bars::day(effective), *ratio)?;
        Some(Probed { effective, ratio: *ratio, adjusted })
    })
}

/// Whether the close goes on across a day as if shares had been the new ones before; `None` without bars on both sides.
fn is_adjusted(bars: &ByDay, day: i32, ratio: f64) -> Option<bool> {
    let near = (Bound::Included(day - NEAR_DAYS), Bound::Excluded(day));
    let before = bars.range(near).next_back()?.1.close()?;
    let after = bars.range(day..=day + NEAR_DAYS).next()?.1.close()?;
    let factor = before / after;
    // What is nearer to the ratio than to one, as ratios are near.
    (factor.is_finite() && factor > 0.0).then(|| factor < ratio.sqrt())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::bars::{Values, day};
    use super::*;

    fn closes(closes: &[(&str, f64)]) -> ByDay {
        let of = |close: f64| Values { prices: [Some(close); 4], volume: None };
        closes.iter().map(|(date, close)| (day(date.parse().unwrap()), of(*close))).collect()
    }

    fn adjusted(symbol: &str, bars: &[(&str, f64)]) -> Vec<bool> {
        probe(symbol, &closes(bars)).map(|probed| probed.adjusted).collect()
    }

    #[test]
    fn splits_are_sorted_and_on_sessions() {
        assert!(SPLITS.is_sorted_by_key(|(symbol, date, _)| (*symbol, *date)));
        for (symbol, (year, month, day), ratio) in SPLITS {
            let date = NaiveDate::from_ymd_opt(*year, *month, *day).unwrap();
            assert!(crate::market::calendar::session(date).is_some() && *ratio >= 2.0, "{symbol} {date}");
        }
    }

    #[test]
    fn bars_around_a_split_tell_whether_it_is_in_them() {
        assert_eq!(adjusted("NVDA", &[("2024-06-07", 120.9), ("2024-06-10", 121.8)]), [true]);
        assert_eq!(adjusted("NVDA", &[("2024-06-07", 1208.9), ("2024-06-10", 121.8)]), [false]);
        assert_eq!(adjusted("NVDA", &[("2024-06-07", 1208.9)]), [true; 0]);
        assert_eq!(adjusted("NVDA", &[("2024-05-07", 1208.9), ("2024-06-10", 121.8)]), [true; 0]);
        assert_eq!(adjusted("SPY", &[("2024-06-07", 1208.9), ("2024-06-10", 121.8)]), [true; 0]);
    }
}
