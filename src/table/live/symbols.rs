//! The symbols that a filter on a live table names, by which a scan or a subscription of a book is narrowed.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use std::collections::HashSet;

/// The symbols an expression allows: exactly the rows of these symbols satisfy it. `None` where it is about more than
/// the symbol, or not a plain comparison with text (`symbol = 'A'`, `symbol IN ('A', 'B')`, and OR of these).
pub(super) fn named_symbols(filter: &Expr) -> Option<HashSet<String>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (left.as_ref(), right.as_ref()) {
            (column, value) | (value, column) if is_symbol(column) => Some(text(value)?.into_iter().collect()),
            _ => None,
        },
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(named_symbols(left)?.union(&named_symbols(right)?).cloned().collect())
        }
        Expr::InList(list) if !list.negated && is_symbol(&list.expr) => {
            let values: Option<Vec<Option<String>>> = list.list.iter().map(text).collect();
            Some(values?.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// The symbols that all of the filters allow together; `None` when none of them names any.
pub(super) fn symbols_of_all<'a>(filters: impl IntoIterator<Item = &'a Expr>) -> Option<HashSet<String>> {
    filters.into_iter().filter_map(named_symbols).reduce(|all, next| all.intersection(&next).cloned().collect())
}

/// Whether the expression is the column `symbol` itself.
fn is_symbol(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == "symbol")
}

/// A text literal: `Some(None)` is the NULL literal, which equals no symbol.
fn text(expr: &Expr) -> Option<Option<String>> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(value) | ScalarValue::LargeUtf8(value) | ScalarValue::Utf8View(value), _) => {
            Some(value.clone())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{col, lit};

    #[track_caller]
    fn check(filter: &Expr, expected: Option<&[&str]>) {
        let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(named_symbols(filter), expected, "{filter}");
    }

    #[test]
    fn comparisons_with_text_name_symbols() {
        check(&col("symbol").eq(lit("A")), Some(&["A"]));
        check(&lit("A").eq(col("symbol")), Some(&["A"]));
        check(&col("symbol").in_list(vec![lit("A"), lit("B")], false), Some(&["A", "B"]));
        check(&col("symbol").eq(lit("A")).or(col("symbol").eq(lit("B"))), Some(&["A", "B"]));
        check(&col("symbol").eq(lit(ScalarValue::Utf8(None))), Some(&[]));
    }

    #[test]
    fn anything_else_names_none() {
        check(&col("symbol").not_eq(lit("A")), None);
        check(&col("symbol").in_list(vec![lit("A")], true), None);
        check(&col("symbol").eq(col("other")), None);
        check(&col("bid").eq(lit("A")), None);
        check(&col("symbol").eq(lit("A")).or(col("bid").gt(lit(1.0))), None);
    }

    #[test]
    fn filters_narrow_each_other() {
        let filters = [col("symbol").in_list(vec![lit("A"), lit("B")], false), col("symbol").eq(lit("B"))];
        assert_eq!(symbols_of_all(&filters), Some(HashSet::from(["B".to_owned()])));
        assert_eq!(symbols_of_all(&[col("bid").gt(lit(1.0))]), None);
    }
}
