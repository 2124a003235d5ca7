//! `COPY` as it is written: its direction, what it is of, and its options. Files and programs of the server are out of
//! reach.

use super::error::Failure;
use super::lexer::{Kind, Piece, Reader};
use super::types::Format;

/// What binary COPY begins with: signature, no flags, no extension.
pub(super) const SIGNATURE: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// The query whose rows COPY sends: written by the client, or made for a table it names.
#[derive(Debug)]
pub(super) enum Source<'a> {
    Query(Piece<'a>),
    /// The query that reads a table.
    Table(String),
}

/// A COPY in one of its directions.
#[derive(Debug)]
pub(super) enum Copy<'a> {
    Out(Source<'a>, CopyForm),
    In(CopyIn),
}

/// A COPY FROM STDIN as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyIn {
    /// The table, as SQL names it.
    pub(super) table: String,
    /// The columns it names; none are all.
    pub(super) columns: Vec<String>,
    /// How the rows are written.
    pub(super) form: CopyForm,
    /// Columns in which a quoted text may be NULL as well.
    pub(super) force_null: Vec<String>,
    /// Columns in which no text is NULL.
    pub(super) force_not_null: Vec<String>,
}

/// The form in which COPY writes and reads rows: the format and its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyForm {
    pub(super) layout: Layout,
    pub(super) header: bool,
    /// Whether the header has to be the names of the columns.
    pub(super) header_matches: bool,
    pub(super) delimiter: u8,
    pub(super) null: String,
    pub(super) quote: u8,
    pub(super) escape: u8,
    pub(super) force_quote: Quoted,
}

/// The format of COPY: text, CSV or PostgreSQL's binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Text,
    Csv,
    Binary,
}

/// Which columns of a csv are always quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Quoted {
    All,
    Some(Vec<String>),
}

/// Options of COPY as the client wrote them, before they are checked against the format and given defaults.
#[derive(Debug, Default)]
struct Written {
    layout: Option<Layout>,
    header: bool,
    header_matches: bool,
    delimiter: Option<String>,
    null: Option<String>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<Quoted>,
    force_null: Vec<String>,
    force_not_null: Vec<String>,
}

/// Reads what follows `COPY`.
///
/// # Errors
/// 42501 for files and programs, 22023 for an option that does not fit.
pub(super) fn parse<'a>(reader: &mut Reader<'a>) -> Result<Copy<'a>, Failure> {
    let mut written = Written::default();
    if reader.keyword("BINARY") {
        written.layout = Some(Layout::Binary);
    }
    let source = if reader.peek().is_some_and(|token| token.is_symbol('(')) {
        Source::Query(reader.parenthesised()?)
    } else {
        let (table, columns) = table(reader)?;
        if reader.keyword("FROM") {
            return rows_in(reader, table, columns, written).map(Copy::In);
        }
        Source::Table(table_query(&table, &columns))
    };
    reader.expect("TO")?;
    // PostgreSQL takes the one word for the other.
    if !reader.keyword("STDOUT") && !reader.keyword("STDIN") {
        return Err(match reader.peek() {
            Some(token) if token.kind == Kind::Text || token.is("PROGRAM") => server_side(),
            _ => reader.unexpected(),
        });
    }
    options(reader, &mut written)?;
    if !written.force_null.is_empty() || !written.force_not_null.is_empty() {
        return Err(Failure::new("0A000", "COPY FORCE_NULL and FORCE_NOT_NULL cannot be used with COPY TO"));
    }
    if written.header_matches {
        return Err(Failure::new("0A000", "cannot use \"match\" with HEADER in COPY TO"));
    }
    Ok(Copy::Out(source, written.resolve()?))
}

/// What follows `COPY table FROM`.
fn rows_in(
    reader: &mut Reader<'_>,
    table: String,
    columns: Vec<String>,
    mut written: Written,
) -> Result<CopyIn, Failure> {
    match reader.take() {
        Some(token) if token.is("STDIN") || token.is("STDOUT") => {}
        _ => return Err(server_side()),
    }
    options(reader, &mut written)?;
    if written.force_quote.is_some() {
        return Err(Failure::new("0A000", "COPY FORCE_QUOTE cannot be used with COPY FROM"));
    }
    if written.layout != Some(Layout::Csv) && !(written.force_null.is_empty() && written.force_not_null.is_empty()) {
        return Err(Failure::new("0A000", "COPY FORCE_NULL and FORCE_NOT_NULL need CSV mode"));
    }
    let (force_null, force_not_null) =
        (std::mem::take(&mut written.force_null), std::mem::take(&mut written.force_not_null));
    Ok(CopyIn { table, columns, form: written.resolve()?, force_null, force_not_null })
}

