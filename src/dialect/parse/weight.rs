//! The weight limit refuses columns that are too large once the expressions behind them are written
//! out.
//!
//! DataFusion puts an expression in the place of a column when it moves a filter below the query that
//! makes it. A column made of the one before it twice doubles with each step, and twenty steps keep
//! the optimizer for hours. So the columns that each column stands for are counted first. Where a
//! name is not known, it stands for itself.
//!
//! DataFusion 55: `push_down_filter` inlines the expressions of a projection without a bound
//! (`replace_cols_by_name`); the query cannot be cancelled meanwhile. Not needed once a chain of 30
//! queries of WITH that each select `a + a AS a`, filtered at the end, plans at once:
//! `what_doubles_is_refused` has it.

use super::tree::{Statement, fold};
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias,
    TableFactor, TableWithJoins, Visitor,
};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

/// Columns that one column may stand for, with every expression behind it written out.
const WEIGHT_MAX: u64 = 4_000;

/// What each column of a query stands for, by folded name; those that are not here stand for
/// themselves.
type Columns = Rc<HashMap<String, u64>>;

/// Queries that WITH gives names to, in reach of a query.
type Names = HashMap<String, Columns>;

/// Refuses a statement one of whose columns stands for too many others.
///
/// # Errors
/// `NotSupported`, which names the limit.
pub(crate) fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Query(query) => columns_of_query(query, &Names::new()).map(|_| ()),
        Statement::Explain { statement, .. } => check(statement),
        _ => Ok(()),
    }
}

/// The columns of a query, with those of its WITH in reach.
fn columns_of_query(query: &Query, around: &Names) -> Result<Columns, QueryError> {
    let Some(with) = &query.with else { return columns_of_set(&query.body, around) };
    let mut names = around.clone();
    for cte in &with.cte_tables {
        let columns = columns_of_query(&cte.query, &names)?;
        names.insert(fold(&cte.alias.name), renamed(columns, &cte.alias));
    }
    columns_of_set(&query.body, &names)
}

/// The columns of a query's body; of a UNION each column has the larger weight of both sides.
fn columns_of_set(body: &SetExpr, names: &Names) -> Result<Columns, QueryError> {
    match body {
        SetExpr::Select(select) => columns_of_select(select, names),
        SetExpr::Query(query) => columns_of_query(query, names),
        SetExpr::SetOperation { left, right, .. } => {
            let (left, right) = (columns_of_set(left, names)?, columns_of_set(right, names)?);
            let mut columns = (*left).clone();
            for (name, weight) in right.iter() {
                let known = columns.entry(name.clone()).or_insert(1);
                *known = (*known).max(*weight);
            }
            Ok(Rc::new(columns))
        }
        _ => Ok(Columns::default()),
    }
}

/// The columns of one SELECT; its subqueries in FROM and in expressions are checked on the way.
fn columns_of_select(select: &Select, names: &Names) -> Result<Columns, QueryError> {
    let mut sources = Vec::new();
    for table in &select.from {
        add_sources(table, names, &mut sources)?;
    }
    // Subqueries in expressions, wherever they stand.
    let mut inner = Subqueries { names, depth: 0, queries: 0 };
    if let ControlFlow::Break(error) = select.walk(&mut inner) {
        return Err(error);
    }
    let mut columns = HashMap::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let weight = weight_of(expr, &sources)?;
                columns.insert(own_name(expr).unwrap_or_else(|| format!("?{}", columns.len())), weight);
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                columns.insert(fold(alias), weight_of(expr, &sources)?);
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(table), _) => {
                let table = last(table);
                let of_table = sources.iter().filter(|(name, _)| *name == table);
                columns.extend(
                    of_table.flat_map(|(_, columns)| columns.iter()).map(|(name, weight)| (name.clone(), *weight)),
                );
            }
            _ => columns.extend(
                sources.iter().flat_map(|(_, columns)| columns.iter()).map(|(name, weight)| (name.clone(), *weight)),
            ),
        }
    }
    Ok(Rc::new(columns))
}

/// The tables of a FROM with the names they have there, joins and nested joins included.
fn add_sources(table: &TableWithJoins, names: &Names, sources: &mut Vec<(String, Columns)>) -> Result<(), QueryError> {
    for factor in std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation)) {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let columns = match name.0.as_slice() {
                    [_] => names.get(&last(name)).cloned().unwrap_or_default(),
                    _ => Columns::default(),
                };
                let known_as = alias.as_ref().map_or_else(|| last(name), |alias| fold(&alias.name));
                sources.push((known_as, alias.as_ref().map_or(columns.clone(), |alias| renamed(columns, alias))));
            }
            TableFactor::Derived { subquery, alias, .. } => {
                let columns = columns_of_query(subquery, names)?;
                let known_as = alias.as_ref().map(|alias| fold(&alias.name)).unwrap_or_default();
                sources.push((known_as, alias.as_ref().map_or(columns.clone(), |alias| renamed(columns, alias))));
            }
            TableFactor::NestedJoin { table_with_joins, .. } => add_sources(table_with_joins, names, sources)?,
            _ => {}
        }
    }
    Ok(())
}

