//! The schema `information_schema` holds the SQL standard's views of the catalog, with PostgreSQL's
//! columns.
//!
//! Its views are computed when DataFusion scans them, as `pg_catalog` is, and from the same
//! description: the two never disagree.

pub(super) mod definition;
mod rows;

use super::comments::Comments;
use super::schema::SystemSchema;
use super::value::Value;
use datafusion::catalog::{CatalogProvider, SchemaProvider};
use std::sync::Arc;

/// The schema `information_schema` over a catalog.
pub(super) fn information_schema(
    source: Arc<dyn CatalogProvider>,
    comments: Arc<dyn Comments>,
) -> Arc<dyn SchemaProvider> {
    let (find, rows, missing) = (definition::find, rows::rows, |_: &str| Value::Null);
    Arc::new(SystemSchema { tables: definition::all(), find, rows, missing, source, comments })
}
