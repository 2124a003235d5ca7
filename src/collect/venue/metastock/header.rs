//! What a header line says of the columns below it, in the words of many programs and vendors.

use super::date::Order;
use super::line::{self, LineError, Separator};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Ticker,
    Period,
    Date,
    Time,
    Open,
    High,
    Low,
    Close,
    Volume,
    OpenInterest,
    /// A vendor's own column, not read.
    Other,
}

/// How AmiBroker begins a line that names the columns.
const FORMAT: &[u8] = b"$FORMAT";

/// How well a word names its column: of two columns for one thing the better word counts, and the other is not read.
type Rank = u8;

/// Names of columns, in capitals and without signs. What stands first in its line is the best word.
const NAMES: &[(Column, &[&str])] = &[
    (Column::Ticker, &["TICKER", "SYMBOL", "TICK"]),
    (Column::Name, &["NAME", "NAZWA"]),
    (
        Column::Period,
        &["PER", "PERIOD", "INTERVAL", "PERIODICITY", "TIMEFRAME", "FREQUENCY", "RESOLUTION", "BARSIZE", "BARTYPE"],
    ),
    (Column::Date, &["DATE", "TRADEDATE", "TRADINGDATE", "DATETIME", "DATEANDTIME", "DATA", "DATUM", "FECHA"]),
    (Column::Open, &["OPEN", "OPENPRICE", "OTWARCIE", "KURSOTWARCIA", "O"]),
    (Column::High, &["HIGH", "HIGHPRICE", "NAJWYZSZY", "NAJWYSZY", "KURSMAX", "KURSMAKSYMALNY", "MAX", "H"]),
    (Column::Low, &["LOW", "LOWPRICE", "NAJNIZSZY", "NAJNISZY", "KURSMIN", "KURSMINIMALNY", "MIN", "L"]),
    (
        Column::Close,
        &[
            "CLOSE",
            "CLOSEPRICE",
            "CLOSINGPRICE",
            "CLOSELAST",
            "ZAMKNIECIE",
            "ZAMKNICIE",
            "KURSZAMKNIECIA",
            "KURSZAMKNICIA",
            "LAST",
            "LASTPRICE",
            "PRICE",
            "SETTLE",
            "C",
        ],
    ),
    (Column::Volume, &["VOLUME", "VOL", "WOLUMEN", "V"]),
    (Column::OpenInterest, &["OPENINT", "OPENINTEREST", "OI", "LOP"]),
];

/// Columns as a header names them.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) columns: Vec<Column>,
    /// The order of the date's parts, where its name tells.
    pub(super) order: Option<Order>,
}

impl Named {
    pub(super) fn has(&self, column: Column) -> bool {
        self.columns.contains(&column)
    }
}

/// The columns of a header line, if it names a date and a close.
pub(super) fn header(line: &[u8], separator: Separator) -> Option<Named> {
    let named = named(line, separator).ok()?;
    (named.has(Column::Date) && named.has(Column::Close)).then_some(named)
}

/// The columns that a line names.
///
/// # Errors
/// There are two for one thing. The text is a whole sentence.
fn named(line: &[u8], separator: Separator) -> Result<Named, String> {
    let line = line.strip_prefix(FORMAT).unwrap_or(line);
    let words: Vec<String> = line::fields(line, separator).map(bare).collect();
    let mut order = None;
    let mut meant: Vec<(Column, Rank)> = Vec::with_capacity(words.len());
    for word in &words {
        let (column, rank, named_order) = meaning(word);
        order = order.or(named_order);
        meant.push((column, rank));
    }
    one_of_each(&mut meant)?;
    let has = |meant: &[(Column, Rank)], wanted| meant.iter().any(|(column, _)| *column == wanted);
    if !has(&meant, Column::Date) {
        // Alpha Vantage, Barchart: the date is called a time. Yahoo by Python: the dates stand below the word "Price".
        let index = match meant.iter().position(|(column, _)| *column == Column::Time) {
            None => (words.first().is_some_and(|word| word == "PRICE") && has(&meant, Column::Close)).then_some(0),
            time => time,
        };
        if let Some(place) = index.and_then(|index| meant.get_mut(index)) {
            place.0 = Column::Date;
        }
    }
    Ok(Named { columns: meant.into_iter().map(|(column, _)| column).collect(), order })
}

/// Leaves the best column of those that are named for one thing.
fn one_of_each(meant: &mut [(Column, Rank)]) -> Result<(), String> {
    for index in 0..meant.len() {
        let Some(&(column, rank)) = meant.get(index) else { continue };
        let others = || meant.iter().enumerate().filter(|(other, (alike, _))| *other != index && *alike == column);
        if column == Column::Other || others().next().is_none() {
            continue;
        }
        if others().any(|(_, (_, other))| *other == rank) {
            return Err(format!("the header names two columns for the {column:?}").to_lowercase());
        }
        if others().any(|(_, (_, other))| *other < rank)
            && let Some(place) = meant.get_mut(index)
        {
            place.0 = Column::Other;
        }
    }
    Ok(())
}

