//! The state of an aggregate for all rows together.

use super::grouped::Grouped;
use arrow::array::{Array, ArrayRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

/// A state of one group.
#[derive(Debug)]
pub(super) struct One {
    state: Box<dyn Grouped>,
    /// The group of each row of a batch.
    groups: Vec<usize>,
}

impl One {
    /// The state of no rows yet.
    pub(super) fn new(mut state: Box<dyn Grouped>) -> Self {
        state.resize(1);
        Self { state, groups: Vec::new() }
    }

    fn groups(&mut self, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, Array::len);
        self.groups.resize(self.groups.len().max(rows), 0);
        rows
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = self.groups(columns);
        self.state.update(columns, &self.groups[..rows], None)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = self.groups(states);
        self.state.merge(states, &self.groups[..rows])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.state.results(1)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.state.states(1)?.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn size(&self) -> usize {
        self.state.size() + self.groups.capacity() * size_of::<usize>()
    }
}
