//! The rewriter spells out patterns with ANY and ALL: `x LIKE ANY (array)`, `x ~ ALL (array)`, and
//! the same over a subquery.
//!
//! DataFusion 55: ANY and ALL take comparisons only, and its rule for subqueries fails on others with
//! an assertion. Not needed once `SELECT 'ab' LIKE ANY (ARRAY['a%'])` and `'ab' LIKE ANY (SELECT
//! 'a%')` plan.

use super::build::{self, boolean, call, ident, take};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, LambdaFunction, LambdaFunctionParameter, LambdaSyntax, OneOrManyWithParens, SelectItem,
    SetExpr,
};

/// Elements up to which a list becomes a chain of OR or AND, which is as deep as it is long.
const CHAIN_MAX: usize = 64;

/// Whether an operator matches a text with a pattern.
pub(super) fn is_pattern(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::PGRegexMatch
            | BinaryOperator::PGRegexIMatch
            | BinaryOperator::PGRegexNotMatch
            | BinaryOperator::PGRegexNotIMatch
            | BinaryOperator::PGLikeMatch
            | BinaryOperator::PGILikeMatch
            | BinaryOperator::PGNotLikeMatch
            | BinaryOperator::PGNotILikeMatch
    )
}

/// The match `left op right`.
fn matched(left: &Expr, op: &BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left.clone()), op: op.clone(), right: Box::new(right) }
}

/// A match with a list that the text spells out: a chain, whose NULLs count as those of ANY and ALL
/// do. `None` for a list that is long.
pub(super) fn of_list(left: &Expr, op: &BinaryOperator, list: &[Expr], all: bool) -> Option<Expr> {
    if list.len() > CHAIN_MAX {
        return None;
    }
    let link = if all { BinaryOperator::And } else { BinaryOperator::Or };
    let matches = list.iter().map(|pattern| matched(left, op, pattern.clone()));
    let chain =
        matches.reduce(|chain, next| Expr::BinaryOp { left: Box::new(chain), op: link.clone(), right: Box::new(next) });
    Some(chain.map_or_else(|| boolean(all), |chain| Expr::Nested(Box::new(chain))))
}

/// A match with an array: its elements become matches, of which any or all have to be true.
pub(super) fn of_array(left: &Expr, op: &BinaryOperator, array: Expr, all: bool) -> Expr {
    let pattern = ident("matched_pattern");
    let lambda = Expr::Lambda(LambdaFunction {
        params: OneOrManyWithParens::One(LambdaFunctionParameter { name: pattern.clone(), data_type: None }),
        body: Box::new(matched(left, op, Expr::Identifier(pattern))),
        syntax: LambdaSyntax::Arrow,
    });
    let (left, right) = (Box::new(boolean(true)), Box::new(call("array_transform", vec![array, lambda])));
    match all {
        true => Expr::AllOp { left, compare_op: BinaryOperator::Eq, right },
        false => Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, is_some: false },
    }
}

/// A match with the rows of a subquery: whether true is among the matches, or false is not.
pub(super) fn of_subquery(left: &mut Expr, op: &BinaryOperator, right: &mut Expr, all: bool) -> Option<Expr> {
    let Expr::Subquery(query) = right else { return None };
    build::rename_column(query, "matched", "matched_pattern");
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let pattern = Expr::Identifier(ident("matched_pattern"));
    select.projection = vec![SelectItem::UnnamedExpr(matched(&take(left), op, pattern))];
    let subquery = query.clone();
    Some(Expr::InSubquery { expr: Box::new(boolean(!all)), subquery, negated: all })
}
