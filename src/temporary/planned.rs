//! What a statement does to temporary tables and views once the rows of the query within it are there.

use super::alter::Altered;
use super::contents::{Table, View};
use crate::error::{ErrorKind, QueryError};
use arrow::datatypes::SchemaRef;
use datafusion::sql::sqlparser::ast::{OnCommit, Query};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A change, the columns of the query within it, and what is asked of the rows that it is about.
pub(crate) struct PlannedChange {
    pub(crate) what: What,
    pub(crate) columns: SchemaRef,
    /// What ON CONFLICT DO UPDATE makes of rows that are there.
    pub(crate) update: Option<Query>,
    /// The query of what RETURNING gives.
    pub(crate) returning: Option<Query>,
}

/// What is done with the rows of the query.
#[derive(Clone)]
pub(crate) enum What {
    /// CREATE TABLE with columns.
    Create { name: String, if_not_exists: bool, table: Arc<Table> },
    /// CREATE TABLE AS: the rows are the table, unless it is to have none.
    CreateAs { name: String, if_not_exists: bool, on_commit: Option<OnCommit>, with_data: bool },
    /// CREATE VIEW over the query.
    CreateView { name: String, or_replace: bool, view: Arc<View> },
    /// ALTER TABLE: what becomes of a table, whether the query gives its rows, and what the client is told besides.
    Alter { table: String, id: u64, made: Arc<Altered>, after: Arc<Table>, with_rows: bool },
    /// ALTER TABLE of one that is not there.
    AlterMissing(String),
    /// INSERT: whole rows of a table, by its name and number.
    Insert { table: String, id: u64, conflict: Option<Clash> },
    /// UPDATE: numbers of rows, and values for the columns of these places.
    Update { table: String, id: u64, places: Vec<usize> },
    /// DELETE: numbers of rows.
    Delete { table: String, id: u64 },
    /// TRUNCATE of some tables.
    Truncate(Vec<String>),
    /// ANALYZE of a table.
    Analyze,
    /// DROP TABLE and DROP VIEW.
    Drop { what: &'static str, names: BTreeSet<String>, missing: Vec<String>, cascade: bool },
}

/// ON CONFLICT: the keys that it is about, and the columns that become others; `None` is nothing.
#[derive(Debug, Clone)]
pub(crate) struct Clash {
    pub(crate) keys: Vec<usize>,
    pub(crate) update: Option<Vec<usize>>,
}

/// 0A000: EXPLAIN ANALYZE would have to make the change, and the plan without it is that of the query alone.
pub(crate) fn not_explained() -> QueryError {
    let message = "EXPLAIN of a statement that changes temporary tables is not supported";
    QueryError::new(ErrorKind::NotSupported, message).with_hint("EXPLAIN the query within it.")
}
