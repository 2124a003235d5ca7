//! The rewriter gives subscripts of arrays calls of our own: `a[i][j]` is `array_subscript(a, i, j)`, and
//! `a[low:high]` is `array_range(a, low, high)`.
//!
//! DataFusion 55: each subscript is planned by itself, so that `a[1]` of an array of two dimensions is
//! its first row, where PostgreSQL has NULL; places below 1 count from the end; a slice without a bound
//! is refused. Not needed once `SELECT (ARRAY[1, 2, 3])[-1], (ARRAY[1, 2, 3])[2:]` is NULL and `{2,3}`.

use super::build::{call, take};
use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, Subscript, Value};

/// The call for a chain of subscripts, taken from its parts; `None` for a chain with anything else.
pub(crate) fn part(root: &mut Expr, chain: &mut [AccessExpr]) -> Option<Expr> {
    if !chain.iter().all(|access| matches!(access, AccessExpr::Subscript(subscript) if plain(subscript))) {
        return None;
    }
    let sliced = chain.iter().any(|access| matches!(access, AccessExpr::Subscript(Subscript::Slice { .. })));
    let number = |number: i32| Expr::Value(Value::Number(number.to_string(), false).into());
    let mut arguments = vec![take(root)];
    for access in chain {
        match access {
            // Beside a slice, a single place is an upper bound.
            AccessExpr::Subscript(Subscript::Index { index }) if sliced => arguments.extend([number(1), take(index)]),
            AccessExpr::Subscript(Subscript::Index { index }) => arguments.push(take(index)),
            AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, .. }) => {
                arguments.push(lower_bound.as_mut().map_or_else(|| number(1), take));
                arguments.push(upper_bound.as_mut().map_or_else(|| number(i32::MAX), take));
            }
            AccessExpr::Dot(_) => {}
        }
    }
    Some(call(if sliced { "array_range" } else { "array_subscript" }, arguments))
}

/// Whether a subscript is one that PostgreSQL has: it knows no stride.
fn plain(subscript: &Subscript) -> bool {
    match subscript {
        Subscript::Index { .. } => true,
        Subscript::Slice { stride, .. } => stride.is_none(),
    }
}
