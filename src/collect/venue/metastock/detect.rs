//! Finding out how one text file is laid out: its separator, its header, what each column holds, how it writes dates.
//!
//! There is no standard for these files, so everything is read off the file itself. What stays uncertain is refused
//! with a reason rather than guessed.

use super::columns;
use super::date::{self, DateForm, Order};
use super::header::{self, Column};
use super::line::{self, LineError, Lines, Separator};
use super::number;
use super::options::Options;

/// Lines among which a header is looked for: titles may stand above it.
const HEAD_LINES: usize = 30;
/// Rows looked at to tell separators, columns and dates.
const SAMPLE_LINES: usize = 50;

/// How one file is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) separator: Separator,
    /// The header line, which may come again where files were joined.
    pub(super) header: Option<Vec<u8>>,
    /// Number of the last line that is no row: the header, or titles.
    pub(super) above_rows: u64,
    /// The symbol, where a line above the rows has it.
    pub(super) symbol: Option<String>,
    pub(super) columns: Vec<Column>,
    pub(super) dates: DateForm,
}

impl Layout {
    /// Whether the file has such a column.
    pub(super) fn has(&self, column: Column) -> bool {
        self.columns.contains(&column)
    }

    /// Whether a line is a row.
    pub(super) fn is_row(&self, number: u64, line: &[u8]) -> bool {
        number > self.above_rows && self.header.as_deref() != Some(line)
    }
}

/// A line with its number.
type Line<'a> = (u64, &'a [u8]);

/// Reads the layout off `text`.
pub(super) fn layout(text: &[u8], options: &Options) -> Result<Layout, LineError> {
    let head: Vec<Line<'_>> = Lines::new(text).take(HEAD_LINES).collect();
    let Some(&first) = head.first() else { return Err(LineError::whole("the file is empty")) };
    let named = head.iter().find_map(|&(number, line)| Some((number, line, header_of(line)?)));
    let (mut layout, hint) = match named {
        Some((number, line, named)) => (with_header(text, &head, (number, line), named.columns)?, named.order),
        None => (without_header(text, first)?, None),
    };
    layout.dates = dates(text, &layout, hint, options)?;
    Ok(layout)
}

fn header_of(line: &[u8]) -> Option<header::Named> {
    header::header(line, separator(line).unwrap_or(Separator::Comma))
}

