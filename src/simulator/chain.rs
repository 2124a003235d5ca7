//! Option chains of the venue: expirations are listed by rule, and strikes around the last close.

use crate::market::expiration::{self, ExpirationKind};
use crate::market::symbol::{OptionSymbol, Side};
use crate::market::{calendar, option_model::inputs::DAYS_PER_YEAR};
use crate::simulator::exchange::Exchange;
use crate::simulator::index;
use crate::simulator::universe::Instrument;
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use std::collections::BTreeSet;

/// Weeks of Friday expirations ahead.
const WEEKLIES: u64 = 5;
/// Months of monthly expirations ahead.
const MONTHLIES: u32 = 12;
/// Years whose January is listed ahead.
const LEAPS: i32 = 2;
/// Days of daily expirations ahead, where there are any.
const DAILIES: u64 = 14;
/// Month ends listed ahead for funds.
const MONTH_ENDS: u32 = 6;

/// One listed expiration of an underlying.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expiration {
    /// Last trading day of the options, in Eastern time.
    pub(crate) date: NaiveDate,
    pub(crate) kind: ExpirationKind,
    /// Strike prices in USD, rising, the same for calls and puts.
    pub(crate) strikes: Vec<f64>,
}

/// The options of an underlying that have a root and a settlement in common.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chain {
    pub(crate) underlying: String,
    /// Root of the options' symbols.
    pub(crate) root: String,
    /// `AM` where the opening of the last session settles them, `PM` where its close does.
    pub(crate) settlement: &'static str,
    /// `American` or `European`, by when they may be exercised.
    pub(crate) style: &'static str,
    pub(crate) expirations: Vec<Expiration>,
}

/// The chains of an underlying at `now`, with the instrument that prices them: one of a stock or fund, none where it has no
/// options, two of an index. `None` for what the venue does not know.
pub(crate) fn chains<'a>(
    exchange: &'a Exchange,
    underlying: &str,
    now: DateTime<Utc>,
) -> Option<(&'a Instrument, Vec<Chain>)> {
    let Some(index) = index::find(underlying) else {
        let instrument = exchange.universe.find(underlying)?;
        let (settlement, style, root) = ("PM", "American", instrument.option_root());
        let expirations = expirations(exchange, instrument, now);
        let chain = Chain { underlying: underlying.to_owned(), root, settlement, style, expirations };
        return Some((instrument, if chain.expirations.is_empty() { Vec::new() } else { vec![chain] }));
    };
    let instrument = exchange.universe.find(index.proxy)?;
    let all = expirations(exchange, instrument, now);
    let is_monthly = |expiration: &Expiration| expiration.kind == ExpirationKind::Regular;
    let monthly = all.iter().filter(|expiration| is_monthly(expiration)).cloned().collect();
    // On the date of a monthly expiration there is a weekly one beside it.
    let kind = |kind| if kind == ExpirationKind::Regular { ExpirationKind::Weekly } else { kind };
    let others = all.into_iter().map(|expiration| Expiration { kind: kind(expiration.kind), ..expiration }).collect();
    let chain = |root: &str, settlement, expirations| Chain {
        underlying: underlying.to_owned(),
        root: root.to_owned(),
        settlement,
        style: "European",
        expirations,
    };
    Some((instrument, vec![chain(index.symbol, "AM", monthly), chain(index.evening_root, "PM", others)]))
}

/// The expirations listed for an instrument at `now`, soonest first; none when it has no options.
pub(crate) fn expirations(exchange: &Exchange, instrument: &Instrument, now: DateTime<Utc>) -> Vec<Expiration> {
    let Some(day) = exchange.day(instrument, now).filter(|_| instrument.optionable) else { return Vec::new() };
    let today = calendar::eastern_date(now);
    // The close before the session that is open or was last: it stands still all day.
    let anchor = day.previous.close;
    let listed = dates(instrument, today).into_iter().map(|(date, kind)| {
        let years = expiration::days_left(today, date).max(1) as f64 / DAYS_PER_YEAR;
        let reach = (2.5 * instrument.volatility() * years.sqrt()).clamp(0.06, 0.7);
        Expiration { date, kind, strikes: strikes(anchor, reach, kind == ExpirationKind::Regular) }
    });
    listed.collect()
}

/// Expiration dates from today on with their kinds: Fridays, monthlies, two Januaries, and for some funds every session
/// and the ends of months.
fn dates(instrument: &Instrument, today: NaiveDate) -> Vec<(NaiveDate, ExpirationKind)> {
    let ahead = |days: u64| today.checked_add_days(Days::new(days)).unwrap_or(today);
    let mut dates: BTreeSet<NaiveDate> = expiration::fridays(today, ahead(7 * WEEKLIES)).into_iter().collect();
    let months = (0..=MONTHLIES).map(|month| month_after(today, month));
    dates.extend(months.filter_map(|(year, month)| expiration::monthly(year, month)));
    dates.extend((1..=LEAPS).filter_map(|year| expiration::monthly(today.year() + year, 1)));
    if instrument.daily_expirations {
        dates.extend(calendar::sessions(today, ahead(DAILIES)).into_iter().map(|session| session.date));
    }
    if instrument.etf {
        let months = (0..MONTH_ENDS).map(|month| month_after(today, month));
        let ends = months.filter_map(|(year, month)| calendar::last_session_of_month(year, month));
        dates.extend(ends.map(|session| session.date));
    }
    let kind = |date| match expiration::kind(date) {
        Some(ExpirationKind::Quarterly | ExpirationKind::EndOfMonth) if !instrument.etf => ExpirationKind::Weekly,
        kind => kind.unwrap_or(ExpirationKind::Weekly),
    };
    dates.into_iter().filter(|date| *date >= today).map(|date| (date, kind(date))).collect()
}

