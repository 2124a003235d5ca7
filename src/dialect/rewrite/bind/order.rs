//! The binder of ORDER BY and DISTINCT ON: a name alone means a column of the list, a number its
//! place, and an expression the columns of the tables.

use super::binder::{Binder, Lookup};
use super::item::Item;
use super::limit::has_query;
use super::scope::Output;
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{Expr, OrderByExpr, Value};

/// An expression without the parentheses around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

/// Whether a key is a name or a number alone.
pub(super) fn is_whole(key: &Expr) -> bool {
    matches!(bare(key), Expr::Identifier(_) | Expr::Value(_))
}

/// The literal of a column's place, from 1.
fn number(place: usize) -> Expr {
    Expr::Value(Value::Number((place + 1).to_string(), false).into())
}

/// The place that a key names by its number.
fn place_of(key: &Expr) -> Option<usize> {
    match bare(key) {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse::<usize>().ok()?.checked_sub(1),
            _ => None,
        },
        _ => None,
    }
}

/// PostgreSQL's error for a name that several columns of the list have.
fn ambiguous(name: &str) -> QueryError {
    QueryError::new(ErrorKind::AmbiguousColumn, format!("ORDER BY \"{name}\" is ambiguous"))
}

/// Binds a key of ORDER BY behind a set operation: a column of the result, by name or by number.
pub(super) fn by_output(key: &mut Expr, outputs: &[Output]) -> Result<(), QueryError> {
    match bare(key) {
        Expr::Value(_) => Ok(()),
        Expr::Identifier(name) => {
            let name = fold(name);
            let mut places = (0..outputs.len()).filter(|place| outputs[*place].name == name);
            let place = match (places.next(), places.next()) {
                (Some(place), None) => place,
                (Some(_), Some(_)) => return Err(ambiguous(&name)),
                (None, _) => return Err(super::scope::missing(&name)),
            };
            *key = number(place);
            Ok(())
        }
        _ => Err(QueryError::new(ErrorKind::NotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
            .with_hint("Only result column names can be used, not expressions or functions.")),
    }
}

impl Binder<'_> {
    /// Binds a key of ORDER BY, or of DISTINCT ON; `by_value` puts what a column of the list is in the
    /// place of its number.
    pub(super) fn sort_key(&mut self, key: &mut Expr, items: &[Item], by_value: bool) -> Result<(), QueryError> {
        if let Some(place) = place_of(key) {
            if by_value && let Some(item) = items.get(place) {
                *key = item.expr.clone();
            }
            return Ok(());
        }
        match bare(key) {
            Expr::Value(value) if !matches!(value.value, Value::Placeholder(_)) => {
                return Err(QueryError::new(ErrorKind::Syntax, "non-integer constant in ORDER BY"));
            }
            Expr::Identifier(name) => {
                let name = fold(name);
                let mut places = (0..items.len()).filter(|place| items[*place].name == name);
                if let Some(place) = places.next() {
                    if places.any(|other| !self.is_same(&items[other].expr, &items[place].expr)) {
                        return Err(ambiguous(&name));
                    }
                    *key = if by_value { items[place].expr.clone() } else { number(place) };
                    return Ok(());
                }
            }
            _ => {}
        }
        self.expr_as(key, Lookup::Qualified)?;
        // What the list computes is sorted by what it has computed.
        for (place, item) in items.iter().enumerate().filter(|(_, item)| !has_query(&item.expr)) {
            let mut listed = item.expr.clone();
            if std::mem::discriminant(bare(&listed)) == std::mem::discriminant(bare(key)) {
                self.expr_as(&mut listed, Lookup::Qualified)?;
                if bare(&listed) == bare(key) {
                    *key = if by_value { item.expr.clone() } else { number(place) };
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether a bound key of ORDER BY is a column of the list, or may be one where tables' columns are not known.
    pub(super) fn is_listed(&self, key: &Expr, items: &[Item]) -> bool {
        let open = self.scopes.last().is_none_or(|scope| scope.open);
        let same = |item: &Item| bare(&item.expr) == bare(key) || self.is_same(&item.expr, key);
        open || place_of(key).is_some() || items.iter().any(same)
    }

    /// Whether two bound expressions are the same, with a table in front of a column or without.
    pub(super) fn is_same(&self, left: &Expr, right: &Expr) -> bool {
        left == right || self.column(left).is_some_and(|column| Some(column) == self.column(right))
    }

    /// A column of the innermost tables with its table in front; `None` for any other expression.
    pub(super) fn column(&self, expr: &Expr) -> Option<Expr> {
        match expr {
            Expr::Nested(inner) => self.column(inner),
            Expr::Identifier(name) => {
                let name = fold(name);
                let mut found = self.scopes.last()?.columns.iter().filter(|column| column.name == name);
                found.next().map(|column| column.expr.clone()).filter(|_| found.next().is_none())
            }
            Expr::CompoundIdentifier(parts) => {
                let (column, table) = parts.split_last()?;
                let relation = self.scopes.last()?.relation(table)?;
                let name = fold(column);
                let known = relation.columns.iter().flatten();
                let found = known.clone().find(|known| known.inner == name);
                found.map(|column| relation.qualified(column))
            }
            _ => None,
        }
    }
}

/// Puts the expressions of DISTINCT ON into the order in which ORDER BY begins with them, which is any
/// in PostgreSQL and the same in DataFusion.
///
/// DataFusion 55: "SELECT DISTINCT ON expressions must match initial ORDER BY expressions" compares
/// them one by one. Not needed once `SELECT DISTINCT ON (a, b) ... ORDER BY b, a` plans.
pub(super) fn as_sorted(on: &mut [Expr], keys: &[OrderByExpr]) {
    for place in 0..on.len() {
        let Some(key) = keys.get(place) else { return };
        let wanted = bare(&key.expr);
        if let Some(at) = (place..on.len()).find(|at| is_alike(bare(&on[*at]), wanted)) {
            on.swap(place, at);
        }
    }
}

/// Whether two keys are the same, a column's table aside.
fn is_alike(left: &Expr, right: &Expr) -> bool {
    let last = |expr: &Expr| match expr {
        Expr::Identifier(name) => Some(fold(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(fold),
        _ => None,
    };
    left == right || last(left).is_some_and(|name| Some(name) == last(right))
}
