//! Encoding of rows for the Postgres client: each column's writer is chosen once per batch, and each cell is written
//! straight into the output.
//!
//! Text follows PostgreSQL's output functions to the letter, since drivers parse it; binary follows its send functions.

mod array;
mod json;
mod number;
mod record;
mod time;
mod write;

use super::error::Failure;
use super::types::Format;
use crate::dialect::catalog::types;
use crate::text::is_text;
use crate::text::style::Style;
use arrow::array::{Array, ArrayRef, AsArray, cast::as_boolean_array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use bytes::BufMut;
use postgres_types::{Kind, Type};
use write::Write;

/// Bytes of one row, at most: lengths on the wire are signed 32 bits.
const ROW_BYTES_MAX: usize = 1 << 30;

/// One column of a batch, ready to be written cell by cell.
pub(super) struct Cells {
    nulls: Option<NullBuffer>,
    write: Write,
    /// The text of its values is made of [`PLAIN`] bytes only, and never empty.
    pub(super) plain: bool,
}

/// Letters, digits and these: what numbers, booleans and times are written with.
const PLAIN: &[u8] = b" +-.:@";

/// Whether the byte may stand in the text of a number, a boolean or a time.
pub(super) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || PLAIN.contains(&byte)
}

/// Whether all values of a type are written with plain bytes, as text.
fn plain_type(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type.is_temporal() || matches!(data_type, DataType::Boolean)
}

impl Cells {
    /// Chooses the writer for a column.
    ///
    /// # Errors
    /// 0A000 for a type that has no form on the wire.
    pub(super) fn new(array: &ArrayRef, format: Format, style: &Style) -> Result<Self, Failure> {
        if let DataType::Dictionary(_, plain) = array.data_type() {
            return Self::new(&cast(array, plain).map_err(unsupported)?, format, style);
        }
        if let DataType::RunEndEncoded(_, plain) = array.data_type() {
            return Self::new(&cast(array, plain.data_type()).map_err(unsupported)?, format, style);
        }
        let plain = format == Format::Text && plain_type(array.data_type());
        // A bitmap without NULLs would only be asked in vain, cell by cell.
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Ok(Self { nulls, write: writer(array, format, style)?, plain })
    }

    /// Chooses the writer of binary forms for a column of a type that may share its Arrow type with another.
    ///
    /// # Errors
    /// As [`Cells::new`]; 0A000 for names of objects in binary.
    pub(super) fn of_type(array: &ArrayRef, style: &Style, told: &Type) -> Result<Self, Failure> {
        let mut cells = Self::new(array, Format::Binary, style)?;
        match told.kind() {
            Kind::Array(element) => {
                if let Some(write) = array::binary_of(array, style, element)? {
                    cells.write = write;
                }
            }
            _ if *told == Type::CHAR => {
                let mut write = cells.write;
                // A "char" is a byte, which is zero where there is no letter.
                cells.write = Box::new(move |row, out| {
                    let start = out.len();
                    write(row, out)?;
                    if out.len() == start {
                        out.put_u8(0);
                    }
                    Ok(())
                });
            }
            _ if *told == Type::REGTYPE && is_text(array.data_type()) => cells.write = numbers_of_types(array)?,
            _ if is_object(told) && is_text(array.data_type()) => {
                let text = format!("names of type {told} have no binary form here");
                return Err(Failure::new("0A000", text).with_hint("Cast them to text or to oid."));
            }
            _ => {}
        }
        Ok(cells)
    }

    /// Whether the cell is NULL.
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Writes the value of a cell that is not NULL.
    ///
    /// # Errors
    /// 22008 for an instant that PostgreSQL has no room for.
    pub(super) fn write(&mut self, row: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        (self.write)(row, out)
    }

    /// Writes a cell as a length and a value, NULL as the length -1.
    pub(super) fn write_sized(&mut self, row: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        if self.is_null(row) {
            out.put_i32(-1);
            return Ok(());
        }
        let start = out.len();
        out.put_i32(0);
        self.write(row, out)?;
        let length = out.len() - start - 4;
        put_length(out, start, length)
    }
}

/// Writes a whole DataRow message.
///
/// # Errors
/// What a cell's writer says, or 54000 for a row longer than the protocol can carry. `out` then ends anywhere.
pub(super) fn data_row(columns: &mut [Cells], row: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    out.put_u8(b'D');
    let start = out.len();
    out.put_i32(0);
    tuple(columns, row, out)?;
    let length = out.len() - start;
    put_length(out, start, length)
}

/// Writes the number of cells and the cells, as DataRow and binary COPY have them.
pub(super) fn tuple(columns: &mut [Cells], row: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    let width = u16::try_from(columns.len()).map_err(|_| Failure::new("54011", "too many columns"))?;
    out.put_u16(width);
    columns.iter_mut().try_for_each(|column| column.write_sized(row, out))
}

