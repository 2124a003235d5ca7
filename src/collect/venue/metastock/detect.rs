//! Finding out how one text file is laid out: its separator, its header, what each column holds, how it writes dates.
//!
//! There is no standard for these files, so everything is read off the file itself. What stays uncertain is refused
//! with a reason rather than guessed.

use super::date::{self, DateForm, Order};
use super::line::{self, LineError, Lines, Separator};
use super::options::Options;

/// Data lines looked at to tell columns without a header apart.
const SAMPLE_LINES: usize = 5;

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

/// How one file is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) separator: Separator,
    /// The header line, which may come again where files were joined.
    pub(super) header: Option<Vec<u8>>,
    pub(super) columns: Vec<Column>,
    pub(super) dates: DateForm,
}

impl Layout {
    /// Whether the file has such a column.
    pub(super) fn has(&self, column: Column) -> bool {
        self.columns.contains(&column)
    }
}

/// Reads the layout off `text`.
pub(super) fn layout(text: &[u8], options: &Options) -> Result<Layout, LineError> {
    let mut lines = Lines::new(text);
    let Some((first_number, first)) = lines.next() else {
        return Err(LineError::whole("the file is empty"));
    };
    let header = is_header(first).then_some(first);
    let data = if header.is_some() { lines.next() } else { Some((first_number, first)) };
    let Some((data_number, data)) = data else {
        return Err(LineError::whole("there is a header but no row below it"));
    };
    let separator = separator(data).ok_or_else(|| {
        LineError::at(data_number, "no separator (comma, semicolon, tab or blank) splits this line into columns")
    })?;
    let (columns, hint) = match header {
        Some(header) => named_columns(header, first_number)?,
        None => (counted_columns(text, separator, data_number)?, None),
    };
    let mut dates = date_form(data, data_number, separator, &columns, hint)?;
    if dates == DateForm::Undecided {
        dates = DateForm::YearLastParts(match options.date_order {
            Some(order) => order,
            None => proved_order(text, separator, &columns).ok_or_else(|| {
                LineError::whole(
                    "every date fits both month/day/year and day/month/year; set the date order to import this file",
                )
            })?,
        });
    }
    Ok(Layout { separator, header: header.map(<[u8]>::to_vec), columns, dates })
}

/// A header has a `<`, or no field that could be a number or a date.
fn is_header(line: &[u8]) -> bool {
    let separator = separator(line).unwrap_or(Separator::Comma);
    line.contains(&b'<')
        || line::fields(line, separator).all(|field| line::price(field, separator).is_err() || field.is_empty())
            && line::fields(line, separator).all(|field| date::form(field, None).is_none())
}

/// The first of semicolon, tab, comma and blank that occurs outside quotes. A comma beside a semicolon or a tab is a
/// decimal mark.
fn separator(line: &[u8]) -> Option<Separator> {
    let mut quoted = false;
    let bare: Vec<u8> = line
        .iter()
        .copied()
        .filter(|&byte| {
            quoted ^= byte == b'"';
            !quoted
        })
        .collect();
    [(b';', Separator::Semicolon), (b'\t', Separator::Tab), (b',', Separator::Comma), (b' ', Separator::Blank)]
        .into_iter()
        .find(|(sign, _)| bare.trim_ascii().contains(sign))
        .map(|(_, separator)| separator)
}

/// Columns as the header names them, and the date order it names.
fn named_columns(header: &[u8], number: u64) -> Result<(Vec<Column>, Option<Order>), LineError> {
    let separator = separator(header).unwrap_or(Separator::Comma);
    let mut hint = None;
    let columns: Vec<Column> = line::fields(header, separator)
        .map(|token| {
            let (column, order) = named(token);
            hint = hint.or(order);
            column
        })
        .collect();
    for (column, name) in [(Column::Date, "date"), (Column::Close, "close")] {
        if !columns.contains(&column) {
            return Err(LineError::at(number, format!("the header names no {name} column")));
        }
    }
    for (index, column) in columns.iter().enumerate() {
        if *column != Column::Other && columns.iter().skip(index + 1).any(|other| other == column) {
            return Err(LineError::at(
                number,
                format!("the header names two columns for the {column:?}").to_lowercase(),
            ));
        }
    }
    Ok((columns, hint))
}

/// What one header token means.
fn named(token: &[u8]) -> (Column, Option<Order>) {
    let bare: String = token
        .iter()
        .filter(|byte| !matches!(byte, b'<' | b'>' | b'"' | b'\'' | b' '))
        .map(|byte| char::from(byte.to_ascii_uppercase()))
        .collect();
    let column = match bare.as_str() {
        "TICKER" | "SYMBOL" | "TICK" => Column::Ticker,
        "NAME" => Column::Name,
        "PER" | "PERIOD" => Column::Period,
        "TIME" => Column::Time,
        "OPEN" | "O" => Column::Open,
        "HIGH" | "H" => Column::High,
        "LOW" | "L" => Column::Low,
        "CLOSE" | "C" => Column::Close,
        "VOL" | "VOLUME" | "V" => Column::Volume,
        "OPENINT" | "OI" | "O/I" | "OPENINTEREST" => Column::OpenInterest,
        "DATE" | "DTYYYYMMDD" | "DTYYMMDD" | "DTYYYYMMDDHHMM" | "DTYYYYMMDDHHMMSS" => Column::Date,
        "DTMMDDYY" | "DTMMDDYYYY" => return (Column::Date, Some(Order::MonthFirst)),
        "DTDDMMYY" | "DTDDMMYYYY" => return (Column::Date, Some(Order::DayFirst)),
        _ => Column::Other,
    };
    (column, None)
}

