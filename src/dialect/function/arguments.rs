//! Arguments of routines: the types they take, what is brought to them, and the values of one row, which
//! are read in place.

use super::failure::{fails, invalid_json};
use crate::dialect::regexp::{Fuel, Options, Regexp};
use crate::error::ErrorKind;
use crate::text::{is_text, json};
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int64Array, ListArray, ListBuilder, StringArray,
    StringBuilder,
};
use arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::ColumnarValue;
use std::cell::RefCell;
use std::sync::Arc;

/// What an argument is, in the words of PostgreSQL's types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A value of type `text`.
    Text,
    /// A value of type `text[]`.
    Texts,
    /// An `integer` or a `bigint`.
    Int,
    /// A `double precision`, or any number.
    Float,
    /// A value of type `boolean`.
    Bool,
    /// A `bytea`; a text that is written out reads as one.
    Bytes,
    /// A value of any type, as it is.
    Any,
    /// A `json`; a text that is written out reads as one.
    Json,
    /// A `jsonb`; a text that is written out reads as one.
    Jsonb,
}

/// How many conversions lead from a type to a kind; `None` when none does.
pub(super) fn conversions(kind: Kind, given: &DataType) -> Option<usize> {
    let text = is_text(given);
    Some(match kind {
        Kind::Any => 3,
        _ if given.is_null() => 1,
        Kind::Text if text => 0,
        Kind::Texts if matches!(given, DataType::List(element) if is_text(element.data_type())) => 0,
        Kind::Texts if matches!(given, DataType::List(element) if element.data_type().is_null()) => 0,
        Kind::Int if given.is_integer() => 0,
        Kind::Float if given.is_floating() => 0,
        Kind::Float if given.is_integer() || given.is_decimal() => 1,
        Kind::Bool if *given == DataType::Boolean => 0,
        Kind::Bytes if matches!(given, DataType::Binary | DataType::LargeBinary | DataType::BinaryView) => 0,
        Kind::Json if json::is_json(given) => 0,
        Kind::Jsonb if json::is_jsonb(given) => 0,
        Kind::Bytes | Kind::Json | Kind::Jsonb | Kind::Texts if text => 2,
        _ => return None,
    })
}

/// The type an argument of a kind is brought to.
pub(super) fn target(kind: Kind, given: &DataType) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Texts | Kind::Bytes | Kind::Json | Kind::Jsonb if is_text(given) => DataType::Utf8,
        Kind::Texts => DataType::new_list(DataType::Utf8, true),
        Kind::Int => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::Bytes => DataType::Binary,
        Kind::Json => json::json_type(),
        Kind::Jsonb => json::jsonb_type(),
        Kind::Any => given.clone(),
    }
}

/// What the rows of one batch share: the fuel of patterns.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Used up by what is matched.
    pub(crate) fuel: Fuel,
    /// The pattern of the last row.
    pub(crate) pattern: RefCell<Option<(String, Options, Arc<Regexp>)>>,
}

/// One argument over all rows.
pub(super) struct Column {
    /// The same value in each row.
    pub(super) single: bool,
    pub(super) values: Cells,
}

/// The values of an argument by its kind.
pub(super) enum Cells {
    Texts(StringArray),
    Lists(ListArray),
    Ints(Int64Array),
    Floats(Float64Array),
    Bools(BooleanArray),
    Bytes(BinaryArray),
    Other(ArrayRef),
}

