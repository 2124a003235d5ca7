//! The least and the greatest of doubles, for many groups: NaN is greater than every other number, and infinities count.
//!
//! DataFusion 55: with GROUP BY, a number takes the place of a NaN that came before it, and the greatest begins at the least
//! finite number, so that a group of `-Infinity` alone has `-1.8e308`. Not needed once `extremes.slt` passes without it.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use std::fmt::Debug;
use std::mem::size_of;
use std::sync::Arc;

/// Which of several numbers is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Extreme {
    /// The greatest, as `max` gives it.
    Greatest,
    /// The least, as `min` gives it.
    Least,
}

impl Extreme {
    /// Whether a number takes the place of the one that is held.
    fn takes<V: PartialOrd + Copy>(self, new: V, held: V) -> bool {
        let (less, more) = match self {
            Self::Greatest => (held, new),
            Self::Least => (new, held),
        };
        less < more || (is_nan(more) && !is_nan(less))
    }
}

/// Whether a number is equal to none.
fn is_nan<V: PartialOrd + Copy>(value: V) -> bool {
    value.partial_cmp(&value).is_none()
}

/// The number of each group; `None` as long as it has none.
#[derive(Debug)]
pub(super) struct Extremes<T: ArrowPrimitiveType> {
    extreme: Extreme,
    held: Vec<Option<T::Native>>,
}

impl<T: ArrowPrimitiveType> Extremes<T> {
    /// An accumulator without groups.
    pub(super) fn new(extreme: Extreme) -> Self {
        Self { extreme, held: Vec::new() }
    }

    fn emit(&mut self, emit: EmitTo) -> ArrayRef {
        Arc::new(emit.take_needed(&mut self.held).into_iter().collect::<PrimitiveArray<T>>())
    }
}

/// The only column of a batch.
fn column<T: ArrowPrimitiveType>(values: &[ArrayRef]) -> Result<&PrimitiveArray<T>> {
    let column = values.first().and_then(|values| values.as_primitive_opt::<T>());
    column.ok_or_else(|| exec_datafusion_err!("a column of {} is wanted", T::DATA_TYPE))
}

/// The values that a filter lets pass, and NULL for the others.
fn passed<T: ArrowPrimitiveType>(values: &PrimitiveArray<T>, filter: Option<&BooleanArray>) -> PrimitiveArray<T> {
    let Some(filter) = filter else { return values.clone() };
    let passes = match filter.nulls() {
        Some(known) => filter.values() & known.inner(),
        None => BooleanBuffer::clone(filter.values()),
    };
    let nulls = NullBuffer::union(values.nulls(), Some(&NullBuffer::new(passes)));
    PrimitiveArray::new(values.values().clone(), nulls)
}

impl<T: ArrowPrimitiveType<Native: PartialOrd> + Debug> GroupsAccumulator for Extremes<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.held.resize(count, None);
        let values = passed(column::<T>(values)?, filter);
        for (value, group) in values.iter().zip(groups) {
            if let (Some(value), Some(held)) = (value, self.held.get_mut(*group))
                && held.is_none_or(|held| self.extreme.takes(value, held))
            {
                *held = Some(value);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        Ok(self.emit(emit))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], count: usize) -> Result<()> {
        self.update_batch(values, groups, None, count)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(passed(column::<T>(values)?, filter))])
    }

    fn size(&self) -> usize {
        self.held.capacity() * size_of::<Option<T::Native>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Float64Array;
    use arrow::datatypes::Float64Type;

    #[track_caller]
    fn check(extreme: Extreme, values: Vec<Option<f64>>, expected: &str) {
        let groups = vec![0; values.len()];
        let mut extremes = Extremes::<Float64Type>::new(extreme);
        extremes.update_batch(&[Arc::new(Float64Array::from(values))], &groups, None, 1).unwrap();
        let found = extremes.evaluate(EmitTo::All).unwrap();
        assert_eq!(
            found.as_primitive::<Float64Type>().iter().next().map(|found| format!("{found:?}")).unwrap(),
            expected
        );
    }

    #[test]
    fn nan_is_greatest_and_infinities_count() {
        let numbers = || vec![Some(1.0), Some(f64::NAN), None, Some(5.0)];
        check(Extreme::Greatest, numbers(), "Some(NaN)");
        check(Extreme::Least, numbers(), "Some(1.0)");
        check(Extreme::Greatest, vec![Some(f64::NEG_INFINITY)], "Some(-inf)");
        check(Extreme::Least, vec![Some(f64::INFINITY), Some(f64::NAN)], "Some(inf)");
        check(Extreme::Least, vec![Some(f64::NAN)], "Some(NaN)");
        check(Extreme::Least, vec![None], "None");
    }
}
