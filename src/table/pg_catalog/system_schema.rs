//! A schema whose tables are computed when they are scanned, from the live catalog: `pg_catalog` and `information_schema`.

use super::definition::Definition;
use super::value::{self, Row, Value};
use super::{Comments, View, description};
use crate::table::function::SessionFacts;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{CatalogProvider, SchemaProvider, Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// The rows of a table, by its name.
pub(in crate::table) type Rows = fn(&str, &View<'_>) -> Vec<Row>;

/// The schema.
pub(in crate::table) struct SystemSchema {
    pub(in crate::table) tables: &'static [Definition],
    pub(in crate::table) find: fn(&str) -> Option<&'static Definition>,
    pub(in crate::table) rows: Rows,
    /// The value of a column that a row does not name, by the name of its type.
    pub(in crate::table) missing: fn(&str) -> Value,
    pub(in crate::table) source: Arc<dyn CatalogProvider>,
    pub(in crate::table) comments: Arc<dyn Comments>,
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

/// One table, computed when scanned.
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

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = if super::always_empty(self.definition.name) {
            Vec::new()
        } else {
            let description = description::describe(self.source.as_ref(), self.comments.as_ref()).await;
            let facts = state.config().get_extension::<SessionFacts>();
            let view = View {
                description: &description,
                comments: self.comments.as_ref(),
                session: state,
                facts: facts.as_deref(),
            };
            (self.rows)(self.definition.name, &view)
        };
        let batch = value::batch(self.definition, &rows, self.missing)?;
        let exec = MemorySourceConfig::try_new_exec(&[vec![batch]], self.definition.schema(), projection.cloned())?;
        Ok(exec)
    }
}
