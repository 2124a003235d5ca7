//! What a change makes of the rows of a temporary table.

use super::contents::Table;
use super::planned::What;
use super::rows::{Budget, Gathering, Rows, failed};
use crate::error::QueryError;
use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::{concat_batches, interleave, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// A change of a table's rows that was worked out and is not made yet.
#[derive(Debug)]
pub(crate) struct Edit {
    /// What PostgreSQL calls it.
    pub(crate) tag: &'static str,
    /// How many rows it is about, as the client is told.
    pub(crate) count: u64,
    /// Numbers of the rows that go, sorted; of an UPDATE the old ones.
    pub(crate) gone: Vec<u64>,
    /// The rows that come, at the end.
    pub(crate) new: Rows,
}

impl Edit {
    /// An INSERT of rows.
    pub(crate) fn insert(new: Rows) -> Self {
        Self { tag: "INSERT 0", count: new.count() as u64, gone: Vec::new(), new }
    }

    /// What the query within a statement comes to.
    ///
    /// # Errors
    /// Those of the budget.
    pub(crate) fn of(table: &Table, what: &What, gathered: Rows, budget: &Arc<Budget>) -> Result<Self, QueryError> {
        match what {
            What::Update { places, .. } => {
                let (gone, new) = updated(table, places, &gathered, budget)?;
                Ok(Self { tag: "UPDATE", count: gone.len() as u64, gone, new })
            }
            What::Delete { .. } => {
                let mut gone: Vec<u64> = gathered.batches().flat_map(numbers_of).collect();
                gone.sort_unstable();
                gone.dedup();
                Ok(Self { tag: "DELETE", count: gone.len() as u64, gone, new: Rows::default() })
            }
            _ => Ok(Self::insert(gathered)),
        }
    }

    /// The rows of the table that stay.
    ///
    /// # Errors
    /// Those of the budget.
    pub(crate) fn left(&self, table: &Table, budget: &Arc<Budget>) -> Result<Rows, QueryError> {
        if self.gone.is_empty() {
            Ok(table.rows.clone())
        } else {
            table.rows.without(&self.gone, &table.schema, budget)
        }
    }

    /// The rows that RETURNING speaks of: those that come, or of a DELETE those that go.
    ///
    /// # Errors
    /// Those of the budget.
    pub(crate) fn returned(&self, table: &Table, budget: &Arc<Budget>) -> Result<Rows, QueryError> {
        if self.tag == "DELETE" { chosen(table, &table.rows, &self.gone, budget) } else { Ok(self.new.clone()) }
    }
}

/// Columns of what the query of an UPDATE gives: the numbers of rows, and then what these columns become.
pub(crate) fn numbered_schema(table: &Table, places: &[usize]) -> SchemaRef {
    let row = Arc::new(Field::new("row", DataType::UInt64, false));
    let values = places.iter().filter_map(|place| table.schema.fields().get(*place).cloned());
    Arc::new(Schema::new(std::iter::once(row).chain(values).collect::<Vec<_>>()))
}

/// The numbers of the rows of a table that have other values, sorted, and what they become, in the same order. Of several
/// values for one row the first counts.
///
/// # Errors
/// Those of the budget.
pub(crate) fn updated(
    table: &Table,
    places: &[usize],
    given: &Rows,
    budget: &Arc<Budget>,
) -> Result<(Vec<u64>, Rows), QueryError> {
    let given = concat_batches(&numbered_schema(table, places), given.batches()).map_err(failed)?;
    let numbers: Vec<u64> = numbers_of(&given).collect();
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by_key(|at| (numbers[*at], *at));
    order.dedup_by_key(|at| numbers[*at]);
    let changed: Vec<u64> = order.iter().map(|at| numbers[*at]).collect();
    if changed.is_empty() {
        return Ok((changed, Rows::default()));
    }
    let chosen = UInt64Array::from_iter_values(order.iter().map(|at| *at as u64));
    let old = addresses(&table.rows, &changed);
    let column = |place: usize| -> Result<ArrayRef, QueryError> {
        match places.iter().position(|target| *target == place) {
            Some(at) => take(given.column(at + 1), &chosen, None).map_err(failed),
            None => interleaved(&table.rows, place, &old),
        }
    };
    let columns = (0..table.schema.fields().len()).map(column).collect::<Result<Vec<_>, _>>()?;
    Ok((changed, rows_of(table, columns, order.len(), budget)?))
}

/// Some rows, by their numbers, which are sorted.
///
/// # Errors
/// Those of the budget.
pub(crate) fn chosen(table: &Table, rows: &Rows, numbers: &[u64], budget: &Arc<Budget>) -> Result<Rows, QueryError> {
    if numbers.is_empty() {
        return Ok(Rows::default());
    }
    let at = addresses(rows, numbers);
    let columns = (0..table.schema.fields().len()).map(|place| interleaved(rows, place, &at));
    rows_of(table, columns.collect::<Result<Vec<_>, _>>()?, numbers.len(), budget)
}

fn interleaved(rows: &Rows, place: usize, at: &[(usize, usize)]) -> Result<ArrayRef, QueryError> {
    let parts: Vec<&dyn Array> = rows.batches().map(|batch| batch.column(place).as_ref()).collect();
    interleave(&parts, at).map_err(failed)
}

/// Columns as rows of a table.
pub(crate) fn rows_of(
    table: &Table,
    columns: Vec<ArrayRef>,
    count: usize,
    budget: &Arc<Budget>,
) -> Result<Rows, QueryError> {
    let mut new = Gathering::new(table.schema.clone(), budget.clone());
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(count));
    new.push(&RecordBatch::try_new_with_options(table.schema.clone(), columns, &options).map_err(failed)?)?;
    new.finish()
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
