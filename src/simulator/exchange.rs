//! The exchange behind the venue: what is listed, the day each instrument is in, and the price of a symbol at a moment.
//!
//! REST and dxLink both answer from here, so that what they say agrees.

use crate::clock::Clock;
use crate::market::calendar;
use crate::market::option_model::european;
use crate::market::option_model::inputs::{DAYS_PER_YEAR, Inputs, Sensitivities};
use crate::market::symbol::OptionSymbol;
use crate::simulator::further;
use crate::simulator::index;
use crate::simulator::noise::{bits, normal, uniform, wave};
use crate::simulator::price::{Day, DayBar, Tape};
use crate::simulator::universe::{Instrument, Universe};
use arc_swap::ArcSwapOption;
use chrono::{DateTime, NaiveDate, Utc};
use std::sync::Arc;

/// Risk-free rate of every option price and of the margin configuration, ratio per year.
pub(crate) const RISK_FREE_RATE: f64 = 0.0412;

/// What a streamer symbol stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// A stock or fund, by its place in the universe.
    Equity(usize),
    /// An option on the stock or fund at that place.
    Option(usize, OptionSymbol),
}

/// Everything the venue knows. Shared by all connections; nothing in it is locked while prices are computed.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The time the venue lives in; tests set it.
    pub(crate) clock: Clock,
    /// Every listed stock and fund.
    pub(crate) universe: Universe,
    /// The sessions and the common factor of each.
    pub(crate) tape: Tape,
    /// Seed of every figure that belongs to no single instrument.
    pub(crate) seed: u64,
    /// The day each instrument is in, computed when it is first asked for.
    days: Vec<ArcSwapOption<Day>>,
}

impl Exchange {
    /// A venue with `symbols` instruments (0: the built-in lists); no day is computed yet.
    pub(crate) fn new(seed: u64, symbols: usize, clock: Clock) -> Self {
        let universe = Universe::new(seed, symbols);
        let days = universe.all().iter().map(|_| ArcSwapOption::empty()).collect();
        Self { clock, universe, tape: Tape::new(seed), seed, days }
    }

    /// What a streamer symbol stands for, or `None` when the venue does not know it.
    pub(crate) fn resolve(&self, symbol: &str) -> Option<Source> {
        if symbol.starts_with('.') {
            let option = OptionSymbol::parse_streamer(symbol)?;
            let underlying = match index::of_root(&option.root) {
                Some(index) => self.universe.find(index.proxy),
                None => self.universe.find_root(&option.root),
            };
            return Some(Source::Option(underlying?.place, option));
        }
        let of_index = || index::find(symbol).map(|index| index.proxy);
        let symbol = further::proxy(symbol).or_else(of_index).unwrap_or(symbol);
        self.universe.find(symbol).map(|instrument| Source::Equity(instrument.place))
    }

    /// The instrument a source is about: the underlying of an option.
    pub(crate) fn instrument(&self, source: &Source) -> Option<&Instrument> {
        let (Source::Equity(place) | Source::Option(place, _)) = source;
        self.universe.all().get(*place)
    }

    /// The day an instrument is in at `now`.
    pub(crate) fn day(&self, instrument: &Instrument, now: DateTime<Utc>) -> Option<Arc<Day>> {
        let slot = self.days.get(instrument.place)?;
        if let Some(day) = slot.load_full().filter(|day| day.covers(now)) {
            return Some(day);
        }
        let day = Arc::new(Day::new(instrument, &self.tape, self.tape.current(now))?);
        slot.store(Some(day.clone()));
        Some(day)
    }

    /// Price of the last trade of a source at `now`.
    pub(crate) fn last(&self, source: &Source, now: DateTime<Utc>) -> Option<f64> {
        let instrument = self.instrument(source)?;
        let day = self.day(instrument, now)?;
        match source {
            Source::Equity(_) => Some(day.last(now)),
            Source::Option(_, option) => {
                let value = self.value(instrument, option, day.last(now), day.place, now)?;
                Some(to_tick(value.price.max(option_tick(value.price)), option_tick(value.price)))
            }
        }
    }

    /// The implied volatility index of an instrument in one session, annualised ratio.
    pub(crate) fn volatility_index(&self, instrument: &Instrument, place: usize) -> f64 {
        let at = place as f64;
        let slow = wave(instrument.seed ^ 0x61, at / 45.0) * 0.6 + wave(self.seed ^ 0x62, at / 60.0) * 0.6;
        let quick =
            wave(instrument.seed ^ 0x63, at / 6.0) * 0.25 + normal(bits(instrument.seed ^ 0x64, place as u64)) * 0.04;
        instrument.volatility() * 1.08 * libm::exp(0.4 * (slow + quick))
    }

    /// Volatility of the money `days` ahead, annualised ratio: far terms lie nearer to the long-run mean.
    pub(crate) fn term_volatility(&self, instrument: &Instrument, place: usize, days: f64) -> f64 {
        let now = self.volatility_index(instrument, place);
        let mean = instrument.volatility() * 1.08;
        mean + (now - mean) * libm::exp(-(days - 30.0) / DAYS_PER_YEAR * 1.8).min(1.15)
    }

