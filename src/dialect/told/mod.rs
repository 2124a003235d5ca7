//! What a client is told of a result's columns beyond their Arrow types: PostgreSQL's own type where several share one of
//! Arrow's (`name`, `varchar`, `regclass`), its modifier, and the column of a table or view that it is.
//!
//! It is read off the plan as the SQL planner has made it, before the typing takes off the marks of casts, and travels with
//! the announced columns as metadata, which no plan and no batch has. As in PostgreSQL a column is traced through aliases,
//! subqueries, joins and WITH to its table, not through UNION and its like, and not through a view to what the view reads.

mod column;
mod expression;
mod facts;
mod set;

pub(crate) use facts::Told;

use crate::dialect::catalog::numbers::Numbers;
use arrow::datatypes::{Field, Schema, SchemaRef};
use column::Walk;
use datafusion::logical_expr::LogicalPlan;
use std::sync::Arc;

/// What is told of each column of a plan's result.
pub(crate) fn columns(plan: &LogicalPlan, numbers: Option<&Numbers>) -> Vec<Told> {
    Walk::new(numbers).plan(plan)
}

/// The columns of a result as a client is told of them.
pub(crate) fn announced(schema: &SchemaRef, told: &[Told]) -> SchemaRef {
    let told = |index: usize, field: &Field| {
        let told = told.get(index).copied().unwrap_or(Told::PLAIN);
        told.fitting(field.data_type())
    };
    let fields: Vec<Arc<Field>> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| match told(index, field) {
            Told::PLAIN => field.clone(),
            told => Arc::new(told.put(field)),
        })
        .collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// One column of texts that is of another type to the client: the answer to `EXPLAIN (FORMAT JSON)`.
pub(crate) fn announced_as(schema: &SchemaRef, type_oid: u32) -> SchemaRef {
    let told = vec![Told::of_type(type_oid); schema.fields().len()];
    announced(schema, &told)
}
