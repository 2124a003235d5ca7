//! `COPY ... TO STDOUT`: its options and its rows. Files and programs of the server are out of reach.

use super::encode::{Cells, is_plain, tuple};
use super::error::Failure;
use super::lexer::{Kind, Piece, Reader};
use super::types::Format;
use bytes::BufMut;

/// What binary COPY begins with: signature, no flags, no extension.
const SIGNATURE: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// The query whose rows COPY sends: written by the client, or made for a table it names.
#[derive(Debug)]
pub(super) enum Source<'a> {
    Query(Piece<'a>),
    /// The query that reads a table.
    Table(String),
}

/// The form in which COPY writes rows: the format and its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyOut {
    pub(super) layout: Layout,
    header: bool,
    delimiter: u8,
    null: String,
    quote: u8,
    escape: u8,
    force_quote: Quoted,
}

/// The format of COPY TO STDOUT: text, CSV or PostgreSQL's binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Text,
    Csv,
    Binary,
}

/// Which columns of a csv are always quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Quoted {
    All,
    Some(Vec<String>),
}

/// Options of COPY as the client wrote them, before they are checked against the format and given defaults.
#[derive(Debug, Default)]
struct Written {
    layout: Option<Layout>,
    header: bool,
    delimiter: Option<String>,
    null: Option<String>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<Quoted>,
}

/// Reads what follows `COPY`.
///
/// # Errors
/// 25006 for COPY FROM, 42501 for files and programs, 22023 for an option that does not fit.
pub(super) fn parse<'a>(reader: &mut Reader<'a>) -> Result<(Source<'a>, CopyOut), Failure> {
    let mut written = Written::default();
    if reader.keyword("BINARY") {
        written.layout = Some(Layout::Binary);
    }
    let source = if reader.peek().is_some_and(|token| token.is_symbol('(')) {
        Source::Query(reader.parenthesised()?)
    } else {
        Source::Table(table_query(reader)?)
    };
    if reader.keyword("FROM") {
        return Err(match reader.take() {
            Some(token) if token.is("STDIN") => {
                Failure::new("25006", "cannot execute COPY FROM in a read-only transaction")
            }
            _ => server_side(),
        });
    }
    reader.expect("TO")?;
    if !reader.keyword("STDOUT") {
        return Err(match reader.peek() {
            Some(token) if token.kind == Kind::Text || token.is("PROGRAM") => server_side(),
            _ => reader.unexpected(),
        });
    }
    options(reader, &mut written)?;
    Ok((source, written.resolve()?))
}

fn server_side() -> Failure {
    Failure::new("42501", "COPY to or from a file or program of the server is not allowed")
        .with_hint("Anyone can COPY to stdout. psql's \\copy command also works for anyone.")
}