    /// Implied volatility of one option, annualised ratio: the term's, bent by how far the strike is from the money.
    pub(crate) fn volatility(
        &self,
        instrument: &Instrument,
        option: &OptionSymbol,
        underlying: f64,
        place: usize,
        now: DateTime<Utc>,
    ) -> f64 {
        let years = years_left(option.expiration, now).max(1.0 / DAYS_PER_YEAR);
        let term = self.term_volatility(instrument, place, years * DAYS_PER_YEAR);
        let distance = (libm::log(option.strike() / underlying) / (term * years.sqrt())).clamp(-4.0, 4.0);
        (term * (1.0 - 0.055 * distance + 0.014 * distance * distance)).clamp(0.03, 3.0)
    }

    /// Model price and sensitivities of an option; `None` where the model has none.
    pub(crate) fn value(
        &self,
        instrument: &Instrument,
        option: &OptionSymbol,
        underlying: f64,
        place: usize,
        now: DateTime<Utc>,
    ) -> Option<Sensitivities> {
        let inputs = Inputs {
            underlying,
            strike: option.strike(),
            years: years_left(option.expiration, now),
            rate: RISK_FREE_RATE,
            dividend_yield: instrument.dividend_yield,
            volatility: self.volatility(instrument, option, underlying, place, now),
        };
        european::sensitivities(option.side, &inputs)
    }

    /// The bar of an option that follows from the bar of its underlying; `None` once it has expired.
    pub(crate) fn option_bar(
        &self,
        instrument: &Instrument,
        option: &OptionSymbol,
        bar: &DayBar,
        place: usize,
    ) -> Option<DayBar> {
        if bar.session.date > option.expiration {
            return None;
        }
        let price = |underlying: f64, at: DateTime<Utc>| {
            let price = self.value(instrument, option, underlying, place, at)?.price;
            Some(to_tick(price, 0.01).max(0.01))
        };
        let open = price(bar.open, bar.session.open_at)?;
        let close = price(bar.close, bar.session.close_at)?;
        let middle = bar.session.open_at + (bar.session.close_at - bar.session.open_at) / 2;
        let (one, other) = (price(bar.high, middle)?, price(bar.low, middle)?);
        Some(DayBar {
            session: bar.session,
            open,
            high: one.max(other).max(open).max(close),
            low: one.min(other).min(open).min(close),
            close,
            volume: self.option_volume(instrument, option, place),
        })
    }

    /// Contracts that are open in one session.
    pub(crate) fn open_interest(&self, instrument: &Instrument, option: &OptionSymbol, place: usize) -> i64 {
        let strike =
            bits(instrument.seed ^ 0x71, option.strike_thousandths.unsigned_abs() ^ u64::from(option.side.letter()));
        (instrument.daily_volume / 5_000.0 * uniform(strike)) as i64 + (strike % 97) as i64 + place as i64 % 13
    }

    /// Contracts of an option that one session trades.
    pub(crate) fn option_volume(&self, instrument: &Instrument, option: &OptionSymbol, place: usize) -> f64 {
        (self.open_interest(instrument, option, place) as f64 * 0.2).floor() + 1.0
    }
}

/// Years from `now` to the close of the expiration date's session, 0 once it is past.
pub(crate) fn years_left(expiration: NaiveDate, now: DateTime<Utc>) -> f64 {
    let end = expiration_instant(expiration);
    ((end - now).num_seconds() as f64 / (DAYS_PER_YEAR * 86_400.0)).max(0.0)
}

/// When an option stops trading: the close of its last session.
pub(crate) fn expiration_instant(expiration: NaiveDate) -> DateTime<Utc> {
    let session = calendar::session(expiration);
    session.map_or_else(|| calendar::eastern_instant(expiration, 16, 0), |session| session.close_at)
}

/// Price step of an option: five cents from three dollars on.
pub(crate) fn option_tick(price: f64) -> f64 {
    if price < 3.0 { 0.01 } else { 0.05 }
}

/// The nearest price a tick allows.
pub(crate) fn to_tick(price: f64, tick: f64) -> f64 {
    // Rounded to cents again, so that 0.15000000000000002 is written as 0.15.
    ((price / tick).round() * tick * 100.0).round() / 100.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fixture(now: &str) -> Exchange {
        Exchange::new(42, 30, Clock::hand_set(now.parse().unwrap()))
    }

    #[test]
    fn unknown_symbols_stand_for_nothing() {
        let exchange = fixture("2026-01-05T15:00:00Z");
        for symbol in ["", "NOSUCH", ".NOSUCH260116C5", ".", "./EW4N26C6500:XCME", "/CLZ26:XNYM"] {
            assert_eq!(exchange.resolve(symbol), None, "{symbol}");
        }
    }

    #[test]
    fn options_of_an_index_have_the_prices_of_its_fund() {
        let exchange = fixture("2026-01-05T15:00:00Z");
        let fund = exchange.universe.find("SPY").unwrap().place;
        assert_eq!(exchange.resolve("SPX"), Some(Source::Equity(fund)));
        for symbol in [".SPX260116C520", ".SPXW260116C520"] {
            let source = exchange.resolve(symbol).unwrap();
            assert!(matches!(&source, Source::Option(place, _) if *place == fund), "{symbol}");
            assert!(exchange.last(&source, exchange.clock.now()).is_some(), "{symbol}");
        }
    }
}
