//! The schema `pg_catalog`: what PostgreSQL clients read to learn which tables, columns and types there are.
//!
//! Every table is computed when it is scanned, from the live catalog: it is never older than the statement, and never a
//! copy of another server's. Tables for things this server does not have (indexes, triggers, ...) are there and empty.

pub mod definition;
pub mod description;
pub mod oid;
mod rows;
pub mod types;
mod value;

pub(crate) use rows::OWNER;

use super::function::SessionFacts;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{CatalogProvider, SchemaProvider, Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use definition::Definition;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// What people wrote about tables.
pub trait Comments: Debug + Send + Sync {
    /// The comment of a table or view.
    fn table(&self, schema: &str, table: &str) -> Option<String>;

    /// The comment of a column.
    fn column(&self, schema: &str, table: &str, column: &str) -> Option<String>;

    /// The SELECT a view stands for; `None` for a table.
    fn view_definition(&self, schema: &str, view: &str) -> Option<String>;
}

/// A catalog without comments and views.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoComments;

impl Comments for NoComments {
    fn table(&self, _: &str, _: &str) -> Option<String> {
        None
    }

    fn column(&self, _: &str, _: &str, _: &str) -> Option<String> {
        None
    }

    fn view_definition(&self, _: &str, _: &str) -> Option<String> {
        None
    }
}

/// The schema `pg_catalog` over a catalog.
pub fn pg_catalog(source: Arc<dyn CatalogProvider>, comments: Arc<dyn Comments>) -> Arc<dyn SchemaProvider> {
    Arc::new(PgCatalog { source, comments })
}

/// Whether a catalog table never has rows here.
pub fn always_empty(table: &str) -> bool {
    definition::find(table).is_some() && !rows::FILLED.contains(&table)
}

struct PgCatalog {
    source: Arc<dyn CatalogProvider>,
    comments: Arc<dyn Comments>,
}

impl Debug for PgCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PgCatalog")
    }
}

#[async_trait]
impl SchemaProvider for PgCatalog {
    fn table_names(&self) -> Vec<String> {
        definition::all().iter().map(|definition| definition.name.to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(definition) = definition::find(name) else { return Ok(None) };
        let table = CatalogTable { definition, source: self.source.clone(), comments: self.comments.clone() };
        Ok(Some(Arc::new(table)))
    }

    fn table_exist(&self, name: &str) -> bool {
        definition::find(name).is_some()
    }
}

/// One catalog table, computed when scanned.
struct CatalogTable {
    definition: &'static Definition,
    source: Arc<dyn CatalogProvider>,
    comments: Arc<dyn Comments>,
}

impl Debug for CatalogTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CatalogTable({})", self.definition.name)
    }
}

#[async_trait]
impl TableProvider for CatalogTable {
    fn schema(&self) -> SchemaRef {
        self.definition.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = if always_empty(self.definition.name) {
            Vec::new()
        } else {
            let description = description::describe(self.source.as_ref(), self.comments.as_ref()).await;
            let facts = state.config().get_extension::<SessionFacts>();
            let view = rows::View {
                description: &description,
                comments: self.comments.as_ref(),
                session: state,
                facts: facts.as_deref(),
            };
            rows::rows(self.definition.name, &view)
        };
        let batch = value::batch(self.definition, &rows)?;
        let exec = MemorySourceConfig::try_new_exec(&[vec![batch]], self.definition.schema(), projection.cloned())?;
        Ok(exec)
    }
}