/// Columns under the names that an alias gives them. Which is which is not known here, so each may be
/// the heaviest.
fn renamed(columns: Columns, alias: &TableAlias) -> Columns {
    if alias.columns.is_empty() {
        return columns;
    }
    let heaviest = columns.values().copied().max().unwrap_or(1);
    Rc::new(alias.columns.iter().map(|column| (fold(&column.name), heaviest)).collect())
}

/// The weight of an expression: the sum of those of the columns it names, at least 1.
///
/// # Errors
/// `NotSupported` beyond `WEIGHT_MAX`.
fn weight_of(expr: &Expr, sources: &[(String, Columns)]) -> Result<u64, QueryError> {
    let mut weigh = Weigh { sources, weight: 0 };
    let _ = expr.walk(&mut weigh);
    match weigh.weight {
        weight if weight > WEIGHT_MAX => Err(QueryError::new(
            ErrorKind::NotSupported,
            format!("a column is made of more than {WEIGHT_MAX} others, with every expression behind it written out"),
        )),
        weight => Ok(weight.max(1)),
    }
}

/// Adds up the weights of the columns that an expression names.
struct Weigh<'a> {
    sources: &'a [(String, Columns)],
    weight: u64,
}

impl Visitor for Weigh<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let named = |table: Option<&Ident>, column: &Ident| {
            let (table, column) = (table.map(fold), fold(column));
            let sources = self.sources.iter().filter(|(name, _)| table.as_ref().is_none_or(|table| table == name));
            sources.filter_map(|(_, columns)| columns.get(&column).copied()).max().unwrap_or(1)
        };
        let weight = match expr {
            Expr::Identifier(column) => named(None, column),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [.., table, column] => named(Some(table), column),
                _ => 0,
            },
            _ => 0,
        };
        self.weight = self.weight.saturating_add(weight);
        ControlFlow::Continue(())
    }
}

/// Checks the subqueries that stand in the expressions of one query, and leaves those inside them to
/// themselves.
struct Subqueries<'a> {
    names: &'a Names,
    /// Expressions with a subquery around the point of the walk.
    depth: usize,
    /// Tables that are queries around it: those are gone through as tables.
    queries: usize,
}

impl Visitor for Subqueries<'_> {
    type Break = QueryError;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<QueryError> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<QueryError> {
        self.queries = self.queries.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<QueryError> {
        let Some(query) = subquery(expr) else { return ControlFlow::Continue(()) };
        self.depth += 1;
        if self.depth == 1
            && self.queries == 0
            && let Err(error) = columns_of_query(query, self.names)
        {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<QueryError> {
        if subquery(expr).is_some() {
            self.depth = self.depth.saturating_sub(1);
        }
        ControlFlow::Continue(())
    }
}

/// The query of a subquery in an expression; `None` for every other expression.
fn subquery(expr: &Expr) -> Option<&Query> {
    match expr {
        Expr::Exists { subquery, .. } | Expr::InSubquery { subquery, .. } | Expr::Subquery(subquery) => Some(subquery),
        _ => None,
    }
}

/// The name of a plain column; `None` for other expressions.
fn own_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(fold(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        _ => None,
    }
}

/// The last part of a name with dots, folded.
fn last(name: &ObjectName) -> String {
    name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn read(sql: &str) -> Result<(), QueryError> {
        check(&Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap()[0])
    }

    fn chain(steps: usize, made: &str) -> String {
        let step = |n: usize| format!(", c{n} AS (SELECT {made} AS a, b FROM c{p} AS p)", p = n - 1);
        let rest: String = (1..=steps).map(step).collect();
        format!("WITH c0 AS (SELECT a, b FROM t){rest} SELECT a, b FROM c{steps} WHERE a > 5")
    }

    #[test]
    fn what_doubles_is_refused() {
        for made in ["a + a", "CASE WHEN a > 3 THEN p.a END", "concat(p.a, A)"] {
            assert!(read(&chain(11, made)).is_ok(), "{made}");
            assert_eq!(read(&chain(12, made)).unwrap_err().kind, ErrorKind::NotSupported, "{made}");
            assert!(read(&chain(200, made)).is_err(), "{made}");
            assert!(read(&format!("SELECT 1 WHERE EXISTS ({})", chain(30, made))).is_err(), "{made}");
            assert!(read(&format!("SELECT 1 FROM ({}) AS x", chain(30, made))).is_err(), "{made}");
        }
        let derived =
            (0..20).fold("SELECT a FROM t".to_owned(), |sql, _| format!("SELECT a + a AS a FROM ({sql}) AS x"));
        assert!(read(&derived).is_err());
        let listed = (0..20).fold("SELECT a FROM t".to_owned(), |sql, _| format!("SELECT a + a FROM ({sql}) AS x(a)"));
        assert!(read(&listed).is_err());
    }

    #[test]
    fn long_chains_that_do_not_double_are_not() {
        assert!(read(&chain(200, "a + b")).is_ok());
        assert!(read(&chain(200, "b + b + b")).is_ok());
        assert!(read("SELECT a + a FROM t UNION ALL SELECT x.a FROM (SELECT * FROM t) AS x").is_ok());
    }
}
