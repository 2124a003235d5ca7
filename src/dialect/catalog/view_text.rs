//! The text of a view as `pg_get_viewdef` gives it: tables have their schema where the search path does not find them, and a
//! semicolon ends it, so that tools can put it behind `CREATE VIEW ... AS`.

use super::description::Names;
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use crate::dialect::parse::{Placeholders, parse_with};
use crate::text::identifier::quote;
use datafusion::sql::sqlparser::ast::{ObjectName, Query, Visitor};
use datafusion::sql::sqlparser::tokenizer::Location;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The query of a view of a schema, for a client with this search path. A query that does not read stays as it is.
pub(crate) fn written(sql: &str, schema: &str, path: &[String], names: &Names) -> String {
    let sql = sql.trim().trim_end_matches(';').trim_end();
    let hidden = |table: &str| {
        let meant = names.oid(Some(schema), table, &[]);
        meant.is_some() && names.oid(None, table, path) != meant
    };
    format!(" {};", qualified(sql, &quote(schema), hidden))
}

/// The same query with a schema in front of every table without one that is hidden.
fn qualified(sql: &str, schema: &str, hidden: impl Fn(&str) -> bool) -> String {
    let mut tables = Tables::default();
    for statement in parse_with(sql, &[], Placeholders::Numbers).unwrap_or_default() {
        let _ = statement.walk(&mut tables);
    }
    let known = tables.found.into_iter().filter(|(name, _)| !tables.queries.contains(name) && hidden(name));
    let mut places: Vec<usize> = known.filter_map(|(_, at)| offset(sql, at)).collect();
    places.sort_unstable();
    let mut text = String::with_capacity(sql.len());
    let mut from = 0;
    for place in places {
        text.push_str(sql.get(from..place).unwrap_or_default());
        text.push_str(schema);
        text.push('.');
        from = place;
    }
    text.push_str(sql.get(from..).unwrap_or_default());
    text
}

/// The tables of a query that are written without a schema.
#[derive(Default)]
struct Tables {
    /// Their names and where they begin.
    found: Vec<(String, Location)>,
    /// The names that WITH gives anywhere in it.
    queries: BTreeSet<String>,
}

impl Visitor for Tables {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        self.queries.extend(with.map(|cte| fold(&cte.alias.name)));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        if let [only] = name.0.as_slice()
            && let Some(name) = only.as_ident()
        {
            self.found.push((fold(name), name.span.start));
        }
        ControlFlow::Continue(())
    }
}

/// Where a place of line and column, both from 1, is in a text; `None` for a place outside.
fn offset(sql: &str, at: Location) -> Option<usize> {
    let line = usize::try_from(at.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
    let start = match line {
        0 => 0,
        _ => sql.match_indices('\n').nth(line - 1)?.0 + 1,
    };
    let (offset, _) = sql.get(start..)?.char_indices().nth(column)?;
    Some(start + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(qualified(sql, "public", |table| table != "seen"), expected);
    }

    #[test]
    fn tables_get_the_schema_that_the_path_lacks() {
        check("SELECT 'é', a\nFROM eod", "SELECT 'é', a\nFROM public.eod");
        check("SELECT a FROM live.eod JOIN b USING (k)", "SELECT a FROM live.eod JOIN public.b USING (k)");
        check("WITH q AS (SELECT 1 FROM t) SELECT * FROM q", "WITH q AS (SELECT 1 FROM public.t) SELECT * FROM q");
        check(
            "SELECT a FROM seen WHERE a IN (SELECT b FROM u)",
            "SELECT a FROM seen WHERE a IN (SELECT b FROM public.u)",
        );
    }
}
