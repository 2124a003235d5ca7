//! The schema `information_schema`: the SQL standard's views of the catalog, with PostgreSQL's columns.
//!
//! Computed when scanned, as `pg_catalog` is, and of the same facts: the two never disagree.

pub(super) mod definition;
mod rows;

use super::pg_catalog::Comments;
use super::pg_catalog::system_schema::SystemSchema;
use super::pg_catalog::value::Value;
use datafusion::catalog::{CatalogProvider, SchemaProvider};
use std::sync::Arc;

/// The schema `information_schema` over a catalog.
pub fn information_schema(source: Arc<dyn CatalogProvider>, comments: Arc<dyn Comments>) -> Arc<dyn SchemaProvider> {
    let (find, rows, missing) = (definition::find, rows::rows, |_: &str| Value::Null);
    Arc::new(SystemSchema { tables: definition::all(), find, rows, missing, source, comments })
}
