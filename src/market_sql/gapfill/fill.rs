//! The rows of one group, and between them the buckets without.

use super::super::bucket::buckets::Buckets;
use super::column::{Fill, Rule};
use super::gaps::Gaps;
use crate::text::calendar::DAY_US;
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Float64Array, Int64Array, PrimitiveArray, RecordBatch, UInt32Array,
};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err};
use std::sync::Arc;

/// A group that is given out, rows and buckets in order.
pub(super) struct Filling {
    gaps: Arc<Gaps>,
    rows: RecordBatch,
    /// The bucket of each row; NULL for rows in none, which come last.
    times: Vec<Option<i64>>,
    buckets: Buckets,
    /// The row that comes next.
    row: usize,
    /// The bucket that comes next.
    bucket: Option<i64>,
    columns: Vec<Filled>,
}

/// Where a row of the output comes from.
#[derive(Debug, Clone, Copy)]
struct Source {
    /// The row; `None` for a gap.
    row: Option<u32>,
    /// The beginning of its bucket.
    time: Option<i64>,
}

/// A column that is filled, with what is known at the row that comes next.
enum Filled {
    Last(Last),
    Line(Line),
}

/// The last value before.
struct Last {
    /// The values of the rows, and behind them the one before all.
    values: ArrayRef,
    null_is_missing: bool,
    /// The place of the value that a gap has; `None` for NULL.
    place: Option<u32>,
}

/// Values and when they are, the next of which may be on a line with the last.
struct Line {
    points: Vec<(i64, f64)>,
    /// The first point that is later than what was asked for.
    next: usize,
}

impl Filling {
    /// A group that begins.
    ///
    /// # Errors
    /// A column of another type than was planned, and a start that no bucket can be at.
    pub(super) fn of(rows: RecordBatch, gaps: Arc<Gaps>) -> Result<Self> {
        let mut buckets = gaps.buckets()?;
        let bucket = if gaps.start < gaps.finish { buckets.at_or_after(gaps.start)? } else { None };
        let bucket = bucket.filter(|bucket| *bucket < gaps.finish);
        let times = moments(rows.column(gaps.time))?;
        let columns = gaps.fills.iter().map(|fill| Filled::of(fill, &rows, &times)).collect::<Result<_>>()?;
        Ok(Self { gaps, rows, times, buckets, row: 0, bucket, columns })
    }

    /// So many rows at most; `None` at the end.
    ///
    /// # Errors
    /// A bucket that has no place in its type.
    pub(super) fn next(&mut self, rows: usize, schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        let mut sources = Vec::new();
        while sources.len() < rows.max(1) {
            let Some(source) = self.step()? else { break };
            sources.push(source);
        }
        if sources.is_empty() { Ok(None) } else { self.batch(&sources, schema).map(Some) }
    }

    /// The row or the gap that comes next.
    fn step(&mut self) -> Result<Option<Source>> {
        let row = self.times.get(self.row).copied();
        let (gives_row, passes_bucket) = match (row, self.bucket) {
            (Some(Some(time)), Some(bucket)) => (time <= bucket, time >= bucket),
            (Some(Some(_)), None) | (Some(None), None) => (true, false),
            (Some(None) | None, Some(_)) => (false, true),
            (None, None) => return Ok(None),
        };
        let bucket = self.bucket;
        if let (Some(at), true) = (bucket, passes_bucket) {
            let next = at.checked_add(1).map(|after| self.buckets.first_from(after)).transpose()?.flatten();
            self.bucket = next.filter(|next| *next < self.gaps.finish);
        }
        if !gives_row {
            return Ok(Some(Source { row: None, time: bucket }));
        }
        let number = u32::try_from(self.row).ok();
        self.row += 1;
        Ok(Some(Source { row: number, time: row.flatten() }))
    }

    fn batch(&mut self, sources: &[Source], schema: &SchemaRef) -> Result<RecordBatch> {
        let rows: UInt32Array = sources.iter().map(|source| source.row).collect();
        let first = UInt32Array::from_value(0, sources.len());
        let mut columns = Vec::with_capacity(schema.fields().len());
        for (place, column) in self.rows.columns().iter().take(self.gaps.passed).enumerate() {
            columns.push(if place == self.gaps.time {
                times(sources, column.data_type())?
            } else {
                take(column, if place < self.gaps.keys { &first } else { &rows }, None)?
            });
        }
        for column in &mut self.columns {
            columns.push(column.next(sources)?);
        }
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    }
}