/// Year and month (from 1) so many months after the month of `today`.
fn month_after(today: NaiveDate, months: u32) -> (i32, u32) {
    let month = today.month0() + months;
    (today.year() + (month / 12) as i32, month % 12 + 1)
}

/// Strikes within `reach` (a ratio) of the price, in steps people are used to; monthlies have coarser wings.
fn strikes(price: f64, reach: f64, monthly: bool) -> Vec<f64> {
    let fine = match price {
        price if price < 25.0 => 0.5,
        price if price < 100.0 => 1.0,
        price if price < 250.0 => 2.5,
        price if price < 1_000.0 => 5.0,
        _ => 25.0,
    };
    let step = if reach > 0.3 && monthly { fine * 2.0 } else { fine };
    let first = ((price * (1.0 - reach)) / step).floor().max(1.0) as i64;
    let last = ((price * (1.0 + reach)) / step).ceil() as i64;
    // At least five strikes on each side, at most 60 in all.
    let middle = (price / step).round() as i64;
    let (first, last) = (first.min(middle - 5).max(middle - 30).max(1), last.max(middle + 5).min(middle + 30));
    (first..=last).map(|number| number as f64 * step).collect()
}

/// Every option of a chain: by date, then strike, call before put.
pub(crate) fn options(chain: &Chain) -> impl Iterator<Item = (OptionSymbol, &Expiration)> {
    chain.expirations.iter().flat_map(move |expiration| {
        expiration.strikes.iter().flat_map(move |strike| {
            let option = |side| OptionSymbol::new(&chain.root, expiration.date, side, *strike);
            [option(Side::Call), option(Side::Put)].into_iter().flatten().map(move |option| (option, expiration))
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn chains_hold_weeklies_monthlies_and_leaps() {
        let exchange = Exchange::new(42, 30, Clock::hand_set("2026-01-05T15:00:00Z".parse().unwrap()));
        let listed =
            |symbol: &str| expirations(&exchange, exchange.universe.find(symbol).unwrap(), exchange.clock.now());
        let apple = listed("AAPL");
        let count = |kind| apple.iter().filter(|expiration| expiration.kind == kind).count();
        assert!(count(ExpirationKind::Weekly) >= 4 && count(ExpirationKind::Regular) >= 13);
        assert_eq!(count(ExpirationKind::Quarterly), 0);
        assert!(apple.iter().all(|expiration| calendar::session(expiration.date).is_some()));
        assert!(apple.iter().all(|expiration| expiration.strikes.len() >= 6 && expiration.strikes.len() <= 61));
        assert_eq!(apple.last().unwrap().date, NaiveDate::from_ymd_opt(2028, 1, 21).unwrap());
        let spy = listed("SPY");
        assert_eq!(spy[0].date, NaiveDate::from_ymd_opt(2026, 1, 5).unwrap());
        assert!(spy.iter().any(|expiration| expiration.kind == ExpirationKind::Quarterly));
        assert!(spy.len() > apple.len());
        let (_, chains) = chains(&exchange, "SPY", exchange.clock.now()).unwrap();
        let options: Vec<_> = options(&chains[0]).collect();
        assert!(options.len() > 500 && options.len() < 4_000, "{}", options.len());
    }

    #[test]
    fn an_index_has_two_roots_on_the_date_of_a_monthly_expiration() {
        let exchange = Exchange::new(42, 30, Clock::hand_set("2026-01-05T15:00:00Z".parse().unwrap()));
        let (instrument, chains) = chains(&exchange, "SPX", exchange.clock.now()).unwrap();
        assert_eq!(&*instrument.symbol, "SPY");
        let told: Vec<_> = chains.iter().map(|chain| (chain.root.as_str(), chain.settlement)).collect();
        assert_eq!(told, [("SPX", "AM"), ("SPXW", "PM")]);
        let dates = |chain: &Chain| chain.expirations.iter().map(|expiration| expiration.date).collect::<Vec<_>>();
        let (monthly, all) = (dates(&chains[0]), dates(&chains[1]));
        assert!(monthly.len() >= 13 && all.len() > monthly.len() && monthly.iter().all(|date| all.contains(date)));
        let symbols: BTreeSet<String> = chains.iter().flat_map(options).map(|(option, _)| option.occ()).collect();
        assert_eq!(symbols.len(), chains.iter().flat_map(options).count(), "each symbol is there once");
    }

    #[test]
    fn strikes_surround_the_price() {
        for price in [0.3, 7.0, 80.0, 240.0, 999.0, 8_000.0] {
            let strikes = strikes(price, 0.2, true);
            assert!(strikes[0] > 0.0 && *strikes.last().unwrap() > price, "{price} {strikes:?}");
        }
    }
}
