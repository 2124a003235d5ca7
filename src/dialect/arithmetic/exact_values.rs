//! The values of integers and decimals as whole numbers of 256 bits, for the aggregates that sum them without a loss.

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, FieldRef, Int64Type, i256};
use datafusion::common::{Result, internal_err, plan_err};

/// Places behind the point of an aggregate's one argument.
///
/// # Errors
/// An argument that is neither an integer nor a decimal.
pub(super) fn input_scale(fields: &[FieldRef]) -> Result<i8> {
    let [field] = fields else { return internal_err!("the aggregate has one argument") };
    Ok(match field.data_type() {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale,
        DataType::Int16 | DataType::Int32 | DataType::Int64 => 0,
        other => return plan_err!("an exact aggregate of {other}"),
    })
}

/// Integers of 64 bits, whatever integers there are.
pub(super) fn whole(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Int16 | DataType::Int32 => cast(array, &DataType::Int64)?,
        _ => array.clone(),
    })
}

/// The values of an array, NULL as `None`.
///
/// # Errors
/// An array of something else.
pub(super) fn values(array: &ArrayRef) -> Result<Box<dyn Iterator<Item = Option<i256>> + '_>> {
    Ok(match array.data_type() {
        DataType::Int64 => {
            let wide = |value: Option<i64>| value.map(|value| i256::from_i128(value.into()));
            Box::new(array.as_primitive::<Int64Type>().iter().map(wide))
        }
        DataType::Decimal128(..) => {
            Box::new(array.as_primitive::<Decimal128Type>().iter().map(|value| value.map(i256::from_i128)))
        }
        DataType::Decimal256(..) => Box::new(array.as_primitive::<Decimal256Type>().iter()),
        other => return internal_err!("an exact aggregate of {other}"),
    })
}
