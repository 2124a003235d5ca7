//! What a session has declared of its temporary tables, as the catalog tells of it: keys, conditions, defaults.

use super::contents::{Check, Contents, Table};
use super::declaration::mentioned;
use crate::dialect::catalog::{Comments, Condition, Key};
use std::fmt;
use std::sync::Arc;

/// What is known of all tables, and of the tables of one temporary schema.
pub(crate) struct WithDeclared {
    base: Arc<dyn Comments>,
    /// Name of the temporary schema.
    schema: String,
    contents: Box<dyn Fn() -> Contents + Send + Sync>,
}

impl WithDeclared {
    /// What is known besides the declarations in a schema, whose contents are asked for each time.
    pub(crate) fn new(
        base: Arc<dyn Comments>,
        schema: String,
        contents: impl Fn() -> Contents + Send + Sync + 'static,
    ) -> Self {
        Self { base, schema, contents: Box::new(contents) }
    }

    fn own(&self, schema: &str, table: &str) -> Option<Arc<Table>> {
        if schema == self.schema { (self.contents)().table(table).cloned() } else { None }
    }
}

impl fmt::Debug for WithDeclared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WithDeclared({})", self.schema)
    }
}

impl Comments for WithDeclared {
    fn table(&self, schema: &str, table: &str) -> Option<String> {
        self.base.table(schema, table)
    }

    fn column(&self, schema: &str, table: &str, column: &str) -> Option<String> {
        self.base.column(schema, table, column)
    }

    fn view_definition(&self, schema: &str, view: &str) -> Option<String> {
        self.base.view_definition(schema, view)
    }

    fn key(&self, schema: &str, table: &str) -> &'static [&'static str] {
        self.base.key(schema, table)
    }

    fn keys(&self, schema: &str, table: &str) -> Vec<Key> {
        if schema != self.schema {
            return self.base.keys(schema, table);
        }
        let Some(own) = self.own(schema, table) else { return Vec::new() };
        let name = |place: &usize| own.columns.get(*place).map(|column| column.name.clone());
        let unique = own.constraints.unique.iter();
        let key = unique.map(|key| Key {
            name: key.name.clone(),
            columns: key.columns.iter().filter_map(name).collect(),
            primary: key.primary,
        });
        key.collect()
    }

    fn checks(&self, schema: &str, table: &str) -> Vec<Condition> {
        let Some(own) = self.own(schema, table) else { return self.base.checks(schema, table) };
        let condition = |check: &Check| Condition {
            name: check.name.clone(),
            text: check.condition.to_string(),
            columns: mentioned(&check.condition, &own.columns),
        };
        own.constraints.checks.iter().map(condition).collect()
    }

    fn default_of(&self, schema: &str, table: &str, column: &str) -> Option<String> {
        let own = self.own(schema, table)?;
        let column = own.columns.iter().find(|known| known.name == column)?;
        column.default.as_ref().map(ToString::to_string)
    }
}
