//! A `SystemSchema` is a DataFusion schema whose tables are computed when they are scanned, from the
//! live catalog: `pg_catalog` and `information_schema`.

use super::comments::Comments;
use super::definition::Definition;
use super::described;
use super::value::{self, Row, Value};
use super::view::View;
use crate::dialect::session::SessionFacts;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{CatalogProvider, SchemaProvider, Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// The rows of a table, by its name, from what a view of the catalog holds.
pub(crate) type Rows = fn(&str, &View<'_>) -> Vec<Row>;

/// One of the two schemas: its tables, and where their rows come from.
pub(crate) struct SystemSchema {
    /// The tables, sorted by name.
    pub(crate) tables: &'static [Definition],
    /// Finds a table by its name in lower case.
    pub(crate) find: fn(&str) -> Option<&'static Definition>,
    /// Computes the rows of a table.
    pub(crate) rows: Rows,
    /// The value of a column that a row does not name, by the name of its type.
    pub(crate) missing: fn(&str) -> Value,
    /// The catalog that the rows describe, which also holds this schema.
    pub(crate) source: Arc<dyn CatalogProvider>,
    /// What there is to say of tables beyond their columns.
    pub(crate) comments: Arc<dyn Comments>,
}

impl Debug for SystemSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemSchema")
    }
}

#[async_trait]
impl SchemaProvider for SystemSchema {
    fn table_names(&self) -> Vec<String> {
        self.tables.iter().map(|definition| definition.name.to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(definition) = (self.find)(name) else { return Ok(None) };
        let (source, comments) = (self.source.clone(), self.comments.clone());
        Ok(Some(Arc::new(CatalogTable { definition, rows: self.rows, missing: self.missing, source, comments })))
    }

    fn table_exist(&self, name: &str) -> bool {
        (self.find)(name).is_some()
    }
}

/// One table of such a schema, computed when scanned.
struct CatalogTable {
    definition: &'static Definition,
    rows: Rows,
    missing: fn(&str) -> Value,
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

    /// Computes all rows and gives the columns asked for; conditions are left to DataFusion's filter
    /// above. A table that is always empty does not describe the catalog.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let name = self.definition.name;
        let rows = if super::rows::always_empty(name) {
            Vec::new()
        } else {
            let description = match super::rows::looks_at_tables(name) {
                true => described::description(state, self.source.as_ref(), self.comments.as_ref()).await,
                false => Arc::default(),
            };
            let facts = state.config().get_extension::<SessionFacts>();
            let view = View {
                description: &description,
                comments: self.comments.as_ref(),
                session: state,
                facts: facts.as_deref(),
            };
            (self.rows)(name, &view)
        };
        let batch = value::batch(self.definition, &rows, self.missing, projection)?;
        let schema = batch.schema();
        let exec = MemorySourceConfig::try_new_exec(&[vec![batch]], schema, None)?;
        Ok(exec)
    }
}
