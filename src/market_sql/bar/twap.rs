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

/// The points of each group, in no order.
#[derive(Debug, Default)]
struct Twap {
    points: Vec<Vec<Point>>,
    /// Points that there is room for.
    room: usize,
}

impl Twap {
    fn add(&mut self, group: usize, point: Point) {
        let points = &mut self.points[group];
        let before = points.capacity();
        points.push(point);
        self.room += points.capacity() - before;
    }
}

/// The mean price of points; `None` of none. Of several prices at one time, the greatest holds.
fn mean(points: &[Point]) -> Option<f64> {
    let mut points = points.to_vec();
    points.sort_unstable_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let holds = |pair: &[Point]| pair[0].0 != pair[1].0;
    let (mut sum, mut all) = (Sum::default(), 0_i128);
    for pair in points.windows(2).filter(|pair| holds(pair)) {
        let time = i128::from(pair[1].0) - i128::from(pair[0].0);
        all += time;
        sum.add_product(pair[0].1, time as f64);
    }
    let last = points.last()?.1;
    Some(if all == 0 { last } else { sum.value() / all as f64 })
}

impl Grouped for Twap {
    fn fresh(&self) -> Box<dyn Grouped> {
        Box::new(Self::default())
    }

    fn resize(&mut self, groups: usize) {
        self.points.resize(groups, Vec::new());
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
        let means = self.points[..groups].iter().map(|points| mean(points).map(finite).transpose());
        Ok(Arc::new(means.collect::<Result<Float64Array>>()?))
    }

    fn states(&self, groups: usize) -> Result<Vec<ArrayRef>> {
        let (mut times, mut prices) = (ListBuilder::new(Int64Builder::new()), ListBuilder::new(Float64Builder::new()));
        for points in &self.points[..groups] {
            for (time, price) in points {
                times.values().append_value(*time);
                prices.values().append_value(*price);
            }
            times.append(true);
            prices.append(true);
        }
        Ok(vec![Arc::new(times.finish()), Arc::new(prices.finish())])
    }

    fn forget(&mut self, groups: usize) {
        self.room -= self.points.drain(..groups).map(|points| points.capacity()).sum::<usize>();
    }

    fn size(&self) -> usize {
        self.room * size_of::<Point>() + self.points.capacity() * size_of::<Vec<Point>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_hold_until_the_next() {
        assert_eq!(mean(&[(10, 5.0), (0, 1.0), (4, 2.0)]), Some((1.0 * 4.0 + 2.0 * 6.0) / 10.0));
        assert_eq!(mean(&[(0, 1.0), (0, 3.0), (2, 9.0)]), Some(3.0));
        assert_eq!(mean(&[(7, 1.0), (7, 3.0)]), Some(3.0));
        assert_eq!(mean(&[(i64::MIN, 1.0), (i64::MAX, 3.0)]), Some(1.0));
        assert_eq!(mean(&[]), None);
    }
}
