//! The rewriter gives LIMIT, OFFSET and FETCH the forms that DataFusion plans.
//!
//! DataFusion 55: the SQL planner refuses every FETCH with "FETCH clause is not supported yet"
//! (apache/datafusion#17716), and a LIMIT has to be a number. Not needed once `FETCH FIRST 3 ROWS
//! ONLY` and `LIMIT '2'` plan: `forms.slt` has them.

use super::build::{cast, literal, take};
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{DataType, Expr, Fetch, LimitClause, Query, UnaryOperator, Value};

/// Turns `FETCH FIRST n ROWS ONLY` into `LIMIT n`; without a number it is one row.
///
/// `WITH TIES` is left alone: the binder has spelled it out where it could, and DataFusion refuses the
/// rest. A query with both LIMIT and FETCH keeps both, and is refused.
pub(super) fn by_fetch(query: &mut Query) {
    let Some(fetch) = query.fetch.take_if(|fetch| !fetch.with_ties && !fetch.percent) else { return };
    let one = || Expr::Value(Value::Number("1".to_owned(), false).into());
    let rows = Some(fetch.quantity.unwrap_or_else(one));
    match &mut query.limit_clause {
        None => query.limit_clause = Some(LimitClause::LimitOffset { limit: rows, offset: None, limit_by: Vec::new() }),
        Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => *limit = rows,
        // Both are given, which is an error in PostgreSQL: DataFusion's SQL planner refuses what
        // keeps a FETCH.
        Some(_) => query.fetch = Some(Fetch { with_ties: false, percent: false, quantity: rows }),
    }
}

/// Reads literals in LIMIT and OFFSET as PostgreSQL reads them: a text or a number with a point as a
/// bigint, NULL as no limit.
///
/// # Errors
/// `NegativeLimit` and `NegativeOffset`, where DataFusion would tell of it otherwise.
pub(super) fn literals(query: &mut Query) -> Result<(), QueryError> {
    let Some(LimitClause::LimitOffset { limit, offset, limit_by: _ }) = &mut query.limit_clause else { return Ok(()) };
    if let Some(rows) = limit {
        if is_negative(rows) {
            return Err(QueryError::new(ErrorKind::NegativeLimit, "LIMIT must not be negative"));
        }
        as_bigint(rows);
    }
    if let Some(offset) = offset {
        if is_negative(&offset.value) {
            return Err(QueryError::new(ErrorKind::NegativeOffset, "OFFSET must not be negative"));
        }
        as_bigint(&mut offset.value);
    }
    limit.take_if(|rows| is_null(rows));
    offset.take_if(|offset| is_null(&offset.value));
    Ok(())
}

/// Casts a literal that is no whole number.
fn as_bigint(rows: &mut Expr) {
    let whole = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    let cast_it = literal(rows).is_some() || number(rows).is_some_and(|digits| !whole(digits));
    if cast_it {
        *rows = cast(take(rows), DataType::BigInt(None));
    }
}

/// The digits of a number, in parentheses too.
fn number(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Nested(inner) => number(inner),
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => Some(digits),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a literal is a number below zero, or the text of one.
fn is_negative(expr: &Expr) -> bool {
    let below_zero = |digits: &str| digits.parse::<f64>().is_ok_and(|value| value <= -0.5);
    match expr {
        Expr::Nested(inner) => is_negative(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            number(expr).is_some_and(|digits| below_zero(&format!("-{digits}")))
        }
        other => literal(other).is_some_and(below_zero),
    }
}

/// Whether an expression is NULL, in parentheses too.
fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_null(inner),
        Expr::Value(value) => matches!(value.value, Value::Null),
        _ => false,
    }
}