/// Columns by their number, by which of them is a date, and by which reading makes sense of the prices.
fn counted_columns(text: &[u8], separator: Separator, number: u64) -> Result<Vec<Column>, LineError> {
    let sample: Vec<Vec<&[u8]>> =
        Lines::new(text).take(SAMPLE_LINES).map(|(_, line)| line::fields(line, separator).collect()).collect();
    let mut first: Vec<&[u8]> = sample.first().cloned().unwrap_or_default();
    if first.last().is_some_and(|field| field.is_empty()) {
        first.pop();
    }
    let candidates = candidates(first.len());
    let fits = |columns: &Vec<Column>, rows: &[Vec<&[u8]>]| rows.iter().all(|row| plausible(columns, row, separator));
    let found = candidates
        .iter()
        .find(|columns| fits(columns, &sample))
        .or_else(|| candidates.iter().find(|columns| fits(columns, sample.get(..1).unwrap_or_default())));
    found.cloned().ok_or_else(|| {
        LineError::at(
            number,
            format!(
                "no known layout without a header fits these {} columns (a date, then open, high, low, close)",
                first.len()
            ),
        )
    })
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
fn plausible(columns: &[Column], fields: &[&[u8]], separator: Separator) -> bool {
    let price = |wanted: Column| {
        let index = columns.iter().position(|column| *column == wanted)?;
        line::price(fields.get(index)?, separator).ok().flatten().filter(|price| *price != 0.0)
    };
    let readable = columns.iter().zip(fields).all(|(column, field)| match column {
        Column::Date => date::form(field, None).is_some(),
        Column::Time => !field.is_empty() && date::time(field).is_some(),
        Column::Period => line::period(field).is_some(),
        Column::Ticker => line::ticker(field).is_some(),
        Column::Name | Column::Other => true,
        Column::Volume | Column::OpenInterest => {
            line::price(field, separator).is_ok_and(|value| value.is_none_or(|value| value >= 0.0))
        }
        // Midnight is written `000000`; no price is.
        Column::Open if field.len() >= 4 && field.iter().all(|byte| *byte == b'0') => false,
        Column::Open | Column::High | Column::Low | Column::Close => line::price(field, separator).is_ok(),
    });
    let ordered = match (price(Column::High), price(Column::Low)) {
        (Some(high), Some(low)) => {
            let within = |value: Option<f64>| value.is_none_or(|value| (low..=high).contains(&value));
            low <= high && within(price(Column::Open)) && within(price(Column::Close))
        }
        _ => true,
    };
    readable && ordered
}

/// The form of the first row's date.
fn date_form(
    data: &[u8],
    number: u64,
    separator: Separator,
    columns: &[Column],
    hint: Option<Order>,
) -> Result<DateForm, LineError> {
    let field = date_field(data, separator, columns).unwrap_or_default();
    date::form(field, hint).ok_or_else(|| LineError::at(number, format!("{} is no date", line::quoted(field))))
}

/// The order that some day above twelve proves, looking no further than the first such day.
fn proved_order(text: &[u8], separator: Separator, columns: &[Column]) -> Option<Order> {
    Lines::new(text).find_map(|(_, line)| date::proof(date_field(line, separator, columns)?))
}

fn date_field<'a>(line: &'a [u8], separator: Separator, columns: &[Column]) -> Option<&'a [u8]> {
    let index = columns.iter().position(|column| *column == Column::Date)?;
    line::fields(line, separator).nth(index)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, columns: &str, separator: Separator, dates: DateForm) {
        let layout = layout(text.as_bytes(), &Options::default()).unwrap();
        let letters: String = layout
            .columns
            .iter()
            .map(|column| match column {
                Column::Name => 'N',
                Column::Ticker => 'T',
                Column::Period => 'P',
                Column::Date => 'D',
                Column::Time => 't',
                Column::Open => 'O',
                Column::High => 'H',
                Column::Low => 'L',
                Column::Close => 'C',
                Column::Volume => 'V',
                Column::OpenInterest => 'I',
                Column::Other => '?',
            })
            .collect();
        assert_eq!((letters.as_str(), layout.separator, layout.dates), (columns, separator, dates), "{text}");
    }

    #[test]
    fn layouts_with_a_header() {
        use DateForm::YearFirstDigits as Digits;
        use Separator::{Comma, Semicolon, Tab};
        let row10 = "ACME,D,20260105,000000,101.25,103.5,101,103,1750000,0";
        check(
            &format!("<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\n{row10}"),
            "TPDtOHLCVI",
            Comma,
            Digits,
        );
        check(
            &format!(
                "<NAME>,<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\nAcme Corp,{row10}\n"
            ),
            "NTPDtOHLCVI",
            Comma,
            Digits,
        );
        check(
            "\"Name\",\"Date\",\"Time\",\"Open\",\"High\",\"Low\",\"Close\",\"Volume\",\"Oi\"\n\"Acme; Corp, Inc\",20260105,000000,1,2,1,2,5,0",
            "NDtOHLCVI",
            Comma,
            Digits,
        );
        check(" date ; o ; h ; l ; c ; oi ; vendor\n20260105;101,25;103,5;101;103;0;x", "DOHLCI?", Semicolon, Digits);
        check("Symbol\tDate\tClose\nC\t2026-01-05\t103", "TDC", Tab, DateForm::YearFirstParts);
        check("<TICKER>,<DTMMDDYY>,<CLOSE>\nA,010526,1", "TDC", Comma, DateForm::YearLastDigits(Order::MonthFirst));
        check("<TICKER>,<DTDDMMYY>,<CLOSE>\nA,01/05/26,1", "TDC", Comma, DateForm::YearLastParts(Order::DayFirst));
    }

    #[test]
    fn layouts_without_a_header() {
        use DateForm::YearFirstDigits as Digits;
        use Separator::{Blank, Comma, Semicolon, Tab};
        check("ACME,D,20260105,000000,101.25,103.5,101,103,1750000,0", "TPDtOHLCVI", Comma, Digits);
        check("ACME,D,20260105,093000,101.25,103.5,101,103,1750000", "TPDtOHLCV", Comma, Digits);
        check("ACME,D,20260105,101.25,103.5,101,103,1750000,12", "TPDOHLCVI", Comma, Digits);
        check("ACME,D,20260105,101.25,103.5,101,103,1750000", "TPDOHLCV", Comma, Digits);
        check("ACME,20260105,101.25,103.5,101,103,1750000", "TDOHLCV", Comma, Digits);
        check("C,20260105,101.25,103.5,101,103,1750000", "TDOHLCV", Comma, Digits);
        check("600519,20260105,101.25,103.5,101,103,1750000", "TDOHLCV", Comma, Digits);
        check("20260105,101.25,103.5,101,103,1750000,0", "DOHLCVI", Comma, Digits);
        check("20260105,000000,101.25,103.5,101,103,1750000", "DtOHLCV", Comma, Digits);
        check("20260105,000000,5,5,5,5,0", "DtOHLCV", Comma, Digits);
        check("20260105,0,103.5,101,103,1750000,0", "DOHLCVI", Comma, Digits);
        check("20260105\t0:00\t101,25\t103,5\t101\t103", "DtOHLC", Tab, Digits);
        check("01/13/2026,101.25,103.5,101,103,1750000", "DOHLCV", Comma, DateForm::YearLastParts(Order::MonthFirst));
        check("260105 101.25 103.5 101 103", "DOHLC", Blank, Digits);
        check("260105;101,25;103,5;101;103;", "DOHLC", Semicolon, Digits);
        check("Acme Corp,ACME,D,20260105,000000,101.25,103.5,101,103,1750000,0", "NTPDtOHLCVI", Comma, Digits);
    }

    #[test]
    fn a_day_above_twelve_proves_the_order() {
        let day_first = "A,1/2/2026,1,2,1,2,5\nA,12/2/2026,1,2,1,2,5\nA,13/2/2026,1,2,1,2,5\n";
        check(day_first, "TDOHLCV", Separator::Comma, DateForm::YearLastParts(Order::DayFirst));
        check("A,13.02.2026,1,2,1,2,5", "TDOHLCV", Separator::Comma, DateForm::YearLastParts(Order::DayFirst));
    }

    #[track_caller]
    fn refused(text: &str, line: Option<u64>, reason: &str) {
        let error = layout(text.as_bytes(), &Options::default()).unwrap_err();
        assert_eq!((error.line, error.reason.contains(reason)), (line, true), "{error:?}");
    }

    #[test]
    fn what_stays_uncertain_is_refused() {
        refused("", None, "empty");
        refused("\n \r\n", None, "empty");
        refused("<TICKER>,<DATE>,<CLOSE>\n", None, "no row");
        refused("A,1/2/2026,1,2,1,2,5\nA,2/2/2026,1,2,1,2,5", None, "date order");
        refused("<html>\n<body>hello you</body>", Some(1), "no date column");
        refused("<TICKER>,<DATE>,<OPEN>\nA,20260105,1", Some(1), "no close column");
        refused("<DATE>,<DATE>,<CLOSE>\n20260105,1,1", Some(1), "two columns for the date");
        refused("<DATE>,<CLOSE>\nsoon,1", Some(2), "\"soon\" is no date");
        refused("A,B,C,20260105,1,2,1,2", Some(1), "no known layout");
        refused("20260105", Some(1), "no separator");
    }

    #[test]
    fn a_set_order_decides() {
        let options = Options { date_order: Some(Order::DayFirst), ..Options::default() };
        let layout = layout(b"A,1/2/2026,1,2,1,2,5", &options).unwrap();
        assert_eq!(layout.dates, DateForm::YearLastParts(Order::DayFirst));
    }
}
