//! A statistic of the different values of a column: they are gathered, sorted, and added in order, as
//! PostgreSQL does.

use super::double::{Statistic, results};
use super::moments::One;
use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;
use std::collections::HashSet;
use std::mem::size_of;

/// The different values, by their bits: all NaN are one value, and so are both zeros.
#[derive(Debug)]
pub(crate) struct Distinct {
    statistic: One,
    values: HashSet<u64>,
}

impl Distinct {
    /// A statistic of no values yet.
    pub(crate) fn new(statistic: One) -> Self {
        Self { statistic, values: HashSet::new() }
    }

    /// Takes in the values of a column that are not NULL.
    fn take(&mut self, column: &Float64Array) {
        let bits = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
        self.values.extend(column.iter().flatten().map(bits));
    }
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let Some(column) = arrays.first().and_then(|array| array.as_primitive_opt::<Float64Type>()) else {
            return internal_err!("a column of doubles is wanted");
        };
        self.take(column);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else { return Ok(()) };
        lists.as_list::<i32>().iter().flatten().try_for_each(|list| self.update_batch(&[list]))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut values: Vec<f64> = self.values.iter().map(|bits| f64::from_bits(*bits)).collect();
        values.sort_unstable_by(f64::total_cmp);
        let mut sums = Default::default();
        values.iter().try_for_each(|value| self.statistic.add(&mut sums, &[*value]))?;
        ScalarValue::try_from_array(&results(self.statistic, std::iter::once(self.statistic.result(&sums))), 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values: Vec<ScalarValue> =
            self.values.iter().map(|bits| ScalarValue::from(f64::from_bits(*bits))).collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&values, &DataType::Float64))])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.values.capacity() * size_of::<u64>()
    }
}
