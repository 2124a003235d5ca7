//! One batch of a sorted input: its rows, the runs of equal keys in it, and the values that are matched.

use super::ordinal::{Ordinals, Values};
use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result;
use datafusion::physical_expr::PhysicalExpr;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// How the batches of both sides become pieces that compare with each other.
#[derive(Debug)]
pub(super) struct Form {
    /// `None` where there are no keys, and all rows are one group.
    keys: Option<RowConverter>,
    values: Ordinals,
    /// Whether batches come in the order of their keys.
    in_order: bool,
}

/// Which expressions of a side are its keys, what it is matched by, and how far a match may be away.
#[derive(Debug, Clone)]
pub(super) struct Exprs {
    pub(super) keys: Vec<Arc<dyn PhysicalExpr>>,
    pub(super) values: Vec<Arc<dyn PhysicalExpr>>,
    /// Of the left side alone: what the right side's value must not lie beyond.
    pub(super) bound: Option<Arc<dyn PhysicalExpr>>,
}

/// A batch of at least one row.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) batch: RecordBatch,
    keys: Keys,
    key_nulls: Option<NullBuffer>,
    pub(super) values: Values,
    pub(super) bounds: Option<Values>,
}

/// The keys of a batch as bytes in their order.
#[derive(Debug)]
enum Keys {
    /// All rows have one key, as in most batches of a sorted input.
    One(Box<[u8]>),
    Each(Rows),
}

impl Form {
    /// For keys and match values of these types.
    ///
    /// # Errors
    /// A type without an order.
    pub(super) fn of(keys: &[DataType], values: &[DataType]) -> Result<Self> {
        let fields: Vec<SortField> = keys.iter().cloned().map(SortField::new).collect();
        let keys = (!fields.is_empty()).then(|| RowConverter::new(fields)).transpose()?;
        Ok(Self { keys, values: Ordinals::of(values)?, in_order: true })
    }

    /// The same, for batches in any order.
    pub(super) fn in_any_order(self) -> Self {
        Self { in_order: false, ..self }
    }

    /// The piece of a batch, which must not be empty.
    ///
    /// # Errors
    /// Those of the side's expressions.
    pub(super) fn piece(&self, batch: RecordBatch, exprs: &Exprs) -> Result<Piece> {
        let rows = batch.num_rows();
        let columns = |exprs: &[Arc<dyn PhysicalExpr>]| {
            let column = |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(&batch)?.into_array(rows);
            exprs.iter().map(column).collect::<Result<Vec<ArrayRef>>>()
        };
        let keys = columns(&exprs.keys)?;
        let values = self.values.values(&columns(&exprs.values)?)?;
        let bounds = exprs.bound.iter().map(|bound| self.values.values(&columns(std::slice::from_ref(bound))?)).next();
        let key_nulls =
            keys.iter().fold(None, |nulls, key| NullBuffer::union(nulls.as_ref(), key.logical_nulls().as_ref()));
        Ok(Piece { keys: self.keys(&keys, rows)?, key_nulls, values, bounds: bounds.transpose()?, batch })
    }

    fn keys(&self, columns: &[ArrayRef], rows: usize) -> Result<Keys> {
        let Some(converter) = &self.keys else { return Ok(Keys::One(Box::default())) };
        if !self.in_order {
            return Ok(Keys::Each(converter.convert_columns(columns)?));
        }
        let at = |row: usize| columns.iter().map(|column| column.slice(row, 1)).collect::<Vec<_>>();
        let first = converter.convert_columns(&at(0))?;
        let last = converter.convert_columns(&at(rows - 1))?;
        Ok(match first.row(0) == last.row(0) {
            true => Keys::One(first.row(0).as_ref().into()),
            false => Keys::Each(converter.convert_columns(columns)?),
        })
    }
}

impl Piece {
    pub(super) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The key of a row, as bytes in its order.
    pub(super) fn key(&self, row: usize) -> &[u8] {
        match &self.keys {
            Keys::One(key) => key,
            Keys::Each(keys) => keys.row(row).data(),
        }
    }

    /// Whether a part of a row's key is NULL, so that the row matches nothing.
    pub(super) fn has_no_key(&self, row: usize) -> bool {
        self.key_nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Where the rows with the key of this row end.
    pub(super) fn run_end(&self, row: usize) -> usize {
        match &self.keys {
            Keys::One(_) => self.rows(),
            Keys::Each(keys) => {
                let key = keys.row(row);
                first_where(row + 1..self.rows(), |row| keys.row(row) > key)
            }
        }
    }

    /// The first row from one on with a key that is not below this one.
    pub(super) fn first_from_key(&self, from: usize, key: &[u8]) -> usize {
        match self.key(self.rows() - 1) < key {
            true => self.rows(),
            false => first_where(from..self.rows(), |row| self.key(row) >= key),
        }
    }

    /// The first of some rows whose value is above a value of the other side, or reaches it; rows without a value come
    /// before all.
    pub(super) fn first_beyond(&self, rows: Range<usize>, other: &Self, other_row: usize, reach: bool) -> usize {
        let least = if reach { Ordering::Equal } else { Ordering::Greater };
        first_where(rows, |row| {
            !self.values.is_null(row) && self.values.compare(row, &other.values, other_row) >= least
        })
    }
}

/// The first of some rows for which a condition holds that holds for all rows behind it; the end where it holds for
/// none. Looks near the beginning first, since it is mostly there.
fn first_where(rows: Range<usize>, holds: impl Fn(usize) -> bool) -> usize {
    let Range { start: mut low, end } = rows;
    let mut step = 1;
    let mut high = low;
    while high < end && !holds(high) {
        low = high + 1;
        high = low.saturating_add(step);
        step = step.saturating_mul(2);
    }
    high = high.min(end);
    while low < high {
        let middle = low.midpoint(high);
        match holds(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_is_found_wherever_it_is() {
        for end in 0..40 {
            for first in 0..=end {
                assert_eq!(first_where(0..end, |row| row >= first), first, "of {end}");
                let from = first / 2;
                assert_eq!(first_where(from..end, |row| row >= first), first, "from {from} of {end}");
            }
        }
    }
}
