//! The catalog is the schemas `pg_catalog` and `information_schema`, which PostgreSQL clients read to
//! learn which tables, columns and types there are.
//!
//! Every table is computed when it is scanned, from the live DataFusion catalog: it is never older
//! than the statement, and never a copy of another server's. Tables for things this server does not
//! have (triggers, sequences, ...) are there and empty.
//!
//! - `definition` names the tables and their columns; `rows` and `information_schema` fill them;
//! - `description` gathers what the catalog holds, `oid` numbers it, `types` knows the types;
//! - `schema` makes DataFusion tables of both; `functions` lists the functions for `pg_proc`.
//!
//! DataFusion's own `information_schema` has other columns and no numbers, which clients of
//! PostgreSQL cannot use; these schemas are registered in its place.

mod comments;
pub mod definition;
pub(crate) mod description;
pub(crate) mod functions;
mod held;
mod information_schema;
pub(crate) mod keys;
pub mod oid;
mod rows;
mod schema;
pub mod types;
mod value;
mod view;

pub use comments::{Comments, Condition, Key, NoComments};
pub(crate) use rows::always_empty;
pub(crate) use view::OWNER;

use datafusion::catalog::{CatalogProvider, SchemaProvider};
use datafusion::common::Result;
use schema::SystemSchema;
use std::sync::Arc;

/// Registers `pg_catalog` and `information_schema` in the catalog they describe.
///
/// # Errors
/// Whatever the catalog refuses to register, for instance when it is read-only.
pub(super) fn install(source: &Arc<dyn CatalogProvider>, comments: &Arc<dyn Comments>) -> Result<()> {
    for (name, schema) in schemas(source, comments) {
        source.register_schema(&name, schema)?;
    }
    Ok(())
}

/// Both schemas by their names, as they describe a catalog.
pub(super) fn schemas(
    source: &Arc<dyn CatalogProvider>,
    comments: &Arc<dyn Comments>,
) -> Vec<(String, Arc<dyn SchemaProvider>)> {
    let standard = information_schema::information_schema(source.clone(), comments.clone());
    let own = pg_catalog(source.clone(), comments.clone());
    vec![("pg_catalog".to_owned(), own), ("information_schema".to_owned(), standard)]
}

/// The schema `pg_catalog` over a catalog, for DataFusion to look tables up in.
fn pg_catalog(source: Arc<dyn CatalogProvider>, comments: Arc<dyn Comments>) -> Arc<dyn SchemaProvider> {
    let (find, rows, missing) = (definition::find, rows::rows, value::default_of);
    Arc::new(SystemSchema { tables: definition::all(), find, rows, missing, source, comments })
}
