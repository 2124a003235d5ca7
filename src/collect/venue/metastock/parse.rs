//! One MetaStock text file: bytes to daily rows per symbol. Pure; knows nothing of folders or the lake.
//!
//! A row that cannot be a session's is rejected by itself. Only a file of which nothing can be understood is refused.

use super::bad_rows::BadRows;
use super::date;
use super::detect::{self, Layout};
use super::doubts::{self, Counted, Present};
use super::header::Column;
use super::line::{self, LineError, Lines, Period};
use super::number;
use super::options::Options;
use super::series::{Day, Series};
use super::spacing;
use super::text::text;
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
    /// Rows that are not imported, those of other periods included.
    pub(super) bad: BadRows,
    /// What is odd about rows that are.
    pub(super) doubts: Vec<Counted>,
    /// One sentence per kind of oddity.
    pub(super) warnings: Vec<String>,
}

impl Parsed {
    pub(super) fn rows(&self) -> usize {
        self.series.iter().map(|series| series.days.len()).sum()
    }

    /// Sorts the rows of one symbol and takes them in: as days, if they are days; else they are all rejected. Returns why.
    pub(super) fn take(&mut self, mut series: Series, present: Present) -> Option<String> {
        let rows = series.days.len() as u64;
        let settled = series.settle();
        if let Some(reason) = spacing::not_daily(&series, &settled) {
            self.bad.add_all(Some(&series.symbol), reason.clone(), rows);
            return Some(reason);
        }
        self.warnings.extend(settled.warning(&series.symbol));
        doubts::contradictions(&series.symbol, &settled, &mut self.doubts);
        doubts::doubts(&series, present, &mut self.doubts);
        series.forget_absent_contracts();
        self.duplicates += settled.duplicates;
        self.conflicts += settled.conflicts;
        self.series.push(series);
        None
    }
}

/// Reads a whole file. `stem` is its name without extension: the symbol when no column has it.
pub(super) fn parse(bytes: &[u8], stem: &str, options: &Options) -> Result<Parsed, LineError> {
    let text = text(bytes)?;
    let layout = detect::layout(&text, options)?;
    let mut reader = Reader::new(&layout, options, stem)?;
    for (number, line) in Lines::new(&text) {
        if layout.is_row(number, line)
            && let Err(reason) = reader.read(number, line)
        {
            reader.reject(number, line, reason);
        }
    }
    reader.finish()
}

/// The symbol of the first row, for putting files in order before they are read. `bytes` may be cut off anywhere.
pub(super) fn first_symbol(bytes: &[u8]) -> Option<String> {
    let text = text(bytes).ok()?;
    // Dates do not matter here, so their order need not be proved.
    let options = Options { date_order: Some(date::Order::MonthFirst), ..Options::default() };
    let layout = detect::layout(&text, &options).ok()?;
    let ticker = layout.columns.iter().position(|column| *column == Column::Ticker);
    let Some(ticker) = ticker else { return layout.symbol };
    let (_, first) = Lines::new(&text).find(|(number, line)| layout.is_row(*number, line))?;
    line::fields(first, layout.separator).nth(ticker).and_then(line::ticker).map(str::to_ascii_uppercase)
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
    bad: BadRows,
    skipped: u64,
    skipped_period: Option<char>,
    missing_prices: Tally,
    unreadable: Tally,
    outside: Tally,
    rounded: Tally,
}

