//! The state every session starts from: catalog, functions, limits, dialect.

use super::{Defaults, Engine, Queries, bounded, decorrelate, held, sum};
use crate::lake::Lake;
use crate::lake::dataset::LIVE_HISTORIES;
use crate::lake::freshness::FreshnessBoard;
use crate::lake::refresh::RefreshHandle;
use crate::live::Live;
use crate::live::spool::Uncommitted;
use crate::table::comment::OwnComments;
use crate::table::demand::DemandPlanner;
use crate::table::history::HistoryTable;
use crate::table::refreshing::RefreshingTable;
use crate::table::{function, information_schema, live, pg_catalog, system, view};
use anyhow::{Context, Result, anyhow};
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{FunctionRegistry, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Name of the one database.
pub const DATABASE: &str = "tt";

/// Parquet footers kept in memory, in bytes.
const METADATA_CACHE_BYTES: usize = 256 << 20;

/// What the engine is built from.
pub struct Parts {
    /// The lake.
    pub lake: Arc<Lake>,
    /// Freshness of every dataset.
    pub board: FreshnessBoard,
    /// Where stale tables ask for fresher rows.
    pub refresh: RefreshHandle,
    /// The live books.
    pub live: Arc<Live>,
    /// The histories of live events this process keeps, by dataset.
    pub histories: BTreeMap<&'static str, Arc<dyn Uncommitted>>,
    /// What runs.
    pub queries: Arc<Queries>,
    /// What every session is given.
    pub defaults: Defaults,
    /// Memory for all queries, in bytes.
    pub memory_bytes: usize,
    /// Disk for spilling, in bytes.
    pub spill_bytes: u64,
    /// The configuration in force, for `system.settings`.
    pub settings: Vec<crate::config::Setting>,
    /// Further tables of schema `system`.
    pub system_tables: Vec<(&'static str, system::SystemTable)>,
}

/// Builds the engine: every table and view is registered and can be planned.
pub async fn build(parts: Parts) -> Result<Engine> {
    let runtime = runtime(&parts)?;
    let mut state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config())
        .with_runtime_env(runtime.clone())
        .with_optimizer_rules(decorrelate::rules())
        .with_physical_optimizer_rule(Arc::new(held::Hold))
        .with_query_planner(Arc::new(DemandPlanner))
        .build();
    // Before the views, which keep the functions they are planned with.
    state.register_udaf(Arc::new(sum::function()))?;
    let context = SessionContext::new_with_state(state);
    let catalog = context.catalog(DATABASE).ok_or_else(|| anyhow!("the session has no catalog"))?;
    catalog.register_schema("public", public(&parts)?)?;
    catalog.register_schema("live", memory_schema(live::follow_tables(&parts.live))?)?;
    let sources = system::Sources {
        lake: parts.lake.clone(),
        board: parts.board.clone(),
        queries: parts.queries.clone(),
        settings: parts.settings,
    };
    catalog.register_schema("system", system::schema(&sources, parts.system_tables)?)?;
    view::register(&context).await.context("register the views")?;
    let comments = Arc::new(OwnComments);
    catalog.register_schema("pg_catalog", pg_catalog::pg_catalog(catalog.clone(), comments.clone()))?;
    let standard = information_schema::information_schema(catalog.clone(), comments.clone());
    catalog.register_schema("information_schema", standard)?;
    let mut state = context.state();
    function::register(&mut state, catalog, comments)?;
    bounded::bound(&mut state, &runtime.memory_pool).context("bound the functions")?;
    Ok(Engine::with_queries(state, parts.defaults, parts.queries))
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(DATABASE, "public")
        .with_create_default_catalog_and_schema(true);
    let options = config.options_mut();
    options.sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
    options.sql_parser.collect_spans = true;
    options.execution.parquet.pushdown_filters = false;
    options.execution.time_zone = Some("UTC".to_owned());
    config
}

fn runtime(parts: &Parts) -> Result<Arc<RuntimeEnv>> {
    let top = NonZeroUsize::MIN.saturating_add(4);
    let pool = TrackConsumersPool::new(FairSpillPool::new(parts.memory_bytes), top);
    let disk = DiskManagerBuilder::default().with_max_temp_directory_size(parts.spill_bytes);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(METADATA_CACHE_BYTES)
        .build_arc()
        .context("prepare memory and spill space for queries")?;
    let (url, store) = parts.lake.store();
    runtime.register_object_store(url, store.clone());
    Ok(runtime)
}

fn public(parts: &Parts) -> Result<Arc<dyn SchemaProvider>> {
    let schema = memory_schema(live::latest_tables(&parts.live))?;
    let url = ObjectStoreUrl::parse(parts.lake.store().0.as_str()).context("the address of the lake's store")?;
    for (name, freshness) in &parts.board {
        let Some(table) = parts.lake.table(name).cloned() else { continue };
        let provider: Arc<dyn TableProvider> = if LIVE_HISTORIES.contains(name) {
            let history = parts.histories.get(name).cloned();
            Arc::new(HistoryTable::new(table, history, url.clone()))
        } else {
            Arc::new(RefreshingTable::new(table, freshness.clone(), parts.refresh.clone(), url.clone()))
        };
        schema.register_table((*name).to_owned(), provider)?;
    }
    Ok(schema)
}

fn memory_schema(tables: Vec<live::NamedTable>) -> Result<Arc<dyn SchemaProvider>> {
    let schema = MemorySchemaProvider::new();
    for (name, table) in tables {
        schema.register_table(name.to_owned(), table)?;
    }
    Ok(Arc::new(schema))
}
