//! The rewriter finds the tables of PostgreSQL's catalog in a SELECT, and counts the elements of its vectors from 0.

use super::build;
use super::scope::Scopes;
use crate::dialect::catalog::definition;
use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::{AccessExpr, BinaryOperator, Expr, Ident, Select, Subscript, TableFactor, Value};

/// The catalog tables a SELECT reads in FROM and its joins, under the names they have in it;
/// subqueries and functions are passed over.
pub(crate) fn catalog_tables(select: &Select, scopes: &Scopes) -> Vec<(String, &'static definition::Definition)> {
    let factors = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    let named = factors.filter_map(|factor| match factor {
        TableFactor::Table { name, alias, args: None, .. } => {
            let definition = scopes.catalog_table(name)?;
            let name = alias.as_ref().map_or_else(|| definition.name.to_owned(), |alias| fold(&alias.name));
            Some((name, definition))
        }
        _ => None,
    });
    named.collect()
}

/// Adds 1 to the index of a vector's element: `indkey[0]` becomes `indkey[(0) + 1]`. PostgreSQL
/// counts the elements of `int2vector` and `oidvector` from 0, and those of other arrays from 1.
///
/// DataFusion 55: every list is counted from 1. Not needed once vectors have a type of their own,
/// whose elements are counted from 0.
pub(crate) fn from_one(root: &Expr, access: &mut [AccessExpr]) {
    let Some((AccessExpr::Subscript(Subscript::Index { index }), before)) = access.split_last_mut() else { return };
    let column = match (before.last(), root) {
        (Some(AccessExpr::Dot(Expr::Identifier(column))), _) | (None, Expr::Identifier(column)) => column,
        (None, Expr::CompoundIdentifier(parts)) => match parts.last() {
            Some(column) => column,
            None => return,
        },
        _ => return,
    };
    if matches!(fold(column).as_str(), "indclass" | "indcollation" | "indkey" | "indoption" | "proargtypes") {
        let one = Expr::Value(Value::Number("1".to_owned(), false).into());
        let counted = Box::new(Expr::Nested(Box::new(build::take(index))));
        *index = Expr::BinaryOp { left: counted, op: BinaryOperator::Plus, right: Box::new(one) };
    }
}

/// Rewrites `typname[0]` to `substr(typname, (0) + 1, 1)`: PostgreSQL counts the letters of a `name` from 0 as elements.
///
/// DataFusion 55: a name is a text, which has no elements. Not needed once names have a type of their own.
pub(crate) fn letter(expr: &mut Expr, scopes: &Scopes) {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return };
    let Some((AccessExpr::Subscript(Subscript::Index { index }), before)) = access_chain.split_last_mut() else {
        return;
    };
    let parts: Vec<&Ident> = match (root.as_ref(), &*before) {
        (Expr::Identifier(column), []) => vec![column],
        (Expr::CompoundIdentifier(parts), []) => parts.iter().collect(),
        (Expr::Identifier(table), [AccessExpr::Dot(Expr::Identifier(column))]) => vec![table, column],
        _ => return,
    };
    let (table, column) = match parts.as_slice() {
        [column] => (None, fold(column)),
        [.., table, column] => (Some(fold(table)), fold(column)),
        [] => return,
    };
    let tables = scopes.tables.iter().rev().flatten();
    let mut tables = tables.filter(|(known, _)| table.as_ref().is_none_or(|table| table == known));
    if !tables.any(|(_, definition)| definition.columns().any(|(name, kind)| name == column && kind == "name")) {
        return;
    }
    let name = Expr::CompoundIdentifier(parts.into_iter().cloned().collect());
    let name = if before.is_empty() { build::take(root) } else { name };
    let one = || Expr::Value(Value::Number("1".to_owned(), false).into());
    let counted = Box::new(Expr::Nested(Box::new(build::take(index))));
    let place = Expr::BinaryOp { left: counted, op: BinaryOperator::Plus, right: Box::new(one()) };
    *expr = build::call("substr", vec![name, place, one()]);
}
