//! One array as its elements in order and the lengths of its dimensions.

use crate::error::{ErrorKind, QueryError};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use std::cmp::Ordering;

/// An array's elements, row after row, and how many there are in each dimension.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PgArray {
    /// The type of the elements, which are no arrays.
    pub(crate) element: DataType,
    /// The lengths of the dimensions, outermost first; none of an empty array.
    pub(crate) lengths: Vec<usize>,
    /// All elements, the last dimension fastest.
    pub(crate) items: Vec<ScalarValue>,
}

/// An error of the dialect, as DataFusion passes it on.
pub(crate) fn error(kind: ErrorKind, message: impl Into<String>) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(kind, message)))
}

/// The elements of a list's one row; `None` for NULL and for what is no list.
fn row(value: &ScalarValue) -> Option<ArrayRef> {
    match value {
        ScalarValue::List(list) if list.len() == 1 && list.is_valid(0) => Some(list.value(0)),
        ScalarValue::LargeList(list) if list.len() == 1 && list.is_valid(0) => Some(list.value(0)),
        ScalarValue::FixedSizeList(list) if list.len() == 1 && list.is_valid(0) => Some(list.value(0)),
        _ => None,
    }
}

/// The type of the elements of a list of any depth.
pub(crate) fn base(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            base(field.data_type())
        }
        other => other,
    }
}

/// How many dimensions a list's type has; 0 of what is no list.
pub(crate) fn depth(data_type: &DataType) -> usize {
    match data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            1 + depth(field.data_type())
        }
        _ => 0,
    }
}

/// The list type over an element type, so many dimensions deep.
pub(crate) fn nested(element: &DataType, depth: usize) -> DataType {
    (0..depth).fold(element.clone(), |inner, _| DataType::new_list(inner, true))
}

impl PgArray {
    /// The array of a value; `None` for NULL.
    ///
    /// # Errors
    /// `ArraySubscript` (SQLSTATE 2202E) where the arrays of one dimension differ in length.
    pub(crate) fn of(value: &ScalarValue) -> Result<Option<Self>> {
        let Some(elements) = row(value) else { return Ok(None) };
        let mut array = Self { element: base(elements.data_type()).clone(), lengths: Vec::new(), items: Vec::new() };
        let mut lengths = Vec::new();
        array.gather(&elements, 0, &mut lengths)?;
        if array.items.is_empty() {
            lengths.clear();
        }
        array.lengths = lengths;
        Ok(Some(array))
    }

    /// Takes in the elements of one list, and of those in it.
    fn gather(&mut self, elements: &ArrayRef, level: usize, lengths: &mut Vec<usize>) -> Result<()> {
        match lengths.get(level) {
            None => lengths.push(elements.len()),
            Some(length) if *length == elements.len() => {}
            Some(_) => {
                let message = "multidimensional arrays must have array expressions with matching dimensions";
                return Err(error(ErrorKind::ArraySubscript, message));
            }
        }
        for at in 0..elements.len() {
            match elements.data_type() {
                // An array that is NULL has no elements.
                DataType::List(_) => {
                    let inner = elements.as_list::<i32>();
                    let inner = if inner.is_valid(at) { inner.value(at) } else { inner.values().slice(0, 0) };
                    self.gather(&inner, level + 1, lengths)?;
                }
                _ => self.items.push(ScalarValue::try_from_array(elements, at)?),
            }
        }
        Ok(())
    }

    /// An array of one dimension.
    pub(crate) fn flat(element: DataType, items: Vec<ScalarValue>) -> Self {
        let lengths = if items.is_empty() { Vec::new() } else { vec![items.len()] };
        Self { element, lengths, items }
    }

    /// The array as a value of a list type of so many dimensions, its elements cast to its element type.
    ///
    /// # Errors
    /// Where an element does not fit the type.
    pub(crate) fn into_value(self, data_type: &DataType) -> Result<ScalarValue> {
        let element = base(data_type).clone();
        let mut items = self.items.iter().map(|item| item.cast_to(&element)).collect::<Result<Vec<_>>>()?;
        let deep = depth(data_type).max(1);
        for level in (1..deep).rev() {
            let length = self.lengths.get(level).copied().unwrap_or(items.len()).max(1);
            let inner = nested(&element, deep - 1 - level);
            items = items
                .chunks(length)
                .map(|chunk| ScalarValue::List(ScalarValue::new_list_nullable(chunk, &inner)))
                .collect();
        }
        Ok(ScalarValue::List(ScalarValue::new_list_nullable(&items, &nested(&element, deep - 1))))
    }
}

/// Whether two elements are the same: NULL is NULL, NaN is NaN, and -0 is 0.
pub(crate) fn same(one: &ScalarValue, other: &ScalarValue) -> bool {
    compare(one, other) == Ordering::Equal
}

/// The order of two elements of one type, or of two numbers: NULL last, NaN behind all other numbers.
pub(crate) fn compare(one: &ScalarValue, other: &ScalarValue) -> Ordering {
    match (one.is_null(), other.is_null()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let double = |value: &ScalarValue| match value {
        ScalarValue::Float64(value) => *value,
        ScalarValue::Float32(value) => value.map(f64::from),
        value if value.data_type().is_numeric() => match value.cast_to(&DataType::Float64) {
            Ok(ScalarValue::Float64(value)) => value,
            _ => None,
        },
        _ => None,
    };
    let floats = one.data_type().is_floating() || other.data_type().is_floating();
    if floats && let (Some(one), Some(other)) = (double(one), double(other)) {
        return match (one.is_nan(), other.is_nan()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => one.partial_cmp(&other).unwrap_or(Ordering::Equal),
        };
    }
    if one.data_type() != other.data_type()
        && let Ok(other) = other.cast_to(&one.data_type())
    {
        return one.partial_cmp(&other).unwrap_or(Ordering::Equal);
    }
    one.partial_cmp(other).unwrap_or(Ordering::Equal)
}
