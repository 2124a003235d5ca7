//! Operators that the planner knows by another name, or as functions.

use super::build::call;
use super::{cast, take};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

/// One operator between two sides that are rewritten already.
pub(super) fn binary(expr: &mut Expr) {
    let Expr::BinaryOp { left, op, right } = expr else { return };
    if let BinaryOperator::PGCustomBinaryOperator(path) = op
        && let Some(known) = path.last().and_then(|name| named(name))
    {
        *op = known;
    }
    let function = match op {
        BinaryOperator::PGStartsWith => "starts_with",
        BinaryOperator::PGOverlap => "array_has_any",
        _ => return cast::compare_objects(left, right),
    };
    *expr = call(function, vec![take(left), take(right)]);
}

/// One operator before what is rewritten already.
pub(super) fn unary(expr: &mut Expr) {
    let Expr::UnaryOp { op, expr: inner } = expr else { return };
    let function = match op {
        UnaryOperator::PGSquareRoot => "sqrt",
        UnaryOperator::PGCubeRoot => "cbrt",
        UnaryOperator::PGAbs => "abs",
        UnaryOperator::BitwiseNot => {
            let ones = Expr::Value(Value::Number("-1".to_owned(), false).into());
            let (left, right) = (Box::new(take(inner)), Box::new(Expr::Nested(Box::new(ones))));
            *expr = Expr::Nested(Box::new(Expr::BinaryOp { left, op: BinaryOperator::PGBitwiseXor, right }));
            return;
        }
        _ => return,
    };
    *expr = call(function, vec![take(inner)]);
}

/// The operator of `OPERATOR(pg_catalog.~)`.
pub(super) fn named(name: &str) -> Option<BinaryOperator> {
    Some(match name {
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "%" => BinaryOperator::Modulo,
        "||" => BinaryOperator::StringConcat,
        "&&" => BinaryOperator::PGOverlap,
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "~~*" => BinaryOperator::PGILikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "!~~*" => BinaryOperator::PGNotILikeMatch,
        _ => return None,
    })
}
