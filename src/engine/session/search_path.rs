//! Where an unqualified table is looked for: along the session's search path.

use crate::dialect::search_path;
use datafusion::catalog::CatalogProvider;
use std::sync::Arc;

/// A search path over the catalog.
pub(crate) struct Search {
    schemas: Vec<String>,
    catalog: Option<Arc<dyn CatalogProvider>>,
}

impl Search {
    /// The path a setting spells.
    pub(crate) fn new(setting: &str, user: &str, catalog: Option<Arc<dyn CatalogProvider>>) -> Self {
        Self { schemas: search_path::parse(setting, user), catalog }
    }

    /// The schema to name before a table; `None` when the planner finds it in `public` by itself.
    ///
    /// A table that is nowhere on the path is looked for in the first schema of it, so that one of `public` is not found
    /// when `public` is not on the path.
    pub(crate) fn place(&self, table: &str) -> Option<String> {
        let schema = |name: &String| self.catalog.as_ref().and_then(|catalog| catalog.schema(name));
        let found = self.schemas.iter().find(|name| schema(name).is_some_and(|schema| schema.table_exist(table)));
        let place = match found {
            Some(found) => found.clone(),
            None if self.schemas.iter().any(|name| name == "public") => return None,
            None => match self.schemas.iter().find(|name| schema(name).is_some()) {
                Some(first) => first.clone(),
                None => "pg_catalog".to_owned(),
            },
        };
        (place != "public").then_some(place)
    }
}