/// The layout below a header.
fn with_header(text: &[u8], head: &[Line<'_>], header: Line<'_>, columns: Vec<Column>) -> Result<Layout, LineError> {
    let mut above_rows = header.0;
    let mut symbol = None;
    for &(number, line) in head.iter().filter(|(number, _)| *number > header.0) {
        // Commands of AmiBroker may follow the one that names the columns; Python writes tickers and a word below it.
        if !line.starts_with(b"$") && !line.starts_with(b"#") && !below_price(header.1, line, &mut symbol) {
            break;
        }
        above_rows = number;
    }
    let rows: Vec<Line<'_>> = Lines::new(text).filter(|(number, _)| *number > above_rows).take(SAMPLE_LINES).collect();
    let Some(&(first, _)) = rows.first() else {
        return Err(LineError::whole("there is a header but no row below it"));
    };
    let separator = common_separator(&rows).ok_or_else(|| no_separator(first))?;
    let (header, dates) = (Some(header.1.to_vec()), DateForm::UndecidedParts);
    Ok(Layout { separator, header, above_rows, symbol, columns, dates })
}

/// Whether a line is one of the two that Python's download of Yahoo puts between header and rows:
/// `Price,Close,...`, then `Ticker,AAPL,AAPL,...` and `Date,,,...`.
fn below_price(header: &[u8], line: &[u8], symbol: &mut Option<String>) -> bool {
    let first = |line: &[u8]| line::fields(line, Separator::Comma).next().map(<[u8]>::to_ascii_lowercase);
    if first(header).as_deref() != Some(b"price") {
        return false;
    }
    let mut rest = line::fields(line, Separator::Comma).skip(1);
    match first(line).as_deref() {
        Some(b"date") => true,
        Some(b"ticker") => {
            let ticker = rest.next();
            *symbol =
                ticker.and_then(line::ticker).filter(|_| rest.all(|other| Some(other) == ticker)).map(str::to_owned);
            true
        }
        _ => false,
    }
}

/// The layout of a file without a header: by which reading most of its first lines make sense.
fn without_header(text: &[u8], (first_number, first): Line<'_>) -> Result<Layout, LineError> {
    let sample: Vec<Line<'_>> = Lines::new(text).take(SAMPLE_LINES).collect();
    let found = common_separator(&sample).map(|separator| (separator, columns::counted(&sample, separator)));
    // Words above the columns that nobody knows: what they name may stand in another order than it seems.
    let above = |found: &columns::Counted| sample.iter().find(|(number, _)| *number > found.above_rows).copied();
    if let Some((separator, Some(found))) = &found
        && let Some((number, line)) = above(found).filter(|(_, line)| looks_like_header(line))
    {
        return Err(header::fault(line, number, *separator));
    }
    if let Some((separator, Some(found))) = found {
        let (dates, above_rows) = (DateForm::UndecidedParts, found.above_rows);
        return Ok(Layout { separator, header: None, above_rows, symbol: None, columns: found.columns, dates });
    }
    if looks_like_header(first) {
        return Err(header::fault(first, first_number, separator(first).unwrap_or(Separator::Comma)));
    }
    let Some(separator) = separator(first) else { return Err(no_separator(first_number)) };
    let count = line::fields(first, separator).count();
    let reason =
        format!("no known layout without a header fits these {count} columns (a date, then open, high, low, close)");
    Err(LineError::at(first_number, reason))
}

fn no_separator(number: u64) -> LineError {
    LineError::at(number, "no separator (comma, semicolon, tab or blank) splits this line into columns")
}

/// A header has a `<`, or no field that could be a number or a date.
fn looks_like_header(line: &[u8]) -> bool {
    let separator = separator(line).unwrap_or(Separator::Comma);
    line.contains(&b'<')
        || line::fields(line, separator).all(|field| number::price(field, separator).is_err() || field.is_empty())
            && line::fields(line, separator).all(|field| date::form(field, None).is_none())
}

/// The separator of most lines; of two that are as frequent, that of the later ones, which are further from titles.
fn common_separator(lines: &[Line<'_>]) -> Option<Separator> {
    let mut counts: Vec<(Separator, usize)> = Vec::new();
    for found in lines.iter().filter_map(|(_, line)| separator(line)) {
        match counts.iter_mut().find(|(known, _)| *known == found) {
            Some((_, count)) => *count += 1,
            None => counts.push((found, 1)),
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(separator, _)| separator)
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

/// The form of most of the first dates, with its order proved.
fn dates(text: &[u8], layout: &Layout, hint: Option<Order>, options: &Options) -> Result<DateForm, LineError> {
    let fields = || {
        let rows = Lines::new(text).filter(|(number, line)| layout.is_row(*number, line));
        rows.filter_map(|(number, line)| Some((number, date_field(line, layout)?)))
    };
    let mut counts: Vec<(DateForm, usize)> = Vec::new();
    let forms = |(_, field): (u64, &[u8])| date::form(field, hint.or(options.date_order));
    for form in fields().take(SAMPLE_LINES).filter_map(forms) {
        match counts.iter_mut().find(|(known, _)| *known == form) {
            Some((_, count)) => *count += 1,
            None => counts.push((form, 1)),
        }
    }
    let common = counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(form, _)| form);
    let Some(form) = common.or_else(|| fields().find_map(forms)) else {
        let rows = || Lines::new(text).filter(|(number, line)| layout.is_row(*number, line));
        let (number, field) = fields().next().or_else(|| rows().next()).unwrap_or_default();
        return Err(LineError::at(number, format!("{} is no date", line::quoted(field))));
    };
    form.decided(|| options.date_order.or_else(|| fields().find_map(|(_, field)| date::proof(field)))).ok_or_else(
        || LineError::whole("every date fits both month/day/year and day/month/year; --date-order tells which it is"),
    )
}

fn date_field<'a>(line: &'a [u8], layout: &Layout) -> Option<&'a [u8]> {
    let index = layout.columns.iter().position(|column| *column == Column::Date)?;
    line::fields(line, layout.separator).nth(index)
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
        check("<TICKER>,<DTDDMMYY>,<CLOSE>\nA,01/05/26,1", "TDC", Comma, DateForm::Parts(Order::DayFirst));
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
        check("01/13/2026,101.25,103.5,101,103,1750000", "DOHLCV", Comma, DateForm::Parts(Order::MonthFirst));
        check("260105 101.25 103.5 101 103", "DOHLC", Blank, Digits);
        check("260105;101,25;103,5;101;103;", "DOHLC", Semicolon, Digits);
        check("Acme Corp,ACME,D,20260105,000000,101.25,103.5,101,103,1750000,0", "NTPDtOHLCVI", Comma, Digits);
    }

    #[test]
    fn a_day_above_twelve_proves_the_order() {
        let day_first = "A,1/2/2026,1,2,1,2,5\nA,12/2/2026,1,2,1,2,5\nA,13/2/2026,1,2,1,2,5\n";
        check(day_first, "TDOHLCV", Separator::Comma, DateForm::Parts(Order::DayFirst));
        check("A,13.02.2026,1,2,1,2,5", "TDOHLCV", Separator::Comma, DateForm::Parts(Order::DayFirst));
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
        refused("A,1/2/2026,1,2,1,2,5\nA,2/2/2026,1,2,1,2,5", None, "--date-order");
        refused("<html>\n<body>hello you</body>", Some(1), "no date column");
        refused("<TICKER>,<DATE>,<OPEN>\nA,20260105,1", Some(1), "no close column");
        refused("<DATE>,<DATE>,<CLOSE>\n20260105,1,1", Some(1), "two columns for the date");
        refused("<DATE>,<CLOSE>\nsoon,1", Some(2), "\"soon\" is no date");
        refused("A,B,C,20260105,1,2,1,2", Some(1), "no known layout");
        refused("20260105", Some(1), "no separator");
        refused("Fecha,Cierre,Alto,Bajo,Otro\n20260105,1,2,1,1\n20260106,1,2,1,1", Some(1), "no close column");
        refused("Dia,Cierre,Alto,Bajo,Otro\n20260105,1,2,1,1\n20260106,1,2,1,1", Some(1), "no date column");
    }

    #[test]
    fn a_set_order_decides() {
        let options = Options { date_order: Some(Order::DayFirst), ..Options::default() };
        let layout = layout(b"A,1/2/2026,1,2,1,2,5", &options).unwrap();
        assert_eq!(layout.dates, DateForm::Parts(Order::DayFirst));
    }
}
