//! `vwap(price, volume)`, the mean price by volume.

use super::super::aggregate::{Aggregate, Distinct, Grouped, counted, doubles};
use super::super::argument::Taken;
use super::traded::{self, Traded};
use arrow::array::{ArrayRef, BooleanArray, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use std::sync::Arc;

/// The aggregate by its declaration.
pub(super) fn aggregate() -> Aggregate {
    Aggregate {
        name: "vwap",
        doc: "The mean price by volume; NULL where there is no volume.",
        taken: &[Taken::Number, Taken::Number],
        least: 2,
        distinct: Distinct::Refused,
        returns: |_| DataType::Float64,
        states: |_| traded::state_types(),
        state: |_| Ok(Box::new(Vwap::default())),
    }
}

/// What was traded, for each group.
#[derive(Debug, Default)]
struct Vwap {
    traded: Vec<Traded>,
}

impl Grouped for Vwap {
    fn fresh(&self) -> Box<dyn Grouped> {
        Box::new(Self::default())
    }

    fn resize(&mut self, groups: usize) {
        self.traded.resize(groups, Traded::default());
    }

    fn update(&mut self, columns: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let (prices, volumes) = (doubles(columns, 0)?, doubles(columns, 1)?);
        let known = counted([prices as _, volumes as _], filter);
        for (row, group) in groups.iter().enumerate() {
            let (price, volume) = (prices.value(row), volumes.value(row));
            if known.as_ref().is_none_or(|known| known.is_valid(row)) && price.is_finite() && volume.is_finite() {
                self.traded[*group].add(price, volume);
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let columns = traded::state_columns(states, 0)?;
        for (row, group) in groups.iter().enumerate() {
            self.traded[*group].merge(traded::state_at(&columns, row));
        }
        Ok(())
    }

    fn results(&self, groups: usize) -> Result<ArrayRef> {
        let means = self.traded[..groups].iter().map(Traded::vwap);
        Ok(Arc::new(means.collect::<Result<Float64Array>>()?))
    }

    fn states(&self, groups: usize) -> Result<Vec<ArrayRef>> {
        Ok(traded::states(&self.traded[..groups]))
    }

    fn forget(&mut self, groups: usize) {
        self.traded.drain(..groups);
    }

    fn size(&self) -> usize {
        self.traded.capacity() * size_of::<Traded>()
    }
}