/// Values of a column of buckets, in microseconds or as the numbers they are.
fn moments(column: &ArrayRef) -> Result<Vec<Option<i64>>> {
    fn all<T: ArrowPrimitiveType>(column: &ArrayRef, value: impl Fn(T::Native) -> i64) -> Option<Vec<Option<i64>>> {
        Some(column.as_primitive_opt::<T>()?.iter().map(|at| at.map(&value)).collect())
    }
    let found = match column.data_type() {
        DataType::Date32 => all::<Date32Type>(column, |day| i64::from(day) * DAY_US),
        DataType::Timestamp(..) => all::<TimestampMicrosecondType>(column, |us| us),
        _ => all::<Int64Type>(&cast(column, &DataType::Int64)?, |number| number),
    };
    found.ok_or_else(|| exec_datafusion_err!("buckets have another type than was planned"))
}

/// The buckets of rows in their type.
fn times(sources: &[Source], data_type: &DataType) -> Result<ArrayRef> {
    let all = sources.iter().map(|source| source.time);
    Ok(match data_type {
        DataType::Date32 => {
            let days = all.map(|us| us.and_then(|us| i32::try_from(us / DAY_US).ok()));
            Arc::new(days.collect::<PrimitiveArray<Date32Type>>())
        }
        DataType::Timestamp(..) => {
            let moments = all.collect::<PrimitiveArray<TimestampMicrosecondType>>();
            Arc::new(moments.with_data_type(data_type.clone()))
        }
        _ => cast(&all.collect::<Int64Array>(), data_type)?,
    })
}

impl Filled {
    fn of(fill: &Fill, rows: &RecordBatch, times: &[Option<i64>]) -> Result<Self> {
        let values = rows.column(fill.value);
        let given = |place: Option<usize>| place.map(|place| rows.column(place).slice(0, 1));
        match fill.rule {
            Rule::Last { null_is_missing } => {
                let (values, place) = match given(fill.before) {
                    Some(before) => {
                        let place = u32::try_from(values.len()).ok();
                        (concat(&[values.as_ref(), cast(&before, values.data_type())?.as_ref()])?, place)
                    }
                    None => (values.clone(), None),
                };
                Ok(Self::Last(Last { values, null_is_missing, place }))
            }
            Rule::Line => {
                let values = cast(values, &DataType::Float64)?;
                let values = values.as_primitive::<Float64Type>();
                let known = times.iter().zip(values).filter_map(|(time, value)| Some(((*time)?, value?)));
                let ends = [given(fill.before), given(fill.after)];
                let [before, after] = ends.map(|end| end.map_or(Ok(None), |end| point(&end)));
                let points = before?.into_iter().chain(known).chain(after?).collect();
                Ok(Self::Line(Line { points, next: 0 }))
            }
        }
    }

    /// The values of the rows that come next.
    fn next(&mut self, sources: &[Source]) -> Result<ArrayRef> {
        match self {
            Self::Last(last) => {
                let places: UInt32Array = sources.iter().map(|source| last.next(*source)).collect();
                Ok(take(&last.values, &places, None)?)
            }
            Self::Line(line) => {
                let values = sources.iter().map(|source| source.time.and_then(|time| line.at(time)));
                Ok(Arc::new(values.collect::<Float64Array>()))
            }
        }
    }
}

/// A moment and a value of a record; `None` where one of them is NULL.
fn point(record: &ArrayRef) -> Result<Option<(i64, f64)>> {
    let fields =
        record.as_struct_opt().ok_or_else(|| exec_datafusion_err!("a record of a moment and a value is wanted"))?;
    let (Some(time), Some(value)) = (fields.columns().first(), fields.columns().get(1)) else { return Ok(None) };
    if fields.is_null(0) {
        return Ok(None);
    }
    let time = match time.data_type() {
        DataType::Timestamp(_, zone) => {
            cast(time, &DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, zone.clone()))?
        }
        _ => time.clone(),
    };
    let value = cast(value, &DataType::Float64)?;
    let value = value.as_primitive::<Float64Type>().iter().next().flatten();
    Ok(moments(&time)?.first().copied().flatten().zip(value))
}

impl Last {
    /// The place of the value of a row.
    fn next(&mut self, source: Source) -> Option<u32> {
        let Some(row) = source.row else { return self.place };
        let has_value = self.values.is_valid(row as usize);
        // What is in no bucket is neither filled nor carried on.
        if source.time.is_none() {
            return Some(row);
        }
        if has_value {
            self.place = Some(row);
        } else if !self.null_is_missing {
            self.place = None;
        }
        self.place
    }
}

