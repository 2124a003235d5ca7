//! `COPY ... FROM STDIN`: the rows that a client sends for a temporary table, in any of the three formats.
//!
//! The bytes of its messages are one stream; a row may begin in one and end in another. Texts are gathered as texts, and
//! become values of the table's columns when all are there.

use super::copy::{CopyForm, CopyIn, Layout, SIGNATURE};
use super::error::Failure;
use super::parameter::Parameter;
use super::types::{Format, postgres_type};
use crate::engine::ScalarValue;
use crate::heap::Promise;
use crate::text::style::Style;
use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr3;
use std::sync::Arc;

/// Rows that are handed on together.
const BATCH_ROWS: usize = 8_192;

/// Bytes that are handed on together.
const BATCH_BYTES: usize = 4 << 20;

/// Bytes of a row that has begun for which no room is asked: most rows have fewer.
const ROW_BYTES_FREE: usize = 64 << 10;

/// Reads the rows of one COPY.
pub(super) struct CopyReader {
    form: CopyForm,
    columns: Vec<CopyColumn>,
    schema: SchemaRef,
    style: Style,
    /// What has come and is not read yet.
    input: BytesMut,
    /// Bytes of it that were looked through for the end of a row, and whether they end within quotes.
    looked: usize,
    quoted: bool,
    /// The line that says what the columns are, or the signature of the binary format, is still to come.
    begins: bool,
    ended: bool,
    line: u64,
    cells: Gathered,
    rows: usize,
    bytes: usize,
    /// Bytes of one row, at most.
    row_bytes_max: usize,
    /// Room for a row that has begun.
    room: Promise,
}

/// A column that values are sent for.
struct CopyColumn {
    name: String,
    parameter: Parameter,
    /// What reads as NULL where it is not quoted, and where it is.
    null: (bool, bool),
}

/// Values that have come, by column.
enum Gathered {
    Texts(Vec<StringBuilder>),
    Scalars(Vec<Vec<ScalarValue>>),
}

impl CopyReader {
    /// A reader for rows of these columns of the table, in order.
    pub(super) fn new(copy: &CopyIn, fields: &[Field], style: Style, row_bytes_max: usize) -> Self {
        let binary = copy.form.layout == Layout::Binary;
        let column = |field: &Field| CopyColumn {
            name: field.name().clone(),
            parameter: Parameter {
                described: postgres_type(field.data_type()),
                wanted: Some(field.data_type().clone()),
            },
            null: (!copy.force_not_null.contains(field.name()), copy.force_null.contains(field.name())),
        };
        let kept = |(place, field): (usize, &Field)| {
            let data_type = if binary { field.data_type().clone() } else { DataType::Utf8 };
            Field::new(format!("c{place}"), data_type, true)
        };
        let cells = match binary {
            true => Gathered::Scalars(fields.iter().map(|_| Vec::new()).collect()),
            false => Gathered::Texts(fields.iter().map(|_| StringBuilder::new()).collect()),
        };
        Self {
            begins: binary || copy.form.header,
            form: copy.form.clone(),
            columns: fields.iter().map(column).collect(),
            schema: Arc::new(Schema::new(fields.iter().enumerate().map(kept).collect::<Vec<_>>())),
            style,
            input: BytesMut::new(),
            looked: 0,
            quoted: false,
            ended: false,
            line: 0,
            cells,
            rows: 0,
            bytes: 0,
            row_bytes_max,
            room: Promise::default(),
        }
    }

    /// Columns of the batches that it gives.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Reads the bytes of a message; gives rows once there are many.
    ///
    /// # Errors
    /// 22P04 for what is no row of the format, 22021 for bytes that are no text.
    pub(super) fn read(&mut self, bytes: &Bytes) -> Result<Option<RecordBatch>, Failure> {
        if self.ended {
            return Ok(None);
        }
        self.input.extend_from_slice(bytes);
        match self.form.layout {
            Layout::Binary => self.tuples()?,
            Layout::Text | Layout::Csv => self.lines()?,
        }
        if self.input.len() > self.row_bytes_max {
            return Err(Failure::new("54000", format!("a row of COPY has at most {} bytes", self.row_bytes_max)));
        }
        // What is gathered of it is kept in twice the room, so as to grow.
        let more = (2 * self.input.len()).saturating_sub(self.room.bytes());
        if more > ROW_BYTES_FREE && !self.room.grow(more) {
            return Err(Failure::no_room(more));
        }
        if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES { self.batch().map(Some) } else { Ok(None) }
    }

