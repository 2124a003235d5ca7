//! The description is what the catalog holds at this moment, gathered from the live DataFusion
//! providers: the source of every catalog row.
//!
//! `Names` is made without waiting, for functions; `describe` opens each table as well, for the
//! tables of the catalog.

use super::comments::{Comments, Condition};
use super::definition::Definition;
use super::{definition, oid};
use crate::dialect::catalog::information_schema::definition as information_schema;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::{CatalogProvider, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::logical_expr::TableType;
use std::collections::{BTreeMap, BTreeSet};

/// The name of the standard's schema.
const INFORMATION_SCHEMA: &str = "information_schema";

/// The names of all relations with their numbers. Made without waiting, so that functions may use it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Schema and name of each relation, by its number.
    relations: BTreeMap<u32, (String, String)>,
    /// The schemas, `pg_catalog` and `information_schema` included.
    schemas: BTreeSet<String>,
    /// The table each index is of, by the index's schema and name.
    indexes: BTreeMap<(String, String), String>,
}

impl Names {
    /// The names a catalog has now. Each key of a table brings an index, named after it.
    pub(crate) fn of(source: &dyn CatalogProvider, comments: &dyn Comments) -> Self {
        let mut schemas: BTreeSet<String> = source.schema_names().into_iter().collect();
        schemas.insert("pg_catalog".to_owned());
        schemas.insert(INFORMATION_SCHEMA.to_owned());
        let mut names = BTreeSet::new();
        let mut indexes = BTreeMap::new();
        for schema in &schemas {
            for table in table_names(source, schema) {
                for key in comments.keys(schema, &table) {
                    let index = (schema.clone(), key.name);
                    names.insert(index.clone());
                    indexes.insert(index, table.clone());
                }
                names.insert((schema.clone(), table));
            }
        }
        Self { relations: oid::relations(&names), schemas, indexes }
    }

    /// Schema and name of a relation; `None` for a number that none has.
    pub(crate) fn relation(&self, oid: u32) -> Option<(&str, &str)> {
        self.relations.get(&oid).map(|(schema, name)| (schema.as_str(), name.as_str()))
    }

    /// The numbers of all relations.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.relations.keys().copied()
    }

    /// The table an index is of; `None` when the name is no index.
    pub(crate) fn table_of_index(&self, schema: &str, index: &str) -> Option<&str> {
        self.indexes.get(&(schema.to_owned(), index.to_owned())).map(String::as_str)
    }

    /// Schemas of indexes, the tables they are of, and their own names.
    pub(crate) fn indexes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.indexes.iter().map(|((schema, index), table)| (schema.as_str(), table.as_str(), index.as_str()))
    }

    /// Schemas and names of all relations.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.relations.values().map(|(schema, name)| (schema.as_str(), name.as_str()))
    }

    /// The number of a relation; `None` when there is none. Without a schema it is looked for in
    /// `pg_catalog` and then along the path.
    pub(crate) fn oid(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<u32> {
        match schema {
            Some(schema) => self.oid_in(schema, name),
            None => {
                let own = self.oid_in("pg_catalog", name);
                own.or_else(|| path.iter().find_map(|place| self.oid_in(place, name)))
            }
        }
    }

    /// The number of a relation in one schema; `pg_temp` is the session's own.
    fn oid_in(&self, schema: &str, name: &str) -> Option<u32> {
        let meant = |place: &str| place == schema || (schema == "pg_temp" && is_temporary(place));
        self.relations.iter().find(|(_, (place, relation))| meant(place) && relation == name).map(|(oid, _)| *oid)
    }

    /// The names of all schemas, sorted.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = &str> {
        self.schemas.iter().map(String::as_str)
    }
}

/// The names of a schema's tables; none for a schema that does not exist.
fn table_names(source: &dyn CatalogProvider, schema: &str) -> Vec<String> {
    match schema {
        "pg_catalog" => definition::all().iter().map(|definition| definition.name.to_owned()).collect(),
        INFORMATION_SCHEMA => information_schema::all().iter().map(|definition| definition.name.to_owned()).collect(),
        _ => source.schema(schema).map(|provider| provider.table_names()).unwrap_or_default(),
    }
}

/// Whether a schema is the temporary one of a session; a session sees its own alone.
pub(crate) fn is_temporary(schema: &str) -> bool {
    schema.starts_with("pg_temp_")
}

/// What a relation is, as `pg_class.relkind` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table, which holds rows.
    Table,
    /// A view, which stands for a query.
    View,
    /// The index that goes with a table's key: the rows of the table are sorted by it.
    Index,
}

/// One table, view or index, as the catalog's rows need it.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// Its number, the same in every process.
    pub oid: u32,
    /// The name of its schema.
    pub schema: String,
    /// Its name without the schema.
    pub name: String,
    /// Whether it is a table, a view or an index.
    pub kind: Kind,
    /// Columns in order; empty when the table cannot be opened now.
    pub columns: SchemaRef,
    /// Numbers of the columns of the primary key, from 1; of an index, the columns of its table.
    pub key: Vec<i64>,
    /// Of an index, whether it is that of the primary key.
    pub primary: bool,
    /// Of a table, whether it has an index.
    pub indexed: bool,
    /// Conditions that each row meets.
    pub checks: Vec<Condition>,
    /// Of an index, the number of its table.
    pub table_oid: Option<u32>,
    /// How many rows it has, as far as its statistics tell without a scan.
    pub rows: Option<u64>,
    /// The statement a view stands for.
    pub view_definition: Option<String>,
}

