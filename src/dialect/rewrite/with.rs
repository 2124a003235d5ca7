//! The rewriter marks WITH queries that a statement names several times, for
//! [`crate::dialect::shared`]: the query becomes `SELECT * FROM (query) AS mark`.

use super::build::{self, alias};
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use crate::dialect::shared::{MATERIALIZED, NAMED_AGAIN};
use datafusion::sql::sqlparser::ast::{CteAsMaterialized, ObjectName, Query, SetExpr, TableFactor, Visitor};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Marks the WITH queries of one query; `marked` counts those of the statement so far. Recursive ones
/// are left alone: they name themselves.
pub(crate) fn mark_shared(query: &mut Query, marked: &mut usize) {
    let names = match &query.with {
        Some(with) if !with.recursive => with.cte_tables.iter().map(|cte| fold(&cte.alias.name)).collect::<Vec<_>>(),
        _ => return,
    };
    let counts = readings(query, names);
    let Some(with) = &mut query.with else { return };
    for cte in &mut with.cte_tables {
        let count = counts.get(&fold(&cte.alias.name)).copied().unwrap_or_default();
        let first = match cte.materialized {
            Some(CteAsMaterialized::Materialized) => MATERIALIZED,
            _ => NAMED_AGAIN,
        };
        if count < 2 {
            continue;
        }
        *marked += 1;
        let Some(mut outer) = build::query("SELECT * FROM (SELECT 1) AS shared") else { return };
        let SetExpr::Select(select) = outer.body.as_mut() else { return };
        let Some(from) = select.from.first_mut() else { return };
        let TableFactor::Derived { subquery, alias: named, .. } = &mut from.relation else { return };
        let mut mark = alias("");
        mark.name = datafusion::sql::sqlparser::ast::Ident::with_quote('"', format!("{first}{marked}"));
        *named = Some(mark);
        std::mem::swap(subquery.as_mut(), cte.query.as_mut());
        *cte.query = outer;
    }
}

/// How many times a query names each of some tables, its WITH and all subqueries included.
fn readings(query: &Query, names: Vec<String>) -> HashMap<String, usize> {
    struct Count(HashMap<String, usize>);
    impl Visitor for Count {
        type Break = ();

        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            if let [only] = relation.0.as_slice()
                && let Some(table) = only.as_ident()
                && let Some(count) = self.0.get_mut(&fold(table))
            {
                *count += 1;
            }
            ControlFlow::Continue(())
        }
    }
    let mut counts = Count(names.into_iter().map(|name| (name, 0)).collect());
    let _ = query.walk(&mut counts);
    counts.0
}
