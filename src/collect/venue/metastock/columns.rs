//! Telling columns without a header apart: by how many there are, by which of them is a date, and by which reading makes
//! sense of the prices.

use super::date;
use super::header::Column;
use super::line::{self, Separator};
use super::number;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// The columns that were found.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) columns: Vec<Column>,
    /// Number of the last line above the first row: titles.
    pub(super) above_rows: u64,
}

/// How well a reading fits: lines that make sense, those of them whose date can be read in one way only, and different
/// pairs of ticker and date. A ticker of six digits reads as a date, but then its dates repeat.
type Fit = (usize, usize, usize);

/// Whether a line can be read by some columns, and whether its values make sense then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    None,
    /// Such as a high below the low: a bad row, or columns in another order.
    Odd,
    Plausible,
}

/// The columns by which most of some numbered lines make sense; `None` where no known layout fits any.
pub(super) fn counted(lines: &[(u64, &[u8])], separator: Separator) -> Option<Counted> {
    let rows: Vec<(u64, Vec<&[u8]>)> = lines.iter().map(|&(number, line)| (number, fields(line, separator))).collect();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    rows.iter().for_each(|(_, row)| *counts.entry(row.len()).or_default() += 1);
    let candidates = counts.keys().flat_map(|count| candidates(*count));
    let fits = candidates.filter_map(|columns| Some((fit(&columns, &rows, separator)?, columns)));
    // Of readings that fit equally well the first counts.
    let (_, columns) = fits.min_by_key(|(fit, _)| Reverse(*fit))?;
    let is_row = |row: &&(u64, Vec<&[u8]>)| row.1.len() == columns.len();
    let first = rows.iter().find(is_row).map_or(1, |(number, _)| *number);
    Some(Counted { columns, above_rows: first.saturating_sub(1) })
}

/// Fields of a line, without an empty one behind the last separator.
fn fields(line: &[u8], separator: Separator) -> Vec<&[u8]> {
    let mut fields: Vec<&[u8]> = line::fields(line, separator).collect();
    if fields.last().is_some_and(|field| field.is_empty()) {
        fields.pop();
    }
    fields
}

/// `None` where no line makes sense, or fewer than half of those that can be read: their columns have another order.
fn fit(columns: &[Column], rows: &[(u64, Vec<&[u8]>)], separator: Separator) -> Option<Fit> {
    let place = |wanted: Column| columns.iter().position(|column| *column == wanted);
    let (ticker, date) = (place(Column::Ticker), place(Column::Date));
    let (mut plausible_rows, mut odd_rows, mut plain_dates, mut keys) = (0, 0, 0, HashSet::new());
    for (_, row) in rows.iter().filter(|(_, row)| row.len() == columns.len()) {
        match reading(columns, row, separator) {
            Reading::None => continue,
            Reading::Odd => {
                odd_rows += 1;
                continue;
            }
            Reading::Plausible => {}
        }
        let field = |index: Option<usize>| index.and_then(|index| row.get(index)).copied().unwrap_or_default();
        plausible_rows += 1;
        plain_dates += usize::from(field(date).len() >= 8);
        keys.insert((field(ticker), field(date)));
    }
    (plausible_rows > 0 && plausible_rows >= odd_rows).then_some((plausible_rows, plain_dates, keys.len()))
}

/// Every layout without a header that has `count` columns.
fn candidates(count: usize) -> Vec<Vec<Column>> {
    use Column::{Close, Date, High, Low, Name, Open, OpenInterest, Period, Ticker, Time, Volume};
    let heads: [&[Column]; 4] = [&[], &[Ticker], &[Ticker, Period], &[Name, Ticker, Period]];
    let times: [&[Column]; 2] = [&[], &[Time]];
    let tails: [&[Column]; 3] = [&[], &[Volume], &[Volume, OpenInterest]];
    let mut found = Vec::new();
    for head in heads {
        for time in times {
            for tail in tails {
                let columns = [head, &[Date], time, &[Open, High, Low, Close], tail].concat();
                if columns.len() == count {
                    found.push(columns);
                }
            }
        }
    }
    found
}

