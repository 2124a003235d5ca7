//! The keys that a condition names: `symbol = 'A'`, `symbol IN ($1, $2)`, `symbol = 'A' OR symbol = 'B'`.

use super::computed::place;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// Values of a key, as literals and parameters.
#[derive(Debug)]
pub(super) struct NamedKeys(Vec<Expr>);

impl NamedKeys {
    /// The values that a condition gives to the key, when it gives it values alone.
    pub(super) fn of(condition: &Expr, is_key: &dyn Fn(&Expr) -> bool) -> Option<Self> {
        let value = |expr: &Expr| matches!(expr, Expr::Literal(..) | Expr::Placeholder(_)).then(|| expr.clone());
        let keys = match condition {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) if is_key(left) => vec![value(right)?],
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) if is_key(right) => vec![value(left)?],
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                let (left, right) = (Self::of(left, is_key)?, Self::of(right, is_key)?);
                [left.0, right.0].concat()
            }
            Expr::InList(InList { expr, list, negated: false }) if is_key(expr) => {
                list.iter().map(value).collect::<Option<_>>()?
            }
            _ => return None,
        };
        Some(Self(keys))
    }

    /// Whether there is one at most.
    pub(super) fn is_one(&self) -> bool {
        self.0.len() == 1
    }

    /// The keys as texts, in ascending order and each once, NULLs left out, which nothing equals; `None` where one is
    /// something else.
    pub(super) fn texts<'a>(&'a self, values: &'a [ScalarValue]) -> Option<Vec<&'a str>> {
        let text = |key: &'a Expr| {
            let value = match key {
                Expr::Literal(value, _) => value,
                Expr::Placeholder(placeholder) => values.get(place(placeholder)?)?,
                _ => return None,
            };
            match value {
                ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
                    Some(text.as_deref())
                }
                _ => None,
            }
        };
        let mut texts: Vec<&str> = self.0.iter().map(text).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        texts.sort_unstable();
        texts.dedup();
        Some(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{col, lit};

    #[test]
    fn conditions_that_give_the_key_values_alone() {
        let is_key = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == "symbol");
        let named = |condition: &Expr| {
            let keys = NamedKeys::of(condition, &is_key)?;
            Some(keys.texts(&[]).map(|texts| texts.join(" ")).unwrap_or_else(|| "no texts".to_owned()))
        };
        let symbol = || col("symbol");
        let two = symbol().eq(lit("B")).or(lit("A").eq(symbol()));
        assert_eq!(named(&symbol().eq(lit("A"))).as_deref(), Some("A"));
        assert_eq!(named(&two).as_deref(), Some("A B"));
        assert_eq!(named(&symbol().in_list(vec![lit("C"), lit("C")], false).or(two.clone())).as_deref(), Some("A B C"));
        assert_eq!(named(&symbol().eq(lit(ScalarValue::Utf8(None)))).as_deref(), Some(""));
        assert_eq!(named(&symbol().eq(lit(1))).as_deref(), Some("no texts"));
        for other in [
            symbol().eq(col("other")),
            symbol().not_eq(lit("A")),
            two.clone().or(col("other").eq(lit("A"))),
            two.and(symbol().eq(lit("A"))),
            symbol().in_list(vec![lit("A")], true),
        ] {
            assert_eq!(named(&other), None, "{other}");
        }
    }
}
