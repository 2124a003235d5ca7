//! Figures that the venue derives from an instrument's own history: volatilities, rank, correlation, dividends,
//! earnings.

use crate::market::calendar;
use crate::simulator::exchange::Exchange;
use crate::simulator::noise::{between, bits};
use crate::simulator::price::{SESSIONS_PER_YEAR, cents, log_return, realised_volatility};
use crate::simulator::universe::Instrument;
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};

/// Volatility figures of one instrument at one moment. Ratios throughout.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Volatility {
    /// Implied volatility index of today, annualised.
    pub(crate) index: f64,
    /// Today's index minus that of five sessions before.
    pub(crate) index_5_day_change: f64,
    /// Place of the index between its lowest and highest of 252 sessions, today included, 0 to 1.
    pub(crate) rank: f64,
    /// Share of the 252 sessions on which the index was lower, 0 to 1.
    pub(crate) percentile: f64,
    /// Implied volatility 30 days ahead.
    pub(crate) ahead_30_day: f64,
    /// Realised volatility of the last 30 closes, annualised; `None` when history is shorter.
    pub(crate) realised_30_day: Option<f64>,
    pub(crate) realised_60_day: Option<f64>,
    pub(crate) realised_90_day: Option<f64>,
    /// Correlation with SPY over 63 sessions.
    pub(crate) correlation: Option<f64>,
}

/// Volatility figures at `now`; realised ones are of finished sessions.
pub(crate) fn volatility(exchange: &Exchange, instrument: &Instrument, now: DateTime<Utc>) -> Volatility {
    let place = exchange.tape.current(now);
    let index = |back: usize| exchange.volatility_index(instrument, place.saturating_sub(back));
    let year = SESSIONS_PER_YEAR as usize;
    let today = index(0);
    let (low, high) = (0..year).map(index).fold((today, today), |(low, high), value| (low.min(value), high.max(value)));
    let lower = (1..=year).filter(|back| index(*back) < today).count();
    let closes = finished_closes(exchange, instrument, now);
    let correlation = exchange.universe.find("SPY").and_then(|spy| {
        let other = finished_closes(exchange, spy, now);
        correlation(&closes, &other, 63)
    });
    Volatility {
        index: today,
        index_5_day_change: today - index(5),
        rank: if high > low { (today - low) / (high - low) } else { 0.5 },
        percentile: lower as f64 / year as f64,
        ahead_30_day: exchange.term_volatility(instrument, place, 30.0),
        realised_30_day: realised_volatility(&closes, 30),
        realised_60_day: realised_volatility(&closes, 60),
        realised_90_day: realised_volatility(&closes, 90),
        correlation,
    }
}

/// Closes of at most 252 sessions and the current one, oldest first, of those that are over at `now`.
fn finished_closes(exchange: &Exchange, instrument: &Instrument, now: DateTime<Utc>) -> Vec<f64> {
    let mut closes = Vec::new();
    let last = exchange.tape.current(now);
    exchange.tape.walk(instrument, last.saturating_sub(SESSIONS_PER_YEAR as usize), last, |bar| {
        if bar.session.close_at <= now {
            closes.push(bar.close);
        }
    });
    closes
}

/// Correlation of the log returns of the last `count` sessions, -1 to 1; `None` for a shorter history or no variance.
fn correlation(one: &[f64], other: &[f64], count: usize) -> Option<f64> {
    let returns = |closes: &[f64]| -> Option<Vec<f64>> {
        let tail = closes.get(closes.len().checked_sub(count + 1)?..)?;
        let returns: Vec<f64> = tail.windows(2).filter_map(log_return).collect();
        let mean = returns.iter().sum::<f64>() / returns.len() as f64;
        Some(returns.into_iter().map(|value| value - mean).collect())
    };
    let (one, other) = (returns(one)?, returns(other)?);
    let product = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(one, other)| one * other).sum::<f64>();
    let scale = (product(&one, &one) * product(&other, &other)).sqrt();
    (scale > 0.0).then(|| product(&one, &other) / scale)
}

/// A cash amount on a date: dividends per share, or earnings per share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Payment {
    /// Ex-date of a dividend, or last day of the fiscal quarter.
    pub(crate) date: NaiveDate,
    /// Amount in USD per share, rounded to cents.
    pub(crate) amount: f64,
}

