//! The state of an aggregate for many groups, and what its implementations share.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Float64Array, Int64Array, PrimitiveArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use std::fmt::Debug;

/// What an aggregate knows of each of many groups. Its results do not depend on the parts in which rows come.
pub(crate) trait Grouped: Debug + Send + Sync {
    /// The state of no groups.
    fn fresh(&self) -> Box<dyn Grouped>;

    /// Makes room for so many groups.
    fn resize(&mut self, groups: usize);

    /// Takes in rows of arguments, each for its group, unless a filter holds it back.
    ///
    /// # Errors
    /// Arguments that the aggregate does not take.
    fn update(&mut self, columns: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) -> Result<()>;

    /// Takes in rows of what [`Self::states`] gave elsewhere.
    ///
    /// # Errors
    /// States that do not go together.
    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()>;

    /// The results of the first groups, so many.
    ///
    /// # Errors
    /// A result outside of its type.
    fn results(&self, groups: usize) -> Result<ArrayRef>;

    /// What is known of the first groups, so many.
    ///
    /// # Errors
    /// Arrow's, of columns that do not fit.
    fn states(&self, groups: usize) -> Result<Vec<ArrayRef>>;

    /// Forgets the first groups, so many; the others move up.
    fn forget(&mut self, groups: usize);

    /// The states of rows that are groups by themselves.
    ///
    /// # Errors
    /// As [`Self::update`].
    fn states_of_rows(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = columns.first().map_or(0, Array::len);
        let mut alone = self.fresh();
        alone.resize(rows);
        alone.update(columns, &(0..rows).collect::<Vec<_>>(), filter)?;
        alone.states(rows)
    }

    /// Bytes on the heap, in constant time.
    fn size(&self) -> usize;
}

/// The state as DataFusion asks for it.
#[derive(Debug)]
pub(super) struct Many {
    state: Box<dyn Grouped>,
    groups: usize,
}

impl Many {
    /// The state of no groups yet.
    pub(super) fn new(state: Box<dyn Grouped>) -> Self {
        Self { state, groups: 0 }
    }

    fn resize(&mut self, groups: usize) {
        self.groups = groups;
        self.state.resize(groups);
    }

    fn emitted<T>(&mut self, emit: EmitTo, made: impl FnOnce(&dyn Grouped, usize) -> Result<T>) -> Result<T> {
        let count = match emit {
            EmitTo::All => self.groups,
            EmitTo::First(count) => count.min(self.groups),
        };
        let made = made(self.state.as_ref(), count)?;
        self.state.forget(count);
        self.groups -= count;
        Ok(made)
    }
}

impl GroupsAccumulator for Many {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.resize(count);
        self.state.update(values, groups, filter)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        self.emitted(emit, |state, groups| state.results(groups))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.emitted(emit, |state, groups| state.states(groups))
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], count: usize) -> Result<()> {
        self.resize(count);
        self.state.merge(values, groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.state.states_of_rows(values, filter)
    }

    fn size(&self) -> usize {
        self.state.size()
    }
}

/// The rows in which no column is NULL and that a filter lets pass; `None` for all.
pub(crate) fn counted<'a>(
    columns: impl IntoIterator<Item = &'a dyn Array>,
    filter: Option<&BooleanArray>,
) -> Option<NullBuffer> {
    let passes = filter.map(|filter| match filter.nulls() {
        Some(known) => NullBuffer::new(filter.values() & known.inner()),
        None => NullBuffer::new(BooleanBuffer::clone(filter.values())),
    });
    let known = columns.into_iter().map(Array::logical_nulls);
    known.fold(passes, |all, nulls| NullBuffer::union(all.as_ref(), nulls.as_ref()))
}

/// A column of numbers by its place.
fn column<T: ArrowPrimitiveType>(columns: &[ArrayRef], place: usize) -> Result<&PrimitiveArray<T>> {
    let column = columns.get(place).and_then(|column| column.as_primitive_opt::<T>());
    column.ok_or_else(|| exec_datafusion_err!("a column of {} is wanted", T::DATA_TYPE))
}

/// A column of doubles by its place.
///
/// # Errors
/// A column that is none.
pub(crate) fn doubles(columns: &[ArrayRef], place: usize) -> Result<&Float64Array> {
    column::<Float64Type>(columns, place)
}

/// A column of whole numbers by its place.
///
/// # Errors
/// A column that is none.
pub(crate) fn longs(columns: &[ArrayRef], place: usize) -> Result<&Int64Array> {
    column::<Int64Type>(columns, place)
}

/// A column of dates or moments by its place, as whole numbers: days, or microseconds.
///
/// # Errors
/// A column that is none.
pub(crate) fn moments(columns: &[ArrayRef], place: usize) -> Result<Int64Array> {
    let column = columns.get(place).ok_or_else(|| exec_datafusion_err!("a column of moments is wanted"))?;
    let whole = match column.data_type() {
        DataType::Date32 => cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?,
        _ => cast(column, &DataType::Int64)?,
    };
    Ok(whole.as_primitive::<Int64Type>().clone())
}
