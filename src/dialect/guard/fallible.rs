//! Which expressions may fail on some values of their columns.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

/// Functions that cannot fail on any argument of their types; others are taken to.
const SAFE: &[&str] = &[
    "btrim",
    "character_length",
    "coalesce",
    "day_from",
    "day_until",
    "get_field",
    "lower",
    "starts_with",
    "strpos",
    "upper",
];

/// Whether evaluating an expression may fail on some values of its columns.
pub(super) fn may_fail(expr: &Expr, schema: &DFSchema) -> bool {
    let mut fails = false;
    let _ = expr.apply(|part| {
        fails |= match part {
            Expr::BinaryExpr(BinaryExpr { op, right, .. }) => match op {
                Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo => true,
                Operator::RegexMatch
                | Operator::RegexIMatch
                | Operator::RegexNotMatch
                | Operator::RegexNotIMatch
                | Operator::LikeMatch
                | Operator::NotLikeMatch => !matches!(right.as_ref(), Expr::Literal(..)),
                _ => false,
            },
            Expr::Like(like) => !matches!(like.pattern.as_ref(), Expr::Literal(..)),
            Expr::Cast(cast) => cast_may_fail(&cast.expr, cast.field.data_type(), schema),
            Expr::ScalarFunction(call) => match (call.func.name(), call.args.as_slice()) {
                // A unit that is written out is refused whatever the values are.
                ("date_trunc", [Expr::Literal(..), ..]) => false,
                (name, _) => !SAFE.contains(&name),
            },
            Expr::Negative(_) | Expr::SimilarTo(_) => true,
            _ => false,
        };
        Ok(if fails { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    fails
}

/// Whether a cast may fail: from texts, and to a type that is narrower.
fn cast_may_fail(from: &Expr, to: &DataType, schema: &DFSchema) -> bool {
    if matches!(from, Expr::Literal(..)) || to.is_string() {
        return false;
    }
    match from.get_type(schema) {
        Ok(DataType::Null | DataType::Boolean | DataType::Date32) => false,
        Ok(from) if from.is_integer() => to.is_integer() && to.primitive_width() < from.primitive_width(),
        Ok(from) => from.is_string() || !matches!(to, DataType::Float64 | DataType::Date32),
        Err(_) => true,
    }
}