/// Why a line that looks like a header is none.
pub(super) fn fault(line: &[u8], number: u64, separator: Separator) -> LineError {
    let named = match named(line, separator) {
        Ok(named) => named,
        Err(reason) => return LineError::at(number, reason),
    };
    let missing = if named.has(Column::Date) { "close" } else { "date" };
    LineError::at(number, format!("the header names no {missing} column"))
}

/// A word in capitals, without signs, blanks and what is not ASCII.
fn bare(token: &[u8]) -> String {
    let kept = token.iter().filter(|byte| byte.is_ascii_alphanumeric());
    kept.map(|byte| char::from(byte.to_ascii_uppercase())).collect()
}

/// What one word means.
fn meaning(word: &str) -> (Column, Rank, Option<Order>) {
    match word {
        "DTYYYYMMDD" | "DTYYMMDD" | "DTYYYYMMDDHHMM" | "DTYYYYMMDDHHMMSS" | "DATEYMD" => {
            return (Column::Date, 0, None);
        }
        "DTMMDDYY" | "DTMMDDYYYY" | "DATEMDY" => return (Column::Date, 0, Some(Order::MonthFirst)),
        "DTDDMMYY" | "DTDDMMYYYY" | "DATEDMY" => return (Column::Date, 0, Some(Order::DayFirst)),
        "HHMMSS" | "HHMM" | "GODZINA" | "CZAS" => return (Column::Time, 1, None),
        // `Time`, `Timestamp`, `Time (EST)`.
        _ if word.starts_with("TIME") && word != "TIMEFRAME" => {
            return (Column::Time, if word == "TIME" { 0 } else { 2 }, None);
        }
        _ => {}
    }
    let rank_in = |names: &[&str]| names.iter().position(|name| *name == word);
    let found = NAMES.iter().find_map(|(column, names)| Some((*column, rank_in(names)?)));
    found.map_or((Column::Other, 0, None), |(column, rank)| (column, u8::try_from(rank).unwrap_or(Rank::MAX), None))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use Column::{Close, Date, High, Low, Name, Open, OpenInterest, Other, Period, Ticker, Time, Volume};

    #[track_caller]
    fn check(line: &str, columns: &[Column]) {
        let separator = if line.contains('\t') { Separator::Tab } else { Separator::Comma };
        assert_eq!(header(line.as_bytes(), separator).map(|named| named.columns).as_deref(), Some(columns), "{line}");
    }

    #[test]
    fn headers_of_programs_and_vendors() {
        let ohlcv = [Date, Open, High, Low, Close, Volume];
        check("Date,Open,High,Low,Close,Volume", &ohlcv);
        check("Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen", &ohlcv);
        check("Data,Otwarcie,Najwyższy,Najniższy,Zamknięcie,Wolumen", &ohlcv);
        check("[DATE],[OPEN],[HIGH],[LOW],[CLOSE],[VOL]", &ohlcv);
        check("timestamp,open,high,low,close,volume", &ohlcv);
        check("$FORMAT Date_DMY,Open,High,Low,Close,Volume", &ohlcv);
        check("Date,Open,High,Low,Close,Adj Close,Volume", &[Date, Open, High, Low, Close, Other, Volume]);
        check("Date\tOpen\tHigh\tLow\tClose *\tAdj Close **\tVolume", &[Date, Open, High, Low, Close, Other, Volume]);
        check("Date,Close/Last,Volume,Open,High,Low", &[Date, Close, Volume, Open, High, Low]);
        check(
            "\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"",
            &[Date, Close, Open, High, Low, Volume, Other],
        );
        check("Price,Close,High,Low,Open,Volume", &[Date, Close, High, Low, Open, Volume]);
        check(
            "Symbol,Time,Open,High,Low,Last,Change,%Chg,Volume,\"Open Int\"",
            &[Ticker, Date, Open, High, Low, Close, Other, Other, Volume, OpenInterest],
        );
        check("Ticker,Date/Time,Open,High,Low,Close,Volume", &[Ticker, Date, Open, High, Low, Close, Volume]);
        check("Name,Date,Timestamp,Interval,Close", &[Name, Date, Time, Period, Close]);
        check("Date,HHMMSS,Close", &[Date, Time, Close]);
        check("Date,Time (EST),Close", &[Date, Time, Close]);
        check("Date,Last,Close", &[Date, Other, Close]);
    }

    #[test]
    fn what_is_no_header_is_told() {
        for (line, reason) in [
            ("hello,world", "the header names no date column"),
            ("<TICKER>,<DATE>,<OPEN>", "the header names no close column"),
            ("<DATE>,<DATE>,<CLOSE>", "the header names two columns for the date"),
        ] {
            assert!(header(line.as_bytes(), Separator::Comma).is_none());
            assert_eq!(fault(line.as_bytes(), 1, Separator::Comma).reason, reason);
        }
        assert!(header(b"C,20260105,1,2,1,2,5", Separator::Comma).is_none(), "a symbol may be a word of a header");
    }
}