/// Dividends by ex-date from 2020 to the end of next year, oldest first; none when it pays none.
pub(crate) fn dividends(instrument: &Instrument, now: DateTime<Utc>) -> Vec<Payment> {
    if instrument.dividend_yield <= 0.0 {
        return Vec::new();
    }
    let offset = (bits(instrument.seed, 0x3001) % 3) as u32;
    let day = 4 + (bits(instrument.seed, 0x3002) % 21) as u32;
    let quarters = quarters(now).filter_map(|(year, quarter)| {
        let date = NaiveDate::from_ymd_opt(year, quarter * 3 + 1 + offset, day)?;
        let growth = 1.0 + 0.05 * f64::from(year - 2020);
        let amount = cents(instrument.level * instrument.dividend_yield * growth / 4.0);
        Some(Payment { date: calendar::next_session(date.pred_opt()?).date, amount })
    });
    quarters.collect()
}

/// Earnings per share by fiscal quarter end, from 2020 to the end of next year, oldest first; none for funds.
pub(crate) fn earnings(instrument: &Instrument, now: DateTime<Utc>) -> Vec<Payment> {
    let Some(annual) = instrument.earnings_per_share else { return Vec::new() };
    let quarters = quarters(now).filter_map(|(year, quarter)| {
        let next = NaiveDate::from_ymd_opt(year, quarter * 3 + 1, 1)?.checked_add_months(chrono::Months::new(3))?;
        let place = (year * 4) as u64 + u64::from(quarter);
        let surprise = between(bits(instrument.seed, 0x3100 + place), 0.85, 1.2);
        let growth = 1.0 + 0.06 * f64::from(year - 2020);
        let amount = (annual / 4.0 * growth * surprise * 100.0).round() / 100.0;
        Some(Payment { date: next.pred_opt()?, amount })
    });
    quarters.collect()
}

/// When a quarter that ends on `quarter_end` is reported: three to seven weeks later, on a session.
pub(crate) fn report_date(instrument: &Instrument, quarter_end: NaiveDate) -> NaiveDate {
    let days = 20 + bits(instrument.seed, 0x3003) % 29;
    calendar::next_session(quarter_end.checked_add_days(Days::new(days)).unwrap_or(quarter_end)).date
}

/// Years from 2020 to next year with each quarter, counted from 0.
fn quarters(now: DateTime<Utc>) -> impl Iterator<Item = (i32, u32)> {
    (2020..=now.year() + 1).flat_map(|year| (0..4).map(move |quarter| (year, quarter)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn figures_are_consistent() {
        let exchange = Exchange::new(42, 30, Clock::hand_set("2026-01-05T15:00:00Z".parse().unwrap()));
        let now = exchange.clock.now();
        for instrument in exchange.universe.all() {
            let figures = volatility(&exchange, instrument, now);
            assert!((0.0..=1.0).contains(&figures.rank) && (0.0..=1.0).contains(&figures.percentile));
            assert!((0.03..2.0).contains(&figures.index), "{figures:?}");
            let realised = figures.realised_90_day.unwrap();
            assert!((0.3..3.0).contains(&(realised / instrument.volatility())), "{realised}");
            assert!((-1.0..=1.000_001).contains(&figures.correlation.unwrap()));
        }
        let spy = exchange.universe.find("SPY").unwrap();
        assert!((volatility(&exchange, spy, now).correlation.unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn corporate_events_come_every_quarter() {
        let exchange = Exchange::new(42, 30, Clock::hand_set("2026-01-05T15:00:00Z".parse().unwrap()));
        let now = exchange.clock.now();
        let spy = exchange.universe.find("SPY").unwrap();
        assert_eq!(dividends(spy, now).len(), 32);
        assert!(dividends(spy, now).is_sorted_by_key(|payment| payment.date));
        assert!(earnings(spy, now).is_empty());
        let apple = earnings(exchange.universe.find("AAPL").unwrap(), now);
        assert_eq!(apple[0].date, NaiveDate::from_ymd_opt(2020, 3, 31).unwrap());
    }
}