    /// The rows that are left once the client has sent all.
    ///
    /// # Errors
    /// 22P04 when a row is not whole.
    pub(super) fn finish(mut self) -> Result<RecordBatch, Failure> {
        match self.form.layout {
            // The trailer may be missing, as it is for PostgreSQL.
            Layout::Binary if self.begins || !self.input.is_empty() => {
                return Err(malformed("unexpected EOF in COPY data"));
            }
            Layout::Text | Layout::Csv if !self.ended && !self.input.is_empty() => {
                if self.quoted {
                    return Err(malformed("unterminated CSV quoted field"));
                }
                // The last line may do without its end.
                let line = self.input.split();
                self.line(&line)?;
            }
            _ => {}
        }
        self.batch()
    }

    fn batch(&mut self) -> Result<RecordBatch, Failure> {
        (self.rows, self.bytes) = (0, 0);
        let wrong = |error: String| Failure::new("XX000", error);
        let columns: Vec<ArrayRef> = match &mut self.cells {
            Gathered::Texts(texts) => texts.iter_mut().map(|text| Arc::new(text.finish()) as ArrayRef).collect(),
            Gathered::Scalars(values) => {
                let column = |(values, field): (&mut Vec<ScalarValue>, &Arc<Field>)| {
                    if values.is_empty() {
                        return Ok(arrow::array::new_empty_array(field.data_type()));
                    }
                    ScalarValue::iter_to_array(values.drain(..)).map_err(|error| wrong(error.to_string()))
                };
                values.iter_mut().zip(self.schema.fields()).map(column).collect::<Result<_, _>>()?
            }
        };
        RecordBatch::try_new(self.schema.clone(), columns).map_err(|error| wrong(error.to_string()))
    }

    /// Reads the whole lines of the input.
    fn lines(&mut self) -> Result<(), Failure> {
        while let Some(end) = self.line_end() {
            let mut line = self.input.split_to(end + 1);
            (self.looked, self.quoted) = (0, false);
            line.truncate(end);
            if line.last() == Some(&b'\r') {
                line.truncate(end - 1);
            }
            self.line(&line)?;
            if self.ended {
                self.input.clear();
            }
        }
        Ok(())
    }

    /// The place of the line feed that ends the first row of the input.
    fn line_end(&mut self) -> Option<usize> {
        let csv = self.form.layout == Layout::Csv;
        let (one, other) = if csv { (self.form.quote, self.form.escape) } else { (b'\\', b'\\') };
        let mut at = self.looked;
        while let Some(next) = self.input.get(at..).and_then(|rest| memchr3(b'\n', one, other, rest)) {
            at += next;
            match self.input.get(at)? {
                b'\n' if !self.quoted => return Some(at),
                // What a backslash stands before is no end of a line.
                b'\\' if !csv => at += 1,
                // An escaped quote in quotes leaves them as it found them: it comes with a second one, or is passed over.
                byte if csv && self.quoted && *byte == self.form.escape && *byte != self.form.quote => at += 1,
                byte if csv && *byte == self.form.quote => self.quoted = !self.quoted,
                _ => {}
            }
            at += 1;
        }
        // A backslash at the end is looked at again with what follows it.
        self.looked = if at > self.input.len() { self.input.len() - 1 } else { self.input.len() };
        None
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.line += 1;
        if line == b"\\." {
            self.ended = true;
            return Ok(());
        }
        if std::mem::take(&mut self.begins) {
            return if self.form.header_matches { self.check_header(line) } else { Ok(()) };
        }
        let Gathered::Texts(texts) = &mut self.cells else { return Ok(()) };
        let cells = match self.form.layout {
            Layout::Csv => csv_cells(line, &self.form)?,
            Layout::Text | Layout::Binary => text_cells(line, &self.form),
        };
        // Without columns a line is empty.
        if texts.is_empty() && line.is_empty() {
            self.rows += 1;
            return Ok(());
        }
        if cells.len() > texts.len() {
            return Err(malformed("extra data after last expected column"));
        }
        if let Some(column) = self.columns.get(cells.len()) {
            return Err(malformed(format!("missing data for column \"{}\"", column.name)));
        }
        for ((cell, column), to) in cells.iter().zip(&self.columns).zip(texts) {
            let (unquoted, quoted) = column.null;
            if cell.is_null && (if cell.quoted { quoted } else { unquoted }) {
                to.append_null();
                continue;
            }
            match std::str::from_utf8(&cell.bytes) {
                Ok(text) if !text.contains('\0') => to.append_value(text),
                _ => return Err(Failure::new("22021", "invalid byte sequence for encoding \"UTF8\"")),
            }
        }
        self.bytes += line.len();
        self.rows += 1;
        Ok(())
    }

