//! The table `system.queries`: one row per statement that runs now.

use super::queries::Queries;
use crate::dialect::session::SessionFacts;
use crate::system::schema::{SystemTable, instants, queries_columns};
use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// The table over the running statements of a process.
pub(crate) fn table(queries: Arc<Queries>) -> SystemTable {
    SystemTable::for_reader(queries_columns(), Arc::new(move |schema, reader| running(&queries, schema, reader)))
}

/// Statements of others are without their text for who is no admin.
fn running(
    queries: &Queries,
    schema: &SchemaRef,
    reader: Option<&SessionFacts>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let all = queries.running();
    let seen = |user: &str| reader.is_some_and(|reader| reader.sees(user));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(all.iter().map(|one| i64::from(one.pid)))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| &one.user))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.front_end))),
        instants(all.iter().map(|one| Some(one.started_at))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.progress.state().name()))),
        Arc::new(all.iter().map(|one| seen(&one.user).then_some(&one.sql)).collect::<StringArray>()),
        Arc::new(all.iter().map(|one| i64::try_from(one.progress.rows_sent()).ok()).collect::<Int64Array>()),
        Arc::new(all.iter().map(|one| one.progress.read()).collect::<Float64Array>()),
    ];
    RecordBatch::try_new(schema.clone(), columns)
}
