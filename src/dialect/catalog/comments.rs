//! `Comments` is what the catalog tells of tables beyond their columns; the owner of the tables
//! implements it, and the rows of `pg_description` and `pg_constraint` come from it.

use std::fmt::Debug;

/// What is known of tables beyond their columns: what people wrote about them, and what tells their
/// rows apart. Calls do not wait.
pub trait Comments: Debug + Send + Sync {
    /// The comment of a table or view; `None` when there is none, or no such table.
    fn table(&self, schema: &str, table: &str) -> Option<String>;

    /// The comment of a column; `None` when there is none.
    fn column(&self, schema: &str, table: &str, column: &str) -> Option<String>;

    /// The SELECT a view stands for; `None` for a table.
    fn view_definition(&self, schema: &str, view: &str) -> Option<String>;

    /// The columns that identify a row: never NULL, and no two rows alike in them. Empty when nothing guarantees that.
    fn key(&self, schema: &str, table: &str) -> &'static [&'static str];

    /// The keys of a table, each with an index of its name: the one of [`Comments::key`], or what a session has declared.
    fn keys(&self, schema: &str, table: &str) -> Vec<Key> {
        match self.key(schema, table) {
            [] => Vec::new(),
            columns => {
                let columns = columns.iter().map(|column| (*column).to_owned()).collect();
                vec![Key { name: super::oid::key_index(table), columns, primary: true }]
            }
        }
    }

    /// The conditions that each row of a table meets.
    fn checks(&self, schema: &str, table: &str) -> Vec<Condition> {
        let _ = (schema, table);
        Vec::new()
    }

    /// The value of a column where INSERT gives none, as SQL.
    fn default_of(&self, schema: &str, table: &str, column: &str) -> Option<String> {
        let _ = (schema, table, column);
        None
    }
}

/// A condition that each row of a table meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The name of its constraint.
    pub name: String,
    /// The condition itself, as SQL.
    pub text: String,
    /// The columns that it speaks of.
    pub columns: Vec<String>,
}

/// A key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name of its constraint, and of its index.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<String>,
    /// Whether it is the one that identifies a row.
    pub primary: bool,
}

/// The comments of a catalog that has none, whose tables have no keys and none of which is a view.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoComments;

impl Comments for NoComments {
    fn table(&self, _: &str, _: &str) -> Option<String> {
        None
    }

    fn column(&self, _: &str, _: &str, _: &str) -> Option<String> {
        None
    }

    fn view_definition(&self, _: &str, _: &str) -> Option<String> {
        None
    }

    fn key(&self, _: &str, _: &str) -> &'static [&'static str] {
        &[]
    }
}
