//! Candle history of a symbol: days, weeks and months from the daily bars, minutes and hours from the path inside them.

use crate::market::symbol::{CandleSymbol, CandleType};
use crate::simulator::event::CandleEvent;
use crate::simulator::exchange::{Exchange, Source};
use crate::simulator::price::{Day, DayBar};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use std::sync::Arc;

/// First event of a snapshot.
pub(crate) const BEGIN: i64 = 0x04;
/// Last event of a whole snapshot.
pub(crate) const END: i64 = 0x08;
/// Last event of a snapshot that was cut off.
pub(crate) const SNIP: i64 = 0x10;
/// The event takes one away.
pub(crate) const REMOVE: i64 = 0x02;
/// More events of the same change follow.
pub(crate) const PENDING: i64 = 0x01;

/// Deepest history of candles shorter than a day.
const INTRADAY_ROWS_MAX: usize = 10_000;
/// How long before its expiration an option is listed.
const OPTION_LIFE_DAYS: u64 = 365;

/// Candles of one symbol, newest first, and whether older ones were left out.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct History {
    /// Candles, newest first, as a snapshot sends them.
    pub(crate) candles: Vec<CandleEvent>,
    /// Whether older candles exist beyond the limit of 10,000, so that the snapshot ends with SNIP.
    pub(crate) cut_off: bool,
}

/// One candle before it has a symbol: its start, its bar, the place of its last session.
type Row = (DateTime<Utc>, DayBar, usize);

/// The candles that begin at or after `from`. The current one is unfinished. No flags are set.
/// Types of candle the venue does not keep, and symbols it does not know, have none.
pub(crate) fn history(exchange: &Exchange, symbol: &CandleSymbol, from: DateTime<Utc>, now: DateTime<Utc>) -> History {
    let base = symbol.base.split_once('&').map_or(symbol.base.as_str(), |(base, _)| base);
    let Some(source) = exchange.resolve(base) else { return History::default() };
    let count = symbol.period as u64;
    if count as f64 != symbol.period || count == 0 {
        return History::default();
    }
    let (rows, cut_off) = match symbol.kind {
        CandleType::Minute => intraday(exchange, &source, count, from, now),
        CandleType::Hour => intraday(exchange, &source, count.saturating_mul(60), from, now),
        CandleType::Day | CandleType::Week | CandleType::Month => {
            (grouped(daily(exchange, &source, now), symbol.kind, count, from), false)
        }
        _ => (Vec::new(), false),
    };
    let name: Arc<str> = symbol.canonical().into();
    let candles = rows.into_iter().rev().map(|row| candle(exchange, &source, &name, row)).collect();
    History { candles, cut_off }
}

/// The current candle alone, when there is one.
pub(crate) fn current(exchange: &Exchange, symbol: &CandleSymbol, now: DateTime<Utc>) -> Option<CandleEvent> {
    let span = match symbol.kind {
        CandleType::Minute | CandleType::Hour => TimeDelta::days(1),
        _ => TimeDelta::days(8).max(TimeDelta::days((symbol.period.min(1_000.0) * 32.0) as i64)),
    };
    history(exchange, symbol, now - span, now).candles.into_iter().next()
}

/// The event of one row; its volatility is the underlying's index, NaN without options.
fn candle(exchange: &Exchange, source: &Source, symbol: &Arc<str>, (time, bar, place): Row) -> CandleEvent {
    let instrument = exchange.instrument(source);
    let volatility = instrument.filter(|instrument| instrument.optionable);
    let open_interest = match (source, instrument) {
        (Source::Option(_, option), Some(instrument)) => exchange.open_interest(instrument, option, place) as f64,
        _ => f64::NAN,
    };
    CandleEvent {
        symbol: symbol.clone(),
        flags: 0,
        time,
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: bar.volume,
        vwap: bar.vwap().clamp(bar.low, bar.high),
        count: (bar.volume / 120.0).ceil() as i64,
        volatility: volatility.map_or(f64::NAN, |instrument| exchange.volatility_index(instrument, place)),
        open_interest,
    }
}

/// A row that stands in an empty snapshot.
pub(crate) fn empty_row(symbol: &Arc<str>, now: DateTime<Utc>) -> CandleEvent {
    let nothing = f64::NAN;
    CandleEvent {
        symbol: symbol.clone(),
        flags: BEGIN | END | REMOVE,
        time: now.date_naive().and_time(NaiveTime::MIN).and_utc(),
        open: nothing,
        high: nothing,
        low: nothing,
        close: nothing,
        volume: nothing,
        vwap: nothing,
        count: 0,
        volatility: nothing,
        open_interest: nothing,
    }
}

