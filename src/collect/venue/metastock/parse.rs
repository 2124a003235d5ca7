//! One MetaStock text file: bytes to daily rows per symbol. Pure; knows nothing of folders or the lake.

use super::date;
use super::detect::{self, Column, Layout};
use super::line::{self, LineError, Lines, Period};
use super::options::Options;
use super::series::{Day, Series};
use std::collections::HashMap;

/// What one file holds.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) series: Vec<Series>,
    /// Rows that said the same as another one.
    pub(super) duplicates: u64,
    /// Rows that contradicted another one of the same symbol and date; the last one counts.
    pub(super) conflicts: u64,
    /// Rows of another period than the day.
    pub(super) skipped: u64,
    /// One sentence per kind of oddity.
    pub(super) warnings: Vec<String>,
}

impl Parsed {
    pub(super) fn rows(&self) -> usize {
        self.series.iter().map(|series| series.days.len()).sum()
    }
}

/// Reads a whole file. `stem` is its name without extension: the symbol when no column has it.
pub(super) fn parse(bytes: &[u8], stem: &str, options: &Options) -> Result<Parsed, LineError> {
    let text = text(bytes)?;
    let layout = detect::layout(text, options)?;
    let mut reader = Reader::new(&layout, options, stem)?;
    for (number, line) in Lines::new(text) {
        if layout.header.as_deref() != Some(line) {
            reader.read(number, line)?;
        }
    }
    reader.finish()
}

/// The symbol of the first row, for putting files in order before they are read. `bytes` may be cut off anywhere.
pub(super) fn first_symbol(bytes: &[u8]) -> Option<String> {
    let text = text(bytes).ok()?;
    // Dates do not matter here, so their order need not be proved.
    let options = Options { date_order: Some(date::Order::MonthFirst), ..Options::default() };
    let layout = detect::layout(text, &options).ok()?;
    let ticker = layout.columns.iter().position(|column| *column == Column::Ticker)?;
    let (_, first) = Lines::new(text).find(|(_, line)| layout.header.as_deref() != Some(*line))?;
    line::fields(first, layout.separator).nth(ticker).and_then(line::ticker).map(str::to_ascii_uppercase)
}

/// The bytes without byte order mark and end-of-file sign, if they are text at all.
fn text(bytes: &[u8]) -> Result<&[u8], LineError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(LineError::whole("the file is UTF-16; save it as UTF-8 or ASCII"));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = text.strip_suffix(b"\x1a").unwrap_or(text);
    let odd = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    match text.iter().position(|&byte| odd(byte)) {
        Some(offset) => Err(LineError::whole(format!("not a text file: a control character at byte {offset}"))),
        None => Ok(text),
    }
}

/// How often something odd was met, and where first.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    first: u64,
}

impl Tally {
    fn add(&mut self, line: u64) {
        if self.count == 0 {
            self.first = line;
        }
        self.count += 1;
    }

    fn warn(&self, what: &str, warnings: &mut Vec<String>) {
        if self.count > 0 {
            warnings.push(format!("{what}: {}, first in line {}", self.count, self.first));
        }
    }
}

/// Rows on their way from lines to series.
struct Reader<'a> {
    layout: &'a Layout,
    options: &'a Options,
    fields: Vec<&'a [u8]>,
    /// Raw ticker to its place in `series`.
    known: HashMap<&'a [u8], usize>,
    /// Our spelling to its place in `series`.
    by_symbol: HashMap<String, usize>,
    /// Ticker and place of the previous row: rows of one symbol mostly stand together.
    previous: Option<(&'a [u8], usize)>,
    name: Option<&'a [u8]>,
    series: Vec<Series>,
    skipped: u64,
    skipped_period: Option<char>,
    missing_prices: Tally,
    no_price: Tally,
    outside: Tally,
    rounded: Tally,
}

impl<'a> Reader<'a> {
    fn new(layout: &'a Layout, options: &'a Options, stem: &str) -> Result<Self, LineError> {
        let mut series = Vec::new();
        if !layout.has(Column::Ticker) {
            let symbol = line::ticker(stem.as_bytes()).ok_or_else(|| {
                LineError::whole(format!("no ticker column, and the file name {stem:?} is no symbol"))
            })?;
            series.push(Series { symbol: options.symbol(symbol), days: Vec::new() });
        }
        Ok(Self {
            layout,
            options,
            fields: Vec::new(),
            known: HashMap::new(),
            by_symbol: HashMap::new(),
            previous: None,
            name: None,
            series,
            skipped: 0,
            skipped_period: None,
            missing_prices: Tally::default(),
            no_price: Tally::default(),
            outside: Tally::default(),
            rounded: Tally::default(),
        })
    }