impl Relation {
    /// Names and types of the columns, as our own catalogs declare them: `name` and `"char"` are no arrow types.
    pub(crate) fn declared(&self) -> Option<&'static Definition> {
        match self.schema.as_str() {
            "pg_catalog" => definition::find(&self.name),
            INFORMATION_SCHEMA => information_schema::find(&self.name),
            _ => None,
        }
    }

    /// Whether a column, by its number from 1, is never NULL: its type says so, or it is of a table's key.
    pub(crate) fn is_required(&self, number: i32) -> bool {
        let field = usize::try_from(number - 1).ok().and_then(|place| self.columns.fields().get(place));
        field.is_some_and(|field| !field.is_nullable()) || (self.is_table() && self.key.contains(&i64::from(number)))
    }

    /// Whether it is of a session's temporary schema.
    pub(crate) fn is_temporary(&self) -> bool {
        is_temporary(&self.schema)
    }

    /// Whether it is a view.
    pub(crate) fn is_view(&self) -> bool {
        self.kind == Kind::View
    }

    /// Whether it is a table.
    pub(crate) fn is_table(&self) -> bool {
        self.kind == Kind::Table
    }

    /// Names of the key's columns.
    pub(crate) fn key_columns(&self) -> impl Iterator<Item = &str> {
        let fields = self.columns.fields();
        let place = |(index, number): (usize, &i64)| match self.kind {
            Kind::Index => Some(index),
            _ => usize::try_from(number - 1).ok(),
        };
        let places = self.key.iter().enumerate().filter_map(place);
        places.filter_map(|place| fields.get(place)).map(|field| field.name().as_str())
    }
}

/// What the catalog holds: names, and each relation with its columns.
#[derive(Debug, Clone)]
pub(crate) struct CatalogDescription {
    /// The names and numbers of all relations.
    pub names: Names,
    /// Tables, views and indexes, sorted by number.
    pub relations: Vec<Relation>,
}

impl CatalogDescription {
    /// Tables with a key, and the index that goes with it.
    pub(crate) fn keyed(&self) -> impl Iterator<Item = (&Relation, &Relation)> {
        let indexes = self.relations.iter().filter(|relation| relation.kind == Kind::Index);
        indexes.filter_map(|index| {
            let table = self.relations.iter().find(|table| Some(table.oid) == index.table_oid)?;
            Some((table, index))
        })
    }
}

/// Describes a catalog, opening each of its tables. A table that cannot be opened is listed without
/// columns, so that one damaged table does not hide the others.
pub(crate) async fn describe(source: &dyn CatalogProvider, comments: &dyn Comments) -> CatalogDescription {
    let names = Names::of(source, comments);
    let mut relations = Vec::with_capacity(names.relations.len());
    for (oid, (schema, name)) in &names.relations {
        let mut relation = Relation {
            oid: *oid,
            schema: schema.clone(),
            name: name.clone(),
            kind: Kind::Table,
            columns: SchemaRef::new(arrow::datatypes::Schema::empty()),
            key: Vec::new(),
            primary: false,
            indexed: false,
            checks: comments.checks(schema, name),
            table_oid: None,
            rows: None,
            view_definition: None,
        };
        if let Some(declared) = relation.declared() {
            relation.columns = declared.schema();
            if schema == INFORMATION_SCHEMA {
                relation.kind = Kind::View;
            }
            relations.push(relation);
            continue;
        }
        let table = names.table_of_index(schema, name);
        let provider = match source.schema(schema) {
            Some(schema) => schema.table(table.unwrap_or(name)).await,
            None => Ok(None),
        };
        if let Ok(Some(provider)) = provider {
            let columns = provider.schema();
            let keys = comments.keys(schema, table.unwrap_or(name));
            let own = keys.iter().find(|key| if table.is_some() { key.name == *name } else { key.primary });
            let number = |column: &String| i64::try_from(columns.index_of(column).ok()? + 1).ok();
            relation.key = own.iter().flat_map(|key| &key.columns).filter_map(number).collect();
            relation.primary = own.is_some_and(|key| key.primary);
            relation.indexed = !keys.is_empty();
            relation.rows = row_count(provider.as_ref());
            relation.view_definition =
                comments.view_definition(schema, name).or_else(|| provider.get_table_definition().map(str::to_owned));
            relation.columns = columns;
            if provider.table_type() == TableType::View || comments.view_definition(schema, name).is_some() {
                relation.kind = Kind::View;
            }
        }
        if let Some(table) = table {
            relation.kind = Kind::Index;
            relation.table_oid = names.oid(Some(schema), table, &[]);
            let positions: Vec<usize> =
                relation.key.iter().filter_map(|number| usize::try_from(number - 1).ok()).collect();
            if let Ok(columns) = relation.columns.project(&positions) {
                relation.columns = SchemaRef::new(columns);
            }
        }
        relations.push(relation);
    }
    CatalogDescription { names, relations }
}

/// How many rows a table has by its own statistics, exact or not; `None` when it does not tell.
fn row_count(table: &dyn TableProvider) -> Option<u64> {
    match table.statistics()?.num_rows {
        Precision::Exact(rows) | Precision::Inexact(rows) => u64::try_from(rows).ok(),
        Precision::Absent => None,
    }
}
