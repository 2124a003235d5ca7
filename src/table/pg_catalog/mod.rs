//! The schema `pg_catalog`: what PostgreSQL clients read to learn which tables, columns and types there are.
//!
//! Every table is computed when it is scanned, from the live catalog: it is never older than the statement, and never a
//! copy of another server's. Tables for things this server does not have (indexes, triggers, ...) are there and empty.

pub mod definition;
pub mod description;
pub(in crate::table) mod functions;
pub(in crate::table) mod keys;
pub mod oid;
mod rows;
pub(in crate::table) mod system_schema;
pub mod types;
pub(in crate::table) mod value;

pub(crate) use rows::OWNER;
pub(in crate::table) use rows::View;

use datafusion::catalog::{CatalogProvider, SchemaProvider};
use std::fmt::Debug;
use std::sync::Arc;
use system_schema::SystemSchema;

/// What is known of tables beyond their columns: what people wrote about them, and what tells their rows apart.
pub trait Comments: Debug + Send + Sync {
    /// The comment of a table or view.
    fn table(&self, schema: &str, table: &str) -> Option<String>;

    /// The comment of a column.
    fn column(&self, schema: &str, table: &str, column: &str) -> Option<String>;

    /// The SELECT a view stands for; `None` for a table.
    fn view_definition(&self, schema: &str, view: &str) -> Option<String>;

    /// The columns that identify a row: never NULL, and no two rows alike in them. Empty when nothing guarantees that.
    fn key(&self, schema: &str, table: &str) -> &'static [&'static str];
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

    fn key(&self, _: &str, _: &str) -> &'static [&'static str] {
        &[]
    }
}

/// The schema `pg_catalog` over a catalog.
pub fn pg_catalog(source: Arc<dyn CatalogProvider>, comments: Arc<dyn Comments>) -> Arc<dyn SchemaProvider> {
    let (find, rows, missing) = (definition::find, rows::rows, value::default_of);
    Arc::new(SystemSchema { tables: definition::all(), find, rows, missing, source, comments })
}

/// Whether a catalog table never has rows here.
pub fn always_empty(table: &str) -> bool {
    definition::find(table).is_some() && !rows::FILLED.contains(&table)
}