/// `[schema.]table [(column, ...)]` as a query.
fn table_query(reader: &mut Reader<'_>) -> Result<String, Failure> {
    let mut table = quoted(&reader.name()?);
    while reader.symbol('.') {
        table = format!("{table}.{}", quoted(&reader.name()?));
    }
    let columns = match reader.peek() {
        Some(token) if token.is_symbol('(') => {
            names(reader)?.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
        }
        _ => "*".to_owned(),
    };
    Ok(format!("SELECT {columns} FROM {table}"))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Reads `(name, ...)`, the columns of FORCE_QUOTE or of a table; 42601 when a parenthesis or name is missing.
fn names(reader: &mut Reader<'_>) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    if !reader.symbol('(') {
        return Err(reader.unexpected());
    }
    loop {
        names.push(reader.name()?);
        if reader.symbol(')') {
            return Ok(names);
        }
        if !reader.symbol(',') {
            return Err(reader.unexpected());
        }
    }
}

/// Both spellings: `WITH (FORMAT csv, HEADER)` and `CSV HEADER`.
fn options(reader: &mut Reader<'_>, written: &mut Written) -> Result<(), Failure> {
    reader.keyword("WITH");
    if reader.symbol('(') {
        loop {
            option(reader, written)?;
            if reader.symbol(')') {
                return Ok(());
            }
            if !reader.symbol(',') {
                return Err(reader.unexpected());
            }
        }
    }
    while reader.peek().is_some() {
        if reader.keyword("BINARY") {
            written.layout = Some(Layout::Binary);
        } else if reader.keyword("CSV") {
            written.layout = Some(Layout::Csv);
        } else if reader.keyword("HEADER") {
            written.header = true;
        } else if reader.keyword("FORCE") {
            reader.expect("QUOTE")?;
            written.force_quote = Some(force_quote(reader, false)?);
        } else {
            let name = reader.name()?;
            reader.keyword("AS");
            valued(&name, text(reader)?, written).unwrap_or_else(|| Err(reader.unexpected()))?;
        }
    }
    Ok(())
}

/// One option in parentheses.
fn option(reader: &mut Reader<'_>, written: &mut Written) -> Result<(), Failure> {
    let name = reader.name()?;
    match name.as_str() {
        "format" => {
            let format = reader.peek().map(|token| token.value()).unwrap_or_default();
            written.layout = Some(match format.as_str() {
                "text" => Layout::Text,
                "csv" => Layout::Csv,
                "binary" => Layout::Binary,
                _ => return Err(Failure::new("22023", format!("COPY format \"{format}\" not recognized"))),
            });
            reader.take();
        }
        "header" => {
            let value = reader.peek().filter(|token| token.kind != Kind::Symbol).map(|token| token.value());
            written.header = match value.as_deref() {
                None | Some("true" | "on" | "1" | "match") => true,
                Some("false" | "off" | "0") => false,
                Some(_) => return Err(Failure::new("42601", "header requires a Boolean value or \"match\"")),
            };
            if value.is_some() {
                reader.take();
            }
        }
        "force_quote" => written.force_quote = Some(force_quote(reader, true)?),
        _ => {
            let value = text(reader)?;
            let unknown = || Err(Failure::new("42601", format!("option \"{name}\" not recognized")));
            valued(&name, value, written).unwrap_or_else(unknown)?;
        }
    }
    Ok(())
}

/// An option that takes a text; none when there is no such option.
fn valued(name: &str, value: String, written: &mut Written) -> Option<Result<(), Failure>> {
    match name {
        "delimiter" | "delimiters" => written.delimiter = Some(value),
        "null" => written.null = Some(value),
        "quote" => written.quote = Some(value),
        "escape" => written.escape = Some(value),
        "encoding" if matches!(value.to_ascii_lowercase().replace(['-', '_'], "").as_str(), "utf8" | "unicode") => {}
        "encoding" => return Some(Err(Failure::new("0A000", "only encoding UTF8 is supported"))),
        _ => return None,
    }
    Some(Ok(()))
}

fn text(reader: &mut Reader<'_>) -> Result<String, Failure> {
    match reader.peek() {
        Some(token) if matches!(token.kind, Kind::Text | Kind::Word) => {
            reader.take();
            Ok(token.value())
        }
        _ => Err(reader.unexpected()),
    }
}

/// `*`, or names, which stand in parentheses or not.
fn force_quote(reader: &mut Reader<'_>, parentheses: bool) -> Result<Quoted, Failure> {
    if reader.symbol('*') {
        return Ok(Quoted::All);
    }
    if parentheses {
        return Ok(Quoted::Some(names(reader)?));
    }
    let mut names = vec![reader.name()?];
    while reader.symbol(',') {
        names.push(reader.name()?);
    }
    Ok(Quoted::Some(names))
}

impl Written {
    fn resolve(self) -> Result<CopyOut, Failure> {
        let layout = self.layout.unwrap_or(Layout::Text);
        let only = |given: bool, allowed: bool, what: &str| match given && !allowed {
            true => Err(Failure::new("0A000", format!("COPY {what} is not available in this format"))),
            false => Ok(()),
        };
        only(self.delimiter.is_some(), layout != Layout::Binary, "DELIMITER")?;
        only(self.null.is_some(), layout != Layout::Binary, "NULL")?;
        only(self.header, layout != Layout::Binary, "HEADER")?;
        only(self.quote.is_some(), layout == Layout::Csv, "QUOTE")?;
        only(self.escape.is_some(), layout == Layout::Csv, "ESCAPE")?;
        only(self.force_quote.is_some(), layout == Layout::Csv, "FORCE_QUOTE")?;
        let csv = layout == Layout::Csv;
        let quote = one_byte(self.quote, b'"', "quote")?;
        let delimiter = one_byte(self.delimiter, if csv { b',' } else { b'\t' }, "delimiter")?;
        let null = self.null.unwrap_or_else(|| if csv { String::new() } else { "\\N".to_owned() });
        if null.contains(['\r', '\n']) || matches!(delimiter, b'\r' | b'\n') {
            return Err(Failure::new("22023", "COPY delimiter and null cannot use newline or carriage return"));
        }
        if csv && delimiter == quote {
            return Err(Failure::new("22023", "COPY delimiter and quote must be different"));
        }
        if layout == Layout::Text && (delimiter.is_ascii_alphanumeric() || matches!(delimiter, b'\\' | b'.')) {
            return Err(Failure::new("22023", "COPY delimiter cannot be a letter, a digit, a dot or a backslash"));
        }
        if null.as_bytes().contains(&delimiter) || (csv && null.as_bytes().contains(&quote)) {
            return Err(Failure::new("22023", "COPY delimiter and quote must not appear in the NULL specification"));
        }
        Ok(CopyOut {
            layout,
            header: self.header,
            delimiter,
            null,
            quote,
            escape: one_byte(self.escape, quote, "escape")?,
            force_quote: self.force_quote.unwrap_or(Quoted::Some(Vec::new())),
        })
    }
}

fn one_byte(given: Option<String>, default: u8, what: &str) -> Result<u8, Failure> {
    match given.as_deref().map(str::as_bytes) {
        None => Ok(default),
        Some([byte]) => Ok(*byte),
        Some(_) => Err(Failure::new("22023", format!("COPY {what} must be a single one-byte character"))),
    }
}

impl CopyOut {
    /// How the columns are encoded before they are laid out.
    pub(super) fn format(&self) -> Format {
        match self.layout {
            Layout::Text | Layout::Csv => Format::Text,
            Layout::Binary => Format::Binary,
        }
    }

    /// A writer for rows of these columns.
    pub(super) fn rows<'a>(&self, columns: impl Iterator<Item = &'a str>) -> CopyRows {
        let columns: Vec<String> = columns.map(str::to_owned).collect();
        let forced = |name: &String| match &self.force_quote {
            Quoted::All => true,
            Quoted::Some(names) => names.contains(name),
        };
        let quoted = columns.iter().map(forced).collect();
        let mixed_up = is_plain(self.delimiter)
            || (self.layout == Layout::Csv && is_plain(self.quote))
            || (!self.null.is_empty() && self.null.bytes().all(is_plain));
        CopyRows { out: self.clone(), columns, quoted, as_it_is: !mixed_up, started: false, escaped: Vec::new() }
    }
}

