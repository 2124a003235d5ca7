//! What there is to query, for front ends whose protocol asks for it without SQL.

use super::handle::Engine;
use crate::dialect::catalog::Comments;
use crate::dialect::function::{self, Section};
use crate::error::QueryError;
use crate::table::comment::OwnComments;
use arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::logical_expr::TableType;

/// Schemas that describe the others.
const ABOUT_SCHEMAS: [&str; 2] = ["information_schema", "pg_catalog"];

/// What kind of table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableKind {
    /// Rows of its own.
    Table,
    /// A stored query, planned into whatever reads it.
    View,
    /// About the catalog itself.
    System,
}

/// One table or view.
#[derive(Debug, Clone)]
pub struct TableFacts {
    /// Schema it stands in, such as `public`.
    pub schema: String,
    /// Name without its schema.
    pub name: String,
    /// Whether rows, a query or the catalog stands behind it.
    pub kind: TableKind,
    /// What a row is, for people.
    pub comment: Option<String>,
    /// Columns in order, with arrow types.
    pub columns: SchemaRef,
    /// Columns that identify a row; none where that is not known.
    pub key: &'static [&'static str],
}

impl Engine {
    /// Name of the one database.
    pub fn catalog_name(&self) -> String {
        self.template().config_options().catalog.default_catalog.clone()
    }

    /// Names of the schemas, sorted.
    pub fn schema_names(&self) -> Vec<String> {
        let catalog = self.template().catalog_list().catalog(&self.catalog_name());
        let mut names = catalog.map(|catalog| catalog.schema_names()).unwrap_or_default();
        let described = "information_schema".to_owned();
        if self.template().config_options().catalog.information_schema && !names.contains(&described) {
            names.push(described);
        }
        names.sort();
        names
    }

    /// Scalar functions and what each is about, sorted by name.
    pub fn functions(&self) -> Vec<(String, Section)> {
        function::sections(self.template())
    }

    /// Tables and views of one schema, those whose name is wanted, sorted by name.
    pub async fn tables_of(
        &self,
        schema: &str,
        wanted: impl Fn(&str) -> bool + Send,
    ) -> Result<Vec<TableFacts>, QueryError> {
        let reference = TableReference::partial(schema, "x");
        let Ok(provider) = self.template().schema_for_ref(reference) else { return Ok(Vec::new()) };
        let mut names = provider.table_names();
        names.retain(|name| wanted(name));
        names.sort();
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            let table = provider.table(&name).await?;
            // A table that went between the two looks is not there.
            let Some(table) = table else { continue };
            let kind = match table.table_type() {
                _ if ABOUT_SCHEMAS.contains(&schema) => TableKind::System,
                TableType::View => TableKind::View,
                TableType::Base | TableType::Temporary => TableKind::Table,
            };
            let columns = table.schema();
            let comment = OwnComments.table(schema, &name);
            let key = OwnComments.key(schema, &name);
            tables.push(TableFacts { schema: schema.to_owned(), name, kind, comment, columns, key });
        }
        Ok(tables)
    }
}
