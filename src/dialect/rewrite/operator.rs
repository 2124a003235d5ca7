//! The rewriter gives operators the name by which DataFusion knows them, or turns them into
//! functions.
//!
//! DataFusion 55: `parse_sql_binary_op` refuses `^@` and every `OPERATOR(schema.op)`, and
//! `parse_sql_unary_op` refuses all but NOT and the two signs. Not needed once `SELECT 'ab' ^@ 'a',
//! ~1, @ -1, |/ 4` and `a OPERATOR(pg_catalog.~) 'x'` plan.

use super::build::call;
use super::build::take;
use super::cast;
use crate::dialect::typing::marked;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

/// Rewrites one operator between two sides that are rewritten already: `OPERATOR(pg_catalog.~)` is
/// `~`, `x ^@ y` is `starts_with(x, y)`, `x ~~ y` is LIKE; between two objects both
/// are compared by number.
pub(crate) fn binary(expr: &mut Expr) {
    let Expr::BinaryOp { left, op, right } = expr else { return };
    if let BinaryOperator::PGCustomBinaryOperator(path) = op
        && let Some(known) = path.last().and_then(|name| named(name))
    {
        *op = known;
    }
    if *op == BinaryOperator::Overlaps
        && let Some(overlaps) = super::moment::overlaps(left, right)
    {
        *expr = overlaps;
        return;
    }
    let like = match op {
        BinaryOperator::PGLikeMatch => Some((false, false)),
        BinaryOperator::PGNotLikeMatch => Some((true, false)),
        BinaryOperator::PGILikeMatch => Some((false, true)),
        BinaryOperator::PGNotILikeMatch => Some((true, true)),
        _ => None,
    };
    if let Some((negated, any_case)) = like {
        let (matched, pattern, any, escape_char) = (Box::new(take(left)), Box::new(take(right)), false, None);
        *expr = match any_case {
            true => Expr::ILike { negated, any, expr: matched, pattern, escape_char },
            false => Expr::Like { negated, any, expr: matched, pattern, escape_char },
        };
        return;
    }
    match op {
        BinaryOperator::PGStartsWith => *expr = call("starts_with", vec![take(left), take(right)]),
        _ => cast::compare_objects(left, right),
    }
}

/// Rewrites IS [NOT] DISTINCT FROM to a call that the typing resolves, as it does with `=`.
///
/// DataFusion 55: the operator is planned past its expression planners, and typed at once. Not needed once `interval '1 day'
/// IS DISTINCT FROM '1 day'` plans.
pub(crate) fn distinct_from(expr: &mut Expr) {
    let (left, right, name) = match expr {
        Expr::IsDistinctFrom(left, right) => (left, right, marked::DISTINCT),
        Expr::IsNotDistinctFrom(left, right) => (left, right, marked::NOT_DISTINCT),
        _ => return,
    };
    *expr = call(name, vec![take(left), take(right)]);
}

/// Rewrites one operator in front of what is rewritten already: `|/` is `sqrt`, `||/` is `cbrt`, `@`
/// is `abs`, and `~x` is `(x # (-1))`, all bits turned over.
pub(crate) fn unary(expr: &mut Expr) {
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

/// The operator of `OPERATOR(pg_catalog.~)`; `None` for one that DataFusion does not have.
pub(crate) fn named(name: &str) -> Option<BinaryOperator> {
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
