//! The parameters of an indicator: the same in each row of a partition.

use crate::dialect::moment::fault::invalid;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue};

/// The parameters of a call over one partition.
#[derive(Debug)]
pub(super) struct Parameters {
    function: &'static str,
    values: Vec<ScalarValue>,
}

impl Parameters {
    /// The parameters of a call by their columns; `None` where one is NULL.
    ///
    /// # Errors
    /// 22023 where one differs between rows.
    pub(super) fn of(function: &'static str, columns: &[ArrayRef]) -> Result<Option<Self>> {
        let values = columns.iter().map(|column| constant(function, column));
        let values = values.collect::<Result<Vec<_>>>()?;
        Ok(values.iter().all(|value| !value.is_null()).then_some(Self { function, values }))
    }

    /// A number of rows by its place.
    ///
    /// # Errors
    /// 22023 for one below 1.
    pub(super) fn period(&self, place: usize, name: &str, usual: usize) -> Result<usize> {
        match self.values.get(place) {
            Some(ScalarValue::Int64(Some(given))) if *given < 1 => Err(self.refused(name, "at least 1")),
            Some(ScalarValue::Int64(Some(given))) => Ok(usize::try_from(*given).unwrap_or(usize::MAX)),
            _ => Ok(usual),
        }
    }

    /// A number by its place.
    ///
    /// # Errors
    /// 22023 for one below 0, or that is none.
    pub(super) fn factor(&self, place: usize, name: &str, usual: f64) -> Result<f64> {
        match self.values.get(place) {
            Some(ScalarValue::Float64(Some(given))) if !(given.is_finite() && *given >= 0.0) => {
                Err(self.refused(name, "a number and at least 0"))
            }
            Some(ScalarValue::Float64(Some(given))) => Ok(*given),
            _ => Ok(usual),
        }
    }

    fn refused(&self, name: &str, wanted: &str) -> datafusion::error::DataFusionError {
        invalid(format!("{name} of {} must be {wanted}", self.function))
    }
}

/// The value that a column has in all its rows.
fn constant(function: &str, column: &ArrayRef) -> Result<ScalarValue> {
    let differs = match column.as_primitive_opt::<Int64Type>() {
        Some(whole) => differs(whole),
        None => column.as_primitive_opt::<Float64Type>().is_some_and(differs),
    };
    if differs {
        return Err(invalid(format!("parameters of {function} must be the same in all rows of a partition")));
    }
    ScalarValue::try_from_array(column, 0)
}

fn differs<T: arrow::datatypes::ArrowPrimitiveType>(column: &arrow::array::PrimitiveArray<T>) -> bool {
    let same = |nulls: usize| nulls == 0 || nulls == column.len();
    let first = column.values().first();
    !same(column.null_count()) || (column.null_count() == 0 && column.values().iter().any(|value| Some(value) != first))
}
