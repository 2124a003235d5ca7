//! A book as an unbounded DataFusion table: one row per event, from the start of the query until it is cancelled.
//!
//! Filters are answered here, row by row, and not by a plan node above: such a node withholds rows until thousands
//! are together, which on a quiet symbol is never.

use super::columns::{arrays, schema};
use super::no_feed::{NO_FEED, WHERE_FEED};
use super::settle::{Terms, followable, newly_followed};
use super::symbols::symbols_of_all;
use super::watch::{FeedWatch, Watched};
use crate::dialect::extension::FromLatest;
use crate::dialect::session::SessionFacts;
use crate::error::{ErrorKind, QueryError};
use crate::live::feed::{FeedBoard, Hold, Subscriber};
use crate::live::{Book, Delivery, Live, Subscription};
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
use futures::{StreamExt, stream};
use std::any::Any;
use std::sync::Arc;

/// Rows of one batch at most. A batch is sent as soon as there is one row.
const BATCH_ROWS_MAX: usize = 1024;

/// The events of a book as they come. The last column, `missed`, counts the events of the same symbol that this query
/// lost just before the row: 0 unless its reader fell behind.
#[derive(Debug)]
pub(super) struct FollowTable<E: Event> {
    book: Arc<Book<E>>,
    feed: Arc<FeedBoard>,
    schema: SchemaRef,
}

impl<E: Event> FollowTable<E> {
    /// What is known of the feed.
    pub(super) fn feed(&self) -> &Arc<FeedBoard> {
        &self.feed
    }

