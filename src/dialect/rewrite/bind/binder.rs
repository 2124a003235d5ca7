//! The state of the binder: the tables and queries of WITH that are in reach at a point of the walk.

use super::super::names;
use super::scope::{Output, Scope};
use std::collections::{HashMap, HashSet};

/// Tells, for an unqualified table name in lower case, the schema that the session's search path
/// finds it in.
///
/// `None` leaves the name as it is: DataFusion then looks in its default schema, `public`. The engine
/// builds the function from `search_path` and the registered schemas.
pub(crate) type Place<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Begins the part of a column's name that tells columns apart; see [`visible`](super::super::names::visible).
pub(super) const MARK: char = names::MARK;

/// What is known of a table before it is planned.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The names of its columns, in order.
    pub(crate) columns: Vec<String>,
    /// Those of its primary key; empty without one.
    pub(crate) key: Vec<String>,
    /// The columns in whose order its rows stand; empty where there is none.
    pub(crate) order: Vec<String>,
    /// Whether its rows are stored, which those of a view are not.
    pub(crate) stored: bool,
}

/// The tables that a statement names, by schema and name.
pub(crate) type Relations = HashMap<(String, String), Known>;

/// How names of the expression at work are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Names that are not found are left to DataFusion, and so are those it finds by themselves.
    Lenient,
    /// DataFusion would also look among the columns of the list: a name that is not found is an error.
    Strict,
    /// As strict, and every name gets its table in front.
    Qualified,
}

/// A query that WITH gives a name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// The name that WITH gives it.
    pub(super) name: String,
    /// The name DataFusion has for it, another where the name is also a table's.
    pub(super) inner: String,
    /// `None` when its columns are not known.
    pub(super) columns: Option<Vec<Output>>,
}

/// The walk over a statement.
pub(super) struct Binder<'a> {
    /// Where the search path finds a table.
    pub(super) place: Place<'a>,
    /// What is known of the tables that the statement names.
    pub(super) relations: &'a Relations,
    /// The tables in reach, those of the innermost query last.
    pub(super) scopes: Vec<Scope>,
    /// The queries of WITH in reach, innermost last.
    pub(super) ctes: Vec<Named>,
    /// The names of all queries of WITH so far.
    pub(super) taken: HashSet<String>,
    /// Whether the statement asks for the addresses of rows.
    pub(super) addresses: bool,
    /// Names that were made up so far.
    pub(super) number: usize,
    /// How names are looked up now.
    pub(super) lookup: Lookup,
    /// Whether keys of ORDER BY become the values they stand for, also where they are places in a list.
    pub(super) by_value: bool,
}