    fn read(&mut self, number: u64, line: &'a [u8]) -> Result<(), LineError> {
        self.fields.clear();
        self.fields.extend(line::fields(line, self.layout.separator));
        let expected = self.layout.columns.len();
        if self.fields.len() == expected + 1 && self.fields.last().is_some_and(|field| field.is_empty()) {
            self.fields.pop();
        }
        if self.fields.len() != expected {
            return Err(LineError::at(number, format!("{} columns instead of {expected}", self.fields.len())));
        }

        let mut day = Day::default();
        let mut series = 0;
        let mut daily = true;
        let mut seconds = 0;
        let layout = self.layout;
        for (index, column) in layout.columns.iter().enumerate() {
            let field = self.fields.get(index).copied().unwrap_or_default();
            let bad = |what: &str| LineError::at(number, format!("{} is no {what}", line::quoted(field)));
            match column {
                Column::Period => match line::period(field).ok_or_else(|| bad("period"))? {
                    Period::Day => {}
                    Period::Other(letter) => {
                        self.skipped_period.get_or_insert(letter);
                        daily = false;
                    }
                },
                Column::Ticker => series = self.series_of(field).ok_or_else(|| bad("ticker"))?,
                Column::Name => self.check_name(field, number)?,
                Column::Date => {
                    let moment =
                        date::parse(field, layout.dates, self.options.pivot_year).ok_or_else(|| bad("date"))?;
                    day.day = moment.day;
                    seconds = moment.second;
                }
                Column::Time => day.second = date::time(field).ok_or_else(|| bad("time"))?,
                Column::Open => day.open = self.price(field).ok_or_else(|| bad("open"))?,
                Column::High => day.high = self.price(field).ok_or_else(|| bad("high"))?,
                Column::Low => day.low = self.price(field).ok_or_else(|| bad("low"))?,
                Column::Close => day.close = self.price(field).ok_or_else(|| bad("close"))?,
                Column::Volume => {
                    let scale = self.options.volume_multiplier;
                    day.volume = self.count(field, scale, number).ok_or_else(|| bad("volume"))?;
                }
                Column::OpenInterest => {
                    day.open_interest = self.count(field, 1.0, number).ok_or_else(|| bad("open interest"))?;
                }
                Column::Other => {}
            }
        }
        day.second = day.second.max(seconds);
        if daily { self.keep(series, day, number) } else { self.skip() }
    }

    fn skip(&mut self) -> Result<(), LineError> {
        self.skipped += 1;
        Ok(())
    }

    fn keep(&mut self, series: usize, day: Day, number: u64) -> Result<(), LineError> {
        day.check().map_err(|reason| LineError::at(number, reason))?;
        if let (Some(high), Some(low)) = (day.high, day.low) {
            let outside = |price: Option<f64>| price.is_some_and(|price| !(low..=high).contains(&price));
            if outside(day.open) || outside(day.close) {
                self.outside.add(number);
            }
        }
        let prices =
            [(Column::Open, day.open), (Column::High, day.high), (Column::Low, day.low), (Column::Close, day.close)];
        if !day.priced() {
            self.no_price.add(number);
            return Ok(());
        }
        if prices.iter().any(|(column, price)| price.is_none() && self.layout.has(*column)) {
            self.missing_prices.add(number);
        }
        if let Some(series) = self.series.get_mut(series) {
            series.days.push(day);
        }
        Ok(())
    }

    /// A price; 0 and nothing both mean that there is none.
    fn price(&self, field: &[u8]) -> Option<Option<f64>> {
        line::price(field, self.layout.separator).ok().map(|price| price.filter(|price| *price != 0.0))
    }

    /// A whole number from 0 on; fractions are rounded and counted.
    fn count(&mut self, field: &[u8], scale: f64, number: u64) -> Option<Option<i64>> {
        let Some(value) = line::price(field, self.layout.separator).ok()? else {
            return Some(None);
        };
        let value = value * scale;
        let rounded = value.round();
        // Up to 2^63, where the doubles end that fit.
        if !(0.0..9_223_372_036_854_775_808.0).contains(&rounded) {
            return None;
        }
        if rounded != value {
            self.rounded.add(number);
        }
        Some(Some(rounded as i64))
    }

    fn series_of(&mut self, field: &'a [u8]) -> Option<usize> {
        if let Some((previous, series)) = self.previous
            && previous == field
        {
            return Some(series);
        }
        let series = match self.known.get(field) {
            Some(series) => *series,
            None => {
                let symbol = self.options.symbol(line::ticker(field)?);
                // Two spellings may be one symbol.
                let series = match self.by_symbol.get(&symbol) {
                    Some(series) => *series,
                    None => {
                        self.by_symbol.insert(symbol.clone(), self.series.len());
                        self.series.push(Series { symbol, days: Vec::new() });
                        self.series.len() - 1
                    }
                };
                self.known.insert(field, series);
                series
            }
        };
        self.previous = Some((field, series));
        Some(series)
    }