/// The writer of one COPY: it turns rows into CopyData messages.
#[derive(Clone)]
pub(super) struct CopyRows {
    out: CopyOut,
    columns: Vec<String>,
    quoted: Vec<bool>,
    /// Plain text (see [`Cells::plain`]) needs neither escape nor quotes.
    as_it_is: bool,
    started: bool,
    /// A cell that was to be escaped, between its two homes.
    escaped: Vec<u8>,
}

impl CopyRows {
    /// How the columns are encoded before they are laid out.
    pub(super) fn format(&self) -> Format {
        self.out.format()
    }

    /// What comes before the rows as messages of its own. The signature of the binary format travels with its first
    /// row, because clients read it so.
    pub(super) fn header(&mut self, to: &mut Vec<u8>) -> Result<(), Failure> {
        if !self.out.header {
            return Ok(());
        }
        let columns = std::mem::take(&mut self.columns);
        message(to, |to| {
            for (index, name) in columns.iter().enumerate() {
                if index > 0 {
                    to.put_u8(self.out.delimiter);
                }
                match self.out.layout {
                    Layout::Csv => put_csv(&self.out, name.as_bytes(), false, columns.len() == 1, to),
                    Layout::Text | Layout::Binary => put_text(&self.out, name.as_bytes(), to),
                }
            }
            to.put_u8(b'\n');
            Ok(())
        })
    }

