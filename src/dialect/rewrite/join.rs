//! The rewriter spells out the columns that `RIGHT JOIN ... USING` and `FULL JOIN ... USING` merge,
//! so that a row without a match on the left has its value from the right.
//!
//! `SELECT k FROM a FULL JOIN b USING (k)` becomes `SELECT coalesce(a.k, b.k) AS k ...`; under RIGHT
//! JOIN it becomes `b.k`. INNER and LEFT joins need nothing: there the left column is never NULL
//! where the right one is not.
//!
//! DataFusion 55: an unqualified name of a USING or NATURAL join is always the left table's column,
//! which is NULL on rows that only the right side has; the query plans, and its result is wrong
//! (apache/datafusion#22881, open). Not needed once `SELECT k FROM a FULL JOIN b USING (k)` gives the
//! keys of both sides: the joins in `postgres_language.slt` then pass without `merge_columns`, and
//! NATURAL joins need no refusal.

use super::build::{call, ident};
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, Query, ReplaceSelectElement, ReplaceSelectItem, Select,
    SelectItem, Statement, TableFactor, TableWithJoins, Visit, VisitMut, Visitor, VisitorMut,
};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Refuses joins whose merged columns cannot be told from the text alone, before a wrong result is
/// computed.
///
/// # Errors
/// `NotSupported` with a hint to join ON, for NATURAL RIGHT and NATURAL FULL JOIN (their columns are
/// known only to the catalog), for tables without a name, and for FULL JOIN ... USING after another
/// join whose merged column has no single source.
pub(crate) fn check(statement: &Statement) -> Result<(), QueryError> {
    struct Check;
    impl Visitor for Check {
        type Break = QueryError;

        fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
            match merged(&select.from) {
                Ok(_) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        }
    }
    match statement.visit(&mut Check) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Puts the merged column's expression in the place of its name, in the list, WHERE, GROUP BY and
/// HAVING of one SELECT.
///
/// A `*` gets a `REPLACE` list, so that its columns keep their number and order. ORDER BY needs
/// nothing, since it finds the column of the list by its alias.
pub(crate) fn merge_columns(select: &mut Select) {
    let Ok(merged) = merged(&select.from) else { return };
    if merged.is_empty() {
        return;
    }
    for item in &mut select.projection {
        match item {
            SelectItem::Wildcard(options) if options.opt_replace.is_none() => {
                let element = |(name, expr): (&String, &Expr)| {
                    let column_name = Ident::with_quote('"', name);
                    Box::new(ReplaceSelectElement { expr: expr.clone(), column_name, as_keyword: true })
                };
                options.opt_replace = Some(ReplaceSelectItem { items: merged.iter().map(element).collect() });
            }
            SelectItem::UnnamedExpr(Expr::Identifier(name)) if merged.contains_key(&fold(name)) => {
                let (alias, expr) = (name.clone(), merged[&fold(name)].clone());
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => replace(expr, &merged),
            _ => {}
        }
    }
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        keys.iter_mut().for_each(|key| replace(key, &merged));
    }
    for condition in [&mut select.selection, &mut select.having].into_iter().flatten() {
        replace(condition, &merged);
    }
}

/// Replaces names of merged columns in an expression, but for those within subqueries, which have
/// columns of their own.
fn replace(expr: &mut Expr, merged: &BTreeMap<String, Expr>) {
    struct Replace<'a> {
        merged: &'a BTreeMap<String, Expr>,
        queries: usize,
    }
    impl VisitorMut for Replace<'_> {
        type Break = ();

        fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
            self.queries += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
            self.queries -= 1;
            ControlFlow::Continue(())
        }

        // Afterwards, so that what is put in is not looked at again.
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if self.queries == 0
                && let Expr::Identifier(name) = expr
                && let Some(known) = self.merged.get(&fold(name))
            {
                *expr = known.clone();
            }
            ControlFlow::Continue(())
        }
    }
    let _ = expr.visit(&mut Replace { merged, queries: 0 });
}

/// The merged columns of a FROM that are not simply those of the left table, with the expression for
/// each; column names are folded.
///
/// `left` carries what each merged column is so far, since `a FULL JOIN b USING (k) FULL JOIN c USING
/// (k)` merges three columns; `only` is the left table while it is still the only one.
fn merged(from: &[TableWithJoins]) -> Result<BTreeMap<String, Expr>, QueryError> {
    let mut merged = BTreeMap::new();
    for tables in from {
        // The table on the left, as long as it is the only one; then who has the columns that were merged so far.
        let mut only = name(&tables.relation);
        let mut left: BTreeMap<String, Option<Expr>> = BTreeMap::new();
        for join in &tables.joins {
            let right = name(&join.relation);
            let (constraint, keeps_right) = match &join.join_operator {
                JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (constraint, Some(false)),
                JoinOperator::FullOuter(constraint) => (constraint, Some(true)),
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::Left(constraint)
                | JoinOperator::LeftOuter(constraint) => (constraint, None),
                _ => {
                    only = None;
                    continue;
                }
            };
            match constraint {
                JoinConstraint::Natural if keeps_right.is_some() => {
                    return Err(refused("NATURAL RIGHT JOIN and NATURAL FULL JOIN are not supported"));
                }
                JoinConstraint::Using(columns) => {
                    for column in columns.iter().filter_map(|name| name.0.last()?.as_ident()) {
                        let known = left.remove(&fold(column)).flatten();
                        let of_left = known.or_else(|| only.as_ref().map(|table| qualified(table, column)));
                        let of_right = right.as_ref().map(|table| qualified(table, column));
                        let value = match keeps_right {
                            None => of_left,
                            Some(full) => {
                                let untold = || refused("RIGHT and FULL JOIN ... USING need tables with a name");
                                let of_right = of_right.ok_or_else(untold)?;
                                let value = match full {
                                    false => of_right,
                                    true => {
                                        let of_left = of_left.ok_or_else(|| {
                                            refused("FULL JOIN ... USING over several tables is not supported")
                                        })?;
                                        call("coalesce", vec![of_left, of_right])
                                    }
                                };
                                merged.insert(fold(column), value.clone());
                                Some(value)
                            }
                        };
                        left.insert(fold(column), value);
                    }
                }
                _ => {}
            }
            only = None;
        }
    }
    Ok(merged)
}

/// The refusal of a join that has no equal here, with a hint to write it with ON.
fn refused(what: &str) -> QueryError {
    QueryError::new(ErrorKind::NotSupported, what)
        .with_hint("Join ON the columns, and take coalesce of both where rows may lack a match.")
}

/// The name by which the columns of a table can be qualified: its alias, else its own name; `None`
/// for a subquery or a nested join without an alias.
fn name(table: &TableFactor) -> Option<Vec<Ident>> {
    match table {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } => Some(vec![alias.name.clone()]),
        TableFactor::Table { name, args: None, .. } => {
            Some(name.0.iter().filter_map(|part| part.as_ident().cloned()).collect())
        }
        _ => None,
    }
}

/// `table.column`, under the last part of the table's name.
fn qualified(table: &[Ident], column: &Ident) -> Expr {
    // The last part is the name a table goes by, whatever schema it was found in.
    let table = table.last().cloned().unwrap_or_else(|| ident(""));
    Expr::CompoundIdentifier(vec![table, column.clone()])
}
