//! Held rows of the items that new rows are of, apart from all others: a few new rows need not have everything sorted.

use crate::lake::dataset::Dataset;
use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::collections::BTreeSet;
use std::ops::Range;

/// New rows are few where so many times as many are held.
const FEW_ONE_IN: usize = 8;

/// Held rows in the order of their key, and where those of some items stand among them.
#[derive(Debug)]
pub(super) struct Apart<'a> {
    key: &'static str,
    held: &'a RecordBatch,
    /// Items in order, each with its rows; where it has none, the place they would have.
    items: Vec<(String, Range<usize>)>,
}

impl<'a> Apart<'a> {
    /// Parts held rows that are in the order of the key; `None` where the new ones are not few, or items are no text.
    pub(super) fn of(dataset: &Dataset, held: &'a RecordBatch, new: &RecordBatch) -> Option<Self> {
        if new.num_rows().saturating_mul(FEW_ONE_IN) > held.num_rows() {
            return None;
        }
        let key = *dataset.key.first()?;
        let (names, new) = (texts(held, key)?, texts(new, key)?);
        let wanted: BTreeSet<&str> = new.iter().collect::<Option<_>>()?;
        let items = wanted.into_iter().map(|item| (item.to_owned(), range(names, item))).collect();
        Some(Self { key, held, items })
    }

    /// The held rows of the items.
    pub(super) fn rows(&self) -> Result<RecordBatch, ArrowError> {
        let slices: Vec<RecordBatch> = self.items.iter().map(|(_, place)| slice(self.held, place)).collect();
        concat_batches(&self.held.schema(), &slices)
    }

    /// All rows again, with other rows of the items, which are in order too.
    pub(super) fn rejoined(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let names = texts(rows, self.key).ok_or_else(|| ArrowError::SchemaError(format!("no text {}", self.key)))?;
        let mut parts = Vec::with_capacity(self.items.len().saturating_mul(2).saturating_add(1));
        let mut done = 0;
        for (item, place) in &self.items {
            parts.push(slice(self.held, &(done..place.start)));
            parts.push(slice(rows, &range(names, item)));
            done = place.end;
        }
        parts.push(slice(self.held, &(done..self.held.num_rows())));
        concat_batches(&self.held.schema(), &parts)
    }
}

fn texts<'a>(rows: &'a RecordBatch, column: &str) -> Option<&'a StringArray> {
    rows.column_by_name(column)?.as_string_opt::<i32>()
}

fn slice(rows: &RecordBatch, place: &Range<usize>) -> RecordBatch {
    rows.slice(place.start, place.len())
}

/// Where an item stands among names in order.
fn range(names: &StringArray, item: &str) -> Range<usize> {
    let first = first_where(names.len(), |row| names.value(row) >= item);
    let end = first_where(names.len(), |row| names.value(row) > item);
    first..end
}

/// The first of so many rows of which something is true, that is true of all behind it too.
fn first_where(rows: usize, is_true: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut to) = (0, rows);
    while from < to {
        let middle = from + (to - from) / 2;
        if is_true(middle) { to = middle } else { from = middle + 1 }
    }
    from
}