/// Whether a line makes sense when its columns are read this way.
fn reading(columns: &[Column], fields: &[&[u8]], separator: Separator) -> Reading {
    let price = |wanted: Column| {
        let index = columns.iter().position(|column| *column == wanted)?;
        number::price(fields.get(index)?, separator).ok().flatten().filter(|price| *price != 0.0)
    };
    let readable = columns.iter().zip(fields).all(|(column, field)| match column {
        Column::Date => is_date(field),
        Column::Time => !field.is_empty() && date::time(field).is_some(),
        Column::Period => line::period(field).is_some(),
        Column::Ticker => line::ticker(field).is_some(),
        Column::Name | Column::Other => true,
        Column::Volume | Column::OpenInterest => {
            number::count(field, separator).is_ok_and(|value| value.is_none_or(|value| value >= 0.0))
        }
        Column::Open | Column::High | Column::Low | Column::Close => is_price(field, separator),
    });
    let ordered = match (price(Column::High), price(Column::Low)) {
        (Some(high), Some(low)) => {
            let within = |value: Option<f64>| value.is_none_or(|value| (low..=high).contains(&value));
            low <= high && within(price(Column::Open)) && within(price(Column::Close))
        }
        _ => true,
    };
    match price(Column::Close) {
        Some(close) if readable && close > 0.0 => {
            if ordered {
                Reading::Plausible
            } else {
                Reading::Odd
            }
        }
        _ => Reading::None,
    }
}

/// Whether a field is a date that exists, in whatever order.
fn is_date(field: &[u8]) -> bool {
    let orders = [date::Order::MonthFirst, date::Order::DayFirst];
    let read = |form: date::DateForm| {
        orders
            .into_iter()
            .filter_map(|order| form.decided(|| Some(order)))
            .any(|form| date::parse(field, form, 50).is_some())
    };
    date::form(field, None).is_some_and(read)
}

/// Midnight is written `000000`, and a day `20240102`; no price is.
fn is_price(field: &[u8], separator: Separator) -> bool {
    let digits = field.iter().all(u8::is_ascii_digit);
    let midnight = field.len() >= 4 && field.iter().all(|byte| *byte == b'0');
    let day = field.len() == 8 && digits && is_date(field);
    !midnight && !day && number::price(field, separator).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use Column::{Close, Date, High, Low, Open, OpenInterest, Ticker, Time, Volume};

    #[track_caller]
    fn check(lines: &[&str], columns: &[Column]) {
        let lines: Vec<(u64, &[u8])> = (1..).zip(lines.iter().map(|line| line.as_bytes())).collect();
        assert_eq!(counted(&lines, Separator::Comma).unwrap().columns, columns);
    }

    #[test]
    fn tickers_of_digits_are_no_dates() {
        let symbol_first = [Ticker, Date, Open, High, Low, Close, Volume];
        check(&["120503,20240102,0,0,0,10.5,0"], &symbol_first);
        check(&["600519,20240102,10,11,9,10.5,0"], &symbol_first);
        check(&["120503,240102,10,11,9,10.5,0", "120503,240103,10,11,9,10.5,0"], &symbol_first);
        // 23:01:02 of one day again and again, or several days of one security.
        check(&["120503,230102,0,0,0,10.5,0", "120503,230103,0,0,0,10.6,0"], &symbol_first);
        check(
            &["120503,093000,10,11,9,10.5,0", "120503,093100,10,11,9,10.5,0"],
            &[Date, Time, Open, High, Low, Close, Volume],
        );
        check(&["20240102,10,11,9,10.5,7,0"], &[Date, Open, High, Low, Close, Volume, OpenInterest]);
    }

    #[test]
    fn bad_lines_and_titles_do_not_matter() {
        let columns = [Ticker, Date, Open, High, Low, Close, Volume];
        let good = "A,20240102,10,11,9,10.5,7";
        check(&["A,20240101,-,-,-,null,0", good, "A,20240103,10,9,11,10,7", good, "the end"], &columns);
        let lines: [(u64, &[u8]); 3] = [(1, b"Daily bars of A"), (2, b"made, with care"), (3, good.as_bytes())];
        assert_eq!(counted(&lines, Separator::Comma).unwrap().above_rows, 2);
        assert!(counted(&lines[..2], Separator::Comma).is_none());
    }

    #[test]
    fn columns_in_another_order_are_not_guessed() {
        // Date, close, open, high, low: by chance one line makes sense as open, high, low, close.
        let rows = ["20240102,10.5,10,11,9", "20240103,11,10.5,12,10", "20240104,10,12,12,9", "20240105,10,11,10,10"];
        let lines: Vec<(u64, &[u8])> = (1..).zip(rows.iter().map(|line| line.as_bytes())).collect();
        assert!(counted(&lines, Separator::Comma).is_none());
    }
}