/// Every daily bar of a source up to now, oldest first; today's as far as it is known.
fn daily(exchange: &Exchange, source: &Source, now: DateTime<Utc>) -> Vec<(DayBar, usize)> {
    let Some(instrument) = exchange.instrument(source) else { return Vec::new() };
    let last = exchange.tape.current(now);
    let mut bars = exchange.tape.bars(instrument, 0, last);
    if let (Some(bar), Some(day)) = (bars.last_mut(), exchange.day(instrument, now)) {
        *bar = day.bar_so_far(now);
    }
    let bars = bars.into_iter().zip(0..).filter(|(bar, _)| bar.session.open_at <= now);
    match source {
        Source::Equity(_) => bars.collect(),
        Source::Option(_, option) => {
            let listed = option.expiration.checked_sub_days(Days::new(OPTION_LIFE_DAYS)).unwrap_or(NaiveDate::MIN);
            let living = bars.filter(|(bar, _)| bar.session.date >= listed);
            let valued =
                living.filter_map(|(bar, place)| Some((exchange.option_bar(instrument, option, &bar, place)?, place)));
            valued.collect()
        }
    }
}

/// Days put together to candles of `count` days, weeks or months, oldest first.
fn grouped(bars: Vec<(DayBar, usize)>, kind: CandleType, count: u64, from: DateTime<Utc>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut group = None;
    for (bar, place) in bars {
        let date = bar.session.date;
        let (number, start) = match kind {
            CandleType::Week => {
                let monday = date - Days::new(u64::from(date.weekday().num_days_from_monday()));
                ((monday - NaiveDate::default()).num_days().unsigned_abs() / 7, monday)
            }
            CandleType::Month => {
                (date.year().unsigned_abs() as u64 * 12 + u64::from(date.month0()), date.with_day(1).unwrap_or(date))
            }
            _ => (place as u64, date),
        };
        let number = Some(number / count);
        match rows.last_mut() {
            Some((_, sum, last)) if group == number => {
                join(sum, &bar);
                *last = place;
            }
            _ => rows.push((start.and_time(NaiveTime::MIN).and_utc(), bar, place)),
        }
        group = number;
    }
    rows.retain(|(time, _, _)| *time >= from);
    rows
}

/// Adds a later bar to an earlier one.
fn join(sum: &mut DayBar, bar: &DayBar) {
    sum.high = sum.high.max(bar.high);
    sum.low = sum.low.min(bar.low);
    sum.close = bar.close;
    sum.volume += bar.volume;
}

