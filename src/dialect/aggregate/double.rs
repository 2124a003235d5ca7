//! The accumulators of statistics of doubles: one at a time, for many groups, and over a moving frame.

use super::moments::{Moments, One, Pairs, SQUARES_FIT, Two};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use std::fmt::Debug;
use std::mem::size_of;
use std::sync::Arc;

/// A statistic with the sums it is made of.
pub(crate) trait Statistic: Debug + Clone + Copy + Send + Sync + 'static {
    /// The sums, as PostgreSQL keeps them.
    type Sums: Debug + Default + Clone + Copy + Send + Sync;
    /// Numbers that the sums are, on their way to the next step of a plan.
    const WIDTH: usize;

    /// Adds rows without a filter to one set of sums.
    fn add_all(self, sums: &mut Self::Sums, columns: &[&Float64Array]) -> Result<()>;
    /// Adds one row, whose values are not NULL.
    fn add(self, sums: &mut Self::Sums, values: &[f64]) -> Result<()>;
    /// Adds one set of sums to another.
    fn merge(self, sums: &mut Self::Sums, other: &Self::Sums) -> Result<()>;
    /// The sums as numbers.
    fn numbers(self, sums: &Self::Sums) -> Vec<f64>;
    /// The sums from their numbers.
    fn sums_of(self, numbers: &[f64]) -> Self::Sums;
    /// The statistic of the sums.
    fn result(self, sums: &Self::Sums) -> Option<f64>;
    /// Columns it is made of.
    fn columns(self) -> usize;
    /// The type of its result: a double, a real, or a `bigint` that counts.
    fn data_type(self) -> DataType;
    /// Whether a row changes the sums otherwise than another of the same values would.
    fn careful(self, _columns: &[&Float64Array]) -> bool {
        true
    }
}

/// Whether each value lies where neither its square nor a sum of squares can leave a double.
fn are_small(column: &Float64Array) -> bool {
    column.values().iter().fold(true, |small, value| small & (value.abs() < SQUARES_FIT))
}

impl Statistic for One {
    type Sums = Moments;
    const WIDTH: usize = 3;

    fn add_all(self, sums: &mut Moments, columns: &[&Float64Array]) -> Result<()> {
        let [column] = columns else { return internal_err!("one column is wanted") };
        if !self.careful(columns) {
            sums.count += (column.len() - column.null_count()) as f64;
            sums.sum += arrow::compute::sum(*column).unwrap_or(0.0);
            return Ok(());
        }
        column.iter().flatten().try_for_each(|value| self.add(sums, &[value]))
    }

    fn add(self, sums: &mut Moments, values: &[f64]) -> Result<()> {
        let [value] = values else { return internal_err!("one value is wanted") };
        match self {
            Self::Sum => sums.add_checked(1.0, *value),
            Self::SumOfReals => sums.add_real(1.0, *value),
            _ => sums.add(*value),
        }
    }

    fn merge(self, sums: &mut Moments, other: &Moments) -> Result<()> {
        match self {
            Self::Sum => sums.add_checked(other.count, other.sum),
            Self::SumOfReals => sums.add_real(other.count, other.sum),
            _ => sums.merge(other),
        }
    }

    fn numbers(self, sums: &Moments) -> Vec<f64> {
        vec![sums.count, sums.sum, sums.squares]
    }

    fn sums_of(self, numbers: &[f64]) -> Moments {
        match numbers {
            [count, sum, squares] => Moments { count: *count, sum: *sum, squares: *squares },
            _ => Moments::default(),
        }
    }

    fn result(self, sums: &Moments) -> Option<f64> {
        self.of(sums)
    }

    fn columns(self) -> usize {
        1
    }

    fn data_type(self) -> DataType {
        if self == Self::SumOfReals { DataType::Float32 } else { DataType::Float64 }
    }

    fn careful(self, columns: &[&Float64Array]) -> bool {
        self.needs_squares() || self == Self::SumOfReals || !columns.iter().all(|column| are_small(column))
    }
}

impl Statistic for Two {
    type Sums = Pairs;
    const WIDTH: usize = 6;

    fn add_all(self, sums: &mut Pairs, columns: &[&Float64Array]) -> Result<()> {
        let [first, second] = columns else { return internal_err!("two columns are wanted") };
        let pairs = first.iter().zip(second.iter()).filter_map(|(y, x)| Some((y?, x?)));
        pairs.into_iter().try_for_each(|(y, x)| sums.add(y, x))
    }

