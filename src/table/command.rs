//! Statements of our own as tables: their rows are made when they are scanned.
//!
//! `REFRESH TABLE` asks for a refresh, waits for its end and gives one row about it. `EXPLAIN FRESHNESS` gives a row per
//! table that a query would read, and never asks for anything.

use super::refreshing::RefreshingTable;
use super::system::{SystemTable, instants, interval, intervals, ttl_text};
use crate::engine::{ErrorKind, QueryError};
use crate::lake::LakeTable;
use crate::lake::dataset::instant;
use crate::lake::freshness::{Freshness, State};
use crate::lake::refresh::RefreshHandle;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// Name of the last row of EXPLAIN FRESHNESS, which is about the query as a whole.
const RESULT: &str = "(result)";

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

/// A table that a query reads.
#[derive(Debug, Clone)]
enum Input {
    Cached(Arc<Freshness>, Arc<LakeTable>),
    /// Always of now: live events, and tables about the server.
    Live(String),
}

impl Input {
    fn name(&self) -> &str {
        match self {
            Self::Cached(freshness, _) => freshness.dataset,
            Self::Live(name) => name,
        }
    }
}

/// How fresh a table is that a query reads, or the query as a whole.
#[derive(Debug, Clone)]
pub struct InputFreshness {
    /// Name of the table; `(result)` for the whole.
    pub dataset: String,
    /// `live`, or the state in `system.freshness`.
    pub state: &'static str,
    /// How old its rows are; `None` where they are always of now, or there are none.
    pub age: Option<TimeDelta>,
    /// Its time to live, as the configuration words it.
    pub ttl: Option<String>,
    /// When the rows go stale.
    pub expires_at: Option<DateTime<Utc>>,
    /// Version of its table in the lake.
    pub version: Option<u64>,
    /// Class of the feed its rows are from.
    pub feed_class: Option<&'static str>,
    /// Why its last refresh failed.
    pub last_error: Option<String>,
}

/// EXPLAIN FRESHNESS of a planned query: the tables it reads, through views, joins and subqueries, each once and sorted by name.
pub fn explain_freshness(plan: &LogicalPlan) -> Result<SystemTable> {
    let inputs = inputs(plan)?;
    let columns = vec![
        ("dataset", DataType::Utf8),
        ("state", DataType::Utf8),
        ("age", interval()),
        ("ttl", DataType::Utf8),
        ("expires_at", instant()),
        ("version", DataType::Int64),
        ("feed_class", DataType::Utf8),
        ("last_error", DataType::Utf8),
    ];
    Ok(SystemTable::new(columns, Arc::new(move |schema| rows(&inputs, schema))))
}

/// How fresh the tables of a planned query are now, each once and sorted by name; last the query as a whole.
pub fn freshness_of(plan: &LogicalPlan) -> Result<Vec<InputFreshness>> {
    Ok(all_told(&inputs(plan)?))
}

fn all_told(inputs: &[Input]) -> Vec<InputFreshness> {
    let mut all: Vec<InputFreshness> = inputs.iter().map(told).collect();
    let result = whole(inputs, &all);
    all.push(result);
    all
}

fn inputs(plan: &LogicalPlan) -> Result<Vec<Input>> {
    let mut inputs: Vec<Input> = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            let input = match provider.downcast_ref::<RefreshingTable>() {
                Some(table) => {
                    let (freshness, table) = table.parts();
                    Input::Cached(freshness.clone(), table.clone())
                }
                None => Input::Live(scan.table_name.to_string()),
            };
            if inputs.iter().all(|known| known.name() != input.name()) {
                inputs.push(input);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    inputs.sort_by(|left, right| left.name().cmp(right.name()));
    Ok(inputs)
}

fn rows(inputs: &[Input], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let all = all_told(inputs);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| &one.dataset))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.state))),
        intervals(all.iter().map(|one| one.age)),
        Arc::new(all.iter().map(|one| one.ttl.clone()).collect::<StringArray>()),
        instants(all.iter().map(|one| one.expires_at)),
        Arc::new(
            all.iter().map(|one| one.version.and_then(|version| i64::try_from(version).ok())).collect::<Int64Array>(),
        ),
        Arc::new(all.iter().map(|one| one.feed_class).collect::<StringArray>()),
        Arc::new(all.iter().map(|one| one.last_error.clone()).collect::<StringArray>()),
    ];
    RecordBatch::try_new(schema.clone(), columns)
}

fn told(input: &Input) -> InputFreshness {
    match input {
        Input::Cached(freshness, table) => InputFreshness {
            dataset: freshness.dataset.to_owned(),
            state: freshness.state().name(),
            age: freshness.age(),
            ttl: freshness.policy.map(|policy| ttl_text(policy.ttl)),
            expires_at: freshness.expires_at(),
            version: table.current().map(|snapshot| snapshot.version),
            feed_class: Some(freshness.feed_class),
            last_error: freshness.remembered().last_error.clone(),
        },
        Input::Live(name) => InputFreshness {
            dataset: name.clone(),
            state: "live",
            age: None,
            ttl: None,
            expires_at: None,
            version: None,
            feed_class: None,
            last_error: None,
        },
    }
}

/// The query as a whole: the worst state, the oldest rows, the first to expire, the weakest feed.
fn whole(inputs: &[Input], all: &[InputFreshness]) -> InputFreshness {
    let states = inputs.iter().filter_map(|input| match input {
        Input::Cached(freshness, _) => Some(freshness.state()),
        Input::Live(_) => None,
    });
    let classes = all.iter().filter_map(|one| one.feed_class);
    InputFreshness {
        dataset: RESULT.to_owned(),
        state: states.max_by_key(|state| badness(*state)).map_or("live", State::name),
        age: all.iter().filter_map(|one| one.age).max(),
        ttl: None,
        expires_at: all.iter().filter_map(|one| one.expires_at).min(),
        version: None,
        feed_class: classes.max_by_key(|class| weakness(class)),
        last_error: None,
    }
}

fn badness(state: State) -> u8 {
    match state {
        State::Live => 0,
        State::Fresh => 1,
        State::Refreshing => 2,
        State::Stale => 3,
        State::Failed => 4,
        State::Missing => 5,
    }
}

/// A made-up price is worth less than an old file, which is worth less than a late feed.
fn weakness(feed_class: &str) -> u8 {
    match feed_class {
        "real-time" => 0,
        "delayed" => 1,
        "imported" => 2,
        _ => 3,
    }
}
