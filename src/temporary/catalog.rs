//! The catalog of a session that has temporary tables: that of all, with a schema of its own before it.

use super::contents::{Contents, Relation};
use super::provider::TemporaryTable;
use async_trait::async_trait;
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::Result;
use std::fmt;
use std::sync::Arc;

/// The name under which any session may call its own temporary schema.
pub(crate) const ALIAS: &str = "pg_temp";

/// What follows the name of a table whose rows are to be numbered; no identifier of a client has it.
const NUMBERED: &str = "\u{2}numbered";

/// The name by which a table is found with its rows numbered.
pub(crate) fn numbered(table: &str) -> String {
    format!("{table}{NUMBERED}")
}

/// The name of the temporary schema of a session, by its number.
pub(crate) fn schema_of(pid: i32) -> String {
    format!("{ALIAS}_{pid}")
}

/// The temporary schema of one session.
pub(crate) struct TemporarySchema {
    contents: Box<dyn Fn() -> Contents + Send + Sync>,
}

impl TemporarySchema {
    /// The schema of a session with these contents, asked for each time.
    pub(crate) fn new(contents: impl Fn() -> Contents + Send + Sync + 'static) -> Self {
        Self { contents: Box::new(contents) }
    }
}

impl fmt::Debug for TemporarySchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TemporarySchema")
    }
}

#[async_trait]
impl SchemaProvider for TemporarySchema {
    fn table_names(&self) -> Vec<String> {
        (self.contents)().names().map(str::to_owned).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let contents = (self.contents)();
        let plain = name.strip_suffix(NUMBERED);
        Ok(match contents.relation(plain.unwrap_or(name)) {
            Some(Relation::Table(table)) => {
                Some(Arc::new(TemporaryTable::new(plain.unwrap_or(name), table, plain.is_some())))
            }
            Some(Relation::View(view)) => {
                Some(Arc::new(ViewTable::new(view.plan.as_ref().clone(), Some(view.sql.clone()))))
            }
            None => None,
        })
    }

    fn table_exist(&self, name: &str) -> bool {
        (self.contents)().relation(name.strip_suffix(NUMBERED).unwrap_or(name)).is_some()
    }
}

/// A catalog with a schema before the others.
pub(crate) struct WithTemporary {
    /// The catalog of all sessions.
    pub(crate) base: Arc<dyn CatalogProvider>,
    /// Name of the temporary schema.
    pub(crate) name: String,
    /// The temporary schema itself.
    pub(crate) schema: Arc<TemporarySchema>,
    /// Schemas that stand in the place of the base's own, by their names.
    pub(crate) instead: Vec<(String, Arc<dyn SchemaProvider>)>,
}

impl fmt::Debug for WithTemporary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WithTemporary({})", self.name)
    }
}

impl CatalogProvider for WithTemporary {
    fn schema_names(&self) -> Vec<String> {
        let mut names = self.base.schema_names();
        names.push(self.name.clone());
        names
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        if name == self.name || name == ALIAS {
            return Some(self.schema.clone());
        }
        let instead = self.instead.iter().find(|(own, _)| own == name).map(|(_, schema)| schema.clone());
        instead.or_else(|| self.base.schema(name))
    }
}