    fn add(self, sums: &mut Pairs, values: &[f64]) -> Result<()> {
        let [y, x] = values else { return internal_err!("two values are wanted") };
        sums.add(*y, *x)
    }

    fn merge(self, sums: &mut Pairs, other: &Pairs) -> Result<()> {
        sums.merge(other)
    }

    fn numbers(self, sums: &Pairs) -> Vec<f64> {
        vec![sums.count, sums.x, sums.y, sums.xx, sums.yy, sums.xy]
    }

    fn sums_of(self, numbers: &[f64]) -> Pairs {
        match numbers {
            [count, x, y, xx, yy, xy] => Pairs { count: *count, x: *x, y: *y, xx: *xx, yy: *yy, xy: *xy },
            _ => Pairs::default(),
        }
    }

    fn result(self, sums: &Pairs) -> Option<f64> {
        self.of(sums)
    }

    fn columns(self) -> usize {
        2
    }

    fn data_type(self) -> DataType {
        if self == Self::Count { DataType::Int64 } else { DataType::Float64 }
    }
}

/// The columns of a batch as doubles.
fn doubles(arrays: &[ArrayRef], count: usize) -> Result<Vec<&Float64Array>> {
    let columns: Option<Vec<_>> =
        arrays.iter().take(count).map(|array| array.as_primitive_opt::<Float64Type>()).collect();
    match columns {
        Some(columns) if columns.len() == count => Ok(columns),
        _ => internal_err!("a statistic of doubles has {count} columns of doubles"),
    }
}

/// Results as an array of their type.
pub(crate) fn results<S: Statistic>(statistic: S, values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    // NaN gets no sign, by which DataFusion would sort and compare it.
    let values = values.map(|value| value.map(|value| if value.is_nan() { f64::NAN } else { value }));
    #[allow(clippy::cast_possible_truncation, reason = "counts are whole and far below 2^63, sums of reals are reals")]
    match statistic.data_type() {
        DataType::Int64 => Arc::new(values.map(|value| value.map(|count| count as i64)).collect::<Int64Array>()),
        DataType::Float32 => Arc::new(values.map(|value| value.map(|sum| sum as f32)).collect::<Float32Array>()),
        _ => Arc::new(values.collect::<Float64Array>()),
    }
}

/// One statistic that is asked for.
#[derive(Debug)]
pub(crate) struct Total<S: Statistic> {
    statistic: S,
    sums: S::Sums,
}

impl<S: Statistic> Total<S> {
    /// A statistic of no rows yet.
    pub(crate) fn new(statistic: S) -> Self {
        Self { statistic, sums: S::Sums::default() }
    }
}

