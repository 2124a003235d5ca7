//! The size limits refuse statements whose plan is out of all proportion to their text.
//!
//! A name of WITH that uses the one before it twice doubles with each step: thirty short lines are a
//! billion tables. Each level of a subquery in an expression is planned several times, each column of
//! a CUBE doubles the groupings. DataFusion goes through all of them without a pause in which to be
//! cancelled, so they are counted first, which takes one walk.
//!
//! DataFusion 55: a query of WITH is copied into every place that names it (apache/datafusion#8777,
//! open). Not needed once such a query is planned once: then `TABLES_MAX` may go.
//!
//! DataFusion 55: `CUBE` is expanded to all of its grouping sets, `approx_percentile_cont` keeps as
//! many centroids as its argument says, both without asking the memory limit first. Not needed once
//! DataFusion bounds them.

use super::tree::fold;
use crate::dialect::abandoned::unless_over;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, GroupByWithModifier, ObjectName,
    Query, Select, Value, Visitor,
};
use std::ops::ControlFlow;

/// Tables one statement may read, with every name of WITH written out.
const TABLES_MAX: u64 = 4_000;
/// Queries inside each other, with every name of WITH written out: a plan is as deep as they are, and is walked and freed by
/// recursion.
const LEVELS_MAX: u64 = 500;
/// Subqueries inside each other, in expressions: DataFusion's subquery rules walk each level again
/// from each level above.
const SUBQUERIES_MAX: usize = 10;
/// Groupings of one query; PostgreSQL's own limit.
const GROUPINGS_MAX: u64 = 4_096;
/// Expressions one SELECT may list, and columns a result may have; PostgreSQL's own limit (`MaxTupleAttributeNumber`).
pub(crate) const COLUMNS_MAX: usize = 1_664;
/// Centroids of an approximate percentile: each takes 16 bytes for every group.
const CENTROIDS_MAX: u64 = 100_000;

/// The refusal of a list of more than [`COLUMNS_MAX`] columns.
pub(crate) fn too_many_columns() -> QueryError {
    QueryError::new(ErrorKind::NotSupported, format!("target lists can have at most {COLUMNS_MAX} entries"))
}

/// Ends the walk with a refusal.
fn too_much(message: String) -> ControlFlow<QueryError> {
    ControlFlow::Break(QueryError::new(ErrorKind::NotSupported, message))
}

/// How many sets of columns a GROUP BY groups by; the numbers of several CUBEs and ROLLUPs multiply,
/// and saturate.
fn groupings(group_by: &GroupByExpr) -> u64 {
    let GroupByExpr::Expressions(exprs, modifiers) = group_by else { return 1 };
    let power = |count: usize| 1_u64.checked_shl(u32::try_from(count).unwrap_or(u32::MAX)).unwrap_or(u64::MAX);
    let of_expr = |expr: &Expr| match expr {
        Expr::Cube(sets) => power(sets.len()),
        Expr::Rollup(sets) => sets.len() as u64 + 1,
        Expr::GroupingSets(sets) => sets.len() as u64,
        _ => 1,
    };
    let of_modifier = |modifier: &GroupByWithModifier| match modifier {
        GroupByWithModifier::Cube => power(exprs.len()),
        GroupByWithModifier::Rollup => exprs.len() as u64 + 1,
        _ => 1,
    };
    exprs.iter().map(of_expr).chain(modifiers.iter().map(of_modifier)).fold(1, u64::saturating_mul)
}

/// What is wrong with a call for the size of what it makes, judged by its arguments as they are
/// written; `None` for most.
///
/// A number of centroids must be a literal, since a parameter is not known yet.
fn oversized_call(function: &Function) -> Option<&'static str> {
    let name = function.name.0.last().and_then(|part| part.as_ident())?.value.to_lowercase();
    let FunctionArguments::List(list) = &function.args else { return None };
    let argument = |index: usize| match list.args.get(index) {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) => Some(expr),
        _ => None,
    };
    let centroids = |index: usize| match argument(index)? {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) if digits.parse().is_ok_and(|count: u64| count <= CENTROIDS_MAX) => None,
            _ => Some("the number of centroids must be a number, and at most 100000"),
        },
        _ => Some("the number of centroids must be a number, and at most 100000"),
    };
    match name.as_str() {
        // WITHIN GROUP takes the column out of the arguments.
        "approx_percentile_cont" if function.within_group.is_empty() => centroids(2),
        "approx_percentile_cont" => centroids(1),
        "approx_percentile_cont_with_weight" if function.within_group.is_empty() => centroids(3),
        "approx_percentile_cont_with_weight" => centroids(2),
        _ => None,
    }
}

/// Whether an expression is a scalar subquery, an EXISTS or an IN over a query.
fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::Exists { .. } | Expr::InSubquery { .. } | Expr::Subquery(_))
}

/// Counts tables and subqueries in one walk over a statement, and ends it with the refusal of one
/// that would be too much to plan: `NotSupported` for a limit that is exceeded, `InvalidParameter` for
/// an argument that would make too large a value.
#[derive(Default)]
pub(super) struct Sizes {
    /// The queries around the point of the walk, innermost last.
    queries: Vec<Count>,
    /// How many of them stand in an expression.
    subqueries: usize,
}

/// What is known of one query so far.
#[derive(Default)]
struct Count {
    /// Tables it reads, those of the names it uses included.
    tables: u64,
    /// Queries inside each other within it, those of the names it uses included.
    levels: u64,
    /// The queries its WITH gives names to.
    names: Vec<Named>,
}

/// A query that WITH gives a name, and its size once it was walked.
struct Named {
    name: String,
    /// The address of its tree, by which the walk knows it again when it leaves it; never
    /// dereferenced.
    query: *const Query,
    /// Its tables and levels. None until it was walked; a recursive one uses itself before.
    size: Option<(u64, u64)>,
}