/// Puts a length where four bytes were left for it.
pub(super) fn put_length(out: &mut [u8], at: usize, length: usize) -> Result<(), Failure> {
    let Some(length) = i32::try_from(length).ok().filter(|_| length <= ROW_BYTES_MAX) else {
        return Err(Failure::new("54000", "a row is longer than 1 GiB"));
    };
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn unsupported(error: ArrowError) -> Failure {
    Failure::new("0A000", format!("cannot encode a column: {error}"))
}

/// Names of types as their numbers.
fn numbers_of_types(array: &ArrayRef) -> Result<Write, Failure> {
    let names = cast(array, &DataType::Utf8).map_err(unsupported)?;
    Ok(Box::new(move |row, out| {
        let name = names.as_string::<i32>().value(row);
        let number = if name == "-" { Some(0) } else { name.parse().ok().or_else(|| types::by_name(name)) };
        let missing = || Failure::new("0A000", format!("the type {name} has no binary form here"));
        out.put_u32(number.ok_or_else(|| missing().with_hint("Cast it to text or to oid."))?);
        Ok(())
    }))
}

fn writer(array: &ArrayRef, format: Format, style: &Style) -> Result<Write, Failure> {
    Ok(match array.data_type() {
        // Every row is NULL.
        DataType::Null => Box::new(|_, _| Ok(())),
        DataType::Boolean => boolean(array, format),
        DataType::Utf8 => text(array.as_string::<i32>().clone()),
        DataType::LargeUtf8 => text(array.as_string::<i64>().clone()),
        DataType::Utf8View => text(array.as_string_view().clone()),
        DataType::Binary => bytea(array.as_binary::<i32>().clone(), format),
        DataType::LargeBinary => bytea(array.as_binary::<i64>().clone(), format),
        DataType::BinaryView => bytea(array.as_binary_view().clone(), format),
        own if crate::text::uuid::is_uuid(own) => uuid(array.as_fixed_size_binary().clone(), format),
        own if crate::text::tid::is_tid(own) => tid(array.as_fixed_size_binary().clone(), format),
        DataType::FixedSizeBinary(_) => bytea(array.as_fixed_size_binary().clone(), format),
        own if crate::text::json::is_jsonb(own) && format == Format::Binary => jsonb(json_texts(array)?),
        own if crate::text::json::is_json(own) || crate::text::json::is_jsonb(own) => text(json_texts(array)?),
        DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Interval(_)
        | DataType::Duration(_) => time::writer(array, format, style).ok_or_else(|| no_form(array))?,
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            match array::writer(array, format, style)? {
                Some(write) => write,
                None => json::writer(array)?,
            }
        }
        DataType::Struct(_) => record::writer(array, format, style)?,
        DataType::Map(..) | DataType::Union(..) | DataType::ListView(_) | DataType::LargeListView(_) => {
            json::writer(array)?
        }
        _ => number::writer(array, format).ok_or_else(|| no_form(array))?,
    })
}

/// Whether values of a type are the numbers of objects, which are written by their names.
fn is_object(told: &Type) -> bool {
    matches!(*told, Type::REGCLASS | Type::REGTYPE | Type::REGPROC | Type::REGNAMESPACE | Type::REGROLE)
}

fn no_form(array: &ArrayRef) -> Failure {
    Failure::new("0A000", format!("cannot encode a column of type {}", array.data_type()))
}

fn boolean(array: &ArrayRef, format: Format) -> Write {
    let array = as_boolean_array(array).clone();
    match format {
        Format::Text => Box::new(move |row, out| {
            out.put_u8(if array.value(row) { b't' } else { b'f' });
            Ok(())
        }),
        Format::Binary => Box::new(move |row, out| {
            out.put_u8(array.value(row).into());
            Ok(())
        }),
    }
}

/// Arrays of byte strings of any layout. The row is within the array.
trait Strings: Send + 'static {
    fn bytes(&self, row: usize) -> &[u8];
}

impl<T: arrow::array::types::ByteArrayType> Strings for arrow::array::GenericByteArray<T> {
    fn bytes(&self, row: usize) -> &[u8] {
        self.value(row).as_ref()
    }
}

impl<T: arrow::array::types::ByteViewType + ?Sized> Strings for arrow::array::GenericByteViewArray<T> {
    fn bytes(&self, row: usize) -> &[u8] {
        self.value(row).as_ref()
    }
}

impl Strings for arrow::array::FixedSizeBinaryArray {
    fn bytes(&self, row: usize) -> &[u8] {
        self.value(row)
    }
}

fn text(array: impl Strings) -> Write {
    Box::new(move |row, out| {
        out.put_slice(array.bytes(row));
        Ok(())
    })
}