    /// Without tickers, a second name means that the rows of several symbols cannot be told apart.
    fn check_name(&mut self, field: &'a [u8], number: u64) -> Result<(), LineError> {
        if *self.name.get_or_insert(field) != field && !self.layout.has(Column::Ticker) {
            let reason = format!("a second name {}, but no column has the ticker", line::quoted(field));
            return Err(LineError::at(number, reason));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Parsed, LineError> {
        let mut parsed = Parsed { skipped: self.skipped, ..Parsed::default() };
        for series in &mut self.series {
            let settled = series.settle();
            if let Some(day) = settled.two_times
                && !self.layout.has(Column::Period)
            {
                let reason = format!(
                    "{} has rows at several times on {}: intraday bars are not imported",
                    series.symbol,
                    date::text(day)
                );
                return Err(LineError::whole(reason));
            }
            parsed.warnings.extend(settled.warning(&series.symbol));
            series.forget_absent_contracts();
            parsed.duplicates += settled.duplicates;
            parsed.conflicts += settled.conflicts;
        }
        self.series.retain(|series| !series.days.is_empty());
        self.series.sort_by(|left, right| left.symbol.cmp(&right.symbol));
        if let Some(period) = self.skipped_period {
            let reason = format!("rows of period {period}, not imported since only daily ones are: {}", self.skipped);
            if self.series.is_empty() {
                return Err(LineError::whole(reason));
            }
            parsed.warnings.push(reason);
        }
        if self.series.is_empty() {
            return Err(LineError::whole("no row has a price"));
        }
        self.missing_prices.warn("rows with a missing price (empty or 0)", &mut parsed.warnings);
        self.no_price.warn("rows without any price, left out", &mut parsed.warnings);
        self.outside.warn("rows with the open or close outside of low to high", &mut parsed.warnings);
        self.rounded.warn("volumes or open interests with a fraction, rounded", &mut parsed.warnings);
        parsed.series = self.series;
        Ok(parsed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Parsed, LineError> {
        parse(text.as_bytes(), "stem", &Options::default())
    }

    #[track_caller]
    fn refused(text: &str, line: Option<u64>, reason: &str) {
        let error = read(text).unwrap_err();
        assert_eq!((error.line, error.reason.as_str()), (line, reason));
    }

    const HEADER: &str = "<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\n";

    #[test]
    fn a_row_is_a_day() {
        let parsed =
            read(&format!("\u{feff}{HEADER}acme,D,20260105,000000,101.25,103.5,101,103,1750000,7\r\n\x1a")).unwrap();
        assert_eq!(parsed.series.len(), 1);
        assert_eq!(parsed.series[0].symbol, "ACME");
        assert_eq!(
            parsed.series[0].days,
            [Day {
                day: 20_458,
                second: 0,
                open: Some(101.25),
                high: Some(103.5),
                low: Some(101.0),
                close: Some(103.0),
                volume: Some(1_750_000),
                open_interest: Some(7),
            }]
        );
        assert!(parsed.warnings.is_empty());
    }

    #[test]
    fn a_missing_open_is_no_price() {
        let parsed = read("A,19700102,0,2,1,1.5,10\nA,19700105,,2,1,1.5,\nA,19700106,1,2,1,1.5,0").unwrap();
        let days = &parsed.series[0].days;
        assert_eq!(days.iter().map(|day| day.open).collect::<Vec<_>>(), [None, None, Some(1.0)]);
        assert_eq!(days.iter().map(|day| day.volume).collect::<Vec<_>>(), [Some(10), None, Some(0)]);
        assert_eq!(parsed.warnings, ["rows with a missing price (empty or 0): 2, first in line 1"]);
    }

    #[test]
    fn rows_are_sorted_and_deduplicated() {
        let parsed = read(
            "B,20260106,1,2,1,1,5\nB,20260105,1,2,1,1,5\nA,20260105,1,2,1,1,5\nB,20260106,1,2,1,1,5\nB,20260105,1,2,1,2,5\n",
        )
        .unwrap();
        let symbols: Vec<_> = parsed.series.iter().map(|series| (series.symbol.as_str(), series.days.len())).collect();
        assert_eq!(symbols, [("A", 1), ("B", 2)]);
        assert_eq!((parsed.duplicates, parsed.conflicts), (1, 1));
        assert_eq!(parsed.series[1].days[0].close, Some(2.0));
        assert_eq!(parsed.warnings, ["B: contradicting rows, of which the last counts: 1, first on 2026-01-05"]);
    }

    #[test]
    fn only_daily_rows_count() {
        let day = "A,D,20260105,000000,1,2,1,1,5,0\n";
        let minute = "A,I,20260105,093100,1,2,1,1,5,0\n";
        let parsed = read(&format!("{HEADER}{day}{minute}{minute}A,60,20260105,100000,1,2,1,1,5,0\n")).unwrap();
        assert_eq!((parsed.rows(), parsed.skipped), (1, 3));
        refused(&format!("{HEADER}{minute}"), None, "rows of period I, not imported since only daily ones are: 1");
        refused(
            "A,20260105,09:31,1,2,1,1,5\nA,20260105,09:32,1,2,1,1,5",
            None,
            "A has rows at several times on 2026-01-05: intraday bars are not imported",
        );
        refused(
            "<DATE>,<TIME>,<CLOSE>\n20260105,0931,1\n20260105,0932,1",
            None,
            "STEM has rows at several times on 2026-01-05: intraday bars are not imported",
        );
    }

    #[test]
    fn a_bad_line_names_itself() {
        let good = "A,D,20260105,000000,1,2,1,1,5,0\n";
        for (line, reason) in [
            ("A,D,20260106,000000,1,2,1,1,5\n", "9 columns instead of 10"),
            ("A,D,20260106,000000,1,2,1,1,5,0,9\n", "11 columns instead of 10"),
            ("A,D,20260230,000000,1,2,1,1,5,0\n", "\"20260230\" is no date"),
            ("A,D,20260106,000000,1,x2,1,1,5,0\n", "\"x2\" is no high"),
            ("A,D,20260106,000000,1,2,1,nan,5,0\n", "\"nan\" is no close"),
            ("A,D,20260106,000000,1,2,3,1,5,0\n", "the high 2 is below the low 3"),
            ("A,D,20260106,000000,1,2,1,1,-5,0\n", "\"-5\" is no volume"),
            ("A,D,20260106,000000,1,2,1,1,1e300,0\n", "\"1e300\" is no volume"),
            ("A,Z,20260106,000000,1,2,1,1,5,0\n", "\"Z\" is no period"),
            ("é,D,20260106,000000,1,2,1,1,5,0\n", "\"\\xc3\\xa9\" is no ticker"),
            (",D,20260106,000000,1,2,1,1,5,0\n", "\"\" is no ticker"),
            ("A,D,20260106,250000,1,2,1,1,5,0\n", "\"250000\" is no time"),
        ] {
            refused(&format!("{HEADER}{good}{line}{good}"), Some(3), reason);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        refused("\u{1}\u{2}", None, "not a text file: a control character at byte 0");
        assert!(parse(b"\xff\xfeA\0", "a", &Options::default()).unwrap_err().reason.contains("UTF-16"));
        refused("<DATE>,<CLOSE>\n20260105,0", None, "no row has a price");
        assert!(parse(b"20260105,1,1,1,1", "two words", &Options::default()).unwrap_err().reason.contains("two words"));
    }

    #[test]
    fn no_bytes_panic() {
        let seed = format!("{HEADER}A,D,20260105,000000,1,2,1,1,5,0\n\"A;B\",1/13/2026;2\t3 4.5e6,-7\n");
        let mut state = 7_u64;
        for _ in 0..3_000 {
            let mut bytes = seed.clone().into_bytes();
            for _ in 0..6 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 33) as usize % bytes.len();
                match state % 3 {
                    0 => bytes[at] = (state >> 20) as u8,
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, b",;\t \n\"/.-0<"[(state >> 40) as usize % 11]),
                }
            }
            let _ = parse(&bytes, "stem", &Options::default());
            let _ = first_symbol(&bytes);
        }
    }

    #[test]
    fn the_first_symbol_is_found_in_a_cut_off_file() {
        assert_eq!(
            first_symbol(format!("{HEADER}ibm,D,20260105,000000,1,2,1,1,5,0\nibm,D,2026").as_bytes()).as_deref(),
            Some("IBM")
        );
        assert_eq!(first_symbol(b"20260105,1,2,1,1,5\n"), None);
        assert_eq!(first_symbol(b""), None);
    }

    #[test]
    fn text_of_any_kind_is_read_or_refused() {
        let mut noise = crate::collect::venue::noise::Noise(0x5eed);
        let seeds = [
            format!("{HEADER}ACME,D,20260105,000000,1,2,1,2,5,0\r\nACME,D,20260106,000000,1,2,1,2,5,0\r\n"),
            "20260105,1,2,1,2,5\n20260106,1,2,1,2,5\n".to_owned(),
            "ACME;05.01.2026;1,5;2,5;1,25;2;500\n".to_owned(),
        ];
        for _ in 0..5_000 {
            let seed = &seeds[noise.below(seeds.len())];
            let text = noise.mutated(seed.as_bytes());
            let _ = first_symbol(&text);
            if let Ok(parsed) = parse(&text, "stem", &Options::default()) {
                assert!(parsed.rows() <= text.len());
            }
        }
    }
}
