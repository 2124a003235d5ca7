//! The numbers of relations for whoever plans a statement: what a client is told of the table that a column is of.

use super::comments::Comments;
use super::description::Names;
use datafusion::catalog::{CatalogProvider, TableProvider};
use futures::FutureExt;
use std::fmt::{self, Debug};
use std::sync::{Arc, OnceLock};

/// The catalog by the numbers of its relations, as an extension of a session's configuration.
pub(crate) struct Numbers {
    source: Arc<dyn CatalogProvider>,
    comments: Arc<dyn Comments>,
    /// The names, once they were asked for, of a catalog to which nothing is added while it serves.
    kept: Option<OnceLock<Arc<Names>>>,
}

impl Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbers")
    }
}

impl Numbers {
    /// Those of the catalog that all sessions share, gathered once.
    pub(crate) fn lasting(source: Arc<dyn CatalogProvider>, comments: Arc<dyn Comments>) -> Self {
        Self { source, comments, kept: Some(OnceLock::new()) }
    }

    /// Those of a session with tables of its own, gathered for each statement.
    pub(crate) fn changing(source: Arc<dyn CatalogProvider>, comments: Arc<dyn Comments>) -> Self {
        Self { source, comments, kept: None }
    }

    /// The names of all relations with their numbers.
    pub(crate) fn names(&self) -> Arc<Names> {
        let gathered = || Arc::new(Names::of(self.source.as_ref(), self.comments.as_ref()));
        match &self.kept {
            Some(kept) => kept.get_or_init(gathered).clone(),
            None => gathered(),
        }
    }

    /// A table or view, where it is found without waiting.
    pub(crate) fn table(&self, schema: &str, name: &str) -> Option<Arc<dyn TableProvider>> {
        let schema = self.source.schema(schema)?;
        schema.table(name).now_or_never()?.ok()?
    }
}
