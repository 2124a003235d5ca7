//! `candlestick(time, price, volume)`, the bar of some trades.

use super::super::aggregate::{Aggregate, Distinct, Grouped, counted, doubles, longs, moments};
use super::super::argument::Taken;
use super::traded::{self, Traded};
use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use std::sync::Arc;

/// The aggregate by its declaration.
pub(super) fn aggregate() -> Aggregate {
    Aggregate {
        name: "candlestick",
        doc: "The bar of trades by their time, price and volume: open, high, low, close, volume, vwap, open_at, close_at.",
        taken: &[Taken::Moment, Taken::Number, Taken::Number],
        least: 3,
        distinct: Distinct::Refused,
        returns: |types| DataType::Struct(fields(&time_type(types))),
        states: |_| {
            let times = std::iter::repeat_n(DataType::Int64, 2);
            times.chain(std::iter::repeat_n(DataType::Float64, 4)).chain(traded::state_types()).collect()
        },
        state: |types| Ok(Box::new(Candlesticks { time: time_type(types), bars: Vec::new() })),
    }
}

fn time_type(types: &[DataType]) -> DataType {
    types.first().cloned().unwrap_or(DataType::Null)
}

fn fields(time: &DataType) -> Fields {
    let doubles = ["open", "high", "low", "close", "volume", "vwap"].map(|name| (name, &DataType::Float64));
    let times = ["open_at", "close_at"].map(|name| (name, time));
    doubles.into_iter().chain(times).map(|(name, of)| Field::new(name, of.clone(), true)).collect()
}

/// A price, and when it was paid.
#[derive(Debug, Clone, Copy)]
struct Trade {
    at: i64,
    price: f64,
}

/// A bar of at least one trade.
#[derive(Debug, Clone, Copy)]
struct Bar {
    open: Trade,
    close: Trade,
    high: f64,
    low: f64,
    traded: Traded,
}

impl Bar {
    fn of(trade: Trade) -> Self {
        Self { open: trade, close: trade, high: trade.price, low: trade.price, traded: Traded::default() }
    }

    /// Takes in another. Of several trades at one time, the greatest price is the one that opens, or closes.
    fn merge(&mut self, other: &Self) {
        if (other.open.at, self.open.price) < (self.open.at, other.open.price) {
            self.open = other.open;
        }
        if (other.close.at, other.close.price) > (self.close.at, self.close.price) {
            self.close = other.close;
        }
        self.high = self.high.max(other.high);
        self.low = self.low.min(other.low);
        self.traded.merge(other.traded);
    }
}

/// The bars of groups; `None` as long as a group has no trade.
#[derive(Debug)]
struct Candlesticks {
    /// The type of times.
    time: DataType,
    bars: Vec<Option<Bar>>,
}

impl Candlesticks {
    fn add(&mut self, group: usize, bar: &Bar) {
        match &mut self.bars[group] {
            Some(own) => own.merge(bar),
            none => *none = Some(*bar),
        }
    }

    fn times(&self, groups: usize, of: impl Fn(&Bar) -> i64) -> Result<ArrayRef> {
        let times: Int64Array = self.bars[..groups].iter().map(|bar| bar.as_ref().map(&of)).collect();
        Ok(match self.time {
            DataType::Date32 => cast(&cast(&times, &DataType::Int32)?, &DataType::Date32)?,
            _ => cast(&times, &self.time)?,
        })
    }

    fn numbers(&self, groups: usize, of: impl Fn(&Bar) -> f64) -> ArrayRef {
        Arc::new(self.bars[..groups].iter().map(|bar| bar.as_ref().map(&of)).collect::<Float64Array>())
    }

    fn of_trades(&self, groups: usize, of: impl Fn(&Traded) -> Result<Option<f64>>) -> Result<ArrayRef> {
        let bars = self.bars[..groups].iter();
        let numbers = bars.map(|bar| bar.as_ref().map_or(Ok(None), |bar| of(&bar.traded)));
        Ok(Arc::new(numbers.collect::<Result<Float64Array>>()?))
    }
}

impl Grouped for Candlesticks {
    fn fresh(&self) -> Box<dyn Grouped> {
        Box::new(Self { time: self.time.clone(), bars: Vec::new() })
    }

    fn resize(&mut self, groups: usize) {
        self.bars.resize(groups, None);
    }

    /// A trade without a volume counts for its price alone.
    fn update(&mut self, columns: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let (times, prices, volumes) = (moments(columns, 0)?, doubles(columns, 1)?, doubles(columns, 2)?);
        let known = counted([&times as _, prices as _], filter);
        for (row, group) in groups.iter().enumerate() {
            let price = prices.value(row);
            if known.as_ref().is_some_and(|known| known.is_null(row)) || !price.is_finite() {
                continue;
            }
            let mut bar = Bar::of(Trade { at: times.value(row), price });
            let volume = volumes.value(row);
            if volumes.is_valid(row) && volume.is_finite() {
                bar.traded.add(price, volume);
            }
            self.add(*group, &bar);
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let (open_at, close_at) = (longs(states, 0)?, longs(states, 1)?);
        let [open, close, high, low] =
            [doubles(states, 2)?, doubles(states, 3)?, doubles(states, 4)?, doubles(states, 5)?];
        let traded = traded::state_columns(states, 6)?;
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| open_at.is_valid(*row)) {
            let bar = Bar {
                open: Trade { at: open_at.value(row), price: open.value(row) },
                close: Trade { at: close_at.value(row), price: close.value(row) },
                high: high.value(row),
                low: low.value(row),
                traded: traded::state_at(&traded, row),
            };
            self.add(*group, &bar);
        }
        Ok(())
    }

    fn results(&self, groups: usize) -> Result<ArrayRef> {
        let columns = vec![
            self.numbers(groups, |bar| bar.open.price),
            self.numbers(groups, |bar| bar.high),
            self.numbers(groups, |bar| bar.low),
            self.numbers(groups, |bar| bar.close.price),
            self.of_trades(groups, Traded::volume)?,
            self.of_trades(groups, Traded::vwap)?,
            self.times(groups, |bar| bar.open.at)?,
            self.times(groups, |bar| bar.close.at)?,
        ];
        let known: NullBuffer = self.bars[..groups].iter().map(Option::is_some).collect::<Vec<_>>().into();
        Ok(Arc::new(StructArray::try_new(fields(&self.time), columns, Some(known))?))
    }

    fn states(&self, groups: usize) -> Result<Vec<ArrayRef>> {
        let time = |of: fn(&Bar) -> i64| -> ArrayRef {
            Arc::new(self.bars[..groups].iter().map(|bar| bar.as_ref().map(of)).collect::<Int64Array>())
        };
        let mut columns = vec![
            time(|bar| bar.open.at),
            time(|bar| bar.close.at),
            self.numbers(groups, |bar| bar.open.price),
            self.numbers(groups, |bar| bar.close.price),
            self.numbers(groups, |bar| bar.high),
            self.numbers(groups, |bar| bar.low),
        ];
        let traded = self.bars[..groups].iter().map(|bar| bar.map_or_else(Traded::default, |bar| bar.traded));
        columns.extend(traded::states(&traded.collect::<Vec<_>>()));
        Ok(columns)
    }

    fn forget(&mut self, groups: usize) {
        self.bars.drain(..groups);
    }

    fn size(&self) -> usize {
        self.bars.capacity() * size_of::<Option<Bar>>()
    }
}
