//! The statements `REFRESH TABLE` and `EXPLAIN FRESHNESS` as DataFusion tables: their rows are made when they are
//! scanned.
//!
//! `REFRESH TABLE` asks for a refresh, waits for its end and gives one row about it. `EXPLAIN FRESHNESS` gives a row
//! per table that a query would read and one about its result, with what is doubtful about their rows, and never asks for
//! anything.

use super::context::QueryContext;
use super::inputs::{InputFreshness, Inputs};
use super::planner::{demand_of, items_read};
use super::refreshing::RefreshingTable;
use crate::error::{ErrorKind, QueryError};
use crate::lake::dataset::instant;
use crate::lake::freshness::Freshness;
use crate::lake::quality::DoubtSummary;
use crate::lake::refresh::RefreshHandle;
use crate::system::schema::{instants, interval, intervals, text_list};
use arrow::array::{ArrayRef, Int64Array, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// REFRESH TABLE of one dataset. Each scan is one refresh.
#[derive(Debug)]
pub struct RefreshCommand {
    freshness: Arc<Freshness>,
    refresh: RefreshHandle,
    schema: SchemaRef,
}

impl RefreshCommand {
    /// The command for a table of the catalog; `name` is for messages.
    ///
    /// # Errors
    /// [`ErrorKind::WrongObject`] for a view and for a table that no source fills.
    pub fn new(name: &str, table: &dyn TableProvider) -> Result<Self, QueryError> {
        let Some(table) = table.downcast_ref::<RefreshingTable>() else {
            let (what, hint) = match table.table_type() {
                TableType::View => ("is a view", "Refresh the tables it reads; EXPLAIN FRESHNESS lists them."),
                _ => ("is not a cached table", "Its rows are always those of now."),
            };
            return Err(QueryError::new(ErrorKind::WrongObject, format!("\"{name}\" {what}")).with_hint(hint));
        };
        let count = |name: &str| Field::new(name, DataType::Int64, true);
        let dataset = Field::new("dataset", DataType::Utf8, false);
        let schema = Schema::new(vec![dataset, count("version"), count("rows"), count("failed")]);
        let (freshness, _) = table.parts();
        Ok(Self { freshness: freshness.clone(), refresh: table.refresh().clone(), schema: Arc::new(schema) })
    }
}

#[async_trait]
impl TableProvider for RefreshCommand {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    /// Waits for the refresh to end, however long it takes, and gives one row: dataset, version, rows, items that
    /// failed. Fails with kind Source (SQLSTATE TT002) when the refresh does.
    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let dataset = self.freshness.dataset;
        if let Err(reason) = self.refresh.refresh(dataset, "command").await {
            let error = QueryError::new(ErrorKind::Source, format!("cannot refresh \"{dataset}\": {reason}"));
            return Err(DataFusionError::External(Box::new(error)));
        }
        let remembered = self.freshness.remembered();
        let run = remembered.runs.back();
        let number = |value: Option<u64>| -> ArrayRef {
            Arc::new(Int64Array::from(vec![value.and_then(|value| i64::try_from(value).ok())]))
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![dataset])),
            number(run.and_then(|run| run.version)),
            number(run.map(|run| run.rows)),
            number(run.map(|run| run.failed.len() as u64)),
        ];
        let row = RecordBatch::try_new(self.schema.clone(), columns)?;
        Ok(MemorySourceConfig::try_new_exec(&[vec![row]], self.schema.clone(), projection.cloned())?)
    }
}

/// EXPLAIN FRESHNESS of a planned query: the tables it reads, through views, joins and subqueries, each once and sorted
/// by name, and the result. In a session that reads the past, all as it was then.
#[derive(Debug)]
pub struct FreshnessCommand {
    plan: LogicalPlan,
    inputs: Inputs,
    schema: SchemaRef,
}

/// The command for a planned query; the Flight server, which needs the facts and not a table, calls [`Inputs`].
pub fn explain_freshness(plan: &LogicalPlan) -> Result<FreshnessCommand> {
    let inputs = Inputs::of(plan)?;
    let fields = [
        ("dataset", DataType::Utf8),
        ("state", DataType::Utf8),
        ("age", interval()),
        ("ttl", DataType::Utf8),
        ("expires_at", instant()),
        ("version", DataType::Int64),
        ("feed_class", DataType::Utf8),
        ("last_error", DataType::Utf8),
        ("items", text_list()),
        ("doubts", DataType::Utf8),
        ("gravest_doubt", DataType::Utf8),
    ];
    let fields = fields.into_iter().map(|(name, data_type)| Field::new(name, data_type, true));
    Ok(FreshnessCommand { plan: plan.clone(), inputs, schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())) })
}

#[async_trait]
impl TableProvider for FreshnessCommand {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    /// Optimises the query to see which items it needs, and gives a row per table and one for the result. Nothing is
    /// refreshed.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = state.optimize(&self.plan)?;
        let told = self.inputs.told(&demand_of(&plan)?, QueryContext::of(state).as_of).await?;
        let doubts = self.inputs.doubts(&items_read(&plan)?).await;
        let rows = rows(&told, &doubts, &self.schema)?;
        Ok(MemorySourceConfig::try_new_exec(&[vec![rows]], self.schema.clone(), projection.cloned())?)
    }
}

/// One row for each input and one for the result, in the columns of [`explain_freshness`]. `items` is NULL when the
/// whole table is needed, and the doubts are where there are none.
fn rows(all: &[InputFreshness], doubts: &[DoubtSummary], schema: &SchemaRef) -> Result<RecordBatch> {
    let version = |one: &InputFreshness| one.version.and_then(|version| i64::try_from(version).ok());
    let mut items = ListBuilder::new(StringBuilder::new());
    for one in all {
        items.append_option(one.scope.names().map(|names| names.iter().map(Some)));
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| &one.dataset))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.state.name()))),
        intervals(all.iter().map(|one| one.age)),
        Arc::new(all.iter().map(|one| one.ttl.clone()).collect::<StringArray>()),
        instants(all.iter().map(|one| one.expires_at)),
        Arc::new(all.iter().map(version).collect::<Int64Array>()),
        Arc::new(all.iter().map(|one| one.feed_class).collect::<StringArray>()),
        Arc::new(all.iter().map(|one| one.last_error.clone()).collect::<StringArray>()),
        Arc::new(items.finish()),
        Arc::new(doubts.iter().map(DoubtSummary::counts).collect::<StringArray>()),
        Arc::new(doubts.iter().map(DoubtSummary::example).collect::<StringArray>()),
    ];
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}
