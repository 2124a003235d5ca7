//! `twap(price, time)`, the mean price by the time for which it was the last one.

use super::super::aggregate::{Aggregate, Distinct, Grouped, Sum, counted, doubles, moments};
use super::super::argument::{Taken, finite};
use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder, Int64Builder, ListBuilder};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, exec_datafusion_err};
use std::sync::Arc;

/// The aggregate by its declaration.
pub(super) fn aggregate() -> Aggregate {
    Aggregate {
        name: "twap",
        doc: "The mean price by the time until the next one; of a single time, its price.",
        taken: &[Taken::Number, Taken::Moment],
        least: 2,
        distinct: Distinct::Same,
        returns: |_| DataType::Float64,
        states: |_| [DataType::Int64, DataType::Float64].map(|of| DataType::new_list(of, true)).into(),
        state: |_| Ok(Box::new(Twap::default())),
    }
}

/// A time, and the price that holds from then on.
type Point = (i64, f64);

/// Prices that come in the order of their times, as one sum.
#[derive(Debug, Clone, Copy)]
struct Path {
    first: i64,
    last: Point,
    sum: Sum,
}

impl Path {
    fn of(point: Point) -> Self {
        Self { first: point.0, last: point, sum: Sum::default() }
    }

    /// The path on to a point; `None` for one that comes before its end. Of several prices at one time, the greatest holds.
    fn on(mut self, (time, price): Point) -> Option<Self> {
        let (last, held) = self.last;
        if time < last {
            return None;
        }
        if time > last {
            self.sum.add_product(held, span(last, time));
            self.last = (time, price);
        } else {
            self.last.1 = held.max(price);
        }
        Some(self)
    }

    /// The mean price, by how long each stood.
    fn mean(&self) -> f64 {
        let (last, price) = self.last;
        if last == self.first { price } else { self.sum.value() / span(self.first, last) }
    }
}

/// The time between two.
fn span(from: i64, to: i64) -> f64 {
    (i128::from(to) - i128::from(from)) as f64
}

/// The points of a group.
#[derive(Debug, Clone, Default)]
struct Points {
    all: Vec<Point>,
    /// The path through all of them, as long as they come in order.
    path: Option<Path>,
}

impl Points {
    fn add(&mut self, point: Point) {
        self.path = if self.all.is_empty() { Some(Path::of(point)) } else { self.path.and_then(|path| path.on(point)) };
        self.all.push(point);
    }

    /// The mean price; `None` without a point.
    fn mean(&self) -> Option<f64> {
        if let Some(path) = &self.path {
            return Some(path.mean());
        }
        let mut sorted = self.all.clone();
        sorted.sort_unstable_by_key(|point| point.0);
        let mut points = sorted.into_iter();
        let first = Path::of(points.next()?);
        points.try_fold(first, Path::on).map(|path| path.mean())
    }
}

/// The points of each group.
#[derive(Debug, Default)]
struct Twap {
    groups: Vec<Points>,
    /// Points that there is room for.
    room: usize,
}

impl Twap {
    fn add(&mut self, group: usize, point: Point) {
        let points = &mut self.groups[group];
        let before = points.all.capacity();
        points.add(point);
        self.room += points.all.capacity() - before;
    }
}

impl Grouped for Twap {
    fn fresh(&self) -> Box<dyn Grouped> {
        Box::new(Self::default())
    }

    fn resize(&mut self, groups: usize) {
        self.groups.resize(groups, Points::default());
    }

    fn update(&mut self, columns: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let (prices, times) = (doubles(columns, 0)?, moments(columns, 1)?);
        let known = counted([prices as _, &times as _], filter);
        for (row, group) in groups.iter().enumerate() {
            let price = prices.value(row);
            if known.as_ref().is_none_or(|known| known.is_valid(row)) && price.is_finite() {
                self.add(*group, (times.value(row), price));
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [times, prices] = states else { return Err(exec_datafusion_err!("times and prices are wanted")) };
        let lists = times.as_list::<i32>().iter().zip(prices.as_list::<i32>().iter());
        for (lists, group) in lists.zip(groups) {
            let (Some(times), Some(prices)) = lists else { continue };
            let (times, prices) = (times.as_primitive::<Int64Type>(), prices.as_primitive::<Float64Type>());
            for point in times.values().iter().copied().zip(prices.values().iter().copied()) {
                self.add(*group, point);
            }
        }
        Ok(())
    }

    fn results(&self, groups: usize) -> Result<ArrayRef> {
        let means = self.groups[..groups].iter().map(|points| points.mean().map(finite).transpose());
        Ok(Arc::new(means.collect::<Result<Float64Array>>()?))
    }

    fn states(&self, groups: usize) -> Result<Vec<ArrayRef>> {
        let (mut times, mut prices) = (ListBuilder::new(Int64Builder::new()), ListBuilder::new(Float64Builder::new()));
        for points in &self.groups[..groups] {
            for (time, price) in &points.all {
                times.values().append_value(*time);
                prices.values().append_value(*price);
            }
            times.append(true);
            prices.append(true);
        }
        Ok(vec![Arc::new(times.finish()), Arc::new(prices.finish())])
    }

    fn forget(&mut self, groups: usize) {
        self.room -= self.groups.drain(..groups).map(|points| points.all.capacity()).sum::<usize>();
    }

    fn size(&self) -> usize {
        self.room * size_of::<Point>() + self.groups.capacity() * size_of::<Points>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(points: &[Point]) -> Option<f64> {
        let mut all = Points::default();
        points.iter().for_each(|point| all.add(*point));
        all.mean()
    }

    #[test]
    fn prices_hold_until_the_next() {
        assert_eq!(mean(&[(10, 5.0), (0, 1.0), (4, 2.0)]), Some((1.0 * 4.0 + 2.0 * 6.0) / 10.0));
        assert_eq!(mean(&[(0, 1.0), (4, 2.0), (10, 5.0)]), Some((1.0 * 4.0 + 2.0 * 6.0) / 10.0));
        assert_eq!(mean(&[(0, 3.0), (0, 1.0), (2, 9.0)]), Some(3.0));
        assert_eq!(mean(&[(7, 1.0), (7, 3.0)]), Some(3.0));
        assert_eq!(mean(&[(i64::MIN, 1.0), (i64::MAX, 3.0)]), Some(1.0));
        assert_eq!(mean(&[]), None);
    }
}
