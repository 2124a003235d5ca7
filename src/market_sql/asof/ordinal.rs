//! Values by which rows are matched, in a form that compares fast: integers where the type allows it, and bytes where
//! not.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result;
use std::cmp::Ordering;

/// The values of one side's match expressions in one batch.
///
/// Two of them compare when they come from the same [`Ordinals`].
#[derive(Debug)]
pub(super) enum Values {
    /// Moments, dates, integers and doubles, in their order as integers.
    Whole(ScalarBuffer<i64>, Option<NullBuffer>),
    /// Everything else, and several values at once.
    Bytes(Rows, Option<NullBuffer>),
}

impl Values {
    /// Whether a row has no value, and so matches nothing.
    pub(super) fn is_null(&self, row: usize) -> bool {
        let (Self::Whole(_, nulls) | Self::Bytes(_, nulls)) = self;
        nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// A row's value as bytes, which are in the order of the values.
    pub(super) fn bytes(&self, row: usize) -> Box<[u8]> {
        match self {
            Self::Whole(values, _) => (values[row] ^ i64::MIN).to_be_bytes().into(),
            Self::Bytes(rows, _) => rows.row(row).data().into(),
        }
    }

    /// How a row's value compares with a row of another batch.
    pub(super) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        match (self, other) {
            (Self::Whole(values, _), Self::Whole(others, _)) => values[row].cmp(&others[other_row]),
            (Self::Bytes(rows, _), Self::Bytes(others, _)) => rows.row(row).cmp(&others.row(other_row)),
            (Self::Whole(..), Self::Bytes(..)) => Ordering::Less,
            (Self::Bytes(..), Self::Whole(..)) => Ordering::Greater,
        }
    }
}

/// How the columns of some types become [`Values`]; both sides of a join share one.
#[derive(Debug)]
pub(super) enum Ordinals {
    /// One column of a type that integers stand for.
    Whole,
    /// Any columns that have an order.
    Bytes(RowConverter),
}

impl Ordinals {
    /// For columns of these types, of which there may be none.
    ///
    /// # Errors
    /// A type without an order.
    pub(super) fn of(types: &[DataType]) -> Result<Self> {
        Ok(match types {
            [only] if is_whole(only) => Self::Whole,
            _ => Self::Bytes(RowConverter::new(types.iter().cloned().map(SortField::new).collect())?),
        })
    }

    /// The values of columns of one batch, a row of which is NULL when one of its columns is.
    ///
    /// # Errors
    /// Columns of other types.
    pub(super) fn values(&self, columns: &[ArrayRef]) -> Result<Values> {
        let nulls = columns
            .iter()
            .fold(None, |nulls, column| NullBuffer::union(nulls.as_ref(), column.logical_nulls().as_ref()));
        match (self, columns) {
            (Self::Whole, [column]) => Ok(Values::Whole(whole(column)?, nulls)),
            (Self::Bytes(converter), _) => Ok(Values::Bytes(converter.convert_columns(columns)?, nulls)),
            (Self::Whole, _) => datafusion::common::internal_err!("one column is matched"),
        }
    }
}

fn is_whole(data_type: &DataType) -> bool {
    data_type.is_signed_integer()
        || matches!(data_type, DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::Float64)
        || matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Time64(_))
}

/// The column as integers in the same order.
fn whole(column: &ArrayRef) -> Result<ScalarBuffer<i64>> {
    if let Some(values) = column.as_primitive_opt::<Float64Type>() {
        return Ok(values.values().iter().map(|value| ordered(*value)).collect());
    }
    let column = match column.data_type() {
        DataType::Date32 => cast(column, &DataType::Int32)?,
        _ => column.clone(),
    };
    Ok(cast(&column, &DataType::Int64)?.as_primitive::<Int64Type>().values().clone())
}

/// A double's place in the order of doubles. There are no NaN and no negative zeros among what is matched.
fn ordered(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Date32Array, Float64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn doubles_keep_their_order_as_integers() {
        let values = [f64::NEG_INFINITY, -1e300, -1.5, -1e-300, 0.0, 1e-300, 2.5, 1e300, f64::INFINITY];
        assert!(values.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
    }

    #[test]
    fn a_row_is_null_when_one_of_its_columns_is() {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(1), None, Some(3)]));
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]));
        let ordinals = Ordinals::of(&[DataType::Date32, DataType::Utf8]).unwrap();
        let values = ordinals.values(&[days, names]).unwrap();
        assert_eq!([0, 1, 2].map(|row| values.is_null(row)), [false, true, true]);
    }

    #[test]
    fn values_of_two_batches_compare() {
        let ordinals = Ordinals::of(&[DataType::Float64]).unwrap();
        let values = |values: &[f64]| ordinals.values(&[Arc::new(Float64Array::from(values.to_vec())) as ArrayRef]);
        let (one, other) = (values(&[-1.0, 2.0]).unwrap(), values(&[2.0]).unwrap());
        assert_eq!(one.compare(0, &other, 0), Ordering::Less);
        assert_eq!(one.compare(1, &other, 0), Ordering::Equal);
    }
}
