//! The binder of GROUP BY: a name means a column of the tables, else one of the list; a number its
//! place; and a primary key brings the other columns of its table with it.

use super::binder::Binder;
use super::item::Item;
use super::scope::{Found, Output};
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{Expr, GroupByExpr, OrderByExpr, Query, Select, Value, Visitor};
use std::ops::ControlFlow;

impl Binder<'_> {
    /// Binds the keys of GROUP BY; `(a, b)` are two keys, and `()` is one group of all rows.
    pub(super) fn group_keys(&mut self, keys: &mut Vec<Expr>, items: &[Item]) -> Result<(), QueryError> {
        for key in std::mem::take(keys) {
            match key {
                Expr::Tuple(parts) if parts.is_empty() => keys.push(Expr::GroupingSets(vec![Vec::new()])),
                Expr::Tuple(parts) => keys.extend(parts),
                Expr::Nested(inner) => keys.push(*inner),
                other => keys.push(other),
            }
        }
        for key in keys {
            match key {
                Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                    for key in sets.iter_mut().flatten() {
                        self.group_key(key, items, true)?;
                    }
                }
                key => self.group_key(key, items, false)?,
            }
        }
        Ok(())
    }

    /// Binds one key; `by_value` puts what a column of the list is in the place of its number.
    fn group_key(&mut self, key: &mut Expr, items: &[Item], by_value: bool) -> Result<(), QueryError> {
        let place = match key {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => match digits.parse::<i32>() {
                    Ok(number) => {
                        let place = usize::try_from(number - 1).ok().filter(|place| *place < items.len());
                        let message = || format!("GROUP BY position {number} is not in select list");
                        Some(place.ok_or_else(|| QueryError::new(ErrorKind::WrongColumns, message()))?)
                    }
                    Err(_) => None,
                },
                _ => None,
            },
            Expr::Identifier(name) => {
                let name = fold(name);
                let of_tables = self.scopes.last().map(|scope| scope.find(&name));
                let first = items.iter().position(|item| item.name == name);
                first.filter(|_| matches!(of_tables, Some(Found::Nothing) | None))
            }
            _ => None,
        };
        let Some(place) = place else { return self.expr(key) };
        let Some(item) = items.get(place) else { return Ok(()) };
        *key = match by_value {
            true => item.expr.clone(),
            false => Expr::Value(Value::Number((place + 1).to_string(), false).into()),
        };
        Ok(())
    }

    /// Groups by further columns of a table whose primary key is grouped by, where they are used: they
    /// make no further groups.
    pub(super) fn group_dependent(
        &self,
        select: &mut Select,
        items: &[Item],
        sort: &[OrderByExpr],
    ) -> Result<(), QueryError> {
        let Some(scope) = self.scopes.last() else { return Ok(()) };
        let GroupByExpr::Expressions(keys, _) = &mut select.group_by else { return Ok(()) };
        let plain = |key: &Expr| !matches!(key, Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_));
        if keys.is_empty() || !keys.iter().all(plain) || scope.relations.iter().all(|relation| relation.key.is_empty())
        {
            return Ok(());
        }
        let grouped: Vec<Expr> = keys
            .iter()
            .filter_map(|key| match key {
                Expr::Value(value) => match &value.value {
                    Value::Number(digits, _) => {
                        let place = digits.parse::<usize>().ok()?.checked_sub(1)?;
                        self.column(&items.get(place)?.expr)
                    }
                    _ => None,
                },
                key => self.column(key),
            })
            .collect();
        let mut used = Used::default();
        for expr in items.iter().map(|item| &item.expr).chain(&select.having).chain(sort.iter().map(|key| &key.expr)) {
            let _ = expr.walk(&mut used);
        }
        let used: Vec<Expr> = used.columns.iter().filter_map(|expr| self.column(expr)).collect();
        for relation in &scope.relations {
            let has = |name: &String| grouped.contains(&relation.qualified(&Output::plain(name.clone())));
            if relation.key.is_empty() || !relation.key.iter().all(has) {
                continue;
            }
            for column in relation.columns.iter().flatten().map(|column| relation.qualified(column)) {
                if used.contains(&column) && !grouped.contains(&column) {
                    keys.push(column);
                }
            }
        }
        Ok(())
    }
}

/// The columns that expressions use outside of aggregates.
#[derive(Default)]
struct Used {
    columns: Vec<Expr>,
    /// Aggregates and subqueries around the point of the walk.
    inside: usize,
}

impl Visitor for Used {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.inside += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.inside -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.inside += usize::from(is_aggregate(expr));
        if self.inside == 0 && matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            self.columns.push(expr.clone());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.inside -= usize::from(is_aggregate(expr));
        ControlFlow::Continue(())
    }
}

/// What in a list keeps rows from being locked: PostgreSQL locks the rows of tables alone.
pub(super) fn locked(select: &Select) -> Option<&'static str> {
    struct Calls;
    impl Visitor for Calls {
        type Break = &'static str;

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<&'static str> {
            match expr {
                Expr::Function(function) if function.over.is_some() => ControlFlow::Break("window functions"),
                call if is_aggregate(call) => ControlFlow::Break("aggregate functions"),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    select.projection.iter().find_map(|item| item.walk(&mut Calls).break_value())
}

/// Whether an expression is a call of a known aggregate. To take one for something else only groups by
/// a column more.
fn is_aggregate(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = function.name.0.last().and_then(|part| part.as_ident()).map(fold).unwrap_or_default();
    function.over.is_none()
        && (!function.within_group.is_empty()
            || ["stddev", "var", "covar", "regr_", "percentile_", "approx_", "bit_"]
                .iter()
                .any(|begin| name.starts_with(begin))
            || matches!(
                name.as_str(),
                "count"
                    | "sum"
                    | "avg"
                    | "min"
                    | "max"
                    | "corr"
                    | "mode"
                    | "string_agg"
                    | "array_agg"
                    | "bool_and"
                    | "bool_or"
                    | "every"
                    | "any_value"
                    | "json_agg"
                    | "jsonb_agg"
                    | "json_object_agg"
                    | "jsonb_object_agg"
            ))
}
