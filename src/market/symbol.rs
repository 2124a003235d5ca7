//! Symbol spellings: OCC option symbols, streamer symbols, candle symbols. Pure text, nothing is looked up.

use chrono::{Datelike, NaiveDate};
use std::fmt::Write;

/// Which right an option gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The right to buy.
    Call,
    /// The right to sell.
    Put,
}

impl Side {
    /// Its letter in option symbols, `C` or `P`.
    pub fn letter(self) -> char {
        match self {
            Self::Call => 'C',
            Self::Put => 'P',
        }
    }

    /// The side of a letter, `C` or `P`.
    pub fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'C' => Some(Self::Call),
            'P' => Some(Self::Put),
            _ => None,
        }
    }
}

/// The largest strike that fits the eight digits of an OCC symbol, in thousandths.
const STRIKE_THOUSANDTHS_MAX: i64 = 99_999_999;

/// An equity option, as its symbol names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OptionSymbol {
    /// Option root without padding (`SPXW`, `BRKB`): at most six characters.
    pub root: String,
    /// Expiration date; the symbol carries years 2000 to 2099.
    pub expiration: NaiveDate,
    /// Whether it is a call or a put.
    pub side: Side,
    /// Strike price in thousandths of the currency unit.
    pub strike_thousandths: i64,
}

impl OptionSymbol {
    /// An option whose strike is given in currency units; `None` when root, date or strike do not fit a symbol.
    pub fn new(root: &str, expiration: NaiveDate, side: Side, strike: f64) -> Option<Self> {
        let thousandths = (strike * 1000.0).round();
        let fits = is_root(root) && (2000..2100).contains(&expiration.year());
        (fits && (1.0..=STRIKE_THOUSANDTHS_MAX as f64).contains(&thousandths)).then(|| Self {
            root: root.to_owned(),
            expiration,
            side,
            strike_thousandths: thousandths as i64,
        })
    }

    /// Reads the 21 characters of an OCC symbol: root padded to six, `yymmdd`, `C` or `P`, eight digits of thousandths.
    pub fn parse_occ(text: &str) -> Option<Self> {
        if text.len() != 21 || !text.is_ascii() {
            return None;
        }
        let (root, rest) = text.split_at_checked(6)?;
        let (date, rest) = rest.split_at_checked(6)?;
        let (side, strike) = rest.split_at_checked(1)?;
        let root = root.trim_end_matches(' ');
        let digits = strike.bytes().all(|byte| byte.is_ascii_digit());
        (is_root(root) && digits).then_some(())?;
        Some(Self {
            root: root.to_owned(),
            expiration: parse_date(date)?,
            side: Side::from_letter(side.chars().next()?)?,
            strike_thousandths: strike.parse().ok()?,
        })
    }

    /// Reads a streamer symbol such as `.SPXW260105P5012.5`.
    pub fn parse_streamer(text: &str) -> Option<Self> {
        let text = text.strip_prefix('.').filter(|rest| rest.is_ascii())?;
        let letter = text.rfind(['C', 'P'])?;
        let (head, tail) = text.split_at_checked(letter)?;
        let (root, date) = head.split_at_checked(head.len().checked_sub(6)?)?;
        is_root(root).then_some(())?;
        let mut tail = tail.chars();
        Some(Self {
            root: root.to_owned(),
            expiration: parse_date(date)?,
            side: Side::from_letter(tail.next()?)?,
            strike_thousandths: parse_strike(tail.as_str())?,
        })
    }

    /// The 21-character OCC symbol.
    pub fn occ(&self) -> String {
        let date = self.expiration.format("%y%m%d");
        format!("{:<6}{date}{}{:08}", self.root, self.side.letter(), self.strike_thousandths)
    }

    /// The streamer symbol: a dot, then the same without padding and without trailing zeros of the strike.
    pub fn streamer(&self) -> String {
        let mut text = format!(".{}{}{}", self.root, self.expiration.format("%y%m%d"), self.side.letter());
        let (whole, fraction) = (self.strike_thousandths / 1000, self.strike_thousandths % 1000);
        let fraction = format!("{fraction:03}");
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        // Writing to a String cannot fail.
        let _ = write!(text, "{whole}{point}{fraction}");
        text
    }

    /// Strike price in currency units.
    pub fn strike(&self) -> f64 {
        self.strike_thousandths as f64 / 1000.0
    }
}

/// Streamer spelling of an OCC symbol.
pub fn occ_to_streamer(occ: &str) -> Option<String> {
    OptionSymbol::parse_occ(occ).map(|symbol| symbol.streamer())
}

/// OCC spelling of an option's streamer symbol.
pub fn streamer_to_occ(streamer: &str) -> Option<String> {
    OptionSymbol::parse_streamer(streamer).map(|symbol| symbol.occ())
}

/// The option root of an underlying: its symbol without the class slash (`BRK/B` is `BRKB`).
pub fn option_root(underlying: &str) -> String {
    underlying.chars().filter(|letter| !matches!(letter, '/' | '.')).collect()
}

