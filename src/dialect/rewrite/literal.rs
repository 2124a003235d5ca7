//! The rewriter reads literals with a type as PostgreSQL reads them: bytes and spans of time.

use super::build::{call, literal, text};
use super::moment;
use datafusion::sql::sqlparser::ast::{DataType, Expr};

/// A literal cast to bytes or an interval as PostgreSQL reads it; `None` leaves the cast alone.
///
/// - `'\x00ff'::bytea` is `decode('00ff', 'hex')`.
/// - `'1 day 02:00'::interval` is an interval of months, days and seconds.
pub(crate) fn typed(inner: &Expr, data_type: &DataType) -> Option<Expr> {
    match data_type {
        DataType::Bytea => bytes(literal(inner)?),
        DataType::Interval { fields: None, .. } => moment::span(literal(inner)?, None),
        _ => None,
    }
}

/// `\x00ff` as a call that decodes it; `None` for a text without `\x`, which is cast byte by byte.
fn bytes(written: &str) -> Option<Expr> {
    let digits = written.strip_prefix("\\x")?;
    Some(call("decode", vec![text(digits), text("hex")]))
}
