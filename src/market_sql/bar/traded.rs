//! Volume, and what it was worth.

use super::super::aggregate::{Sum, doubles};
use super::super::argument::finite;
use arrow::array::{Array, ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use std::sync::Arc;

/// What was traded at some prices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traded {
    /// Whether any volume is known.
    known: bool,
    volume: Sum,
    worth: Sum,
}

/// Columns of a state.
pub(super) const COLUMNS: usize = 4;

impl Traded {
    /// Counts a volume that was traded at a price.
    pub(super) fn add(&mut self, price: f64, volume: f64) {
        self.known = true;
        self.volume.add(volume);
        self.worth.add_product(price, volume);
    }

    /// Counts what was traded elsewhere.
    pub(super) fn merge(&mut self, other: Self) {
        self.known |= other.known;
        self.volume.merge(other.volume);
        self.worth.merge(other.worth);
    }

    /// The volume; `None` where none is known.
    ///
    /// # Errors
    /// 22003 for one beyond a double.
    pub(super) fn volume(&self) -> Result<Option<f64>> {
        self.known.then(|| finite(self.volume.value())).transpose()
    }

    /// The mean price by volume; `None` where there is no volume.
    ///
    /// # Errors
    /// 22003 for sums beyond a double.
    pub(super) fn vwap(&self) -> Result<Option<f64>> {
        let Some(volume) = self.volume()?.filter(|volume| *volume != 0.0) else { return Ok(None) };
        finite(finite(self.worth.value())? / volume).map(Some)
    }

    fn parts(&self) -> [Option<f64>; COLUMNS] {
        let ((volume, volume_rest), (worth, worth_rest)) = (self.volume.parts(), self.worth.parts());
        [volume, volume_rest, worth, worth_rest].map(|part| self.known.then_some(part))
    }

    fn of(parts: [Option<f64>; COLUMNS]) -> Self {
        let [Some(volume), Some(volume_rest), Some(worth), Some(worth_rest)] = parts else { return Self::default() };
        Self { known: true, volume: Sum::of(volume, volume_rest), worth: Sum::of(worth, worth_rest) }
    }
}

/// The types of a state's columns.
pub(super) fn state_types() -> Vec<DataType> {
    vec![DataType::Float64; COLUMNS]
}

/// The columns of states.
pub(super) fn states(all: &[Traded]) -> Vec<ArrayRef> {
    let column = |at: usize| all.iter().map(|traded| traded.parts()[at]).collect::<Float64Array>();
    (0..COLUMNS).map(|at| Arc::new(column(at)) as ArrayRef).collect()
}

/// The state of a row of such columns.
pub(super) fn state_at(columns: &[&Float64Array; COLUMNS], row: usize) -> Traded {
    Traded::of(columns.map(|column| column.is_valid(row).then(|| column.value(row))))
}

/// The columns of a state among others, from a place on.
///
/// # Errors
/// Columns that are not there.
pub(super) fn state_columns(columns: &[ArrayRef], from: usize) -> Result<[&Float64Array; COLUMNS]> {
    Ok([doubles(columns, from)?, doubles(columns, from + 1)?, doubles(columns, from + 2)?, doubles(columns, from + 3)?])
}