impl Line {
    /// The value at a moment, which is later than the one before; `None` outside of the points.
    fn at(&mut self, time: i64) -> Option<f64> {
        while self.points.get(self.next).is_some_and(|(at, _)| *at < time) {
            self.next += 1;
        }
        let (at, value) = *self.points.get(self.next)?;
        if at == time {
            return Some(value);
        }
        let (before, from) = *self.points.get(self.next.checked_sub(1)?)?;
        let share = (i128::from(time) - i128::from(before)) as f64 / (i128::from(at) - i128::from(before)) as f64;
        Some(from + (value - from) * share)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::bucket::arguments;
    use super::*;
    use crate::dialect::moment::types::{INTERVAL, TIMESTAMPTZ};
    use arrow::datatypes::{Field, IntervalMonthDayNano, Schema};
    use datafusion::common::ScalarValue;

    /// A second in microseconds, the width of buckets.
    const SECOND: i64 = 1_000_000;

    /// The rows of one group: seconds and values, filled from one second on and before another.
    fn filled(rows: &[(Option<i64>, Option<f64>)], start: i64, finish: i64, size: usize) -> Vec<String> {
        let times = rows.iter().map(|(second, _)| second.map(|second| second * SECOND));
        let times = times.collect::<PrimitiveArray<TimestampMicrosecondType>>().with_data_type(TIMESTAMPTZ.clone());
        let values: Float64Array = rows.iter().map(|(_, value)| *value).collect();
        let field = |name: &str, data_type: DataType| Field::new(name, data_type, true);
        let passed = vec![field("t", TIMESTAMPTZ.clone()), field("x", DataType::Float64)];
        let input = Arc::new(Schema::new(passed.clone()));
        let batch = RecordBatch::try_new(input, vec![Arc::new(times), Arc::new(values)]).unwrap();
        let fill = |rule| Fill { value: 1, before: None, after: None, rule };
        let rules = [Rule::Last { null_is_missing: false }, Rule::Last { null_is_missing: true }, Rule::Line];
        let width = IntervalMonthDayNano::new(0, 0, SECOND * 1_000);
        let gaps = Gaps {
            keys: 1,
            passed: 2,
            time: 0,
            arguments: vec![ScalarValue::IntervalMonthDayNano(Some(width)), ScalarValue::Null],
            form: arguments::form(&[INTERVAL, TIMESTAMPTZ.clone()]).unwrap(),
            start: start * SECOND,
            finish: finish * SECOND,
            fills: rules.into_iter().map(fill).collect(),
        };
        let added = (0..3).map(|number| field(&format!("f{number}"), DataType::Float64));
        let schema = Arc::new(Schema::new(passed.into_iter().chain(added).collect::<Vec<_>>()));
        let mut group = Filling::of(batch, Arc::new(gaps)).unwrap();
        let mut shown = Vec::new();
        while let Some(batch) = group.next(size, &schema).unwrap() {
            assert!(batch.num_rows() <= size);
            let times = batch.column(0).as_primitive::<TimestampMicrosecondType>().clone();
            for row in 0..batch.num_rows() {
                let time = times.is_valid(row).then(|| times.value(row) / SECOND);
                let values = batch.columns().iter().skip(1).map(|column| {
                    let column = column.as_primitive::<Float64Type>();
                    if column.is_valid(row) { column.value(row).to_string() } else { "-".to_owned() }
                });
                let time = time.map_or("-".to_owned(), |time| time.to_string());
                shown.push(format!("{time}: {}", values.collect::<Vec<_>>().join(" ")));
            }
        }
        shown
    }

    #[test]
    fn rows_and_gaps_come_in_order_in_batches_of_any_size() {
        let rows =
            [(Some(1), Some(9.0)), (Some(3), Some(1.0)), (Some(5), None), (Some(7), Some(3.0)), (None, Some(5.0))];
        let wanted = [
            "1: 9 9 9 9", // A row before the start stays.
            "2: - 9 9 5",
            "3: 1 1 1 1",
            "4: - 1 1 1.5",
            "5: - - 1 2",
            "6: - - 1 2.5",
            "7: 3 3 3 3",
            "8: - 3 3 -",
            "-: 5 5 5 -",
        ];
        for size in 1..=10 {
            assert_eq!(filled(&rows, 2, 9, size), wanted, "batches of {size}");
        }
    }

    #[test]
    fn nothing_is_filled_where_the_end_comes_first() {
        assert_eq!(filled(&[(Some(3), Some(1.0))], 9, 2, 8), ["3: 1 1 1 1"]);
    }
}
