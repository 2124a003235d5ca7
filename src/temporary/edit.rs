//! What a change makes of the rows of a temporary table.

use super::constraint;
use super::contents::Table;
use super::planned::What;
use super::rows::{Budget, Gathering, Rows, failed};
use crate::error::QueryError;
use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::{concat_batches, interleave, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Columns of what the query of an UPDATE gives: the numbers of rows, and then what these columns become.
pub(crate) fn numbered_schema(table: &Table, places: &[usize]) -> SchemaRef {
    let row = Arc::new(Field::new("row", DataType::UInt64, false));
    let values = places.iter().filter_map(|place| table.schema.fields().get(*place).cloned());
    Arc::new(Schema::new(std::iter::once(row).chain(values).collect::<Vec<_>>()))
}

/// The rows of a table after a change of them, how many it was about, and what PostgreSQL calls it.
///
/// # Errors
/// Those of the table's constraints, and of its budget.
pub(crate) fn edited(
    name: &str,
    table: &Table,
    what: &What,
    gathered: &Rows,
    budget: &Arc<Budget>,
) -> Result<(Rows, u64, &'static str), QueryError> {
    let ((rows, count), tag) = match what {
        What::Update { places, .. } => (updated(name, table, places, gathered, budget)?, "UPDATE"),
        What::Delete { .. } => (deleted(table, gathered, budget)?, "DELETE"),
        _ => ((inserted(name, table, gathered, budget)?, gathered.count() as u64), "INSERT 0"),
    };
    Ok((rows, count, tag))
}

/// The rows of a table and new ones behind them.
///
/// # Errors
/// Those of its constraints, and of its budget.
fn inserted(name: &str, table: &Table, new: &Rows, budget: &Arc<Budget>) -> Result<Rows, QueryError> {
    constraint::check(name, table, new)?;
    let rows = table.rows.followed_by(new, budget)?;
    constraint::check_keys(table, &rows)?;
    Ok(rows)
}

/// The rows of a table without those of some numbers, and how many those are.
///
/// # Errors
/// Those of its budget.
fn deleted(table: &Table, numbers: &Rows, budget: &Arc<Budget>) -> Result<(Rows, u64), QueryError> {
    let mut places: Vec<u64> = numbers.batches().flat_map(numbers_of).collect();
    places.sort_unstable();
    places.dedup();
    Ok((table.rows.without(&places, &table.schema, budget)?, places.len() as u64))
}

/// The rows of a table of which some have other values, those at the end, and how many those are. Of several values for
/// one row the first counts.
///
/// # Errors
/// Those of its constraints, and of its budget.
fn updated(
    name: &str,
    table: &Table,
    places: &[usize],
    given: &Rows,
    budget: &Arc<Budget>,
) -> Result<(Rows, u64), QueryError> {
    let given = concat_batches(&numbered_schema(table, places), given.batches()).map_err(failed)?;
    let numbers: Vec<u64> = numbers_of(&given).collect();
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by_key(|at| (numbers[*at], *at));
    order.dedup_by_key(|at| numbers[*at]);
    let changed: Vec<u64> = order.iter().map(|at| numbers[*at]).collect();
    let chosen = UInt64Array::from_iter_values(order.iter().map(|at| *at as u64));
    let old = addresses(&table.rows, &changed);
    let column = |place: usize| -> Result<ArrayRef, QueryError> {
        match places.iter().position(|target| *target == place) {
            Some(at) => take(given.column(at + 1), &chosen, None).map_err(failed),
            None => {
                let parts: Vec<&dyn Array> = table.rows.batches().map(|batch| batch.column(place).as_ref()).collect();
                interleave(&parts, &old).map_err(failed)
            }
        }
    };
    if changed.is_empty() {
        return Ok((table.rows.clone(), 0));
    }
    let columns = (0..table.schema.fields().len()).map(column).collect::<Result<Vec<_>, _>>()?;
    let mut new = Gathering::new(table.schema.clone(), budget.clone());
    new.push(&RecordBatch::try_new(table.schema.clone(), columns).map_err(failed)?)?;
    let new = new.finish()?;
    constraint::check(name, table, &new)?;
    let rows = table.rows.without(&changed, &table.schema, budget)?.followed_by(&new, budget)?;
    constraint::check_keys(table, &rows)?;
    Ok((rows, changed.len() as u64))
}

fn numbers_of(batch: &RecordBatch) -> impl Iterator<Item = u64> + use<> {
    let column = batch.column(0).as_primitive::<UInt64Type>().clone();
    (0..column.len()).map(move |row| column.value(row))
}

/// Batch and row of numbers that are sorted.
fn addresses(rows: &Rows, numbers: &[u64]) -> Vec<(usize, usize)> {
    let (mut found, mut left, mut first) = (Vec::with_capacity(numbers.len()), numbers, 0_u64);
    for (index, batch) in rows.batches().enumerate() {
        let end = first + batch.num_rows() as u64;
        let (here, later) = left.split_at(left.partition_point(|number| *number < end));
        found.extend(here.iter().map(|number| (index, usize::try_from(number - first).unwrap_or(usize::MAX))));
        (left, first) = (later, end);
    }
    found
}