    /// Checks that a header has the names of the columns.
    fn check_header(&self, line: &[u8]) -> Result<(), Failure> {
        let cells = match self.form.layout {
            Layout::Csv => csv_cells(line, &self.form)?,
            Layout::Text | Layout::Binary => text_cells(line, &self.form),
        };
        if cells.len() != self.columns.len() {
            let (found, wanted) = (cells.len(), self.columns.len());
            return Err(malformed(format!("wrong number of fields in header line: got {found}, expected {wanted}")));
        }
        for (at, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
            if cell.bytes != column.name.as_bytes() {
                let (number, found) = (at + 1, String::from_utf8_lossy(&cell.bytes));
                let wanted = &column.name;
                return Err(malformed(format!(
                    "column name mismatch in header line field {number}: got \"{found}\", expected \"{wanted}\""
                )));
            }
        }
        Ok(())
    }

    /// Reads the whole tuples of the input.
    fn tuples(&mut self) -> Result<(), Failure> {
        if self.begins {
            let Some(head) = self.input.get(..SIGNATURE.len()) else { return Ok(()) };
            // Signature, flags, and the length of an extension that there may be.
            if head.get(..11) != SIGNATURE.get(..11) {
                return Err(malformed("COPY file signature not recognized"));
            }
            let extension = self.input.get(15..19).map_or(0, |mut length| length.get_u32()) as usize;
            if self.input.len() < SIGNATURE.len() + extension {
                return Ok(());
            }
            self.input.advance(SIGNATURE.len() + extension);
            self.begins = false;
        }
        while let Some(length) = self.tuple_length()? {
            let mut tuple = self.input.split_to(length).freeze();
            self.line += 1;
            self.bytes += length;
            if tuple.get_i16() == -1 {
                self.ended = true;
                self.input.clear();
                return Ok(());
            }
            let Gathered::Scalars(values) = &mut self.cells else { return Ok(()) };
            for ((number, column), to) in self.columns.iter().enumerate().zip(values) {
                let value = match usize::try_from(tuple.get_i32()) {
                    Ok(length) => Some(tuple.split_to(length)),
                    Err(_) => None,
                };
                to.push(column.parameter.read(number + 1, value.as_ref(), Format::Binary, &self.style)?);
            }
            self.rows += 1;
        }
        Ok(())
    }

    /// Bytes of the first tuple of the input; `None` when it is not all there.
    fn tuple_length(&self) -> Result<Option<usize>, Failure> {
        let Some(mut count) = self.input.get(..2) else { return Ok(None) };
        let count = count.get_i16();
        if count == -1 {
            return Ok(Some(2));
        }
        if usize::try_from(count).ok() != Some(self.columns.len()) {
            return Err(malformed(format!("row field count is {count}, expected {}", self.columns.len())));
        }
        let mut at = 2;
        for _ in &self.columns {
            let Some(mut length) = self.input.get(at..at + 4) else { return Ok(None) };
            at += 4;
            match length.get_i32() {
                -1 => {}
                length => at += usize::try_from(length).map_err(|_| malformed("invalid field size"))?,
            }
            if at > self.row_bytes_max.saturating_add(self.input.len()) {
                return Err(malformed("invalid field size"));
            }
        }
        Ok((at <= self.input.len()).then_some(at))
    }
}

/// Values of a line that are read: more than a table has columns are too many, however many they are.
const CELLS_MAX: usize = 1_600;

/// One value of a line.
struct Cell {
    bytes: Vec<u8>,
    quoted: bool,
    /// Whether it is written as NULL is.
    is_null: bool,
}

