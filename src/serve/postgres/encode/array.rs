//! Lists of Arrow as arrays of PostgreSQL, in the text and binary forms that the client reads. Lists of lists of one
//! length are arrays of several dimensions.

use super::Cells;
use super::write::Write;
use crate::serve::postgres::error::Failure;
use crate::serve::postgres::types::{Format, postgres_type};
use crate::text::array::{VECTOR, put_array, put_rows};
use crate::text::is_text;
use crate::text::style::Style;
use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::datatypes::DataType;
use bytes::BufMut;
use postgres_types::Type;
use std::ops::Range;

/// A writer for an array of lists; none when its elements have no array type and the column is described as json.
pub(super) fn writer(array: &ArrayRef, format: Format, style: &Style) -> Result<Option<Write>, Failure> {
    if postgres_type(array.data_type()) == postgres_types::Type::JSON {
        return Ok(None);
    }
    Ok(Some(match array.data_type() {
        DataType::List(element) if element.name() == VECTOR && format == Format::Text => {
            vector(array.as_list::<i32>().clone(), style)?
        }
        DataType::List(element) if element.name() == VECTOR => {
            let list = array.as_list::<i32>().clone();
            let offsets = list.offsets().clone();
            let mut cells = Cells::new(list.values(), format, style)?;
            let oid = postgres_type(list.values().data_type()).oid();
            Box::new(move |row, out| {
                put_binary(&mut cells, oid, 0, offsets[row] as usize..offsets[row + 1] as usize, out)
            })
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>().clone();
            let offsets = list.offsets().clone();
            let range = move |row: usize| offsets[row] as usize..offsets[row + 1] as usize;
            elements(list.values(), range, format, style)?
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>().clone();
            let offsets = list.offsets().clone();
            let range = move |row: usize| offsets[row] as usize..offsets[row + 1] as usize;
            elements(list.values(), range, format, style)?
        }
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list().clone();
            let length = list.value_length().max(0) as usize;
            let range = move |row: usize| row * length..(row + 1) * length;
            elements(list.values(), range, format, style)?
        }
        _ => return Ok(None),
    }))
}

/// A writer for the binary form of an array whose elements are of a type that shares its Arrow type with another; none for
/// other arrays.
pub(super) fn binary_of(array: &ArrayRef, style: &Style, element: &Type) -> Result<Option<Write>, Failure> {
    let DataType::List(inner) = array.data_type() else { return Ok(None) };
    if !is_text(inner.data_type()) || postgres_type(inner.data_type()) == *element {
        return Ok(None);
    }
    let (list, oid) = (array.as_list::<i32>().clone(), element.oid());
    let offsets = list.offsets().clone();
    let mut cells = Cells::of_type(list.values(), style, element)?;
    Ok(Some(Box::new(move |row, out| {
        put_binary(&mut cells, oid, 1, offsets[row] as usize..offsets[row + 1] as usize, out)
    })))
}

fn elements(
    values: &ArrayRef,
    range: impl Fn(usize) -> Range<usize> + Send + 'static,
    format: Format,
    style: &Style,
) -> Result<Write, Failure> {
    if let DataType::List(inner) = values.data_type()
        && inner.name() != VECTOR
    {
        return match format {
            Format::Binary => nested_binary(values, range, style),
            Format::Text => {
                let mut cells = Cells::new(values, format, style)?;
                Ok(Box::new(move |row, out| put_rows(range(row), out, |index, out| cells.write(index, out))))
            }
        };
    }
    let mut cells = Cells::new(values, format, style)?;
    let oid = postgres_type(values.data_type()).oid();
    Ok(match format {
        Format::Binary => Box::new(move |row, out| put_binary(&mut cells, oid, 1, range(row), out)),
        Format::Text => {
            let mut element = Vec::new();
            Box::new(move |row, out| {
                put_array(range(row), &mut element, out, |index, element| {
                    let there = !cells.is_null(index);
                    if there {
                        cells.write(index, element)?;
                    }
                    Ok(there)
                })
            })
        }
    })
}