/// Candles of `span` minutes, oldest first, counted back from now, and whether older ones were left out.
fn intraday(
    exchange: &Exchange,
    source: &Source,
    span: u64,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> (Vec<Row>, bool) {
    let Some(instrument) = exchange.instrument(source) else { return (Vec::new(), false) };
    let bars = exchange.tape.bars(instrument, 0, exchange.tape.current(now));
    let mut rows: Vec<Row> = Vec::new();
    for (bar, place) in bars.into_iter().zip(0..).collect::<Vec<_>>().into_iter().rev() {
        if bar.session.close_at <= from {
            break;
        }
        if rows.len() >= INTRADAY_ROWS_MAX {
            rows.reverse();
            return (rows, true);
        }
        let day = Day::of_bar(instrument, bar, place);
        let starts = (0..day.minutes()).step_by(usize::try_from(span).unwrap_or(usize::MAX));
        for start in starts.collect::<Vec<_>>().into_iter().rev() {
            let time = bar.session.open_at + TimeDelta::minutes(start as i64);
            if time >= from && time <= now {
                let row = minutes_bar(&day, start, span, now);
                let row = match source {
                    Source::Equity(_) => Some(row),
                    Source::Option(_, option) => exchange.option_bar(instrument, option, &row, place),
                };
                rows.extend(row.map(|bar| (time, bar, place)));
            }
        }
    }
    rows.reverse();
    (rows, false)
}

/// The bar of `span` minutes from minute `start` of the session, as far as it is known at `now`.
fn minutes_bar(day: &Day, start: u64, span: u64, now: DateTime<Utc>) -> DayBar {
    let elapsed = (now - day.bar.session.open_at).num_minutes().max(0).unsigned_abs();
    let end = start.saturating_add(span).min(day.minutes());
    let known = end.min(elapsed);
    let open = day.minute_price(start);
    let prices = (start..=known).map(|minute| day.minute_price(minute));
    let (high, low) = prices.fold((open, open), |(high, low), price| (high.max(price), low.min(price)));
    let close = if end <= elapsed { day.minute_price(end) } else { day.last(now) };
    DayBar {
        open,
        high: high.max(close),
        low: low.min(close),
        close,
        volume: (start..known.max(start + 1).min(end)).map(|minute| day.minute_volume(minute)).sum(),
        ..day.bar
    }
}

/// Sets the flags of a snapshot on candles that stand newest first.
pub(crate) fn flag_snapshot(candles: &mut [CandleEvent], cut_off: bool) {
    if let Some(first) = candles.first_mut() {
        first.flags |= BEGIN;
    }
    if let Some(last) = candles.last_mut() {
        last.flags |= if cut_off { SNIP } else { END };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn fixture(now: &str) -> Exchange {
        Exchange::new(42, 30, Clock::hand_set(now.parse().unwrap()))
    }

    fn rows(exchange: &Exchange, symbol: &str, from: &str) -> Vec<CandleEvent> {
        let symbol = CandleSymbol::parse(symbol).unwrap();
        let history = history(exchange, &symbol, from.parse().unwrap(), exchange.clock.now());
        for candle in &history.candles {
            assert!(candle.low <= candle.open.min(candle.close), "{candle:?}");
            assert!(candle.high >= candle.open.max(candle.close), "{candle:?}");
            assert!(candle.volume > 0.0 && candle.low > 0.0, "{candle:?}");
        }
        assert!(history.candles.is_sorted_by(|one, other| one.time > other.time));
        history.candles
    }

    #[test]
    fn daily_candles_are_the_sessions_since_from() {
        let exchange = fixture("2026-01-05T15:00:00Z");
        let candles = rows(&exchange, "AAPL{=1d}", "2025-12-29T00:00:00Z");
        let days: Vec<String> = candles.iter().map(|candle| candle.time.format("%m-%d").to_string()).collect();
        assert_eq!(days, ["01-05", "01-02", "12-31", "12-30", "12-29"]);
        assert_eq!(&*candles[0].symbol, "AAPL{=d}");
        assert!(rows(&exchange, "AAPL{=d}", "1970-01-01T00:00:00Z").len() > 1_500);
    }

    #[test]
    fn finished_candles_do_not_depend_on_the_time() {
        let early = rows(&fixture("2026-01-05T15:00:00Z"), "AAPL{=d}", "2025-06-01T00:00:00Z");
        let late = rows(&fixture("2026-01-10T15:00:00Z"), "AAPL{=d}", "2025-06-01T00:00:00Z");
        // NaN is unlike itself: the rows are compared as text.
        let same = format!("{:?}", &early[1..]) == format!("{:?}", &late[late.len() - early.len() + 1..]);
        assert!(same && early.len() > 140);
    }

    #[test]
    fn the_current_candle_closes_at_the_last_trade() {
        let exchange = fixture("2026-01-05T15:00:00Z");
        let source = exchange.resolve("AAPL").unwrap();
        for symbol in ["AAPL{=d}", "AAPL{=5m}", "AAPL{=h}", "AAPL{=w}", "AAPL{=mo}"] {
            let candle = current(&exchange, &CandleSymbol::parse(symbol).unwrap(), exchange.clock.now()).unwrap();
            assert_eq!(Some(candle.close), exchange.last(&source, exchange.clock.now()), "{symbol}");
        }
    }

    #[test]
    fn longer_candles_are_made_of_shorter_ones() {
        let exchange = fixture("2026-01-10T15:00:00Z");
        let days = rows(&exchange, "AAPL{=d}", "2025-12-01T00:00:00Z");
        let month = &rows(&exchange, "AAPL{=mo}", "2025-12-01T00:00:00Z")[1];
        let december: Vec<_> = days.iter().filter(|candle| candle.time.month() == 12).collect();
        assert_eq!(month.open, december.last().unwrap().open);
        assert_eq!(month.close, december[0].close);
        assert_eq!(month.volume, december.iter().map(|candle| candle.volume).sum::<f64>());
        let minutes = rows(&exchange, "AAPL{=m}", "2026-01-09T00:00:00Z");
        assert_eq!(minutes.len(), 390);
        assert_eq!(minutes[0].close, days[0].close);
        assert_eq!(
            rows(&exchange, "AAPL{=w}", "2026-01-01T00:00:00Z")[0].time.to_rfc3339(),
            "2026-01-05T00:00:00+00:00"
        );
    }

    #[test]
    fn options_have_candles_while_they_are_listed() {
        let exchange = fixture("2026-01-10T15:00:00Z");
        let candles = rows(&exchange, ".SPY260116C560{=d}", "1970-01-01T00:00:00Z");
        assert!(candles.len() > 200 && candles.len() < 260);
        assert!(candles[0].open_interest >= 0.0);
        let expired = rows(&exchange, ".SPY251219C560{=d}", "1970-01-01T00:00:00Z");
        assert_eq!(expired[0].time.to_rfc3339(), "2025-12-19T00:00:00+00:00");
    }

    #[test]
    fn what_is_not_kept_has_no_candles() {
        let exchange = fixture("2026-01-10T15:00:00Z");
        for symbol in ["NOSUCH{=d}", "AAPL{=t}", "AAPL{=0.5d}", "AAPL{=1e30m}"] {
            let symbol = CandleSymbol::parse(symbol);
            let from = DateTime::<Utc>::MIN_UTC;
            let found = symbol.map(|symbol| history(&exchange, &symbol, from, exchange.clock.now()).candles.len());
            assert!(found.unwrap_or_default() <= 1_600, "{found:?}");
        }
    }

    #[test]
    fn snapshots_are_flagged_at_both_ends() {
        let exchange = fixture("2026-01-10T15:00:00Z");
        let mut candles = rows(&exchange, "AAPL{=d}", "2026-01-07T00:00:00Z");
        flag_snapshot(&mut candles, false);
        assert_eq!(candles.iter().map(|candle| candle.flags).collect::<Vec<_>>(), [0x04, 0x00, 0x08]);
        let mut one = rows(&exchange, "AAPL{=d}", "2026-01-09T00:00:00Z");
        flag_snapshot(&mut one, false);
        assert_eq!(one[0].flags, 0x0c);
    }
}