/// The values of a line in the text format: what follows a backslash is another byte, or itself.
fn text_cells(line: &[u8], form: &CopyForm) -> Vec<Cell> {
    let (mut cells, mut bytes, mut start, mut at) = (Vec::new(), Vec::new(), 0, 0);
    loop {
        let byte = line.get(at).copied();
        match byte {
            Some(b'\\') => {
                let (escaped, length) = unescaped(line.get(at + 1..).unwrap_or_default());
                bytes.push(escaped);
                at += 1 + length;
            }
            Some(byte) if byte != form.delimiter => {
                bytes.push(byte);
                at += 1;
            }
            end => {
                let is_null = line.get(start..at) == Some(form.null.as_bytes());
                cells.push(Cell { bytes: std::mem::take(&mut bytes), quoted: false, is_null });
                at += 1;
                start = at;
                if end.is_none() || cells.len() > CELLS_MAX {
                    return cells;
                }
            }
        }
    }
}

/// The byte that stands behind a backslash, and how many bytes tell it.
fn unescaped(rest: &[u8]) -> (u8, usize) {
    let digits = |radix: u32, most: usize, from: &[u8]| {
        let digits: Vec<u32> = from.iter().take(most).map_while(|byte| char::from(*byte).to_digit(radix)).collect();
        let value = digits.iter().fold(0, |value, digit| value * radix + digit);
        (u8::try_from(value & 0xff).unwrap_or_default(), digits.len())
    };
    match rest.first() {
        None => (b'\\', 0),
        Some(b'b') => (8, 1),
        Some(b'f') => (12, 1),
        Some(b'n') => (b'\n', 1),
        Some(b'r') => (b'\r', 1),
        Some(b't') => (b'\t', 1),
        Some(b'v') => (11, 1),
        Some(b'0'..=b'7') => digits(8, 3, rest),
        Some(b'x') => match digits(16, 2, rest.get(1..).unwrap_or_default()) {
            (_, 0) => (b'x', 1),
            (byte, length) => (byte, length + 1),
        },
        Some(byte) => (*byte, 1),
    }
}

/// The values of a line of a csv.
fn csv_cells(line: &[u8], form: &CopyForm) -> Result<Vec<Cell>, Failure> {
    let (mut cells, mut at) = (Vec::new(), 0);
    let mut cell = Cell { bytes: Vec::new(), quoted: false, is_null: false };
    let mut within = false;
    loop {
        let byte = line.get(at).copied();
        let next = line.get(at + 1).copied();
        match byte {
            Some(byte)
                if within && byte == form.escape && next.is_some_and(|n| n == form.quote || n == form.escape) =>
            {
                cell.bytes.extend(next);
                at += 1;
            }
            Some(byte) if byte == form.quote => {
                within = !within;
                cell.quoted = true;
            }
            Some(byte) if within || byte != form.delimiter => cell.bytes.push(byte),
            None if within => return Err(malformed("unterminated CSV quoted field")),
            end => {
                cell.is_null = cell.bytes == form.null.as_bytes();
                let fresh = Cell { bytes: Vec::new(), quoted: false, is_null: false };
                cells.push(std::mem::replace(&mut cell, fresh));
                if end.is_none() || cells.len() > CELLS_MAX {
                    return Ok(cells);
                }
            }
        }
        at += 1;
    }
}

