//! Rows on their way into a temporary table, gathered as a client sends them.

use super::rows::{Budget, Gathering};
use crate::error::QueryError;
use arrow::datatypes::{Field, SchemaRef};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Rows on their way into a temporary table.
pub struct Load {
    /// Name of the table.
    pub(crate) table: String,
    /// Places of the columns that rows come for.
    pub(crate) targets: Vec<usize>,
    /// The same columns as the table has them.
    pub(crate) fields: Vec<Field>,
    /// The columns in which the rows come.
    pub(crate) schema: SchemaRef,
    /// What the session may take.
    pub(crate) budget: Arc<Budget>,
    /// The rows that have come.
    pub(crate) gathering: Gathering,
}

impl Load {
    /// The columns of the table that rows are sent for, in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Has rows come in columns of these types, texts among them; to be said before the first of them.
    pub fn of(&mut self, schema: SchemaRef) {
        self.gathering = Gathering::new(schema.clone(), self.budget.clone());
        self.schema = schema;
    }

    /// Takes some rows.
    ///
    /// # Errors
    /// 53400 and 53200 when there are too many.
    pub fn push(&mut self, rows: &RecordBatch) -> Result<(), QueryError> {
        self.gathering.push(rows)
    }
}
