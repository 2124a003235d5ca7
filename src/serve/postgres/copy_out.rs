//! The rows of `COPY ... TO STDOUT`, as messages.

use super::copy::{CopyForm, Layout, Quoted, SIGNATURE};
use super::encode::{Cells, is_plain, tuple};
use super::error::Failure;
use super::types::Format;
use bytes::BufMut;

impl CopyForm {
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
    out: CopyForm,
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

impl CopyForm {
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

fn put_text(out: &CopyForm, cell: &[u8], to: &mut Vec<u8>) {
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

fn put_csv(out: &CopyForm, cell: &[u8], quoted: bool, alone: bool, to: &mut Vec<u8>) {
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
    use super::super::copy::{Copy, parse};
    use super::super::lexer::{Piece, Reader};
    use super::*;
    use crate::text::style::Style;
    use arrow::array::{ArrayRef, Int32Array, StringArray};
    use std::sync::Arc;

    fn copy(sql: &str) -> CopyForm {
        match parse(&mut Reader::new(Piece { sql, offset: 0 })) {
            Ok(Copy::Out(_, form)) => form,
            other => panic!("{sql} is no COPY TO: {other:?}"),
        }
    }

    /// The bytes within the messages of a whole COPY of two columns.
    fn rows(sql: &str) -> Vec<u8> {
        let out = copy(sql);
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("a,\"b\"\tc\\"), None, Some("")]));
        let number: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
        let style = Style::DEFAULT;
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
}
