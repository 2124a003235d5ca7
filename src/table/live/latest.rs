//! A book as a bounded table: one row per symbol, the latest, sorted by symbol.

use super::columns::{arrays, schema};
use super::no_feed::NO_FEED;
use super::symbols::{named_symbols, symbols_of_all};
use crate::live::Book;
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
use std::sync::Arc;

/// The latest event of each symbol. A scan is one look at the book; a filter on `symbol` looks up only those.
#[derive(Debug)]
pub(super) struct LatestTable<E: Event> {
    book: Arc<Book<E>>,
    schema: SchemaRef,
}

impl<E: Event> LatestTable<E> {
    pub(super) fn new(book: Arc<Book<E>>) -> Self {
        Self { book, schema: schema(&EventDescription::of::<E>().latest_columns()) }
    }

    /// Refuses the past, and tells a reader of a server without a feed why there are no rows.
    fn check(&self, context: &QueryContext) -> Result<()> {
        context.check_live(E::NAME)?;
        if !self.book.has_feed() {
            context.notices.add(format!("table \"{}\" is empty: {NO_FEED}", E::NAME));
        }
        Ok(())
    }

    /// Events the filters leave by symbol, sorted by symbol.
    fn events(&self, filters: &[Expr]) -> Vec<Arc<E>> {
        let mut events: Vec<Arc<E>> = match symbols_of_all(filters) {
            Some(symbols) => symbols.iter().filter_map(|symbol| self.book.latest_of(symbol)).collect(),
            None => self.book.latest(),
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
        Some(Statistics::new_unknown(&self.schema).with_num_rows(Precision::Exact(self.book.len())))
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.check(&QueryContext::of(session))?;
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
        self.check(context)?;
        let events: Vec<Arc<E>> = self.book.latest_of(key).into_iter().collect();
        let all = arrays(&events);
        let picked = columns.iter().filter_map(|column| all.get(*column).cloned()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(events.len()));
        Ok(RecordBatch::try_new_with_options(Arc::new(self.schema.project(columns)?), picked, &options)?)
    }
}
