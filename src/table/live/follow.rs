//! A book as an unbounded table: one row per event, from the start of the query on, until it is cancelled.
//!
//! Filters are answered here, row by row, and not by a plan node above: such a node withholds rows until thousands
//! are together, which on a quiet symbol is never.

use super::columns::{arrays, schema};
use super::no_feed::{NO_FEED, WHERE_FEED};
use super::symbols::symbols_of_all;
use crate::error::{ErrorKind, QueryError};
use crate::live::{Book, Delivery, Subscription};
use crate::market::event::{Event, EventDescription};
use crate::table::context::QueryContext;
use arrow::array::{AsArray, Int64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result};
use datafusion::datasource::TableType;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr, SendableRecordBatchStream};
use futures::stream;
use std::collections::HashSet;
use std::sync::Arc;

/// Rows of one batch at most. A batch is sent as soon as there is one row.
const BATCH_ROWS_MAX: usize = 1024;

/// The events of a book as they come. The last column, `missed`, counts the events of the same symbol that this query
/// lost just before the row: 0 unless its reader fell behind.
#[derive(Debug)]
pub(super) struct FollowTable<E: Event> {
    book: Arc<Book<E>>,
    schema: SchemaRef,
}

impl<E: Event> FollowTable<E> {
    pub(super) fn new(book: Arc<Book<E>>) -> Self {
        Self { book, schema: schema(&EventDescription::of::<E>().live_columns()) }
    }
}

#[async_trait]
impl<E: Event> TableProvider for FollowTable<E> {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match is_about_one_row(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        QueryContext::of(session).check_live(&format!("live.{}", E::NAME))?;
        if !self.book.has_feed() {
            let message = format!("table \"live.{}\" never has a row here: {NO_FEED}", E::NAME);
            let error = QueryError::new(ErrorKind::Source, message).with_hint(WHERE_FEED);
            return Err(DataFusionError::External(Box::new(error)));
        }
        let columns = DFSchema::try_from(self.schema.clone())?;
        let predicate = match conjunction(filters.iter().cloned()) {
            Some(filter) => Some(session.create_physical_expr(filter, &columns)?),
            None => None,
        };
        let events = Follow {
            book: self.book.clone(),
            schema: self.schema.clone(),
            symbols: symbols_of_all(filters),
            predicate,
        };
        let plan = StreamingTableExec::try_new(
            self.schema.clone(),
            vec![Arc::new(events)],
            projection,
            std::iter::empty(),
            true,
            limit,
        )?;
        Ok(Arc::new(plan))
    }
}

/// Whether an expression needs nothing but the row: no subquery, no column of another table.
fn is_about_one_row(filter: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    let needs_more = filter.exists(|expr| {
        Ok(matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        ))
    });
    matches!(needs_more, Ok(false))
}

/// What one query follows. Executing it subscribes; dropping its stream unsubscribes.
#[derive(Debug)]
struct Follow<E: Event> {
    book: Arc<Book<E>>,
    schema: SchemaRef,
    symbols: Option<HashSet<String>>,
    predicate: Option<Arc<dyn PhysicalExpr>>,
}

impl<E: Event> PartitionStream for Follow<E> {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let state = (self.book.subscribe(self.symbols.clone()), self.predicate.clone(), self.schema.clone());
        let batches = stream::try_unfold(state, |(mut subscription, predicate, schema)| async move {
            let batch = next_batch(&mut subscription, predicate.as_ref(), &schema).await?;
            Ok(batch.map(|batch| (batch, (subscription, predicate, schema))))
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

/// Waits for events of which the predicate leaves at least one; `None` when the book is gone.
async fn next_batch<E: Event>(
    subscription: &mut Subscription<E>,
    predicate: Option<&Arc<dyn PhysicalExpr>>,
    schema: &SchemaRef,
) -> Result<Option<RecordBatch>> {
    while let Some(deliveries) = subscription.next_deliveries(BATCH_ROWS_MAX).await {
        let mut batch = batch_of(deliveries, schema)?;
        if let Some(predicate) = predicate {
            let passes = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
            batch = filter_record_batch(&batch, passes.as_boolean())?;
        }
        if batch.num_rows() > 0 {
            return Ok(Some(batch));
        }
    }
    Ok(None)
}

fn batch_of<E: Event>(deliveries: Vec<Delivery<E>>, schema: &SchemaRef) -> Result<RecordBatch> {
    let missed = deliveries.iter().map(|delivery| i64::try_from(delivery.missed).unwrap_or(i64::MAX));
    let missed = Int64Array::from_iter_values(missed);
    let events: Vec<Arc<E>> = deliveries.into_iter().map(|delivery| delivery.event).collect();
    let mut columns = arrays(&events);
    columns.push(Arc::new(missed));
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}
