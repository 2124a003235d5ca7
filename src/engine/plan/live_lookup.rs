//! The rows of some keys of a live table: of those that the statement names, or that the other side of a join says.

use super::computed::COMPUTED_MAX;
use super::named_keys::NamedKeys;
use crate::table::context::QueryContext;
use crate::table::live::keyed;
use crate::table::lookup::KeyedTable;
use crate::table::schemas::ranged;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use std::sync::Arc;

/// A live table whose rows are found by their keys.
#[derive(Debug)]
pub(super) struct LiveLookup {
    table: Arc<dyn TableProvider>,
    /// Places of the columns in the table's schema.
    columns: Vec<usize>,
    schema: SchemaRef,
    /// The keys that the statement names; `None` where a join says them.
    keys: Option<NamedKeys>,
}

impl LiveLookup {
    /// The lookup that a scan of a live table is, once its keys are known; `None` for other tables and other filters.
    pub(super) fn of(scan: &TableScan) -> Option<Self> {
        let table = source_as_provider(&scan.source).ok()?;
        let key = keyed(table.as_ref())?.key();
        if scan.fetch.is_some() || scan.filters.len() > 1 {
            return None;
        }
        let keys = match scan.filters.first() {
            Some(filter) => {
                let is_key = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == key);
                Some(NamedKeys::of(filter, &is_key)?)
            }
            None => None,
        };
        let columns = match &scan.projection {
            Some(places) => places.clone(),
            None => (0..table.schema().fields().len()).collect(),
        };
        let schema = Arc::new(table.schema().project(&columns).ok()?);
        Some(Self { table, columns, schema, keys })
    }

    /// Takes the keys that a condition over the lookup names, where none are known; the condition holds all the same.
    pub(super) fn narrow(&mut self, condition: &Expr, input: &LogicalPlan) {
        if self.keys.is_none() {
            let is_key = |expr: &Expr| matches!(expr, Expr::Column(column) if is_key(input, column));
            self.keys = split_conjunction(condition).into_iter().find_map(|one| NamedKeys::of(one, &is_key));
        }
    }

    /// Whether its keys are what the other side of a join says.
    pub(super) fn needs_keys(&self) -> bool {
        self.keys.is_none()
    }

    /// The rows of the keys that it names, or else of those that are given, each once; `None` for keys that are no texts,
    /// or too many.
    pub(super) async fn rows(
        &self,
        context: &QueryContext,
        values: &[ScalarValue],
        given: Option<&[&str]>,
    ) -> Result<Option<RecordBatch>> {
        let Some(table) = keyed(self.table.as_ref()) else { return Ok(None) };
        let keys = match &self.keys {
            Some(keys) => keys.texts(values),
            None => given.map(<[&str]>::to_vec),
        };
        let Some(keys) = keys else { return Ok(None) };
        if keys.len() > COMPUTED_MAX {
            return Ok(None);
        }
        let mut found = Vec::with_capacity(keys.len());
        for key in &keys {
            found.push(table.row(context, key, &self.columns).await?);
        }
        if keys.is_empty() {
            // Nothing equals NULL, but a table that may not be read says so.
            table.row(context, "", &self.columns).await?;
        }
        Ok(Some(concat_batches(&self.schema, &found)?))
    }
}

/// Whether a column of a plan is that by which rows of the one table that the plan reads are found.
pub(super) fn is_key(plan: &LogicalPlan, column: &Column) -> bool {
    match plan {
        LogicalPlan::SubqueryAlias(alias) => {
            let place = plan.schema().index_of_column(column).ok();
            let below = place.map(|place| Column::from(alias.input.schema().qualified_field(place)));
            below.is_some_and(|below| is_key(&alias.input, &below))
        }
        LogicalPlan::Filter(filter) => is_key(&filter.input, column),
        LogicalPlan::Projection(projection) => {
            let place = plan.schema().index_of_column(column).ok();
            let mut given = place.and_then(|place| projection.expr.get(place));
            while let Some(Expr::Alias(alias)) = given {
                given = Some(&alias.expr);
            }
            matches!(given, Some(Expr::Column(below)) if is_key(&projection.input, below))
        }
        LogicalPlan::TableScan(scan) => {
            let Ok(table) = source_as_provider(&scan.source) else { return false };
            let live = keyed(table.as_ref()).map(KeyedTable::key);
            let key = live.or_else(|| ranged(table.as_ref())?.key().first().copied());
            key == Some(column.name.as_str())
        }
        _ => false,
    }
}