    /// Writes one row as a message.
    pub(super) fn row(&mut self, cells: &mut [Cells], row: usize, to: &mut Vec<u8>) -> Result<(), Failure> {
        if self.out.layout == Layout::Binary {
            let signature = !std::mem::replace(&mut self.started, true);
            return message(to, |to| {
                if signature {
                    to.put_slice(SIGNATURE);
                }
                tuple(cells, row, to)
            });
        }
        let alone = cells.len() == 1;
        message(to, |to| {
            for (index, column) in cells.iter_mut().enumerate() {
                if index > 0 {
                    to.put_u8(self.out.delimiter);
                }
                if column.is_null(row) {
                    to.put_slice(self.out.null.as_bytes());
                    continue;
                }
                let quoted = self.quoted.get(index).copied().unwrap_or(false);
                let start = to.len();
                column.write(row, to)?;
                if (column.plain && self.as_it_is && !quoted) || !self.out.changes(&to[start..], quoted, alone) {
                    continue;
                }
                self.escaped.clear();
                self.escaped.extend_from_slice(&to[start..]);
                to.truncate(start);
                match self.out.layout {
                    Layout::Csv => put_csv(&self.out, &self.escaped, quoted, alone, to),
                    Layout::Text | Layout::Binary => put_text(&self.out, &self.escaped, to),
                }
            }
            to.put_u8(b'\n');
            Ok(())
        })
    }

    /// What comes after the rows.
    pub(super) fn trailer(&mut self, to: &mut Vec<u8>) -> Result<(), Failure> {
        if self.out.layout != Layout::Binary {
            return Ok(());
        }
        let signature = !self.started;
        message(to, |to| {
            if signature {
                to.put_slice(SIGNATURE);
            }
            to.put_i16(-1);
            Ok(())
        })
    }
}

impl CopyOut {
    /// Whether a cell goes otherwise than as it is. A lone `\.` in a csv would read as the end of the data.
    fn changes(&self, cell: &[u8], quoted: bool, alone: bool) -> bool {
        match self.layout {
            Layout::Text => cell.iter().any(|byte| matches!(byte, b'\\' | 8..=13) || *byte == self.delimiter),
            Layout::Csv => {
                let special = |byte: &u8| matches!(byte, b'\n' | b'\r') || [self.delimiter, self.quote].contains(byte);
                quoted || (alone && cell == b"\\.") || cell == self.null.as_bytes() || cell.iter().any(special)
            }
            Layout::Binary => false,
        }
    }
}

fn put_text(out: &CopyOut, cell: &[u8], to: &mut Vec<u8>) {
    for byte in cell {
        let escaped = match byte {
            b'\\' => b'\\',
            b'\x08' => b'b',
            b'\x0c' => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            b'\x0b' => b'v',
            byte if *byte == out.delimiter => *byte,
            byte => {
                to.put_u8(*byte);
                continue;
            }
        };
        to.put_slice(&[b'\\', escaped]);
    }
}

fn put_csv(out: &CopyOut, cell: &[u8], quoted: bool, alone: bool, to: &mut Vec<u8>) {
    if !out.changes(cell, quoted, alone) {
        to.put_slice(cell);
        return;
    }
    to.put_u8(out.quote);
    for byte in cell {
        if *byte == out.quote || *byte == out.escape {
            to.put_u8(out.escape);
        }
        to.put_u8(*byte);
    }
    to.put_u8(out.quote);
}

/// Writes a CopyData message around what `write` writes.
fn message(to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>) -> Result<(), Failure> {
    to.put_u8(b'd');
    let start = to.len();
    to.put_i32(0);
    write(to)?;
    let length = to.len() - start;
    super::encode::put_length(to, start, length)
}

#[cfg(test)]
mod tests {
    use super::super::encode::Style;
    use super::*;
    use arrow::array::{ArrayRef, Int32Array, StringArray};
    use std::sync::Arc;

    fn copy(sql: &str) -> Result<CopyOut, Failure> {
        let mut reader = Reader::new(Piece { sql, offset: 0 });
        let (_, out) = parse(&mut reader)?;
        reader.end()?;
        Ok(out)
    }