fn is_root(root: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'/');
    (1..=6).contains(&root.len()) && root.bytes().all(allowed) && !root.starts_with(['/', '.'])
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u32 = text.parse().ok()?;
    NaiveDate::from_ymd_opt(2000 + (number / 10_000) as i32, number / 100 % 100, number % 100)
}

/// A strike such as `5012.5`, with at most three decimals, in thousandths.
fn parse_strike(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 3 || !digits(whole) || !digits(fraction) || text.ends_with('.') {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<3}").parse().ok()?;
    let strike = whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(fraction)?;
    (strike <= STRIKE_THOUSANDTHS_MAX).then_some(strike)
}

/// What one candle of a candle symbol spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CandleType {
    /// A number of trades.
    Tick,
    /// A number of seconds.
    Second,
    /// A number of minutes.
    Minute,
    /// A number of hours.
    Hour,
    /// A number of trading days.
    Day,
    /// A number of weeks.
    Week,
    /// A number of months.
    Month,
    /// Months between option expirations.
    OptionExpiration,
    /// A number of years.
    Year,
    /// An amount of volume.
    Volume,
    /// A range of prices.
    Price,
    /// A momentum of the price.
    PriceMomentum,
    /// A brick of a renko chart.
    PriceRenko,
}

const CANDLE_TYPES: [(&str, CandleType); 13] = [
    ("t", CandleType::Tick),
    ("s", CandleType::Second),
    ("m", CandleType::Minute),
    ("h", CandleType::Hour),
    ("d", CandleType::Day),
    ("w", CandleType::Week),
    ("mo", CandleType::Month),
    ("o", CandleType::OptionExpiration),
    ("y", CandleType::Year),
    ("v", CandleType::Volume),
    ("p", CandleType::Price),
    ("pm", CandleType::PriceMomentum),
    ("pr", CandleType::PriceRenko),
];

impl CandleType {
    /// The code in a candle symbol (`d`, `mo`).
    pub fn code(self) -> &'static str {
        CANDLE_TYPES.iter().find(|(_, kind)| *kind == self).map_or("t", |(code, _)| code)
    }

    /// The type of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        CANDLE_TYPES.iter().find(|(text, _)| *text == code).map(|(_, kind)| *kind)
    }
}

/// A candle symbol, `BASE[&E]{=[n]type[,key=value...]}`, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct CandleSymbol {
    /// What the candles are of, exchange code included, in streamer spelling.
    pub base: String,
    /// How many units of `kind` a candle spans; positive.
    pub period: f64,
    /// The unit of `period`.
    pub kind: CandleType,
    /// Keys that differ from their default, sorted.
    pub attributes: Vec<(String, String)>,
}

/// Attribute values that mean the same as leaving the attribute out.
const CANDLE_DEFAULTS: [(&str, &str); 3] = [("price", "last"), ("tho", "false"), ("a", "m")];

impl CandleSymbol {
    /// Reads any spelling of a candle symbol; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (base, rest) = text.split_once('{')?;
        let body = rest.strip_suffix('}').filter(|body| !body.contains(['{', '}']))?;
        let mut symbol = Self { base: base.to_owned(), period: 1.0, kind: CandleType::Tick, attributes: Vec::new() };
        for (place, part) in body.split(',').enumerate() {
            let (key, value) = part.split_once('=')?;
            let (key, value) = (key.trim(), value.trim());
            if key.is_empty() {
                (place == 0).then_some(())?;
                (symbol.period, symbol.kind) = parse_period(value)?;
            } else if !CANDLE_DEFAULTS.contains(&(key, value)) {
                symbol.attributes.push((key.to_owned(), value.to_owned()));
            }
        }
        symbol.attributes.sort();
        (!base.is_empty()).then_some(symbol)
    }

    /// The one spelling a venue echoes: period 1 and defaults left out, keys sorted.
    pub fn canonical(&self) -> String {
        let mut text = format!("{}{{=", self.base);
        if self.period != 1.0 {
            text.push_str(&self.period.to_string());
        }
        text.push_str(self.kind.code());
        for (key, value) in &self.attributes {
            // Writing to a String cannot fail.
            let _ = write!(text, ",{key}={value}");
        }
        text.push('}');
        text
    }

    /// Whether only regular trading hours count.
    pub fn regular_hours(&self) -> bool {
        self.attributes.iter().any(|(key, value)| key == "tho" && value == "true")
    }
}

/// A period such as `5m`, `d` or `15`: the number is 1 and the type is ticks where it is left out.
fn parse_period(text: &str) -> Option<(f64, CandleType)> {
    let letters = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, code) = text.split_at_checked(letters)?;
    let period = if number.is_empty() { 1.0 } else { number.parse::<f64>().ok()? };
    let kind = if code.is_empty() { CandleType::Tick } else { CandleType::from_code(code)? };
    (period.is_finite() && period > 0.0 && !text.is_empty()).then_some((period, kind))
}

