//! Bars as they are compared: rows of the dataset `eod` by symbol and day.

use arrow::array::{Array, AsArray, Date32Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, Date32Type, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use chrono::{NaiveDate, TimeDelta};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// The columns that are read to compare bars.
pub(super) const COLUMNS: [&str; 8] = ["symbol", "date", "open", "high", "low", "close", "volume", "source"];

/// What one bar says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Values {
    /// Open, high, low and close.
    pub(super) prices: [Option<f64>; 4],
    /// Shares traded in the session.
    pub(super) volume: Option<i64>,
}

impl Values {
    /// The last price of the session.
    pub(super) fn close(&self) -> Option<f64> {
        let [.., close] = self.prices;
        close
    }
}

/// Bars of one symbol by day, in days since 1970.
pub(super) type ByDay = BTreeMap<i32, Values>;

/// A day as a date.
pub(super) fn date(day: i32) -> NaiveDate {
    NaiveDate::default().checked_add_signed(TimeDelta::days(day.into())).unwrap_or_default()
}

/// A date as a day.
pub(super) fn day(date: NaiveDate) -> i32 {
    i32::try_from((date - NaiveDate::default()).num_days()).unwrap_or_default()
}

/// The columns of one batch of bars.
struct Columns<'a> {
    symbols: &'a StringArray,
    dates: &'a Date32Array,
    prices: [&'a Float64Array; 4],
    volumes: &'a Int64Array,
    sources: &'a StringArray,
}

impl<'a> Columns<'a> {
    /// `None` where the rows are no bars.
    fn of(rows: &'a RecordBatch) -> Option<Self> {
        let text = |name| rows.column_by_name(name)?.as_string_opt::<i32>();
        let price = |name| numbers::<Float64Type>(rows, name);
        Some(Self {
            symbols: text("symbol")?,
            dates: numbers::<Date32Type>(rows, "date")?,
            prices: [price("open")?, price("high")?, price("low")?, price("close")?],
            volumes: numbers::<Int64Type>(rows, "volume")?,
            sources: text("source")?,
        })
    }

    fn values(&self, row: usize) -> Values {
        let prices = self.prices.map(|prices| prices.is_valid(row).then(|| prices.value(row)));
        Values { prices, volume: self.volumes.is_valid(row).then(|| self.volumes.value(row)) }
    }
}

fn numbers<'a, T: ArrowPrimitiveType>(
    rows: &'a RecordBatch,
    name: &str,
) -> Option<&'a arrow::array::PrimitiveArray<T>> {
    rows.column_by_name(name)?.as_primitive_opt::<T>()
}

/// One bar and where it is from.
pub(super) struct Bar<'a> {
    pub(super) day: i32,
    pub(super) values: Values,
    pub(super) source: &'a str,
}

/// Rows of bars, to be looked up by symbol.
pub(super) struct Rows<'a> {
    batches: Vec<Columns<'a>>,
    of: HashMap<&'a str, Vec<(usize, Range<usize>)>>,
}

impl<'a> Rows<'a> {
    /// An index over batches, whose rows of one symbol mostly stand together.
    pub(super) fn of(batches: &'a [RecordBatch]) -> Self {
        let batches: Vec<Columns<'a>> = batches.iter().filter_map(Columns::of).collect();
        let mut of: HashMap<&str, Vec<(usize, Range<usize>)>> = HashMap::new();
        for (number, batch) in batches.iter().enumerate() {
            let mut start = 0;
            for row in 1..=batch.symbols.len() {
                let symbol = batch.symbols.value(start);
                if row == batch.symbols.len() || batch.symbols.value(row) != symbol {
                    of.entry(symbol).or_default().push((number, start..row));
                    start = row;
                }
            }
        }
        Self { batches, of }
    }

    /// Every symbol that has a bar.
    pub(super) fn symbols(&self) -> impl Iterator<Item = &'a str> {
        self.of.keys().copied()
    }

    /// The bars of a symbol.
    pub(super) fn bars<'b>(&'b self, symbol: &str) -> impl Iterator<Item = Bar<'a>> + use<'a, 'b> {
        let places = self.of.get(symbol).into_iter().flatten();
        let rows = places.filter_map(|(batch, rows)| Some((self.batches.get(*batch)?, rows.clone())));
        rows.flat_map(|(batch, rows)| {
            rows.map(move |row| Bar {
                day: batch.dates.value(row),
                values: batch.values(row),
                source: if batch.sources.is_valid(row) { batch.sources.value(row) } else { "" },
            })
        })
    }

    /// The bars of a symbol by day.
    pub(super) fn by_day(&self, symbol: &str) -> ByDay {
        self.bars(symbol).map(|bar| (bar.day, bar.values)).collect()
    }

    /// The source of a symbol's bars; empty where there are none.
    pub(super) fn source(&self, symbol: &str) -> &'a str {
        self.bars(symbol).next().map(|bar| bar.source).unwrap_or_default()
    }
}