fn malformed(message: impl Into<String>) -> Failure {
    Failure::new("22P04", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::column::texts;

    fn copy(sql: &str) -> CopyIn {
        let mut reader = super::super::lexer::Reader::new(super::super::lexer::Piece { sql, offset: 0 });
        match super::super::copy::parse(&mut reader).unwrap() {
            super::super::copy::Copy::In(copy) => copy,
            super::super::copy::Copy::Out(..) => panic!("{sql} sends rows"),
        }
    }

    /// What comes of bytes, however they are cut into messages.
    #[track_caller]
    fn check(sql: &str, bytes: &[u8], expected: Result<&str, &str>) {
        let fields = [Field::new("a", DataType::Utf8, true), Field::new("b", DataType::Utf8, true)];
        for size in [1, 2, 3, 7, bytes.len().max(1)] {
            let read = || {
                let mut reader = CopyReader::new(&copy(sql), &fields, Style::DEFAULT, 1 << 20);
                for piece in bytes.chunks(size) {
                    assert!(reader.read(&Bytes::copy_from_slice(piece))?.is_none());
                }
                let batch = reader.finish()?;
                let columns: Vec<_> =
                    batch.columns().iter().map(|column| texts(column, &Style::DEFAULT).unwrap()).collect();
                let cell = |row: usize, place: usize| {
                    let column = arrow::array::AsArray::as_string::<i32>(&columns[place]);
                    if arrow::array::Array::is_null(column, row) {
                        "NULL".to_owned()
                    } else {
                        column.value(row).to_owned()
                    }
                };
                let lines = (0..batch.num_rows()).map(|row| format!("{}|{}", cell(row, 0), cell(row, 1)));
                Ok::<_, Failure>(lines.collect::<Vec<_>>().join(";"))
            };
            let read = read();
            let read = read.as_deref().map_err(|failure| failure.code);
            assert_eq!(read, expected, "{sql} in pieces of {size}");
        }
    }

    #[test]
    fn text_is_unescaped() {
        check("t FROM STDIN", b"a\\tb\t\\N\nx\\\\\t\\x41\\101\n\\.\nrest", Ok("a\tb|NULL;x\\|AA"));
        check("t FROM STDIN", b"1\t2\r\n3\t4", Ok("1|2;3|4"));
        check("t FROM STDIN (DELIMITER ',', NULL '')", b",x\\,y\n", Ok("NULL|x,y"));
        check("t FROM STDIN", b"1\n", Err("22P04"));
        check("t FROM STDIN", b"1\t2\t3\n", Err("22P04"));
        check("t FROM STDIN", b"\xff\t2\n", Err("22021"));
        check("t FROM STDIN", b"", Ok(""));
    }

    #[test]
    fn csv_has_quotes_and_lines_within_them() {
        check("t FROM STDIN CSV", b"a,\"b\"\"c\nd\"\n,\"\"\n", Ok("a|b\"c\nd;NULL|"));
        check("t FROM STDIN (FORMAT csv, HEADER)", b"a,b\n1,2\n", Ok("1|2"));
        check("t FROM STDIN (FORMAT csv, HEADER match)", b"a,b\n1,2\n", Ok("1|2"));
        check("t FROM STDIN (FORMAT csv, HEADER match)", b"a,c\n1,2\n", Err("22P04"));
        check("t FROM STDIN (FORMAT csv, QUOTE '''', ESCAPE E'\\\\')", b"'a\\'b','c\\\\'\n", Ok("a'b|c\\"));
        check("t FROM STDIN (FORMAT csv, FORCE_NULL (b))", b"a,\"\"\n", Ok("a|NULL"));
        check("t FROM STDIN (FORMAT csv, FORCE_NOT_NULL (b))", b"a,\n", Ok("a|"));
        check("t FROM STDIN CSV", b"a,\"b\n", Err("22P04"));
    }

    #[test]
    fn binary_reads_its_tuples() {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(b"\0\x02\0\0\0\x01a\xff\xff\xff\xff\0\x02\0\0\0\x00\0\0\0\x02bc\xff\xff");
        check("t FROM STDIN (FORMAT binary)", &bytes, Ok("a|NULL;|bc"));
        check("t FROM STDIN (FORMAT binary)", &bytes[..bytes.len() - 2], Ok("a|NULL;|bc"));
        check("t FROM STDIN (FORMAT binary)", &bytes[..bytes.len() - 3], Err("22P04"));
        check("t FROM STDIN (FORMAT binary)", &bytes[..10], Err("22P04"));
        check("t FROM STDIN (FORMAT binary)", b"no signature of it is", Err("22P04"));
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(b"\0\x02\x7f\xff\xff\xff");
        check("t FROM STDIN (FORMAT binary)", &bytes, Err("22P04"));
    }

    #[test]
    fn what_may_not_be_asked() {
        let code = |sql: &str| {
            let mut reader = super::super::lexer::Reader::new(super::super::lexer::Piece { sql, offset: 0 });
            super::super::copy::parse(&mut reader).and_then(|_| reader.end()).unwrap_err().code
        };
        assert_eq!(code("t FROM STDIN (FORMAT csv, FORCE_QUOTE *)"), "0A000");
        assert_eq!(code("t FROM STDIN WHERE a = 1"), "0A000");
        assert_eq!(code("(SELECT 1) FROM STDIN"), "42601");
    }
}