    /// A table over the book of an event; its columns are those of the event and `missed`.
    pub(super) fn new(live: &Live) -> Self {
        let (book, feed) = (live.book::<E>().clone(), live.feed().clone());
        Self { book, feed, schema: schema(&EventDescription::of::<E>().live_columns()) }
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

    /// A stream of the book's events that pass the filters. Fails with kind NotSupported under `as_of`, with kind
    /// Source in a process without a feed.
    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let context = QueryContext::of(session);
        let table = format!("live.{}", E::NAME);
        context.check_live(&table)?;
        if !self.book.has_feed() {
            let message = format!("table \"{table}\" never has a row here: {NO_FEED}");
            let error = QueryError::new(ErrorKind::Source, message).with_hint(WHERE_FEED);
            return Err(DataFusionError::External(Box::new(error)));
        }
        let columns = DFSchema::try_from(self.schema.clone())?;
        let predicate = match conjunction(filters.iter().cloned()) {
            Some(filter) => Some(session.create_physical_expr(filter, &columns)?),
            None => None,
        };
        let (symbols, terms) = (symbols_of_all(filters), Terms::of(&context));
        let wrong = terms.settle(&self.feed, &table, E::NAME, symbols.as_ref())?;
        let named = symbols.iter().flat_map(followable::<E>);
        let told: Vec<String> = wrong.into_iter().chain(newly_followed(&self.feed, E::NAME, named)).collect();
        let begins_with_notice = !told.is_empty();
        told.into_iter().for_each(|text| context.notices.add(text));
        let reader = session.config().get_extension::<SessionFacts>();
        let events = Follow {
            book: self.book.clone(),
            schema: self.schema.clone(),
            predicate,
            watched: Watched {
                feed: self.feed.clone(),
                table,
                event: E::NAME,
                symbols,
                terms,
                notices: context.notices.clone(),
            },
            begins_with_notice,
            reader: reader.map(|reader| (reader.pid, reader.user.clone())),
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
    predicate: Option<Arc<dyn PhysicalExpr>>,
    watched: Watched,
    /// Whether the client has to hear something before the first event.
    begins_with_notice: bool,
    /// The session's number, and its user.
    reader: Option<(i32, String)>,
}

impl<E: Event> Follow<E> {
    /// Lists the query in `system.subscribers` until what is given back is dropped, and has the feed follow what it names.
    fn list(&self, subscription: &Subscription<E>) -> (Box<dyn Any + Send + Sync>, Option<Hold>) {
        let Watched { feed, symbols, .. } = &self.watched;
        let book = self.book.clone();
        let listed = feed.subscribers().list(Subscriber {
            pid: self.reader.as_ref().map(|(pid, _)| *pid),
            user: self.reader.as_ref().map(|(_, user)| user.clone()),
            table: E::NAME,
            symbols: symbols.as_ref().map(|symbols| symbols.iter().cloned().collect()),
            since: feed.now(),
            listening: subscription.listening(),
            published: Box::new(move || book.published()),
        });
        let hold = symbols.as_ref().map(|symbols| {
            let (hold, refused) = feed.demand().hold(E::NAME, followable::<E>(symbols).cloned());
            if let Some(first) = refused.first() {
                let more = refused.len();
                self.watched.notices.add(format!(
                    "{more} symbols such as {first} are not followed: queries have too many followed already"
                ));
            }
            hold
        });
        (Box::new(listed), hold)
    }

    /// The latest event of each symbol, as far as the filters let it pass; those that come while this looks may come again.
    fn latest(&self) -> Result<Option<RecordBatch>> {
        let mut events = match &self.watched.symbols {
            Some(symbols) => symbols.iter().filter_map(|symbol| self.book.latest_of(symbol)).collect(),
            None => self.book.latest(),
        };
        events.sort_unstable_by_key(|event| event.received_at());
        let delivery = |event| Delivery { event, missed: 0 };
        let batch = batch_of(events.into_iter().map(delivery).collect(), &self.schema)?;
        passing(batch, self.predicate.as_ref())
    }
}

impl<E: Event> PartitionStream for Follow<E> {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let subscription = self.book.subscribe(self.watched.symbols.clone());
        let latest = if FromLatest::is_in(&context) { self.latest().transpose() } else { None };
        let following = Following {
            _listed: self.list(&subscription),
            subscription,
            predicate: self.predicate.clone(),
            schema: self.schema.clone(),
            watch: FeedWatch::new(self.watched.clone()),
            begins_with_notice: self.begins_with_notice,
        };
        let batches = stream::try_unfold(following, |mut following| async move {
            Ok(following.next().await?.map(|batch| (batch, following)))
        });
        let batches = stream::iter(latest).chain(batches);
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

/// One running query that follows the events.
struct Following<E: Event> {
    subscription: Subscription<E>,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
    watch: FeedWatch,
    begins_with_notice: bool,
    /// Its place in the list of those that follow, and its demand; both end with it.
    _listed: (Box<dyn Any + Send + Sync>, Option<Hold>),
}

impl<E: Event> Following<E> {
    /// The next events; no rows where the session has something to hear; `None` when the book is gone.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let nothing = RecordBatch::new_empty(self.schema.clone());
        if std::mem::take(&mut self.begins_with_notice) {
            return Ok(Some(nothing));
        }
        let Self { subscription, predicate, schema, watch, .. } = self;
        tokio::select! {
            batch = next_batch(subscription, predicate.as_ref(), schema) => batch,
            news = watch.news() => news.map(|()| Some(nothing)),
        }
    }
}

/// Waits for events of which the predicate leaves at least one; `None` when the book is gone.
async fn next_batch<E: Event>(
    subscription: &mut Subscription<E>,
    predicate: Option<&Arc<dyn PhysicalExpr>>,
    schema: &SchemaRef,
) -> Result<Option<RecordBatch>> {
    while let Some(deliveries) = subscription.next_deliveries(BATCH_ROWS_MAX).await {
        if let Some(batch) = passing(batch_of(deliveries, schema)?, predicate)? {
            return Ok(Some(batch));
        }
    }
    Ok(None)
}

/// The rows of a batch that pass; `None` where there is none.
fn passing(batch: RecordBatch, predicate: Option<&Arc<dyn PhysicalExpr>>) -> Result<Option<RecordBatch>> {
    let batch = match predicate {
        Some(predicate) => {
            let passes = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
            filter_record_batch(&batch, passes.as_boolean())?
        }
        None => batch,
    };
    Ok(Some(batch).filter(|batch| batch.num_rows() > 0))
}

/// The deliveries as rows, with the number of missed events in the last column.
fn batch_of<E: Event>(deliveries: Vec<Delivery<E>>, schema: &SchemaRef) -> Result<RecordBatch> {
    let missed = deliveries.iter().map(|delivery| i64::try_from(delivery.missed).unwrap_or(i64::MAX));
    let missed = Int64Array::from_iter_values(missed);
    let events: Vec<Arc<E>> = deliveries.into_iter().map(|delivery| delivery.event).collect();
    let mut columns = arrays(&events);
    columns.push(Arc::new(missed));
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}
