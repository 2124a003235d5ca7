//! A book as a bounded DataFusion table: one row per symbol, the latest, sorted by symbol.

use super::columns::{arrays, schema};
use super::no_feed::NO_FEED;
use super::settle::{Terms, followable, newly_followed};
use super::symbols::{named_symbols, symbols_of_all};
use crate::live::feed::FeedBoard;
use crate::live::{Book, Live};
use crate::market::event::{Event, EventDescription};
use crate::table::context::QueryContext;
use crate::table::lookup::KeyedTable;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr, expressions};
use datafusion::physical_plan::ExecutionPlan;
use std::collections::HashSet;
use std::sync::Arc;

/// The latest event of each symbol that is followed. A scan is one look at the book; a filter on `symbol` looks up only those.
#[derive(Debug)]
pub(super) struct LatestTable<E: Event> {
    book: Arc<Book<E>>,
    feed: Arc<FeedBoard>,
    schema: SchemaRef,
}

impl<E: Event> LatestTable<E> {
    /// A table over the book of an event; its columns are those of the event's latest table.
    pub(super) fn new(live: &Live) -> Self {
        let (book, feed) = (live.book::<E>().clone(), live.feed().clone());
        Self { book, feed, schema: schema(&EventDescription::of::<E>().latest_columns()) }
    }

    /// What is known of the feed.
    pub(super) fn feed(&self) -> &Arc<FeedBoard> {
        &self.feed
    }

    /// Refuses the past and what is older than the session takes, and tells a reader of a server without a feed why there
    /// are no rows, and of a feed that is not whole how it is.
    fn check(&self, context: &QueryContext, symbols: Option<&HashSet<String>>) -> Result<()> {
        context.check_live(E::NAME)?;
        if !self.book.has_feed() {
            context.notices.add(format!("table \"{}\" is empty: {NO_FEED}", E::NAME));
        }
        let wrong = Terms::of(context).settle(&self.feed, E::NAME, E::NAME, symbols)?;
        wrong.into_iter().for_each(|text| context.notices.add(text));
        if let Some(symbols) = symbols {
            self.want(context, symbols);
        }
        Ok(())
    }

    /// Has the feed follow what a query names and nobody followed so far, and go on with what only queries name.
    fn want(&self, context: &QueryContext, symbols: &HashSet<String>) {
        let demand = self.feed.demand();
        let is_new = |symbol: &&String| self.latest_of(symbol).is_none();
        let named: Vec<&String> =
            followable::<E>(symbols).filter(|symbol| !demand.is_empty() || is_new(symbol)).collect();
        if named.is_empty() || self.feed.lines().is_empty() {
            return;
        }
        if let Some(text) = newly_followed(&self.feed, E::NAME, named.iter().copied()) {
            context.notices.add(text);
        }
        for symbol in named {
            if !self.feed.is_listed(E::NAME, symbol) && !demand.touch(E::NAME, symbol) {
                context
                    .notices
                    .add(format!("{symbol} is not followed: queries have too many symbols followed already"));
            }
        }
    }

    /// The latest event of a symbol. One that is not followed any more may be old, and is none.
    fn latest_of(&self, symbol: &str) -> Option<Arc<E>> {
        self.book.latest_of(symbol).filter(|_| self.feed.keeps(E::NAME, symbol))
    }

    /// Events the filters leave by symbol, sorted by symbol.
    fn events(&self, filters: &[Expr]) -> Vec<Arc<E>> {
        let mut events: Vec<Arc<E>> = match symbols_of_all(filters) {
            Some(symbols) => symbols.iter().filter_map(|symbol| self.latest_of(symbol)).collect(),
            None => {
                let all = self.book.latest().into_iter();
                all.filter(|event| self.feed.keeps(E::NAME, event.symbol())).collect()
            }
        };
        events.sort_unstable_by(|one, other| one.symbol().cmp(other.symbol()));
        events
    }
}

#[async_trait]
impl<E: Event> TableProvider for LatestTable<E> {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match named_symbols(filter) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    fn statistics(&self) -> Option<Statistics> {
        // Not exact: what is not followed any more has no row.
        Some(Statistics::new_unknown(&self.schema).with_num_rows(Precision::Inexact(self.book.len())))
    }

    /// The latest events at this moment, in memory. A server without a feed leaves a notice and gives no rows.
    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.check(&QueryContext::of(session), symbols_of_all(filters).as_ref())?;
        let batch = RecordBatch::try_new(self.schema.clone(), arrays(&self.events(filters)))?;
        let by_symbol = PhysicalSortExpr::new_default(expressions::col("symbol", &self.schema)?);
        let ordering: Vec<LexOrdering> = LexOrdering::new([by_symbol]).into_iter().collect();
        let rows = MemorySourceConfig::try_new(&[vec![batch]], self.schema.clone(), projection.cloned())?
            .try_with_sort_information(ordering)?
            .with_limit(limit);
        Ok(DataSourceExec::from_data_source(rows))
    }
}

#[async_trait]
impl<E: Event> KeyedTable for LatestTable<E> {
    fn key(&self) -> &'static str {
        "symbol"
    }

    async fn row(&self, context: &QueryContext, key: &str, columns: &[usize]) -> Result<RecordBatch> {
        let found = self.latest_of(key);
        // The usual case: nothing is wrong, nothing more is asked for, and the row is there.
        let is_plain = Terms::of(context).are_plain() && self.feed.is_whole() && self.feed.demand().is_empty();
        if !is_plain || context.as_of.is_some() || found.is_none() {
            self.check(context, Some(&HashSet::from([key.to_owned()])))?;
        }
        let events: Vec<Arc<E>> = found.into_iter().collect();
        let all = arrays(&events);
        let picked = columns.iter().filter_map(|column| all.get(*column).cloned()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(events.len()));
        Ok(RecordBatch::try_new_with_options(Arc::new(self.schema.project(columns)?), picked, &options)?)
    }
}