/// The canonical spelling of a candle symbol (`AAPL{=1d}` is `AAPL{=d}`); `None` when it is not a candle symbol.
pub fn canonical_candle(text: &str) -> Option<String> {
    CandleSymbol::parse(text).map(|symbol| symbol.canonical())
}

/// What a candle symbol is of: the part before the brace. Text without a brace is its own base.
pub fn candle_base(text: &str) -> &str {
    text.split_once('{').map_or(text, |(base, _)| base)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_option(occ: &str, strike: f64, streamer: &str) {
        let symbol = OptionSymbol::parse_occ(occ).unwrap();
        assert_eq!(symbol.strike(), strike);
        assert_eq!(symbol.streamer(), streamer);
        assert_eq!(symbol.occ(), occ);
        assert_eq!(OptionSymbol::parse_streamer(streamer).unwrap(), symbol);
    }

    #[test]
    fn options_are_spelled_both_ways() {
        check_option("SPY   260117C00500000", 500.0, ".SPY260117C500");
        check_option("SPXW  260105P05012500", 5012.5, ".SPXW260105P5012.5");
        check_option("F     261218C00012350", 12.35, ".F261218C12.35");
        check_option("BRKB  260116P00430000", 430.0, ".BRKB260116P430");
        check_option("XYZ   260116C00000500", 0.5, ".XYZ260116C0.5");
        check_option("CPC1  260116P00100000", 100.0, ".CPC1260116P100");
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for text in [
            "",
            "AAPL",
            "SPY   261317C00500000",
            "SPY   260117X00500000",
            "SPY   260117C005000é0",
            "      260117C00500000",
            "SPY   2601 7C00500000",
            "SPY   260117C+0500000",
        ] {
            assert_eq!(OptionSymbol::parse_occ(text), None, "{text}");
        }
        for text in [
            "",
            ".",
            "SPY",
            ".SPY",
            ".260117C500",
            ".SPY260117C",
            ".SPY260117C5.",
            ".SPY260117C1.2345",
            "./EW4N26C6500:XCME",
            ".SPY260117C99999999999999999999",
            ".é260117C5",
        ] {
            assert_eq!(OptionSymbol::parse_streamer(text), None, "{text}");
        }
    }

    #[test]
    fn an_option_is_made_from_its_parts() {
        let date = NaiveDate::from_ymd_opt(2026, 1, 16).unwrap();
        assert_eq!(OptionSymbol::new("F", date, Side::Put, 12.35).unwrap().streamer(), ".F260116P12.35");
        assert_eq!(OptionSymbol::new("TOOLONG", date, Side::Put, 12.35), None);
        assert_eq!(OptionSymbol::new("F", date, Side::Put, f64::NAN), None);
    }

    #[test]
    fn an_option_root_has_no_slash() {
        assert_eq!(option_root("BRK/B"), "BRKB");
        assert_eq!(option_root("SPY"), "SPY");
    }

    #[track_caller]
    fn check_candle(subscribed: &str, echoed: &str) {
        assert_eq!(canonical_candle(subscribed).as_deref(), Some(echoed));
        assert_eq!(canonical_candle(echoed).as_deref(), Some(echoed));
    }

    #[test]
    fn candles_have_one_canonical_spelling() {
        check_candle("AAPL{=1d}", "AAPL{=d}");
        check_candle("AAPL{=1d,tho=true}", "AAPL{=d,tho=true}");
        check_candle("AAPL{=1m}", "AAPL{=m}");
        check_candle("AAPL{=1h}", "AAPL{=h}");
        check_candle("AAPL{=5m}", "AAPL{=5m}");
        check_candle("AAPL{=d,tho=false,price=last}", "AAPL{=d}");
        check_candle("AAPL{=1d,tho=true,a=s}", "AAPL{=d,a=s,tho=true}");
        check_candle(".SPY260116C500{=5m}", ".SPY260116C500{=5m}");
        check_candle("/ESZ26:XCME{=1d}", "/ESZ26:XCME{=d}");
        check_candle("AAPL&Q{=1mo}", "AAPL&Q{=mo}");
        check_candle("AAPL{tho=true}", "AAPL{=t,tho=true}");
    }

    #[test]
    fn what_is_no_candle_is_refused() {
        for text in [
            "AAPL",
            "AAPL{}",
            "AAPL{=d",
            "{=d}",
            "AAPL{=0d}",
            "AAPL{=-1d}",
            "AAPL{=dd}",
            "AAPL{=}",
            "AAPL{=NaNd}",
            "AAPL{=d,=m}",
            "AAPL{=d}{=d}",
        ] {
            assert_eq!(canonical_candle(text), None, "{text}");
        }
    }

    #[test]
    fn a_candle_symbol_is_taken_apart() {
        let symbol = CandleSymbol::parse("AAPL{=15m,tho=true}").unwrap();
        assert_eq!((symbol.base.as_str(), symbol.period, symbol.kind), ("AAPL", 15.0, CandleType::Minute));
        assert!(symbol.regular_hours());
        assert_eq!(candle_base("AAPL{=d}"), "AAPL");
    }
}