fn server_side() -> Failure {
    Failure::new("42501", "COPY to or from a file or program of the server is not allowed")
        .with_hint("Anyone can COPY to stdout. psql's \\copy command also works for anyone.")
}

/// `[schema.]table [(column, ...)]`: the table as SQL names it, and the columns.
fn table(reader: &mut Reader<'_>) -> Result<(String, Vec<String>), Failure> {
    let mut table = quoted(&reader.name()?);
    while reader.symbol('.') {
        table = format!("{table}.{}", quoted(&reader.name()?));
    }
    let columns = match reader.peek() {
        Some(token) if token.is_symbol('(') => names(reader)?,
        _ => Vec::new(),
    };
    Ok((table, columns))
}

/// The query that reads some columns of a table, or all.
fn table_query(table: &str, columns: &[String]) -> String {
    let columns = match columns {
        [] => "*".to_owned(),
        names => names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "),
    };
    format!("SELECT {columns} FROM {table}")
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
                break;
            }
            if !reader.symbol(',') {
                return Err(reader.unexpected());
            }
        }
        return match reader.keyword("WHERE") {
            true => Err(Failure::new("0A000", "COPY FROM with WHERE is not supported")),
            false => Ok(()),
        };
    }
    while reader.peek().is_some() {
        if reader.keyword("BINARY") {
            written.layout = Some(Layout::Binary);
        } else if reader.keyword("CSV") {
            written.layout = Some(Layout::Csv);
        } else if reader.keyword("HEADER") {
            written.header = true;
        } else if reader.keyword("WHERE") {
            return Err(Failure::new("0A000", "COPY FROM with WHERE is not supported"));
        } else if reader.keyword("FORCE") {
            if reader.keyword("NULL") {
                written.force_null = some_columns(force_quote(reader, false)?)?;
            } else if reader.keyword("NOT") {
                reader.expect("NULL")?;
                written.force_not_null = some_columns(force_quote(reader, false)?)?;
            } else {
                reader.expect("QUOTE")?;
                written.force_quote = Some(force_quote(reader, false)?);
            }
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
            written.header_matches = value.as_deref() == Some("match");
            if value.is_some() {
                reader.take();
            }
        }
        "force_quote" => written.force_quote = Some(force_quote(reader, true)?),
        "force_null" => written.force_null = some_columns(force_quote(reader, true)?)?,
        "force_not_null" => written.force_not_null = some_columns(force_quote(reader, true)?)?,
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

/// Columns by their names alone.
fn some_columns(columns: Quoted) -> Result<Vec<String>, Failure> {
    match columns {
        Quoted::Some(names) => Ok(names),
        Quoted::All => {
            Err(Failure::new("0A000", "COPY with FORCE_NULL or FORCE_NOT_NULL of all columns is not supported"))
        }
    }
}

impl Written {
    fn resolve(self) -> Result<CopyForm, Failure> {
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
        Ok(CopyForm {
            layout,
            header: self.header,
            header_matches: self.header_matches,
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

impl CopyForm {
    /// How the columns are encoded before they are laid out.
    pub(super) fn format(&self) -> Format {
        match self.layout {
            Layout::Text | Layout::Csv => Format::Text,
            Layout::Binary => Format::Binary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(sql: &str) -> Result<CopyForm, Failure> {
        let mut reader = Reader::new(Piece { sql, offset: 0 });
        let copy = parse(&mut reader)?;
        reader.end()?;
        match copy {
            Copy::Out(_, out) => Ok(out),
            Copy::In(_) => panic!("{sql} takes rows"),
        }
    }

    #[test]
    fn what_is_refused() {
        let refused = |sql, code| assert_eq!(copy(sql).unwrap_err().code, code, "{sql}");
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
        let Copy::Out(Source::Table(sql), _) = parse(&mut reader).unwrap() else { panic!("not a table") };
        assert_eq!(sql, "SELECT \"a\", \"b\" FROM \"public\".\"Odd\"");
    }
}
