//! Whether new rows say anything that the held ones do not, found by going through both once: most of what is fetched or
//! imported again is known, and to merge it would sort everything.

use crate::lake::dataset::{Dataset, FETCHED_AT};
use arrow::array::{Array, AsArray, BooleanArray, StringArray, UInt64Array, make_comparator};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{SortOptions, or, take_record_batch};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::cmp::Ordering;

/// Whether every new row meets a held one that it equals, apart from `fetched_at`, or that is of a stronger source. Both
/// sides are in the order of the key, one row per key. What cannot be compared counts as new.
pub(super) fn says_nothing_new(
    dataset: &Dataset,
    sources: &[&str],
    held: &RecordBatch,
    new: &RecordBatch,
) -> Result<bool, ArrowError> {
    let Some(places) = places(dataset, held, new)? else { return Ok(false) };
    let met = take_record_batch(held, &places)?;
    let Some(differing) = differing(dataset, &met, new) else { return Ok(false) };
    if differing.true_count() == 0 {
        return Ok(true);
    }
    let source = |rows: &RecordBatch| -> Option<StringArray> {
        rows.column_by_name(dataset.precedence?.column)?.as_string_opt::<i32>().cloned()
    };
    let (Some(held), Some(new)) = (source(&met), source(new)) else { return Ok(false) };
    let strength = |column: &StringArray, row: usize| {
        let source = column.is_valid(row).then(|| column.value(row));
        sources.iter().position(|known| Some(*known) == source).map_or(0, |place| sources.len() - place)
    };
    Ok(differing.values().set_indices().all(|row| strength(&new, row) < strength(&held, row)))
}

/// Where the row of each new row's key is among the held ones; `None` where one is not.
fn places(dataset: &Dataset, held: &RecordBatch, new: &RecordBatch) -> Result<Option<UInt64Array>, ArrowError> {
    let mut by_column = Vec::with_capacity(dataset.key.len());
    for name in dataset.key {
        let (Some(held), Some(new)) = (held.column_by_name(name), new.column_by_name(name)) else { return Ok(None) };
        by_column.push(make_comparator(held, new, SortOptions::default())?);
    }
    let order = |held: usize, new: usize| {
        by_column.iter().map(|compare| compare(held, new)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    let mut places = Vec::with_capacity(new.num_rows());
    let mut place = 0;
    for row in 0..new.num_rows() {
        while place < held.num_rows() && order(place, row).is_lt() {
            place += 1;
        }
        if place == held.num_rows() || order(place, row).is_gt() {
            return Ok(None);
        }
        places.push(place as u64);
    }
    Ok(Some(UInt64Array::from(places)))
}

/// Which rows of two sides differ in a value; `None` where columns cannot be compared, such as lists.
fn differing(dataset: &Dataset, met: &RecordBatch, new: &RecordBatch) -> Option<BooleanArray> {
    let mut differing = BooleanArray::from(vec![false; new.num_rows()]);
    for column in dataset.columns().filter(|column| !dataset.key.contains(&column.name) && column.name != FETCHED_AT) {
        let (met, new) = (met.column_by_name(column.name)?, new.column_by_name(column.name)?);
        differing = or(&differing, &distinct(met, new).ok()?).ok()?;
    }
    Some(differing)
}
