//! Queries as large as they are once every name that WITH gives is written out where it is used.
//!
//! A name that uses the one before it twice doubles with each step: thirty short lines are a billion tables, and the
//! planner goes through all of them without a pause. So they are counted first, which takes one walk.

use super::error::{ErrorKind, QueryError};
use super::session::Statement;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query, Visit, Visitor};
use std::ops::ControlFlow;

/// Tables one statement may read, with repetition.
const TABLES_MAX: u64 = 4_000;

/// Refuses a statement that reads too many tables.
pub(super) fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement.visit(&mut Tables::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(QueryError::new(
            ErrorKind::NotSupported,
            format!("the statement reads more than {TABLES_MAX} tables, with every name of WITH written out"),
        )),
    }
}

/// Counts tables.
#[derive(Default)]
struct Tables {
    /// The queries around the point of the walk, innermost last.
    queries: Vec<Count>,
}

/// What is known of one query so far.
#[derive(Default)]
struct Count {
    tables: u64,
    names: Vec<Named>,
}

/// A query that WITH gives a name.
struct Named {
    name: String,
    query: *const Query,
    /// None until it was walked; a recursive one uses itself before.
    tables: Option<u64>,
}

impl Tables {
    fn size_of(&self, name: &str) -> u64 {
        let names = self.queries.iter().rev().flat_map(|query| query.names.iter().rev());
        names.filter(|named| named.name == name).find_map(|named| named.tables).unwrap_or(1)
    }
}

impl Visitor for Tables {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        let named = ctes.map(|cte| Named { name: fold(&cte.alias.name), query: &raw const *cte.query, tables: None });
        self.queries.push(Count { tables: 0, names: named.collect() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = self.queries.pop().map_or(0, |count| count.tables);
        let place: *const Query = query;
        if let Some(around) = self.queries.last_mut() {
            match around.names.iter_mut().find(|named| named.query == place) {
                Some(named) => named.tables = Some(tables.max(1)),
                None => around.tables = around.tables.saturating_add(tables),
            }
        }
        if tables > TABLES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let size = match relation.0.as_slice() {
            [only] => only.as_ident().map_or(1, |name| self.size_of(&fold(name))),
            _ => 1,
        };
        if let Some(query) = self.queries.last_mut() {
            query.tables = query.tables.saturating_add(size);
        }
        ControlFlow::Continue(())
    }
}

fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn read(sql: &str) -> Result<(), QueryError> {
        check(&Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap()[0])
    }

    fn doubled(steps: usize) -> String {
        let step = |n: usize| format!(", c{n} AS (SELECT * FROM c{p} x, c{p} y)", p = n - 1);
        let rest: String = (1..=steps).map(step).collect();
        format!("WITH c0 AS (SELECT 1){rest} SELECT * FROM c{steps}")
    }

    #[test]
    fn names_are_counted_where_they_are_used() {
        assert!(read(&doubled(11)).is_ok());
        assert_eq!(read(&doubled(12)).unwrap_err().kind, ErrorKind::NotSupported);
        assert_eq!(read(&doubled(60)).unwrap_err().kind, ErrorKind::NotSupported);
        assert!(read(&format!("SELECT 1 WHERE EXISTS ({})", doubled(30))).is_err());
    }

    #[test]
    fn plain_statements_are_small() {
        assert!(read("WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM t, t AS u").is_ok());
        assert!(read(&format!("SELECT 1 {}", "UNION ALL SELECT * FROM eod ".repeat(1_000))).is_ok());
        assert!(read("WITH \"A\" AS (SELECT 1) SELECT * FROM a, \"A\", public.a").is_ok());
    }
}
