//! The schemas `public`, `live` and `system` of the catalog, and which table stands in which; and the tables of `public` as
//! they were at a moment.

use super::history::HistoryTable;
use super::kept_view::{KeptView, KeptViews};
use super::lookup::RangedTable;
use super::refreshing::RefreshingTable;
use super::{live, views};
use crate::dialect::past_name;
use crate::error::{ErrorKind, QueryError};
use crate::lake::Lake;
use crate::lake::dataset::is_live_history;
use crate::lake::freshness::FreshnessBoard;
use crate::lake::refresh::RefreshHandle;
use crate::live::Live;
use crate::live::spool::Uncommitted;
use crate::resident::Residents;
use crate::system::{quality, schema as system};
use anyhow::{Context, Result};
use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, MemTable, MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the tables of the catalog read: the lake, the live books and the facts about the server.
pub struct Tables {
    /// The lake, whose datasets stand in `public`.
    pub lake: Arc<Lake>,
    /// Freshness of every dataset.
    pub board: FreshnessBoard,
    /// Where stale tables ask for fresher rows.
    pub refresh: RefreshHandle,
    /// The books of live events: latest rows in `public`, streams in `live`.
    pub live: Arc<Live>,
    /// The histories of live events this process keeps, by dataset.
    pub histories: BTreeMap<&'static str, Arc<dyn Uncommitted>>,
    /// Columns of the lake that are in memory.
    pub residents: Arc<Residents>,
    /// Rows of views that are in memory.
    pub kept_views: KeptViews,
    /// The configuration in force, for `system.settings`; secrets hidden.
    pub settings: Vec<system::Setting>,
    /// Further tables of schema `system`.
    pub system_tables: Vec<(&'static str, system::SystemTable)>,
}

/// Registers the schemas `public`, `live` and `system`; the views of `public` are planned later, over these.
///
/// # Errors
/// An address of the lake's store that is none, or a name that is taken.
pub fn register(tables: Tables, catalog: &dyn CatalogProvider) -> Result<()> {
    catalog.register_schema("public", public(&tables)?)?;
    catalog.register_schema("live", memory_schema(live::follow_tables(&tables.live))?)?;
    let further = tables.system_tables.into_iter().chain(quality::tables(&tables.lake));
    let further = further.chain([("views", views::table())]).collect();
    let sources = system::Sources { lake: tables.lake, board: tables.board, settings: tables.settings };
    catalog.register_schema("system", system::schema(&sources, further)?)?;
    Ok(())
}

/// Whether a table has the same rows when one statement scans it twice: a cached table is read in one version, and rows
/// in memory stay. Live and system tables move on.
pub fn rereads(table: &dyn TableProvider) -> bool {
    table.is::<RefreshingTable>() || table.is::<KeptView>() || table.is::<MemTable>()
}

/// A provider as a table whose rows are found by the first columns of their key, if it is one.
pub(crate) fn ranged(provider: &dyn TableProvider) -> Option<&dyn RangedTable> {
    let cached = provider.downcast_ref::<RefreshingTable>().map(|table| table as &dyn RangedTable);
    let history = || provider.downcast_ref::<HistoryTable>().map(|table| table as &dyn RangedTable);
    let view = || provider.downcast_ref::<KeptView>().map(|view| view as &dyn RangedTable);
    cached.or_else(history).or_else(view)
}

/// Datasets of the lake as cached tables or histories, beside the latest events of every book.
fn public(tables: &Tables) -> Result<Arc<dyn SchemaProvider>> {
    let schema = memory_schema(live::latest_tables(&tables.live))?;
    let url = ObjectStoreUrl::parse(tables.lake.store().0.as_str()).context("the address of the lake's store")?;
    for (name, freshness) in &tables.board {
        let Some(table) = tables.lake.table(name).cloned() else { continue };
        let provider: Arc<dyn TableProvider> = if is_live_history(name) {
            let history = tables.histories.get(name).cloned();
            Arc::new(HistoryTable::new(table, history, url.clone()).with_residents(tables.residents.clone()))
        } else {
            let refreshing = RefreshingTable::new(table, freshness.clone(), tables.refresh.clone(), url.clone());
            Arc::new(refreshing.with_residents(tables.residents.clone()))
        };
        schema.register_table((*name).to_owned(), provider)?;
    }
    Ok(Arc::new(WithPast(schema)))
}

/// A schema whose tables of the lake are found at a moment too, by the name that [`past_name`] makes.
#[derive(Debug)]
struct WithPast(Arc<dyn SchemaProvider>);

#[async_trait]
impl SchemaProvider for WithPast {
    fn table_names(&self) -> Vec<String> {
        self.0.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let Some((own, at)) = past_name::split(name) else { return self.0.table(name).await };
        let Some(table) = self.0.table(own).await? else { return Ok(None) };
        let cached =
            table.downcast_ref::<RefreshingTable>().map(|table| Arc::new(table.at(at)) as Arc<dyn TableProvider>);
        let history =
            || table.downcast_ref::<HistoryTable>().map(|table| Arc::new(table.at(at)) as Arc<dyn TableProvider>);
        cached.or_else(history).map(Some).ok_or_else(|| {
            let message = format!("table \"{own}\" is live and cannot be read as of a moment");
            DataFusionError::External(Box::new(QueryError::new(ErrorKind::NotSupported, message)))
        })
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        self.0.register_table(name, table)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        self.0.deregister_table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.table_exist(past_name::own(name))
    }
}

/// A schema that holds these tables in memory; it fails for a name that is there already.
fn memory_schema(tables: Vec<live::NamedTable>) -> Result<Arc<dyn SchemaProvider>> {
    let schema = MemorySchemaProvider::new();
    for (name, table) in tables {
        schema.register_table(name.to_owned(), table)?;
    }
    Ok(Arc::new(schema))
}
