//! A `View` is what the rows of `pg_catalog` and `information_schema` are computed from in one scan.

use super::comments::Comments;
use super::description::{CatalogDescription, Relation};
use super::functions::Function;
use super::{described, view_text};
use crate::dialect::session::SessionFacts;
use datafusion::catalog::Session;
use std::sync::Arc;

/// The role that owns everything: database, schemas, tables, functions.
pub(crate) const OWNER: &str = "tt";

/// Everything a catalog row may depend on.
pub(crate) struct View<'a> {
    /// What the catalog holds, gathered for this scan.
    pub(crate) description: &'a CatalogDescription,
    /// What there is to say of tables beyond their columns.
    pub(crate) comments: &'a dyn Comments,
    /// The DataFusion session, for its functions.
    pub(crate) session: &'a dyn Session,
    /// The connection that scans; `None` in a session that no client has.
    pub(crate) facts: Option<&'a SessionFacts>,
}

impl View<'_> {
    /// The name of the session's database, or `tt` where there is no session.
    pub(crate) fn database_name(&self) -> &str {
        self.facts.map_or("tt", |facts| facts.database.as_str())
    }

    /// The functions of the session, sorted by name.
    pub(crate) fn functions(&self) -> Arc<Vec<Function>> {
        described::functions(self.session)
    }

    /// The query of a view as the session's client reads it; `None` of a table.
    pub(crate) fn definition_of(&self, relation: &Relation) -> Option<String> {
        let path = self.facts.map_or_else(|| vec!["public".to_owned()], SessionFacts::search_path);
        let sql = relation.view_definition.as_deref()?;
        Some(view_text::written(sql, &relation.schema, &path, &self.description.names))
    }
}