/// A UUID: its sixteen bytes, or its digits.
fn uuid(array: impl Strings, format: Format) -> Write {
    match format {
        Format::Binary => text(array),
        Format::Text => Box::new(move |row, out| {
            crate::text::uuid::put(array.bytes(row), out);
            Ok(())
        }),
    }
}

/// The address of a row: its six bytes, or its two numbers.
fn tid(array: impl Strings, format: Format) -> Write {
    match format {
        Format::Binary => text(array),
        Format::Text => Box::new(move |row, out| {
            crate::text::tid::put(array.bytes(row), out);
            Ok(())
        }),
    }
}

/// The texts of JSON.
fn json_texts(array: &ArrayRef) -> Result<arrow::array::StringArray, Failure> {
    crate::text::json::texts(array).ok_or_else(|| no_form(array))
}

/// The binary form of `jsonb`: a version, and its text.
fn jsonb(array: impl Strings) -> Write {
    Box::new(move |row, out| {
        out.put_u8(1);
        out.put_slice(array.bytes(row));
        Ok(())
    })
}

fn bytea(array: impl Strings, format: Format) -> Write {
    match format {
        Format::Binary => text(array),
        Format::Text => Box::new(move |row, out| {
            put_hex(array.bytes(row), out);
            Ok(())
        }),
    }
}

fn put_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(2 + 2 * bytes.len());
    out.put_slice(b"\\x");
    for byte in bytes {
        out.put_u8(DIGITS[usize::from(byte >> 4)]);
        out.put_u8(DIGITS[usize::from(byte & 15)]);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::text::zone::Zone;
    use arrow::array::{BinaryArray, BooleanArray, DictionaryArray, NullArray, StringArray, StringViewArray};
    use arrow::datatypes::Int32Type;
    use std::sync::Arc;

    /// The cells of a column, `None` where NULL.
    pub(super) fn cells(array: ArrayRef, format: Format, zone: Zone) -> Vec<Option<Vec<u8>>> {
        let mut cells = Cells::new(&array, format, &Style { zone, ..Style::DEFAULT }).unwrap();
        let cell = |row| {
            let mut out = Vec::new();
            (!cells.is_null(row)).then(|| cells.write(row, &mut out).unwrap())?;
            Some(out.to_vec())
        };
        (0..array.len()).map(cell).collect()
    }

    /// Text of the cells of a column, in UTC.
    #[track_caller]
    pub(super) fn check_text(array: ArrayRef, expected: &[Option<&str>]) {
        let expected: Vec<_> = expected.iter().map(|cell| cell.map(|text| text.as_bytes().to_vec())).collect();
        assert_eq!(cells(array, Format::Text, Zone::UTC), expected);
    }

    /// Bytes of the cells of a column.
    #[track_caller]
    pub(super) fn check_binary(array: ArrayRef, expected: &[Option<&[u8]>]) {
        let expected: Vec<_> = expected.iter().map(|cell| cell.map(<[u8]>::to_vec)).collect();
        assert_eq!(cells(array, Format::Binary, Zone::UTC), expected);
    }

    #[test]
    fn plain_values() {
        check_text(Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])), &[Some("t"), None, Some("f")]);
        check_binary(Arc::new(BooleanArray::from(vec![Some(true), None])), &[Some(&[1]), None]);
        check_text(
            Arc::new(StringViewArray::from(vec![Some("longer than twelve bytes"), None])),
            &[Some("longer than twelve bytes"), None],
        );
        check_text(Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None])), &[Some("\\x00ff"), None]);
        check_binary(Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..])])), &[Some(&[0, 255])]);
        check_text(Arc::new(NullArray::new(2)), &[None, None]);
    }

    #[test]
    fn dictionaries_are_unwrapped_with_nulls_in_keys_and_values() {
        let keys = arrow::array::Int32Array::from(vec![Some(0), None, Some(1)]);
        let dictionary = Arc::new(StringArray::from(vec![Some("a"), None]));
        let array = DictionaryArray::<Int32Type>::new(keys, dictionary);
        check_text(Arc::new(array), &[Some("a"), None, None]);
    }

    #[test]
    fn a_row_has_its_length() {
        let array: ArrayRef = Arc::new(StringArray::from(vec![Some("ab")]));
        let nulls: ArrayRef = Arc::new(NullArray::new(1));
        let style = Style::DEFAULT;
        let mut columns =
            [Cells::new(&array, Format::Text, &style).unwrap(), Cells::new(&nulls, Format::Text, &style).unwrap()];
        let mut out = Vec::new();
        data_row(&mut columns, 0, &mut out).unwrap();
        assert_eq!(&out[..], b"D\0\0\0\x10\0\x02\0\0\0\x02ab\xff\xff\xff\xff");
    }
}
