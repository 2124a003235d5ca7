//! What must hold of rows that an import delivers, whatever its files were.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type};

/// One delivered bar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) symbol: Option<String>,
    /// Days since 1970-01-01.
    pub(crate) day: Option<i32>,
    /// Open, high, low, close.
    pub(crate) prices: [Option<f64>; 4],
    /// Volume, open interest.
    pub(crate) counts: [Option<i64>; 2],
}

/// The rows of batches of `eod`, in order.
pub(crate) fn rows(batches: &[RecordBatch]) -> Vec<Row> {
    batches.iter().flat_map(rows_of).collect()
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let column = |name: &str| batch.column_by_name(name).expect("a column of eod");
    let symbols = column("symbol").as_string::<i32>();
    let days = column("date").as_primitive::<Date32Type>();
    let prices = ["open", "high", "low", "close"].map(|name| column(name).as_primitive::<Float64Type>());
    let counts = ["volume", "open_interest"].map(|name| column(name).as_primitive::<Int64Type>());
    let row = |row: usize| Row {
        symbol: symbols.is_valid(row).then(|| symbols.value(row).to_owned()),
        day: days.is_valid(row).then(|| days.value(row)),
        prices: prices.map(|column| column.is_valid(row).then(|| column.value(row))),
        counts: counts.map(|column| column.is_valid(row).then(|| column.value(row))),
    };
    (0..batch.num_rows()).map(row).collect()
}

impl Row {
    /// What no row may be; `latest` is the last day that is not in the future.
    pub(crate) fn wrong(&self, latest: i32) -> Option<String> {
        let [_, high, low, close] = self.prices;
        let of_no_market = |price: &f64| !price.is_finite() || *price <= 0.0;
        let wrong = [
            (!self.symbol.as_deref().is_some_and(is_symbol), "an odd symbol"),
            (self.day.is_none(), "no date"),
            (self.day.is_some_and(|day| day > latest), "a date in the future"),
            (close.is_none(), "no close"),
            (self.prices.iter().flatten().any(of_no_market), "a price that is none"),
            (high.zip(low).is_some_and(|(high, low)| high < low), "its high below its low"),
            (self.counts.iter().flatten().any(|count| *count < 0), "a count below 0"),
        ];
        let (_, what) = wrong.iter().find(|(is_so, _)| *is_so)?;
        Some(format!("a row with {what}: {self:?}"))
    }
}

/// A symbol as people write them: up to 32 printable letters, none small, blanks only inside.
fn is_symbol(symbol: &str) -> bool {
    let fits = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && byte != b'"' && !byte.is_ascii_lowercase();
    (1..=32).contains(&symbol.len()) && symbol.trim() == symbol && symbol.bytes().all(fits)
}

/// What is wrong with the rows of one batch together: they are sorted by symbol and date, one for each.
pub(crate) fn wrong_order(batch: &RecordBatch) -> Option<String> {
    let rows = rows_of(batch);
    let pairs = rows.iter().zip(rows.iter().skip(1));
    let mut wrong = pairs.filter(|(one, next)| (&one.symbol, one.day) >= (&next.symbol, next.day));
    wrong.next().map(|(one, next)| format!("not in order, or twice: {one:?}, {next:?}"))
}