/// Arrays of several dimensions: the length of each, and then all elements.
fn nested_binary(
    values: &ArrayRef,
    range: impl Fn(usize) -> Range<usize> + Send + 'static,
    style: &Style,
) -> Result<Write, Failure> {
    let mut levels = Vec::new();
    let mut level = values.clone();
    while let DataType::List(inner) = level.data_type()
        && inner.name() != VECTOR
    {
        let list = level.as_list::<i32>().clone();
        level = list.values().clone();
        levels.push(list);
    }
    let mut cells = Cells::new(&level, Format::Binary, style)?;
    let oid = postgres_type(level.data_type()).oid();
    Ok(Box::new(move |row, out| {
        let mut rows = range(row);
        let mut lengths = vec![rows.len()];
        for list in &levels {
            let offsets = list.offsets();
            let each = rows.clone().map(|row| (offsets[row + 1] - offsets[row]) as usize);
            let length = each.clone().next().unwrap_or(0);
            if each.clone().any(|other| other != length) {
                return Err(Failure::new(
                    "2202E",
                    "multidimensional arrays must have sub-arrays with matching dimensions",
                ));
            }
            lengths.push(length);
            rows = offsets[rows.start] as usize..offsets[rows.end] as usize;
        }
        if rows.is_empty() {
            return put_binary(&mut cells, oid, 1, rows, out);
        }
        let size = |size: usize| i32::try_from(size).map_err(|_| Failure::new("54000", "an array is too long"));
        out.put_i32(size(lengths.len())?);
        out.put_i32(rows.clone().any(|element| cells.is_null(element)).into());
        out.put_u32(oid);
        for length in lengths {
            out.put_i32(size(length)?);
            out.put_i32(1);
        }
        rows.into_iter().try_for_each(|element| cells.write_sized(element, out))
    }))
}

/// Numbers with blanks between, as the catalog's vectors look.
fn vector(list: ListArray, style: &Style) -> Result<Write, Failure> {
    let mut cells = Cells::new(list.values(), Format::Text, style)?;
    let offsets = list.offsets().clone();
    Ok(Box::new(move |row, out| {
        let range = offsets[row] as usize..offsets[row + 1] as usize;
        let first = range.start;
        for index in range {
            if index > first {
                out.put_u8(b' ');
            }
            cells.write(index, out)?;
        }
        Ok(())
    }))
}

/// An array of one dimension, whose first element has the subscript `first`.
fn put_binary(cells: &mut Cells, oid: u32, first: i32, range: Range<usize>, out: &mut Vec<u8>) -> Result<(), Failure> {
    if range.is_empty() {
        out.put_i32(0);
        out.put_i32(0);
        out.put_u32(oid);
        return Ok(());
    }
    let length = i32::try_from(range.len()).map_err(|_| Failure::new("54000", "an array is too long"))?;
    out.put_i32(1);
    out.put_i32(range.clone().any(|element| cells.is_null(element)).into());
    out.put_u32(oid);
    out.put_i32(length);
    out.put_i32(first);
    range.into_iter().try_for_each(|element| cells.write_sized(element, out))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_binary, check_text};
    use arrow::array::{FixedSizeListArray, Int32Builder, LargeListBuilder, ListArray, ListBuilder, StringBuilder};
    use arrow::datatypes::Int32Type;
    use std::sync::Arc;

    #[test]
    fn text_is_quoted_where_it_must_be() {
        let mut list = ListBuilder::new(StringBuilder::new());
        for element in [Some("a"), None, Some("null"), Some(""), Some("x,y"), Some("q\"b\\"), Some("two words")] {
            list.values().append_option(element);
        }
        list.append(true);
        list.append(false);
        list.append(true);
        check_text(
            Arc::new(list.finish()),
            &[Some(r#"{a,NULL,"null","","x,y","q\"b\\","two words"}"#), None, Some("{}")],
        );
    }

    #[test]
    fn vectors_have_no_braces() {
        let field = Arc::new(arrow::datatypes::Field::new(super::VECTOR, arrow::datatypes::DataType::Int32, true));
        let mut list = ListBuilder::new(Int32Builder::new()).with_field(field);
        list.append_value([Some(1), Some(2)]);
        list.append_value([]);
        check_text(Arc::new(list.finish()), &[Some("1 2"), Some("")]);
    }

    #[test]
    fn binary_has_dimension_and_nulls() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(7), None]), Some(vec![]), None]);
        let full =
            [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 23, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7, 255, 255, 255, 255];
        check_binary(Arc::new(list), &[Some(&full), Some(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 23]), None]);
    }

    #[test]
    fn every_layout_of_lists_and_slices_of_them() {
        let mut large = LargeListBuilder::new(Int32Builder::new());
        large.values().append_slice(&[1, 2]);
        large.append(true);
        large.values().append_slice(&[3]);
        large.append(true);
        check_text(Arc::new(large.finish().slice(1, 1)), &[Some("{3}")]);
        let fixed = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
            [Some(vec![Some(1), Some(2)]), None, Some(vec![Some(3), None])],
            2,
        );
        check_text(Arc::new(fixed.slice(1, 2)), &[None, Some("{3,NULL}")]);
    }
}
