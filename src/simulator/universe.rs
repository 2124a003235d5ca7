//! Instruments of the venue: the members of the built-in lists, then synthetic stocks up to the number asked for.

use crate::market::{list, symbol};
use crate::simulator::noise::{between, bits, text_seed};
use std::collections::HashMap;
use std::sync::Arc;

/// The lists in the order they fill a small universe.
const LISTS: [&str; 4] = ["etf", "dow30", "nasdaq100", "sp500"];

/// Funds whose options expire every day.
const DAILY_EXPIRATIONS: [&str; 3] = ["SPY", "QQQ", "IWM"];

/// Levels people would notice: (symbol, price at the beginning of history).
const KNOWN_LEVELS: [(&str, f64); 4] = [("SPY", 520.0), ("QQQ", 440.0), ("IWM", 200.0), ("DIA", 390.0)];

/// Synthetic symbols are `X` and this many letters.
const SYNTHETIC_LETTERS: u32 = 4;

/// One listed stock or fund, and the constants its prices are drawn with.
#[derive(Debug)]
pub(crate) struct Instrument {
    /// Place in the universe.
    pub(crate) place: usize,
    /// tastytrade and streamer spelling, the same for equities.
    pub(crate) symbol: Arc<str>,
    /// Name of the company or fund, as instruments and profiles give it.
    pub(crate) name: String,
    /// Sector of the built-in list; synthetic stocks take one of six.
    pub(crate) sector: String,
    /// Whether it is a fund.
    pub(crate) etf: bool,
    /// MIC of the listing market.
    pub(crate) market: &'static str,
    /// Seed of everything random about it.
    pub(crate) seed: u64,
    /// Price at the beginning of history.
    pub(crate) level: f64,
    /// Annualised volatility of its own moves, ratio.
    pub(crate) own_volatility: f64,
    /// Share of the common factor.
    pub(crate) beta: f64,
    /// Shares outstanding, a whole number.
    pub(crate) shares: f64,
    /// Typical daily volume, shares.
    pub(crate) daily_volume: f64,
    /// Dividend per year, ratio of the price; 0 for none.
    pub(crate) dividend_yield: f64,
    /// Earnings per share and year; `None` for funds.
    pub(crate) earnings_per_share: Option<f64>,
    /// Whether options are listed on it: every member of the lists, and about a third of the synthetic stocks.
    pub(crate) optionable: bool,
    /// Whether its options expire every session.
    pub(crate) daily_expirations: bool,
}

/// Annualised volatility of the common factor, ratio.
pub(crate) const MARKET_VOLATILITY: f64 = 0.15;

impl Instrument {
    /// Draws the constants of an instrument from the seed and its symbol; `listed` says that a built-in list has it.
    fn new(seed: u64, symbol: &str, name: &str, sector: &str, etf: bool, listed: bool) -> Self {
        let seed = text_seed(seed, symbol);
        let draw = |place: u64, low: f64, high: f64| between(bits(seed, 0x1000 + place), low, high);
        let known = KNOWN_LEVELS.iter().find(|(known, _)| *known == symbol).map(|(_, level)| *level);
        let level = known.unwrap_or_else(|| libm::exp(draw(0, libm::log(18.0), libm::log(420.0))).round());
        let large = if listed { 1.0 } else { 0.05 };
        let pays = draw(5, 0.0, 1.0) < 0.65;
        Self {
            place: 0,
            symbol: symbol.into(),
            name: name.to_owned(),
            sector: sector.to_owned(),
            etf,
            market: match (etf, bits(seed, 0x2000) % 5) {
                (true, _) => "ARCX",
                (false, 0 | 1) => "XNAS",
                (false, 2) if !listed => "BATS",
                (false, _) => "XNYS",
            },
            seed,
            level,
            own_volatility: if etf { 0.03 } else { draw(1, 0.14, 0.42) },
            beta: if etf { draw(2, 0.95, 1.15) } else { draw(2, 0.5, 1.6) },
            shares: (large * libm::exp(draw(3, libm::log(2e8), libm::log(8e9)))).round(),
            daily_volume: large * libm::exp(draw(4, libm::log(1.5e6), libm::log(4e7))) * if etf { 2.0 } else { 1.0 },
            dividend_yield: if etf || pays { draw(6, 0.004, 0.035) } else { 0.0 },
            earnings_per_share: (!etf).then(|| (level / draw(7, 11.0, 42.0) * 100.0).round() / 100.0),
            optionable: listed || bits(seed, 0x2001).is_multiple_of(3),
            daily_expirations: DAILY_EXPIRATIONS.contains(&symbol),
        }
    }

