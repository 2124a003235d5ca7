//! Where the rows of a key are in a file that is sorted by it.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use std::ops::{Bound, Range};

/// The rows of each value of a key's first column, which is a text, and the order of its second within them.
#[derive(Debug)]
pub struct KeyIndex {
    first: StringArray,
    /// Where each value's rows begin, and the end of the last.
    starts: Vec<u32>,
    /// The second column, where rows of one value are in its order.
    second: Option<Ordered>,
    /// Whether the second column was looked at.
    saw_second: bool,
    /// Least and greatest value of the second column, where it is known to be in order.
    span: Option<(i64, i64)>,
}

/// Which rows of a key's first value are meant, in the order of its second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Any of them, for they are alike.
    Any,
    /// Those with the least second keys.
    First,
    /// Those with the greatest.
    Last,
}

/// Where rows within bounds begin and end among all rows of a value, counted from their beginning.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Near {
    begin: usize,
    end: usize,
}

/// A column of numbers without NULLs.
#[derive(Debug, Clone)]
enum Ordered {
    Days(ArrayRef),
    Numbers(ArrayRef),
    Instants(ArrayRef),
}

impl KeyIndex {
    /// An index of a file's key columns; `None` where the first is no text, or not in order.
    pub(super) fn of(first: &ArrayRef, second: Option<&ArrayRef>) -> Option<Self> {
        let text = first.as_string_opt::<i32>().filter(|text| text.null_count() == 0)?.clone();
        let starts = starts(&text)?;
        let ordered = second.and_then(Ordered::of).filter(|second| second.is_sorted_in(&starts));
        let span = ordered.as_ref().and_then(|second| second.span(&starts));
        Some(Self { first: text, starts, second: ordered, saw_second: second.is_some(), span })
    }

    pub(super) fn knows_second(&self) -> bool {
        self.saw_second
    }