    /// The bytes within the messages of a whole COPY of two columns.
    fn rows(sql: &str) -> Vec<u8> {
        let out = copy(sql).unwrap();
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("a,\"b\"\tc\\"), None, Some("")]));
        let number: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
        let style = Style { zone: crate::text::zone::Zone::UTC };
        let mut cells = [text, number].map(|array| Cells::new(&array, out.format(), &style).unwrap());
        let mut writer = out.rows(["t", "n,1"].into_iter());
        let mut written = Vec::new();
        writer.header(&mut written).unwrap();
        (0..3).for_each(|row| writer.row(&mut cells, row, &mut written).unwrap());
        writer.trailer(&mut written).unwrap();
        let mut plain = Vec::new();
        let mut rest = &written[..];
        while !rest.is_empty() {
            let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
            plain.extend_from_slice(&rest[5..length + 1]);
            rest = &rest[length + 1..];
        }
        plain
    }

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(String::from_utf8(rows(sql)).unwrap(), expected);
    }

    #[test]
    fn text_is_escaped() {
        check("t TO STDOUT", "a,\"b\"\\tc\\\\\t1\n\\N\t\\N\n\t3\n");
        check("t TO STDOUT (DELIMITER ',', NULL '-')", "a\\,\"b\"\\tc\\\\,1\n-,-\n,3\n");
    }

    /// Numbers are not looked through for what is to be escaped, unless a delimiter, a quote or a NULL is made of the
    /// same.
    #[test]
    fn numbers_are_escaped_where_they_must_be() {
        check("t TO STDOUT (FORMAT csv, DELIMITER '3')", "\"a,\"\"b\"\"\tc\\\"31\n3\n\"\"3\"3\"\n");
        check("t TO STDOUT (FORMAT csv, NULL '3')", "\"a,\"\"b\"\"\tc\\\",1\n3,3\n,\"3\"\n");
        check("t TO STDOUT (FORMAT csv, QUOTE '1')", "1a,\"b\"\tc\\1,1111\n,\n11,3\n");
    }

    #[test]
    fn csv_tells_null_from_empty() {
        check("t TO STDOUT WITH (FORMAT csv, HEADER)", "t,\"n,1\"\n\"a,\"\"b\"\"\tc\\\",1\n,\n\"\",3\n");
        check("t TO STDOUT CSV HEADER FORCE QUOTE *", "t,\"n,1\"\n\"a,\"\"b\"\"\tc\\\",\"1\"\n,\n\"\",\"3\"\n");
        check("t TO STDOUT (FORMAT csv, QUOTE '''', ESCAPE E'\\\\', NULL 'x')", "'a,\"b\"\tc\\\\',1\nx,x\n,3\n");
    }

    #[test]
    fn binary_has_signature_and_trailer() {
        let mut expected = SIGNATURE.to_vec();
        expected.extend(b"\0\x02\0\0\0\x08a,\"b\"\tc\\\0\0\0\x04\0\0\0\x01");
        expected.extend(b"\0\x02\xff\xff\xff\xff\xff\xff\xff\xff\0\x02\0\0\0\0\0\0\0\x04\0\0\0\x03\xff\xff");
        assert_eq!(rows("BINARY t TO STDOUT"), expected);
        assert_eq!(rows("t TO STDOUT (FORMAT 'binary')"), expected);
    }

    #[test]
    fn what_is_refused() {
        let refused = |sql, code| assert_eq!(copy(sql).unwrap_err().code, code, "{sql}");
        refused("t FROM STDIN", "25006");
        refused("t FROM '/etc/passwd'", "42501");
        refused("t TO '/tmp/x'", "42501");
        refused("(SELECT 1) TO PROGRAM 'sh'", "42501");
        refused("t TO STDOUT (FORMAT parquet)", "22023");
        refused("t TO STDOUT (DELIMITER 'ab')", "22023");
        refused("t TO STDOUT (FORMAT csv, DELIMITER '\"')", "22023");
        refused("t TO STDOUT (QUOTE '|')", "0A000");
        refused("t TO STDOUT (nonsense 'x')", "42601");
        refused("t TO STDOUT (FORMAT csv", "42601");
    }

    #[test]
    fn a_table_is_read_by_a_query() {
        let mut reader = Reader::new(Piece { sql: "public.\"Odd\" (a, B) TO STDOUT", offset: 0 });
        let (Source::Table(sql), _) = parse(&mut reader).unwrap() else { panic!("not a table") };
        assert_eq!(sql, "SELECT \"a\", \"b\" FROM \"public\".\"Odd\"");
    }
}