impl<S: Statistic> Accumulator for Total<S> {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        self.statistic.add_all(&mut self.sums, &doubles(arrays, self.statistic.columns())?)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns = doubles(states, S::WIDTH)?;
        for row in 0..columns.first().map_or(0, |column| column.len()) {
            let numbers: Vec<f64> = columns.iter().map(|column| column.value(row)).collect();
            self.statistic.merge(&mut self.sums, &self.statistic.sums_of(&numbers))?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let result = std::iter::once(self.statistic.result(&self.sums));
        ScalarValue::try_from_array(&results(self.statistic, result), 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(self.statistic.numbers(&self.sums).into_iter().map(ScalarValue::from).collect())
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// A statistic for each group, by the group's number.
#[derive(Debug)]
pub(crate) struct Totals<S: Statistic> {
    statistic: S,
    sums: Vec<S::Sums>,
}

impl<S: Statistic> Totals<S> {
    /// Statistics of no rows yet.
    pub(crate) fn new(statistic: S) -> Self {
        Self { statistic, sums: Vec::new() }
    }
}

impl GroupSums for Totals<One> {
    fn add_rows(&mut self, columns: &[&Float64Array], groups: &[usize], keep: impl Fn(usize) -> bool) -> Result<()> {
        let [column] = columns else { return internal_err!("one column is wanted") };
        let values = column.values();
        if !self.statistic.careful(columns) {
            let rows = groups.iter().zip(values.iter()).enumerate().filter(|(row, _)| keep(*row));
            rows.for_each(|(_, (group, value))| self.sums[*group].add_to_sum(*value));
            return Ok(());
        }
        let mut rows = groups.iter().zip(values.iter()).enumerate().filter(|(row, _)| keep(*row));
        rows.try_for_each(|(_, (group, value))| self.statistic.add(&mut self.sums[*group], &[*value]))
    }
}

impl GroupSums for Totals<Two> {
    fn add_rows(&mut self, columns: &[&Float64Array], groups: &[usize], keep: impl Fn(usize) -> bool) -> Result<()> {
        let [first, second] = columns else { return internal_err!("two columns are wanted") };
        let pairs = first.values().iter().zip(second.values().iter());
        let mut rows = groups.iter().zip(pairs).enumerate().filter(|(row, _)| keep(*row));
        rows.try_for_each(|(_, (group, (y, x)))| self.sums[*group].add(*y, *x))
    }
}

/// How rows are added to the sums of their groups.
pub(crate) trait GroupSums {
    /// Adds each row that `keep` lets pass to its group; values of other rows may be anything.
    fn add_rows(&mut self, columns: &[&Float64Array], groups: &[usize], keep: impl Fn(usize) -> bool) -> Result<()>;
}

impl<S: Statistic> GroupsAccumulator for Totals<S>
where
    Self: GroupSums,
{
    fn update_batch(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        self.sums.resize(group_count, S::Sums::default());
        let columns = doubles(arrays, self.statistic.columns())?;
        let whole = columns.iter().all(|column| column.null_count() == 0) && filter.is_none();
        if whole {
            return self.add_rows(&columns, groups, |_| true);
        }
        let passes = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        self.add_rows(&columns, groups, |row| passes(row) && columns.iter().all(|column| column.is_valid(row)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], group_count: usize) -> Result<()> {
        self.sums.resize(group_count, S::Sums::default());
        let columns = doubles(states, S::WIDTH)?;
        let mut numbers = Vec::with_capacity(S::WIDTH);
        for (row, group) in groups.iter().enumerate() {
            numbers.clear();
            numbers.extend(columns.iter().map(|column| column.value(row)));
            self.statistic.merge(&mut self.sums[*group], &self.statistic.sums_of(&numbers))?;
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let sums = emit.take_needed(&mut self.sums);
        Ok(results(self.statistic, sums.iter().map(|sums| self.statistic.result(sums))))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let sums = emit.take_needed(&mut self.sums);
        let mut columns = vec![Vec::with_capacity(sums.len()); S::WIDTH];
        for sums in &sums {
            let numbers = self.statistic.numbers(sums);
            columns.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
        }
        Ok(columns.into_iter().map(|column| Arc::new(Float64Array::from(column)) as ArrayRef).collect())
    }

    fn convert_to_state(&self, arrays: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let columns = doubles(arrays, self.statistic.columns())?;
        let rows = columns.first().map_or(0, |column| column.len());
        let mut each = Self::new(self.statistic);
        let groups: Vec<usize> = (0..rows).collect();
        each.update_batch(arrays, &groups, filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<S::Sums>()
    }
}

/// A statistic over a moving frame: its rows are kept, and summed anew for each result, so that nothing
/// is left of what has gone.
#[derive(Debug)]
pub(crate) struct Moving<S: Statistic> {
    statistic: S,
    /// The rows of the frame without a NULL, column by column, from `start` on.
    columns: Vec<Vec<f64>>,
    start: usize,
    /// Sums of whole blocks of rows, the first of which begins at `start` rounded up to a block.
    blocks: Vec<Option<S::Sums>>,
}

/// Rows that are summed once for all frames that hold them all. Frames of fewer rows are summed row by
/// row, in order, as PostgreSQL does.
const BLOCK: usize = 128;

impl<S: Statistic> Moving<S> {
    /// A frame of no rows.
    pub(crate) fn new(statistic: S) -> Self {
        Self { statistic, columns: vec![Vec::new(); statistic.columns()], start: 0, blocks: Vec::new() }
    }

    /// Rows up to which the columns are filled.
    fn end(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Adds the rows of a range to sums.
    fn add(&self, sums: &mut S::Sums, from: usize, to: usize) -> Result<()> {
        match self.columns.as_slice() {
            [only] => only[from..to].iter().try_for_each(|value| self.statistic.add(sums, &[*value])),
            [first, second] => {
                let mut pairs = first[from..to].iter().zip(&second[from..to]);
                pairs.try_for_each(|(one, other)| self.statistic.add(sums, &[*one, *other]))
            }
            _ => internal_err!("one or two columns are wanted"),
        }
    }

    /// The sums of the frame.
    fn sums(&mut self) -> Result<S::Sums> {
        let (start, end) = (self.start, self.end());
        let mut sums = S::Sums::default();
        let (first, last) = (start.div_ceil(BLOCK), end / BLOCK);
        if first + 1 >= last {
            self.add(&mut sums, start, end)?;
            return Ok(sums);
        }
        self.blocks.resize(last, None);
        self.add(&mut sums, start, first * BLOCK)?;
        for block in first..last {
            let known = match self.blocks[block] {
                Some(known) => known,
                None => {
                    let mut own = S::Sums::default();
                    self.add(&mut own, block * BLOCK, (block + 1) * BLOCK)?;
                    self.blocks[block] = Some(own);
                    own
                }
            };
            self.statistic.merge(&mut sums, &known)?;
        }
        let mut rest = S::Sums::default();
        self.add(&mut rest, last * BLOCK, end)?;
        self.statistic.merge(&mut sums, &rest)?;
        Ok(sums)
    }

    /// Frees rows that have gone, when they are the larger part.
    fn compact(&mut self) {
        let gone = self.start / BLOCK * BLOCK;
        if gone > 0 && gone * 2 > self.end() {
            self.columns.iter_mut().for_each(|column| drop(column.drain(..gone)));
            self.blocks.drain(..(gone / BLOCK).min(self.blocks.len()));
            self.start -= gone;
        }
    }
}

impl<S: Statistic> Accumulator for Moving<S> {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let columns = doubles(arrays, self.statistic.columns())?;
        for row in 0..columns.first().map_or(0, |column| column.len()) {
            if columns.iter().all(|column| column.is_valid(row)) {
                self.columns.iter_mut().zip(&columns).for_each(|(kept, column)| kept.push(column.value(row)));
            }
        }
        Ok(())
    }

    fn retract_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let columns = doubles(arrays, self.statistic.columns())?;
        let rows = 0..columns.first().map_or(0, |column| column.len());
        let gone = rows.filter(|row| columns.iter().all(|column| column.is_valid(*row))).count();
        self.start = (self.start + gone).min(self.end());
        self.compact();
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("a moving frame is not merged")
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sums = self.sums()?;
        let result = std::iter::once(self.statistic.result(&sums));
        ScalarValue::try_from_array(&results(self.statistic, result), 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a moving frame has no state")
    }

    fn size(&self) -> usize {
        let values: usize = self.columns.iter().map(|column| column.capacity() * size_of::<f64>()).sum();
        values + self.blocks.capacity() * size_of::<Option<S::Sums>>()
    }
}

/// The type of a statistic's sums on their way.
pub(crate) const SUM: DataType = DataType::Float64;

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f64]) -> Vec<ArrayRef> {
        vec![Arc::new(Float64Array::from(values.to_vec()))]
    }

    #[test]
    fn what_leaves_a_frame_leaves_nothing_behind() {
        let mut frame = Moving::new(One::Sum);
        frame.update_batch(&column(&[1e17, 1.0])).unwrap();
        frame.retract_batch(&column(&[1e17])).unwrap();
        frame.update_batch(&column(&[2.0])).unwrap();
        assert_eq!(frame.evaluate().unwrap(), ScalarValue::from(3.0));
    }

    #[test]
    fn long_frames_are_summed_in_blocks() {
        let values: Vec<f64> = (0..10_000).map(f64::from).collect();
        let mut frame = Moving::new(One::Average);
        frame.update_batch(&column(&values)).unwrap();
        for gone in 0..6_000_u32 {
            let ScalarValue::Float64(Some(mean)) = frame.evaluate().unwrap() else { unreachable!() };
            assert!((mean - (f64::from(gone) + 9_999.0) / 2.0).abs() < 1e-9, "{gone}: {mean}");
            frame.retract_batch(&column(&[f64::from(gone)])).unwrap();
        }
    }
}