    /// How many values there are.
    pub(super) fn values(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// A value by its number, in ascending order.
    pub(super) fn value(&self, number: usize) -> &str {
        self.first.value(self.start(number))
    }

    /// The rows of a value by its number.
    pub(super) fn rows(&self, number: usize) -> Range<usize> {
        self.start(number)..self.start(number + 1)
    }

    /// The number of the first value that is not less.
    pub(super) fn number_of(&self, value: &str) -> usize {
        let (mut low, mut high) = (0, self.values());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.value(middle) < value { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The number of the value that a row has.
    pub(super) fn number_at(&self, row: usize) -> usize {
        self.starts.partition_point(|start| *start as usize <= row).saturating_sub(1)
    }

    fn start(&self, number: usize) -> usize {
        self.starts.get(number).map_or(0, |start| *start as usize)
    }

    /// Least and greatest value of the second column; `None` where it is not known to be in order, or there are no rows.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// The rows of a value.
    pub fn rows_of(&self, value: &str) -> Range<usize> {
        let number = self.number_of(value);
        if number < self.values() && self.value(number) == value { self.rows(number) } else { 0..0 }
    }

    /// Of the rows of a value, those whose second key is within bounds; all of them where the second column is not
    /// known to be in order.
    pub fn within(&self, rows: Range<usize>, bounds: (Bound<i64>, Bound<i64>)) -> Range<usize> {
        self.within_near(rows, bounds, &mut Near::default())
    }

    /// As [`Self::within`], from where the rows of the value before lay among all of its rows: values often have the same
    /// second keys.
    pub(super) fn within_near(
        &self,
        rows: Range<usize>,
        bounds: (Bound<i64>, Bound<i64>),
        near: &mut Near,
    ) -> Range<usize> {
        let Some(second) = &self.second else { return rows };
        let begin = match bounds.0 {
            Bound::Unbounded => rows.start,
            Bound::Included(least) => second.first_where(&rows, near.begin, |value| value >= least),
            Bound::Excluded(least) => second.first_where(&rows, near.begin, |value| value > least),
        };
        let end = match bounds.1 {
            Bound::Unbounded => rows.end,
            Bound::Included(most) => second.first_where(&rows, near.end, |value| value > most),
            Bound::Excluded(most) => second.first_where(&rows, near.end, |value| value >= most),
        };
        *near = Near { begin: begin - rows.start, end: end - rows.start };
        begin..end.max(begin)
    }

    /// The first or the last rows of each value whose second key is within bounds, so many of them, in ascending order;
    /// `None` where they depend on the second column and it is not known to be in order.
    pub fn run_ends(&self, count: usize, end: RunEnd, bounds: (Bound<i64>, Bound<i64>)) -> Option<Vec<Range<usize>>> {
        let bounded = bounds != (Bound::Unbounded, Bound::Unbounded);
        if (bounded || end != RunEnd::Any) && self.second.is_none() {
            return None;
        }
        let runs =
            self.starts.iter().zip(self.starts.iter().skip(1)).map(|(start, end)| *start as usize..*end as usize);
        let cut = |run: Range<usize>| match end {
            RunEnd::Last => run.end.saturating_sub(count).max(run.start)..run.end,
            RunEnd::Any | RunEnd::First => run.start..run.start.saturating_add(count).min(run.end),
        };
        Some(runs.map(|run| cut(if bounded { self.within(run, bounds) } else { run })).collect())
    }

    /// The second key of the first and the last of some rows; `None` where the second column is not known to be in
    /// order, or there are no rows.
    pub fn ends(&self, rows: &Range<usize>) -> Option<(i64, i64)> {
        let second = self.second.as_ref().filter(|_| !rows.is_empty())?;
        Some((second.value(rows.start), second.value(rows.end - 1)))
    }
}

/// Where each value begins, and the end; `None` unless values ascend.
fn starts(first: &StringArray) -> Option<Vec<u32>> {
    let mut starts = Vec::new();
    let mut last: Option<&str> = None;
    for row in 0..first.len() {
        let value = first.value(row);
        match last {
            Some(last) if last == value => continue,
            Some(last) if last > value => return None,
            _ => {}
        }
        starts.push(u32::try_from(row).ok()?);
        last = Some(value);
    }
    starts.push(u32::try_from(first.len()).ok()?);
    Some(starts)
}

impl Ordered {
    fn of(column: &ArrayRef) -> Option<Self> {
        if column.null_count() > 0 {
            return None;
        }
        match column.data_type() {
            DataType::Date32 => Some(Self::Days(column.clone())),
            DataType::Int64 => Some(Self::Numbers(column.clone())),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Some(Self::Instants(column.clone())),
            _ => None,
        }
    }

    fn value(&self, row: usize) -> i64 {
        match self {
            Self::Days(days) => i64::from(days.as_primitive::<Date32Type>().value(row)),
            Self::Numbers(numbers) => numbers.as_primitive::<Int64Type>().value(row),
            Self::Instants(instants) => instants.as_primitive::<TimestampMicrosecondType>().value(row),
        }
    }

    /// Least and greatest value, where those between two starts are in order.
    fn span(&self, starts: &[u32]) -> Option<(i64, i64)> {
        let runs = || starts.iter().zip(starts.iter().skip(1)).map(|(start, end)| (*start as usize, *end as usize));
        Some((runs().map(|(start, _)| self.value(start)).min()?, runs().map(|(_, end)| self.value(end - 1)).max()?))
    }

    fn is_sorted_in(&self, starts: &[u32]) -> bool {
        let runs = starts.iter().zip(starts.iter().skip(1)).map(|(start, end)| *start as usize..*end as usize);
        match self {
            Self::Days(days) => ascend(days.as_primitive::<Date32Type>().values(), runs),
            Self::Numbers(numbers) => ascend(numbers.as_primitive::<Int64Type>().values(), runs),
            Self::Instants(instants) => ascend(instants.as_primitive::<TimestampMicrosecondType>().values(), runs),
        }
    }

    /// The first of the rows for which a condition holds that holds for all behind it; looked for first where it would be
    /// so many rows behind their beginning.
    fn first_where(&self, rows: &Range<usize>, near: usize, holds: impl Fn(i64) -> bool) -> usize {
        let at = rows.start.saturating_add(near).min(rows.end);
        let (mut low, mut high) = if at > rows.start && holds(self.value(at - 1)) {
            (rows.start, at - 1)
        } else if at < rows.end && !holds(self.value(at)) {
            (at + 1, rows.end)
        } else {
            (at, at)
        };
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.value(middle)) { high = middle } else { low = middle + 1 }
        }
        low
    }
}

fn ascend<T: PartialOrd>(values: &[T], mut runs: impl Iterator<Item = Range<usize>>) -> bool {
    runs.all(|run| values.get(run).is_some_and(<[T]>::is_sorted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Date32Array;
    use std::sync::Arc;

    fn index(symbols: &[&str], days: &[i32]) -> Option<KeyIndex> {
        let (symbols, days) = (StringArray::from(symbols.to_vec()), Date32Array::from(days.to_vec()));
        KeyIndex::of(&(Arc::new(symbols) as ArrayRef), Some(&(Arc::new(days) as ArrayRef)))
    }

    #[test]
    fn rows_of_a_key_are_found() {
        let index = index(&["A", "A", "C", "C", "C", "D"], &[1, 5, 2, 4, 9, 1]).unwrap();
        assert_eq!(index.rows_of("A"), 0..2);
        assert_eq!(index.rows_of("C"), 2..5);
        assert_eq!(index.rows_of("D"), 5..6);
        for absent in ["", "B", "E"] {
            assert!(index.rows_of(absent).is_empty(), "{absent}");
        }
        assert_eq!(index.within(2..5, (Bound::Included(4), Bound::Unbounded)), 3..5);
        assert_eq!(index.within(2..5, (Bound::Excluded(4), Bound::Excluded(9))), 4..4);
        assert_eq!(index.within(2..5, (Bound::Included(3), Bound::Included(4))), 3..4);
        assert!(index.within(2..5, (Bound::Included(9), Bound::Excluded(2))).is_empty());
        for begin in 0..6 {
            for end in 0..6 {
                let (bounds, mut near) = ((Bound::Included(3), Bound::Included(4)), Near { begin, end });
                assert_eq!(index.within_near(2..5, bounds, &mut near), 3..4);
                assert_eq!((near.begin, near.end), (1, 2));
            }
        }
        assert_eq!(index.ends(&(2..5)), Some((2, 9)));
        assert_eq!(index.span(), Some((1, 9)));
        assert_eq!((index.number_of("B"), index.number_of("C"), index.number_of("E")), (1, 1, 3));
    }

    #[test]
    fn a_file_in_another_order_has_no_index() {
        assert!(index(&["B", "A"], &[1, 2]).is_none());
        let index = index(&["A", "A", "B"], &[2, 1, 3]).unwrap();
        assert_eq!(index.within(0..2, (Bound::Included(2), Bound::Unbounded)), 0..2);
        assert_eq!(index.ends(&(0..2)), None);
        let all = (Bound::Unbounded, Bound::Unbounded);
        assert_eq!(index.run_ends(1, RunEnd::Last, all), None);
        assert_eq!(index.run_ends(1, RunEnd::Any, (Bound::Included(2), Bound::Unbounded)), None);
        assert!(index.run_ends(1, RunEnd::Any, all).is_some());
    }

    #[test]
    fn ends_of_runs_are_rows_of_each_value() {
        let index = index(&["A", "A", "C", "C", "C", "D"], &[1, 5, 2, 4, 9, 1]).unwrap();
        let all = (Bound::Unbounded, Bound::Unbounded);
        assert_eq!(index.run_ends(1, RunEnd::Last, all).unwrap(), [1..2, 4..5, 5..6]);
        assert_eq!(index.run_ends(2, RunEnd::First, all).unwrap(), [0..2, 2..4, 5..6]);
        assert_eq!(index.run_ends(1, RunEnd::Any, all).unwrap(), [0..1, 2..3, 5..6]);
        let early = (Bound::Excluded(1), Bound::Included(4));
        assert_eq!(index.run_ends(1, RunEnd::Last, early).unwrap(), [1..1, 3..4, 6..6]);
    }

    #[test]
    fn an_empty_file_has_an_index() {
        assert!(index(&[], &[]).unwrap().rows_of("A").is_empty());
    }
}
