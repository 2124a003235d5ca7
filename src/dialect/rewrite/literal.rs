//! The rewriter reads literals with a type as PostgreSQL reads them: bytes and spans of time.
//!
//! DataFusion 55: `INTERVAL` texts are parsed by Arrow, which refuses `1 day 02:00`, `@ 1 day ago`
//! and ISO 8601. Not needed once `SELECT INTERVAL 'P1DT2H'` plans.

use super::build::{call, literal, text};
use datafusion::sql::sqlparser::ast::{DataType, Expr, Interval};

/// A literal cast to bytes or an interval as PostgreSQL reads it; `None` leaves the cast alone.
///
/// - `'\x00ff'::bytea` is `decode('00ff', 'hex')`.
/// - `'1 day 02:00'::interval` is an interval of months, days and seconds.
pub(crate) fn typed(inner: &Expr, data_type: &DataType) -> Option<Expr> {
    match data_type {
        DataType::Bytea => bytes(literal(inner)?),
        DataType::Interval { .. } => span(literal(inner)?),
        _ => None,
    }
}

/// `INTERVAL '1 day 02:00'` as months, days and seconds; `None` when a unit follows, or the text is
/// no span.
pub(crate) fn interval(interval: &Interval) -> Option<Expr> {
    if interval.leading_field.is_some() || interval.last_field.is_some() {
        return None;
    }
    span(literal(&interval.value)?)
}

/// `\x00ff` as a call that decodes it; `None` for a text without `\x`, which is cast byte by byte.
fn bytes(written: &str) -> Option<Expr> {
    let digits = written.strip_prefix("\\x")?;
    Some(call("decode", vec![text(digits), text("hex")]))
}

/// A span of time in the one spelling that DataFusion reads without loss: `0 months 1 days
/// 7200.000000 seconds`.
fn span(written: &str) -> Option<Expr> {
    let span = crate::text::interval::parse(written)?;
    let (seconds, micros) = (span.nanoseconds / 1_000_000_000, span.nanoseconds % 1_000_000_000 / 1_000);
    let sign = if span.nanoseconds < 0 { "-" } else { "" };
    let time = format!("{sign}{}.{:06}", seconds.abs(), micros.abs());
    let spelled = format!("{} months {} days {time} seconds", span.months, span.days);
    let value = Box::new(text(&spelled));
    Some(Expr::Interval(Interval {
        value,
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }))
}