    /// Annualised volatility of all its moves, ratio.
    pub(crate) fn volatility(&self) -> f64 {
        libm::hypot(self.own_volatility, self.beta * MARKET_VOLATILITY)
    }

    /// Root of its option symbols.
    pub(crate) fn option_root(&self) -> String {
        symbol::option_root(&self.symbol)
    }
}

/// Everything listed, sorted by symbol.
#[derive(Debug)]
pub(crate) struct Universe {
    /// Instruments sorted by symbol.
    instruments: Vec<Instrument>,
    /// Place of each symbol.
    places: HashMap<Arc<str>, usize>,
    /// Place of each option root; `BRK/B` has the root `BRKB`.
    roots: HashMap<String, usize>,
}

impl Universe {
    /// The members of the lists and synthetic stocks on top of them, `symbols` in all; 0 is the lists alone.
    pub(crate) fn new(seed: u64, symbols: usize) -> Self {
        let mut instruments: Vec<Instrument> = Vec::new();
        let mut places = HashMap::new();
        for list in LISTS {
            for member in list::members(list).unwrap_or_default() {
                if (symbols == 0 || instruments.len() < symbols) && !places.contains_key(member.symbol.as_str()) {
                    let etf = list == "etf";
                    let instrument = Instrument::new(seed, &member.symbol, &member.name, &member.sector, etf, true);
                    places.insert(instrument.symbol.clone(), instruments.len());
                    instruments.push(instrument);
                }
            }
        }
        let sectors = ["Technology", "Health Care", "Financials", "Industrials", "Energy", "Consumer Staples"];
        let mut number = 0;
        while instruments.len() < symbols && number < 26_u32.pow(SYNTHETIC_LETTERS) {
            let symbol = synthetic_symbol(number);
            let sector = sectors[number as usize % sectors.len()];
            if !places.contains_key(symbol.as_str()) {
                let name = format!("Synthetic {} {}", sector, number + 1);
                let instrument = Instrument::new(seed, &symbol, &name, sector, false, false);
                places.insert(instrument.symbol.clone(), instruments.len());
                instruments.push(instrument);
            }
            number += 1;
        }
        instruments.sort_by(|one, other| one.symbol.cmp(&other.symbol));
        for (place, instrument) in instruments.iter_mut().enumerate() {
            instrument.place = place;
        }
        let places = instruments.iter().map(|instrument| (instrument.symbol.clone(), instrument.place)).collect();
        let optionable = instruments.iter().filter(|instrument| instrument.optionable);
        let roots = optionable.map(|instrument| (instrument.option_root(), instrument.place)).collect();
        Self { instruments, places, roots }
    }

    /// Everything, sorted by symbol.
    pub(crate) fn all(&self) -> &[Instrument] {
        &self.instruments
    }

    /// The stock or fund of a symbol.
    pub(crate) fn find(&self, symbol: &str) -> Option<&Instrument> {
        self.places.get(symbol).and_then(|place| self.instruments.get(*place))
    }

    /// The underlying of an option root.
    pub(crate) fn find_root(&self, root: &str) -> Option<&Instrument> {
        self.roots.get(root).and_then(|place| self.instruments.get(*place))
    }
}

/// `X` and four letters, counting in base 26 from `XAAAA`.
fn synthetic_symbol(number: u32) -> String {
    let letter = |place: u32| char::from(b'A' + (number / 26_u32.pow(place) % 26) as u8);
    std::iter::once('X').chain((0..SYNTHETIC_LETTERS).rev().map(letter)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_first_and_synthetic_stocks_fill_up() {
        let lists = Universe::new(1, 0);
        assert!(lists.find("SPY").unwrap().etf && lists.find("BRK/B").is_some());
        let small = Universe::new(1, 20);
        assert_eq!(small.all().len(), 20);
        assert!(small.find("SPY").is_some());
        let large = Universe::new(1, 2_000);
        assert_eq!(large.all().len(), 2_000);
        assert_eq!(large.find("AAPL").unwrap().level, lists.find("AAPL").unwrap().level);
        assert!(large.all().is_sorted_by(|one, other| one.symbol < other.symbol));
    }

    #[test]
    fn option_roots_lead_to_their_underlying() {
        assert_eq!(&*Universe::new(1, 0).find_root("BRKB").unwrap().symbol, "BRK/B");
    }

    #[test]
    fn another_seed_is_another_market() {
        assert_ne!(Universe::new(1, 0).find("AAPL").unwrap().beta, Universe::new(2, 0).find("AAPL").unwrap().beta);
    }
}