impl Sizes {
    /// Tables and levels that one use of a name stands for: those of the innermost query of WITH with this name that was
    /// walked, one table for a table.
    fn size_of(&self, name: &str) -> (u64, u64) {
        let names = self.queries.iter().rev().flat_map(|query| query.names.iter().rev());
        names.filter(|named| named.name == name).find_map(|named| named.size).unwrap_or((1, 0))
    }
}

impl Visitor for Sizes {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        let named = ctes.map(|cte| Named { name: fold(&cte.alias.name), query: &raw const *cte.query, size: None });
        self.queries.push(Count { tables: 0, levels: 0, names: named.collect() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        let (tables, levels) = self.queries.pop().map_or((0, 1), |count| (count.tables, count.levels + 1));
        let place: *const Query = query;
        if let Some(around) = self.queries.last_mut() {
            match around.names.iter_mut().find(|named| named.query == place) {
                Some(named) => named.size = Some((tables.max(1), levels)),
                None => {
                    around.tables = around.tables.saturating_add(tables);
                    around.levels = around.levels.max(levels);
                }
            }
        }
        if levels > LEVELS_MAX {
            return too_much(format!(
                "queries are inside each other more than {LEVELS_MAX} deep, with every name of WITH written out"
            ));
        }
        if tables > TABLES_MAX {
            return too_much(format!(
                "the statement reads more than {TABLES_MAX} tables, with every name of WITH written out"
            ));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<QueryError> {
        let (tables, levels) = match relation.0.as_slice() {
            [only] => only.as_ident().map_or((1, 0), |name| self.size_of(&fold(name))),
            _ => (1, 0),
        };
        if let Some(query) = self.queries.last_mut() {
            query.tables = query.tables.saturating_add(tables);
            query.levels = query.levels.max(levels);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
        if select.projection.len() > COLUMNS_MAX {
            return ControlFlow::Break(too_many_columns());
        }
        if groupings(&select.group_by) > GROUPINGS_MAX {
            return too_much(format!("too many grouping sets present (maximum {GROUPINGS_MAX})"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<QueryError> {
        unless_over()?;
        if is_subquery(expr) {
            self.subqueries += 1;
            if self.subqueries > SUBQUERIES_MAX {
                return too_much(format!("subqueries are nested more than {SUBQUERIES_MAX} deep"));
            }
        }
        if let Expr::Function(function) = expr
            && let Some(wrong) = oversized_call(function)
        {
            return ControlFlow::Break(QueryError::new(ErrorKind::InvalidParameter, wrong));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<QueryError> {
        if is_subquery(expr) {
            self.subqueries = self.subqueries.saturating_sub(1);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::parse::walk::Walk;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn read(sql: &str) -> Result<(), QueryError> {
        let statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        match statement.walk(&mut Sizes::default()) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        }
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
    fn queries_inside_each_other_are_counted_with_the_names_they_use() {
        let chain = |steps: usize| {
            let rest: String = (1..steps).map(|n| format!(", c{n} AS (SELECT * FROM c{})", n - 1)).collect();
            format!("WITH c0 AS (SELECT 1){rest} SELECT * FROM c{}", steps - 1)
        };
        assert!(read(&chain(499)).is_ok());
        assert_eq!(read(&chain(500)).unwrap_err().kind, ErrorKind::NotSupported);
        let side: String = (0..3_000).map(|n| format!(", d{n} AS (SELECT 1)")).collect();
        assert!(read(&format!("WITH c AS (SELECT 1){side} SELECT * FROM c, d2999")).is_ok());
    }

    #[test]
    fn groupings_columns_and_subqueries_have_a_limit() {
        let cube = |count: usize| format!("SELECT 1 FROM t GROUP BY CUBE({})", vec!["a"; count].join(", "));
        assert!(read(&cube(12)).is_ok() && read(&cube(13)).is_err() && read(&cube(100)).is_err());
        assert!(read("SELECT 1 FROM t GROUP BY CUBE(a,b,c,d,e,f,g), CUBE(a,b,c,d,e,f,g)").is_err());
        assert!(read("SELECT 1 FROM t GROUP BY GROUPING SETS ((a), (b)), ROLLUP(a, b)").is_ok());
        assert!(read(&format!("SELECT {}", vec!["1"; 1_665].join(", "))).is_err());
        let nested =
            |depth: usize| (0..depth).fold("SELECT 1".to_owned(), |sql, _| format!("SELECT 1 WHERE EXISTS ({sql})"));
        assert!(read(&nested(10)).is_ok() && read(&nested(11)).is_err());
        assert!(read("SELECT (SELECT 1), (SELECT 2), EXISTS (SELECT 3)").is_ok());
    }

    #[test]
    fn arguments_that_are_sizes_have_a_limit() {
        assert!(read("SELECT approx_percentile_cont(a, 0.5, 200), approx_percentile_cont(a, 0.5) FROM t").is_ok());
        assert!(read("SELECT approx_percentile_cont(a, 0.5, 9223372036854775807) FROM t").is_err());
        assert!(read("SELECT approx_percentile_cont(a, 0.5, 10 * 1000000000) FROM t").is_err());
        assert!(read("SELECT approx_percentile_cont(0.5, 100000000000) WITHIN GROUP (ORDER BY a) FROM t").is_err());
    }

    #[test]
    fn plain_statements_are_small() {
        assert!(read("WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM t, t AS u").is_ok());
        assert!(read(&format!("SELECT 1 {}", "UNION ALL SELECT * FROM eod ".repeat(1_000))).is_ok());
        assert!(read("WITH \"A\" AS (SELECT 1) SELECT * FROM a, \"A\", public.a").is_ok());
    }
}
