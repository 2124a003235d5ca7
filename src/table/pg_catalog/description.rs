//! What the catalog holds at this moment, gathered from the live providers: the source of every catalog row.

use super::{Comments, definition, oid};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::information_schema::{
    INFORMATION_SCHEMA, INFORMATION_SCHEMA_TABLES, InformationSchemaProvider,
};
use datafusion::catalog::{CatalogProvider, MemoryCatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::logical_expr::TableType;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Names of all relations with their numbers. Made without waiting, so that functions may use it.
#[derive(Debug, Clone, Default)]
pub struct Names {
    relations: BTreeMap<u32, (String, String)>,
    schemas: BTreeSet<String>,
}

impl Names {
    /// The names a catalog has now.
    pub fn of(source: &dyn CatalogProvider) -> Self {
        let mut schemas: BTreeSet<String> = source.schema_names().into_iter().collect();
        schemas.insert("pg_catalog".to_owned());
        schemas.insert(INFORMATION_SCHEMA.to_owned());
        let mut names = BTreeSet::new();
        for schema in &schemas {
            for table in table_names(source, schema) {
                names.insert((schema.clone(), table));
            }
        }
        Self { relations: oid::relations(&names), schemas }
    }

    /// Schema and name of a relation.
    pub fn relation(&self, oid: u32) -> Option<(&str, &str)> {
        self.relations.get(&oid).map(|(schema, name)| (schema.as_str(), name.as_str()))
    }

    /// Number of a relation. Without a schema it is looked for where an unqualified name is.
    pub fn oid(&self, schema: Option<&str>, name: &str) -> Option<u32> {
        let places: &[&str] = match &schema {
            Some(schema) => &[schema],
            None => &["pg_catalog", "public"],
        };
        places.iter().find_map(|place| {
            self.relations.iter().find(|(_, (schema, table))| schema == place && table == name).map(|(oid, _)| *oid)
        })
    }

    /// All schemas, sorted.
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        self.schemas.iter().map(String::as_str)
    }
}

/// Whether an unqualified name finds tables of this schema.
pub fn visible(schema: &str) -> bool {
    matches!(schema, "public" | "pg_catalog")
}

fn table_names(source: &dyn CatalogProvider, schema: &str) -> Vec<String> {
    match schema {
        "pg_catalog" => definition::all().iter().map(|definition| definition.name.to_owned()).collect(),
        INFORMATION_SCHEMA => INFORMATION_SCHEMA_TABLES.iter().map(|name| (*name).to_owned()).collect(),
        _ => source.schema(schema).map(|provider| provider.table_names()).unwrap_or_default(),
    }
}

/// One table or view.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Number, the same in every process.
    pub oid: u32,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Whether it is a view.
    pub view: bool,
    /// Columns in order; empty when the table cannot be opened now.
    pub columns: SchemaRef,
    /// How many rows it has, as far as known.
    pub rows: Option<u64>,
    /// The statement a view stands for.
    pub view_definition: Option<String>,
}

/// The whole catalog at one moment.
#[derive(Debug, Clone)]
pub struct CatalogDescription {
    /// Names and numbers.
    pub names: Names,
    /// Tables and views, sorted by number.
    pub relations: Vec<Relation>,
}

/// Describes a catalog. A table that cannot be opened is listed without columns.
pub async fn describe(source: &dyn CatalogProvider, comments: &dyn Comments) -> CatalogDescription {
    let names = Names::of(source);
    let information_schema = InformationSchemaProvider::new(Arc::new(MemoryCatalogProviderList::new()));
    let mut relations = Vec::with_capacity(names.relations.len());
    for (oid, (schema, name)) in &names.relations {
        let mut relation = Relation {
            oid: *oid,
            schema: schema.clone(),
            name: name.clone(),
            view: false,
            columns: SchemaRef::new(arrow::datatypes::Schema::empty()),
            rows: None,
            view_definition: None,
        };
        if schema == "pg_catalog" {
            if let Some(definition) = definition::find(name) {
                relation.columns = definition.schema();
            }
        } else {
            let provider = match schema.as_str() {
                INFORMATION_SCHEMA => information_schema.table(name).await,
                _ => match source.schema(schema) {
                    Some(schema) => schema.table(name).await,
                    None => Ok(None),
                },
            };
            if let Ok(Some(table)) = provider {
                relation.columns = table.schema();
                relation.rows = row_count(table.as_ref());
                relation.view_definition =
                    comments.view_definition(schema, name).or_else(|| table.get_table_definition().map(str::to_owned));
                relation.view = schema == INFORMATION_SCHEMA
                    || table.table_type() == TableType::View
                    || comments.view_definition(schema, name).is_some();
            }
        }
        relations.push(relation);
    }
    CatalogDescription { names, relations }
}

fn row_count(table: &dyn TableProvider) -> Option<u64> {
    match table.statistics()?.num_rows {
        Precision::Exact(rows) | Precision::Inexact(rows) => u64::try_from(rows).ok(),
        Precision::Absent => None,
    }
}
