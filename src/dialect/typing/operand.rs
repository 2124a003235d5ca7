//! An operand is an expression whose type is known, or that waits for one: a literal in quotes, NULL, a parameter.

use super::kind::Kind;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Placeholder;

/// An expression and its type.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) expr: Expr,
    pub(super) data_type: DataType,
}

impl Operand {
    /// The kind by which it is resolved.
    pub(super) fn kind(&self) -> Kind {
        if is_unknown(&self.expr) { Kind::Unknown } else { Kind::of(&self.data_type) }
    }
}

/// Whether an expression has no type of its own.
pub(super) fn is_unknown(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(_)) | ScalarValue::Utf8View(Some(_)) | ScalarValue::Null, _) => true,
        Expr::Placeholder(placeholder) => placeholder.field.is_none(),
        Expr::Alias(alias) => is_unknown(&alias.expr),
        _ => false,
    }
}

/// The number of a parameter, from 1.
pub(super) fn number(placeholder: &Placeholder) -> Option<usize> {
    placeholder.id.strip_prefix('$')?.parse().ok()
}