impl Cells {
    /// Reads an argument as a kind.
    pub(super) fn of(kind: Kind, value: &ColumnarValue) -> Result<Self> {
        let array = value.to_array(1)?;
        let to = |data_type: &DataType| -> Result<ArrayRef> {
            if array.data_type() == data_type { Ok(array.clone()) } else { Ok(cast(&array, data_type)?) }
        };
        Ok(match kind {
            Kind::Text => Self::Texts(to(&DataType::Utf8)?.as_string::<i32>().clone()),
            Kind::Texts if is_text(array.data_type()) => Self::Lists(lists_of(&array)?),
            Kind::Texts => Self::Lists(to(&DataType::new_list(DataType::Utf8, true))?.as_list::<i32>().clone()),
            Kind::Int => Self::Ints(to(&DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            Kind::Float => Self::Floats(to(&DataType::Float64)?.as_primitive::<Float64Type>().clone()),
            Kind::Bool => Self::Bools(to(&DataType::Boolean)?.as_boolean().clone()),
            Kind::Bytes if is_text(array.data_type()) => Self::Bytes(bytes_of(&array)?),
            Kind::Bytes => Self::Bytes(to(&DataType::Binary)?.as_binary::<i32>().clone()),
            Kind::Json | Kind::Jsonb => Self::Texts(json_of(kind, &array)?),
            Kind::Any => Self::Other(array),
        })
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Texts(array) => array,
            Self::Lists(array) => array,
            Self::Ints(array) => array,
            Self::Floats(array) => array,
            Self::Bools(array) => array,
            Self::Bytes(array) => array,
            Self::Other(array) => array,
        }
    }
}

/// The texts of JSON; those that are written out are checked, and brought to normal form for `jsonb`.
fn json_of(kind: Kind, array: &ArrayRef) -> Result<StringArray> {
    if let Some(texts) = json::texts(array) {
        return Ok(texts);
    }
    let wanted = if kind == Kind::Jsonb { json::jsonb_type() } else { json::json_type() };
    let texts = cast(array, &DataType::Utf8)?;
    let read = json::read(texts.as_string::<i32>(), &wanted).map_err(invalid_json)?;
    Ok(json::texts(&read).unwrap_or_else(|| texts.as_string::<i32>().clone()))
}

/// Texts as PostgreSQL reads arrays from them.
fn lists_of(array: &ArrayRef) -> Result<ListArray> {
    let texts = cast(array, &DataType::Utf8)?;
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in texts.as_string::<i32>() {
        match text.map(crate::text::array::parse) {
            None => lists.append_null(),
            Some(Some(elements)) => lists.append_value(elements),
            Some(None) => {
                return fails(
                    ErrorKind::InvalidText,
                    format!("malformed array literal: \"{}\"", text.unwrap_or_default()),
                );
            }
        }
    }
    let wanted = DataType::new_list(DataType::Utf8, true);
    Ok(cast(&lists.finish(), &wanted)?.as_list::<i32>().clone())
}

/// Texts as PostgreSQL reads bytes from them.
fn bytes_of(array: &ArrayRef) -> Result<BinaryArray> {
    let texts = cast(array, &DataType::Utf8)?;
    let read = texts.as_string::<i32>().iter().map(|text| match text {
        None => Ok(None),
        Some(text) => match crate::text::bytea::parse(text) {
            Some(bytes) => Ok(Some(bytes)),
            None => fails(ErrorKind::InvalidText, "invalid input syntax for type bytea"),
        },
    });
    read.collect()
}

/// The arguments of one row. What is read as another kind than it is declared is nothing: empty, 0 or
/// false.
pub(crate) struct Values<'a> {
    pub(super) columns: &'a [Column],
    pub(super) row: usize,
    /// The settings of the session.
    pub(crate) config: &'a ConfigOptions,
    /// What the rows of the batch share.
    pub(crate) scratch: &'a Scratch,
}

impl<'a> Values<'a> {
    fn cells(&self, index: usize) -> Option<(&'a Cells, usize)> {
        let column = self.columns.get(index)?;
        Some((&column.values, if column.single { 0 } else { self.row }))
    }

    /// How many arguments there are.
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether an argument is NULL, or not there.
    pub(crate) fn is_null(&self, index: usize) -> bool {
        self.cells(index).is_none_or(|(cells, row)| {
            let array = cells.array();
            array.data_type().is_null() || array.is_null(row)
        })
    }

    /// A text; `None` of NULL.
    pub(crate) fn try_text(&self, index: usize) -> Option<&'a str> {
        match self.cells(index)? {
            (Cells::Texts(texts), row) if texts.is_valid(row) => Some(texts.value(row)),
            _ => None,
        }
    }

    /// A text, empty of NULL.
    pub(crate) fn text(&self, index: usize) -> &'a str {
        self.try_text(index).unwrap_or_default()
    }

    /// A whole number; `None` of NULL and of what is not there.
    pub(crate) fn try_int(&self, index: usize) -> Option<i64> {
        match self.cells(index)? {
            (Cells::Ints(numbers), row) if numbers.is_valid(row) => Some(numbers.value(row)),
            _ => None,
        }
    }

    /// A whole number, 0 of NULL.
    pub(crate) fn int(&self, index: usize) -> i64 {
        self.try_int(index).unwrap_or_default()
    }

    /// A double, 0 of NULL.
    pub(crate) fn float(&self, index: usize) -> f64 {
        match self.cells(index) {
            Some((Cells::Floats(numbers), row)) if numbers.is_valid(row) => numbers.value(row),
            _ => 0.0,
        }
    }

    /// A boolean; `None` of NULL and of what is not there.
    pub(crate) fn try_boolean(&self, index: usize) -> Option<bool> {
        match self.cells(index)? {
            (Cells::Bools(values), row) if values.is_valid(row) => Some(values.value(row)),
            _ => None,
        }
    }

    /// Bytes, none of NULL.
    pub(crate) fn bytes(&self, index: usize) -> &'a [u8] {
        match self.cells(index) {
            Some((Cells::Bytes(bytes), row)) if bytes.is_valid(row) => bytes.value(row),
            _ => &[],
        }
    }

    /// Whether an argument is an array of texts.
    pub(crate) fn is_list(&self, index: usize) -> bool {
        matches!(self.cells(index), Some((Cells::Lists(_), _)))
    }

    /// The elements of an array of texts; none of NULL.
    pub(crate) fn texts(&self, index: usize) -> Vec<Option<String>> {
        match self.cells(index) {
            Some((Cells::Lists(lists), row)) if lists.is_valid(row) => {
                lists.value(row).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The array behind an argument of any type, and the place of this row in it.
    ///
    /// # Errors
    /// An argument that is not there.
    pub(crate) fn any(&self, index: usize) -> Result<(&'a ArrayRef, usize)> {
        match self.cells(index) {
            Some((Cells::Other(array), row)) => Ok((array, row)),
            _ => internal_err!("argument {index} is not there"),
        }
    }
}
