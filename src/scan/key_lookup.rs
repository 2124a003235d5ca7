//! Scans that are lookups: a filter that names keys, and columns in memory that hold them.
//!
//! Such a scan is planned as its rows, in one partition and in the order of the key: what is above it needs neither a
//! merge nor a sort, and knows how many rows there are.

use super::bounds::{ALL, Bounds, narrow, number};
use super::items::items_of_all;
use crate::lake::Snapshot;
use crate::resident::{KeyRange, Residents, Wanted};
use arrow::compute::SortOptions;
use arrow::datatypes::Schema;
use datafusion::catalog::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr};
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr, expressions};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// Keys that are looked up one by one; for more, files are scanned.
const KEYS_MAX: usize = 64;

/// Rows that are looked up; more are scanned.
const ROWS_MAX: usize = 1 << 18;

/// The rows that filters name by their key, from memory; `None` where they name none, or something is not in memory.
///
/// # Errors
/// Columns that cannot be put together.
pub(crate) fn scan(
    residents: &Residents,
    snapshot: &Snapshot,
    projection: Option<&Vec<usize>>,
    filters: &[Expr],
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let dataset = &snapshot.dataset;
    let Some(first) = dataset.key.first() else { return Ok(None) };
    let Some(keys) = items_of_all(filters, first).filter(|keys| keys.len() <= KEYS_MAX) else { return Ok(None) };
    let second = dataset.key.get(1).map_or(ALL, |second| bounds(filters, second, &dataset.schema));
    let columns: Vec<usize> = match projection {
        Some(columns) => columns.clone(),
        None => (0..dataset.schema.fields().len()).collect(),
    };
    let schema = Arc::new(dataset.schema.project(&columns)?);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let wanted = Wanted { columns: &columns, schema: &schema, count: None, most: ROWS_MAX };
    let Some(rows) = residents.rows_of(snapshot, &KeyRange { first: &keys, second }, &wanted) else { return Ok(None) };
    let rows = MemorySourceConfig::try_new(&[vec![rows?]], schema.clone(), None)?;
    let rows = rows.try_with_sort_information(ordering(dataset.key, &schema).into_iter().collect())?;
    Ok(Some(DataSourceExec::from_data_source(rows)))
}

/// Order by the key, as far as its columns are there.
fn ordering(key: &[&str], schema: &Schema) -> Option<LexOrdering> {
    let column = |name: &&str| expressions::col(name, schema).ok();
    let columns = key.iter().map_while(column);
    LexOrdering::new(columns.map(|column| PhysicalSortExpr::new(column, SortOptions::default())))
}

/// Bounds that filters set to a column.
fn bounds(filters: &[Expr], name: &str, schema: &Schema) -> Bounds {
    let mut bounds = ALL;
    let Ok(field) = schema.field_with_name(name) else { return bounds };
    for filter in filters {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { continue };
        let is_column = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == name);
        let (operator, value) = match (is_column(left), is_column(right)) {
            (true, false) => (Some(*op), right),
            (false, true) => (op.swap(), left),
            _ => continue,
        };
        let Expr::Literal(value, _) = value.as_ref() else { continue };
        if let Some(value) = number(value, field.data_type()) {
            narrow(&mut bounds, operator, value);
        }
    }
    bounds
}
