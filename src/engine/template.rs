//! The template session state: the catalog, limits and dialect that every session starts from.

use super::handle::{Engine, extensions};
use super::run::queries::Queries;
use super::run::spill::Spills;
use super::run::{queries_table, window_memory};
use super::session::settings::Defaults;
use super::shared::DATABASE;
use crate::dialect::catalog::Comments;
use crate::dialect::{self, Host};
use crate::scan::resident_rule::ResidentScans;
use crate::table::comment::OwnComments;
use crate::table::kept_view::KeptViews;
use crate::table::planner::DemandPlanner;
use crate::table::schemas::{self, Tables};
use crate::table::view;
use crate::temporary::provider::TemporaryTable;
use anyhow::{Context, Result, anyhow};
use datafusion::catalog::TableProvider;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Parquet footers kept in memory, in bytes.
const METADATA_CACHE_BYTES: usize = 256 << 20;

/// What the program hands in to build an engine.
pub struct Parts {
    /// The tables of the catalog, by what they read.
    pub tables: Tables,
    /// The list of running statements, which `system.queries` and the front ends share.
    pub queries: Arc<Queries>,
    /// The limits that every session's settings begin with.
    pub defaults: Defaults,
    /// Memory for all running queries together, in bytes.
    pub memory_bytes: usize,
    /// Disk space for spilled sorts, joins and groups of all queries together, in bytes.
    pub spill_bytes: u64,
}

/// Builds the engine: every table and view is registered and can be planned.
///
/// # Errors
/// A part of the dialect that DataFusion does not take, or a view that does not plan, by name: the server refuses to
/// start.
pub async fn build(mut parts: Parts) -> Result<Engine> {
    let extensions = extensions();
    let planners = dialect::planners().into_iter().chain(extensions.iter().flat_map(|extension| extension.planners()));
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config())
        .with_runtime_env(runtime(&parts)?)
        .with_physical_optimizer_rule(Arc::new(ResidentScans::new(parts.tables.residents.clone())))
        .with_physical_optimizer_rule(Arc::new(window_memory::WindowMemory))
        .with_query_planner(Arc::new(DemandPlanner::new(planners.collect())))
        .build();
    let context = SessionContext::new_with_state(state);
    let catalog = context.catalog(DATABASE).ok_or_else(|| anyhow!("the session has no catalog"))?;
    parts.tables.system_tables.push(("queries", queries_table::table(parts.queries.clone())));
    let kept_views = parts.tables.kept_views.clone();
    schemas::register(parts.tables, catalog.as_ref())?;
    let host = Host { catalog, comments: Arc::new(OwnComments), rereads, extensions };
    let state = dialect::install(context.state(), &host).context("install PostgreSQL's meaning of SQL")?;
    let context = SessionContext::new_with_state(state);
    view::register(&context, &kept_views).await.context("register the views")?;
    Ok(Engine::with_queries(context.state(), parts.defaults, parts.queries))
}

/// An engine over a DataFusion context as it stands: its default catalog is what there is to query. For tests, and for
/// programs that bring tables of their own.
///
/// # Errors
/// As [`build`].
pub fn over(context: &SessionContext, comments: Arc<dyn Comments>, defaults: Defaults) -> Result<Engine> {
    let state = context.state();
    let name = &state.config_options().catalog.default_catalog;
    let catalog = context.catalog(name).ok_or_else(|| anyhow!("the context has no catalog {name}"))?;
    let host = Host { catalog, comments, rereads, extensions: extensions() };
    let planners =
        dialect::planners().into_iter().chain(host.extensions.iter().flat_map(|extension| extension.planners()));
    let planner = Arc::new(DemandPlanner::new(planners.collect()));
    let state = SessionStateBuilder::new_from_existing(state).with_query_planner(planner).build();
    let state = dialect::install(state, &host).context("install PostgreSQL's meaning of SQL")?;
    Ok(Engine::with_queries(state, defaults, Arc::default()))
}

/// Registers the views over the tables of a context, with the functions that they call: what comes before [`over`] where
/// there are to be views.
///
/// # Errors
/// A view that does not plan, by name.
pub async fn views_over(context: &SessionContext) -> Result<()> {
    crate::market_sql::register(context)?;
    view::register(context, &KeptViews::default()).await
}

/// Whether a table has the same rows when one statement scans it twice: a session changes its own tables between
/// statements.
fn rereads(table: &dyn TableProvider) -> bool {
    schemas::rereads(table) || table.is::<TemporaryTable>()
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(DATABASE, "public")
        .with_create_default_catalog_and_schema(true);
    let options = config.options_mut();
    options.sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
    options.sql_parser.collect_spans = true;
    options.execution.parquet.pushdown_filters = false;
    // Rows that lie apart by a symbol lie apart by a symbol and a week: no exchange between threads is needed.
    options.optimizer.subset_repartition_threshold = 2;
    config
}

fn runtime(parts: &Parts) -> Result<Arc<RuntimeEnv>> {
    let top = NonZeroUsize::MIN.saturating_add(4);
    let pool = TrackConsumersPool::new(FairSpillPool::new(parts.memory_bytes), top);
    let spills = Spills::below(&std::env::temp_dir(), parts.spill_bytes);
    let disk = DiskManagerBuilder::default().with_temp_file_factory(Arc::new(spills));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(METADATA_CACHE_BYTES)
        .build_arc()
        .context("prepare memory and spill space for queries")?;
    let (url, store) = parts.tables.lake.store();
    runtime.register_object_store(url, store.clone());
    Ok(runtime)
}
