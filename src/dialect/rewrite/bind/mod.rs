//! The binder settles what the names of a statement stand for, as PostgreSQL looks them up, before
//! DataFusion plans it.
//!
//! It goes through a statement query by query, with the columns of every table in reach:
//!
//! - `query`: WITH and set operations; `limit`: limits that are more than a number;
//! - `from`: tables, queries of WITH and joins, whose merged columns are spelled out;
//! - `as_of_join`: as-of joins; `sample`: TABLESAMPLE; `version`: FOR SYSTEM_TIME AS OF;
//!   `system_column`: `ctid` and its like;
//! - `list`: `*` becomes the columns it stands for, and unnamed columns get PostgreSQL's names; `order` and
//!   `group`: keys of ORDER BY, DISTINCT ON and GROUP BY find the columns they mean;
//! - `expression`: names in expressions, of outer queries too, and whole rows;
//! - `scope`: what may be meant at a point.
//!
//! Columns of one name in one list are told apart inside by a suffix that begins with a control character. Where
//! a table's columns are not known (a function without a list of them), names are left to DataFusion.
//!
//! DataFusion 55: its planner looks names up otherwise: an unnamed column is called after its printed
//! expression, a list may not have two columns of one name, ORDER BY and HAVING see the columns of the
//! list inside expressions, `*` leaves merged columns where they are, and a name of WITH hides tables
//! inside its own query. Not needed once `names.slt` passes without it.

mod as_of_join;
mod binder;
mod expression;
mod from;
mod group;
mod item;
mod limit;
mod list;
mod order;
mod query;
mod sample;
mod scope;
mod system_column;
mod version;

pub(crate) use binder::{Known, Place, Relations};
pub(crate) use version::settle;

use crate::dialect::catalog::definition;
use crate::dialect::parse::Statement;
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use crate::error::QueryError;
use binder::{Binder, Lookup};
use datafusion::sql::sqlparser::ast::{ObjectName, Visitor};
use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

/// Binds the names of a statement that reads; others have none to bind.
///
/// # Errors
/// PostgreSQL's, for a name that stands for nothing or for several columns where DataFusion would take
/// one of them; `NotSupported` for a whole row of the side of an outer join that may be missing.
pub(super) fn bind(statement: &mut Statement, place: Place<'_>, relations: &Relations) -> Result<(), QueryError> {
    match statement {
        Statement::Query(query) => {
            let (scopes, ctes, taken) = (Vec::new(), Vec::new(), HashSet::new());
            let addresses = system_column::names_addresses(&**query);
            let (lookup, by_value, number) = (Lookup::Lenient, false, 0);
            let mut binder = Binder { place, relations, scopes, ctes, taken, addresses, number, lookup, by_value };
            binder.query(query, true).map(|_| ())
        }
        Statement::Explain { statement, .. } => bind(statement, place, relations),
        _ => Ok(()),
    }
}

/// The tables that a statement may read, with their schemas where it names them; those of the catalog
/// as well, also under a name without a schema.
pub(crate) fn relations_named(statement: &Statement) -> BTreeSet<(Option<String>, String)> {
    struct Tables(BTreeSet<(Option<String>, String)>);
    impl Visitor for Tables {
        type Break = ();

        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            let mut parts = relation.0.iter().rev().filter_map(|part| part.as_ident().map(fold));
            if let Some(table) = parts.next() {
                let unqualified = || definition::find(&table).map(|_| "pg_catalog".to_owned());
                let schema = parts.next().or_else(unqualified);
                self.0.insert((schema, table));
            }
            ControlFlow::Continue(())
        }
    }
    let mut tables = Tables(BTreeSet::new());
    let _ = statement.walk(&mut tables);
    tables.0
}
