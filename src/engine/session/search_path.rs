//! The search path of a session, along which DataFusion's planner resolves an unqualified table.

use crate::dialect::catalog::Comments;
use crate::dialect::rewrite::{Known, Relations};
use crate::dialect::search_path;
use crate::lake::dataset;
use crate::table::comment::OwnComments;
use datafusion::catalog::CatalogProvider;
use datafusion::common::Result;
use datafusion::logical_expr::TableType;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A search path over the catalog.
pub(crate) struct Search {
    schemas: Vec<String>,
    catalog: Option<Arc<dyn CatalogProvider>>,
}

impl Search {
    /// The path a setting spells.
    ///
    /// `temporary` is the session's own schema, which comes before the others.
    pub(crate) fn new(
        setting: &str,
        user: &str,
        temporary: Option<String>,
        catalog: Option<Arc<dyn CatalogProvider>>,
    ) -> Self {
        let schemas = temporary.into_iter().chain(search_path::parse(setting, user)).collect();
        Self { schemas, catalog }
    }

    /// Whether an unqualified table stands for one that is there.
    pub(crate) fn finds(&self, table: &str) -> bool {
        let schema = |name: &String| self.catalog.as_ref().and_then(|catalog| catalog.schema(name));
        let catalog = "pg_catalog".to_owned();
        self.schemas.iter().chain([&catalog]).any(|name| schema(name).is_some_and(|schema| schema.table_exist(table)))
    }

    /// The columns and keys of tables, named with a schema or without; tables that are not there are left out.
    ///
    /// # Errors
    /// Whatever the provider of a table fails with.
    pub(crate) async fn relations(&self, named: BTreeSet<(Option<String>, String)>) -> Result<Relations> {
        let mut relations = Relations::new();
        for (schema, table) in named {
            let schema = schema.or_else(|| self.place(&table)).unwrap_or_else(|| "public".to_owned());
            let Some(provider) = self.catalog.as_ref().and_then(|catalog| catalog.schema(&schema)) else { continue };
            let Some(found) = provider.table(&table).await? else { continue };
            let columns = found.schema().fields().iter().map(|field| field.name().clone()).collect();
            let key = OwnComments.key(&schema, &table).iter().map(|column| (*column).to_owned()).collect();
            let dataset = if schema == "public" { dataset::find(&table) } else { None };
            let order =
                dataset.iter().flat_map(|dataset| dataset.key.iter()).map(|column| (*column).to_owned()).collect();
            let stored = found.table_type() == TableType::Base;
            relations.insert((schema, table), Known { columns, key, order, stored });
        }
        Ok(relations)
    }

    /// The schema to name before a table; `None` when the planner finds it in `public` by itself.
    ///
    /// A table that is nowhere on the path is looked for in the first schema of it, so that one of `public` is not
    /// found when `public` is not on the path.
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
