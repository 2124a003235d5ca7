//! Rows of numbers that are kept for each group, for aggregates whose result takes all of them at once.

use super::grouped::{Grouped, doubles};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::{Result, exec_datafusion_err};
use std::cmp::Ordering;
use std::sync::Arc;

/// Makes a column of results, one for each group, of the groups' rows. Those of a group come in their own order, so that the
/// result is the same in whatever parts they came.
pub(crate) type OfRows<const N: usize> = fn(&mut [Vec<[f64; N]>]) -> Result<ArrayRef>;

/// The rows of groups, each of so many numbers; NaN stands for NULL.
#[derive(Debug)]
pub(crate) struct Kept<const N: usize> {
    of_rows: OfRows<N>,
    groups: Vec<Vec<[f64; N]>>,
    /// Rows that there is room for, in all groups.
    room: usize,
}

impl<const N: usize> Kept<N> {
    /// No rows yet, and what is made of them.
    pub(crate) fn new(of_rows: OfRows<N>) -> Self {
        Self { of_rows, groups: Vec::new(), room: 0 }
    }

    /// The types of what is known of a group: a list of numbers for each column.
    pub(crate) fn states() -> Vec<DataType> {
        vec![DataType::new_list(DataType::Float64, true); N]
    }

    fn push(&mut self, group: usize, row: [f64; N]) {
        let rows = &mut self.groups[group];
        let room = rows.capacity();
        rows.push(row);
        self.room += rows.capacity() - room;
    }

    /// The column of a state at a place.
    fn state(&self, groups: usize, place: usize) -> Result<ArrayRef> {
        let groups = &self.groups[..groups];
        let lengths = OffsetBuffer::from_lengths(groups.iter().map(Vec::len));
        let values: Float64Array = groups.iter().flatten().map(|row| Some(row[place])).collect();
        let item = Arc::new(Field::new_list_field(DataType::Float64, true));
        Ok(Arc::new(ListArray::try_new(item, lengths, Arc::new(values), None)?))
    }
}

/// The order of rows, by one number after the other.
fn order<const N: usize>(one: &[f64; N], other: &[f64; N]) -> Ordering {
    one.iter().zip(other).fold(Ordering::Equal, |order, (one, other)| order.then_with(|| one.total_cmp(other)))
}

impl<const N: usize> Grouped for Kept<N> {
    fn fresh(&self) -> Box<dyn Grouped> {
        Box::new(Self::new(self.of_rows))
    }

    fn resize(&mut self, groups: usize) {
        self.groups.resize(groups, Vec::new());
    }

    fn update(&mut self, columns: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let columns = (0..N).map(|place| doubles(columns, place)).collect::<Result<Vec<_>>>()?;
        for (row, group) in groups.iter().enumerate() {
            if filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) {
                let value = |column: &Float64Array| if column.is_valid(row) { column.value(row) } else { f64::NAN };
                self.push(*group, std::array::from_fn(|place| value(columns[place])));
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let lists: Vec<&ListArray> = states.iter().filter_map(|state| state.as_list_opt::<i32>()).collect();
        let values = lists.iter().map(|list| list.values().as_primitive_opt::<Float64Type>());
        let values = values.collect::<Option<Vec<_>>>().filter(|values| values.len() == N);
        let values = values.ok_or_else(|| exec_datafusion_err!("a state of {N} lists of numbers is wanted"))?;
        let Some(first) = lists.first() else { return Ok(()) };
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| first.is_valid(*row)) {
            let starts: [i32; N] = std::array::from_fn(|place| lists[place].value_offsets()[row]);
            for at in 0..first.value_length(row) {
                self.push(*group, std::array::from_fn(|place| values[place].value((starts[place] + at) as usize)));
            }
        }
        Ok(())
    }

    fn results(&self, groups: usize) -> Result<ArrayRef> {
        let mut rows = self.groups[..groups].to_vec();
        rows.iter_mut().for_each(|rows| rows.sort_by(order));
        (self.of_rows)(&mut rows)
    }

    fn states(&self, groups: usize) -> Result<Vec<ArrayRef>> {
        (0..N).map(|place| self.state(groups, place)).collect()
    }

    fn forget(&mut self, groups: usize) {
        self.room -= self.groups.drain(..groups).map(|rows| rows.capacity()).sum::<usize>();
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Vec<[f64; N]>>() + self.room * size_of::<[f64; N]>()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;

    /// Sums of the first numbers, each less the second; and how many rows a group has.
    fn differences(rows: &mut [Vec<[f64; 2]>]) -> Result<ArrayRef> {
        let sums = rows.iter().map(|rows| rows.iter().map(|row| row[0] - row[1]).sum::<f64>() as i64);
        Ok(Arc::new(sums.collect::<Int64Array>()))
    }

    fn columns(rows: &[(f64, f64)]) -> Vec<ArrayRef> {
        let column = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
        vec![column(rows.iter().map(|row| row.0).collect()), column(rows.iter().map(|row| row.1).collect())]
    }

    #[test]
    fn rows_go_to_their_groups_in_whatever_parts_they_come() {
        let mut part = Kept::new(differences);
        part.resize(2);
        part.update(&columns(&[(5.0, 1.0), (7.0, 2.0), (9.0, 9.0)]), &[1, 0, 1], None).unwrap();
        let mut whole = Kept::new(differences);
        whole.resize(3);
        whole.merge(&part.states(2).unwrap(), &[2, 1]).unwrap();
        let held = BooleanArray::from(vec![Some(true), None, Some(false)]);
        whole.update(&columns(&[(100.0, 1.0), (1.0, 0.0), (1.0, 0.0)]), &[1, 1, 1], Some(&held)).unwrap();
        assert_eq!(whole.results(3).unwrap().as_ref(), &Int64Array::from(vec![0, 4 + 99, 5]));
        whole.forget(2);
        assert_eq!(whole.results(1).unwrap().as_ref(), &Int64Array::from(vec![5]));
    }

    #[test]
    fn what_is_kept_is_counted() {
        let mut kept = Kept::new(differences);
        kept.resize(1);
        let before = kept.size();
        kept.update(&columns(&[(0.0, 0.0); 1000]), &[0; 1000], None).unwrap();
        assert!(kept.size() >= before + 16_000, "{}", kept.size());
        kept.forget(1);
        assert_eq!(kept.size(), before);
    }
}