impl<'a> Reader<'a> {
    fn new(layout: &'a Layout, options: &'a Options, stem: &str) -> Result<Self, LineError> {
        let mut series = Vec::new();
        if !layout.has(Column::Ticker) {
            let named = options.symbol.as_deref().or(layout.symbol.as_deref()).unwrap_or(stem);
            let symbol = line::ticker(named.as_bytes()).ok_or_else(|| {
                let reason = "no ticker column, and the file name";
                LineError::whole(format!("{reason} {named:?} is no symbol; --symbol names it"))
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
            bad: BadRows::default(),
            skipped: 0,
            skipped_period: None,
            missing_prices: Tally::default(),
            unreadable: Tally::default(),
            outside: Tally::default(),
            rounded: Tally::default(),
        })
    }

    /// Reads a row.
    ///
    /// # Errors
    /// Why it is none of a session, one clear sentence.
    fn read(&mut self, number: u64, line: &'a [u8]) -> Result<(), String> {
        self.fields.clear();
        self.fields.extend(line::fields(line, self.layout.separator));
        let expected = self.layout.columns.len();
        if self.fields.len() == expected + 1 && self.fields.last().is_some_and(|field| field.is_empty()) {
            self.fields.pop();
        }
        if self.fields.len() != expected {
            return Err(format!("{} columns instead of {expected}", self.fields.len()));
        }

        let mut day = Day::default();
        let mut series = 0;
        let mut daily = true;
        let mut seconds = 0;
        let layout = self.layout;
        for (index, column) in layout.columns.iter().enumerate() {
            let field = self.fields.get(index).copied().unwrap_or_default();
            let bad = |what: &str| format!("{} is no {what}", line::quoted(field));
            match column {
                Column::Period => match line::period(field).ok_or_else(|| bad("period"))? {
                    Period::Day => {}
                    Period::Other(letter) => {
                        self.skipped_period.get_or_insert(letter);
                        daily = false;
                    }
                },
                Column::Ticker => series = self.series_of(field).ok_or_else(|| bad("ticker"))?,
                Column::Name => self.check_name(field)?,
                Column::Date => {
                    let moment =
                        date::parse(field, layout.dates, self.options.pivot_year).ok_or_else(|| bad("date"))?;
                    day.day = moment.day;
                    seconds = moment.second;
                }
                // What it says of the rows is said by their number too.
                Column::Time => day.second = date::time(field).unwrap_or_default(),
                Column::Open => day.open = self.price(field, number),
                Column::High => day.high = self.price(field, number),
                Column::Low => day.low = self.price(field, number),
                Column::Close => {
                    let close = number::price(field, layout.separator).ok().flatten();
                    day.close = Some(close.ok_or_else(|| bad("close"))?);
                }
                Column::Volume => day.volume = self.count(field, self.options.volume_multiplier, number),
                Column::OpenInterest => day.open_interest = self.count(field, 1.0, number),
                Column::Other => {}
            }
        }
        day.second = day.second.max(seconds);
        if daily { self.keep(series, day, number) } else { self.skip() }
    }

    fn skip(&mut self) -> Result<(), String> {
        self.skipped += 1;
        Ok(())
    }

    fn keep(&mut self, series: usize, day: Day, number: u64) -> Result<(), String> {
        day.check(self.options.latest_day)?;
        if let (Some(high), Some(low)) = (day.high, day.low) {
            let outside = |price: Option<f64>| price.is_some_and(|price| !(low..=high).contains(&price));
            if outside(day.open) || outside(day.close) {
                self.outside.add(number);
            }
        }
        let prices = [(Column::Open, day.open), (Column::High, day.high), (Column::Low, day.low)];
        if prices.iter().any(|(column, price)| price.is_none() && self.layout.has(*column)) {
            self.missing_prices.add(number);
        }
        if let Some(series) = self.series.get_mut(series) {
            series.days.push(day);
        }
        Ok(())
    }

    /// Notes a row that is not imported, with its symbol as far as that can be read.
    fn reject(&mut self, number: u64, line: &'a [u8], reason: String) {
        let ticker = self.layout.columns.iter().position(|column| *column == Column::Ticker);
        let symbol = match ticker {
            // A line of one piece is no row at all.
            Some(_) if self.fields.len() < 2 => None,
            Some(index) => {
                self.fields.get(index).and_then(|field| line::ticker(field)).map(|ticker| self.options.symbol(ticker))
            }
            None => self.series.first().map(|series| series.symbol.clone()),
        };
        self.bad.add(number, symbol.as_deref(), line, reason);
    }

    /// An open, high or low; 0 and nothing both mean that there is none, and so does what cannot be read.
    fn price(&mut self, field: &[u8], number: u64) -> Option<f64> {
        match number::price(field, self.layout.separator) {
            Ok(price) => price.filter(|price| *price != 0.0),
            Err(number::NotANumber) => {
                self.unreadable.add(number);
                None
            }
        }
    }

    /// A whole number from 0 on; fractions are rounded and counted. `None` for what is no such number.
    fn count(&mut self, field: &[u8], scale: f64, number: u64) -> Option<i64> {
        let count = number::count(field, self.layout.separator);
        let value = count.as_ref().ok().copied().flatten().map(|value| value * scale);
        // Up to 2^63, where the doubles end that fit.
        let fits = |value: &f64| (0.0..9_223_372_036_854_775_808.0).contains(&value.round());
        if count.is_err() || value.is_some_and(|value| !fits(&value)) {
            self.unreadable.add(number);
        }
        let value = value.filter(fits)?;
        if value.round() != value {
            self.rounded.add(number);
        }
        Some(value.round() as i64)
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

    /// Without tickers, a second name means a row of another symbol.
    fn check_name(&mut self, field: &'a [u8]) -> Result<(), String> {
        if *self.name.get_or_insert(field) != field && !self.layout.has(Column::Ticker) {
            return Err(format!("a second name {}, but no column has the ticker", line::quoted(field)));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Parsed, LineError> {
        self.series.retain(|series| !series.days.is_empty());
        self.name_symbol()?;
        self.series.sort_by(|left, right| left.symbol.cmp(&right.symbol));
        let present = Present {
            open: self.layout.has(Column::Open),
            high: self.layout.has(Column::High),
            low: self.layout.has(Column::Low),
            volume: self.layout.has(Column::Volume),
        };
        let mut parsed = Parsed { skipped: self.skipped, bad: self.bad, ..Parsed::default() };
        if let Some(period) = self.skipped_period {
            let reason = format!("rows of period {period}, not imported since only daily ones are: {}", self.skipped);
            if self.series.is_empty() {
                return Err(LineError::whole(reason));
            }
            parsed.bad.add_all(None, format!("rows of period {period}; only daily ones are imported"), self.skipped);
            parsed.warnings.push(reason);
        }
        let mut refusal = None;
        for series in self.series {
            refusal = parsed.take(series, present).or(refusal);
        }
        if parsed.series.is_empty() {
            return Err(nothing_left(&parsed.bad, refusal));
        }
        self.missing_prices.warn("rows with a missing price (empty or 0)", &mut parsed.warnings);
        self.unreadable.warn("values that are no numbers, and NULL here", &mut parsed.warnings);
        self.outside.warn("rows with the open or close outside of low to high", &mut parsed.warnings);
        self.rounded.warn("volumes or open interests with a fraction, rounded", &mut parsed.warnings);
        Ok(parsed)
    }

    /// Gives the rows the symbol that the person named, if they are of one.
    fn name_symbol(&mut self) -> Result<(), LineError> {
        let Some(symbol) = self.options.symbol.as_deref().filter(|_| self.layout.has(Column::Ticker)) else {
            return Ok(());
        };
        match self.series.as_mut_slice() {
            [] => {}
            [series] => series.symbol = self.options.symbol(symbol),
            several => {
                let symbols: Vec<&str> = several.iter().take(3).map(|series| series.symbol.as_str()).collect();
                let reason = format!("it has rows of {}, and --symbol names one", symbols.join(", "));
                return Err(LineError::whole(reason));
            }
        }
        Ok(())
    }
}

/// Why nothing of a file is imported, by the first of its rows.
fn nothing_left(bad: &BadRows, refusal: Option<String>) -> LineError {
    if let Some(reason) = refusal {
        return LineError::whole(reason);
    }
    match bad.listed.first() {
        Some(first) => LineError { line: first.line, reason: first.reason.clone() },
        None => LineError::whole("there is no row"),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
