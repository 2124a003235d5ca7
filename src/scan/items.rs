//! The values that filters leave to a column of texts: the symbols that a statement names.

use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use std::collections::BTreeSet;

/// The values that a column can have where all filters are true; `None` where they do not tell.
pub(crate) fn items_of_all(filters: &[Expr], column: &str) -> Option<BTreeSet<String>> {
    let sets = filters.iter().filter_map(|filter| items(filter, column));
    sets.reduce(|left, right| left.intersection(&right).cloned().collect())
}

/// The values a column can have where the expression is true; `None` where it does not tell.
fn items(filter: &Expr, column: &str) -> Option<BTreeSet<String>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let value = match (is_column(left, column), is_column(right, column)) {
                (true, false) => right,
                (false, true) => left,
                _ => return None,
            };
            Some(text(value)?.into_iter().collect())
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (mut one, mut other) = (items(left, column)?, items(right, column)?);
            one.append(&mut other);
            Some(one)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (items(left, column), items(right, column)) {
                (Some(one), Some(other)) => Some(one.intersection(&other).cloned().collect()),
                (one, other) => one.or(other),
            }
        }
        Expr::InList(InList { expr, list, negated: false }) if is_column(expr, column) => {
            let values = list.iter().map(text).collect::<Option<Vec<_>>>()?;
            Some(values.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// Whether the expression is this column, also under a cast from one kind of text to another.
fn is_column(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Column(column) => column.name == name,
        // A cast from text to another kind of text changes nothing.
        Expr::Cast(cast) => cast.field.data_type().is_string() && is_column(&cast.expr, name),
        _ => false,
    }
}

/// A text that stands in the statement: no value when it is NULL, and `None` when it is something else.
fn text(expr: &Expr) -> Option<Option<String>> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().map(|text| text.map(str::to_owned)),
        _ => None,
    }
}
