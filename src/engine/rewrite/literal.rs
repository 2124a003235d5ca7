//! Literals with a type whose text PostgreSQL reads its own way: bytes, spans of time, and numbers as exact as written.

use super::build::{call, cast, literal, text};
use datafusion::sql::sqlparser::ast::{CastKind, DataType, ExactNumberInfo, Expr, Interval, Value};

/// Digits a decimal has room for; more than that need the wide kind.
const DIGITS: usize = 38;
const WIDE_DIGITS: usize = 76;

/// A literal cast to one of these types, as the planner reads it; `None` leaves the cast alone.
pub(super) fn typed(inner: &Expr, data_type: &mut DataType) -> Option<Expr> {
    match data_type {
        DataType::Bytea => bytes(literal(inner)?),
        DataType::Interval { .. } => span(literal(inner)?),
        DataType::Numeric(ExactNumberInfo::None) | DataType::Decimal(ExactNumberInfo::None) => {
            if let Some(info) = exact(inner) {
                *data_type = DataType::Numeric(info);
            }
            None
        }
        // A number with a point is a decimal, whose halves are rounded away from zero.
        DataType::SmallInt(_) | DataType::Int(_) | DataType::Integer(_) | DataType::BigInt(_)
            if inner.to_string().contains('.') =>
        {
            let whole = Box::new(cast(inner.clone(), DataType::Numeric(exact(inner)?)));
            let data_type = data_type.clone();
            Some(Expr::Cast { kind: CastKind::Cast, expr: whole, data_type, array: false, format: None })
        }
        _ => None,
    }
}

/// `INTERVAL '1 day 02:00'` without a unit behind it.
pub(super) fn interval(interval: &Interval) -> Option<Expr> {
    if interval.leading_field.is_some() || interval.last_field.is_some() {
        return None;
    }
    span(literal(&interval.value)?)
}

/// `\x00ff`
fn bytes(written: &str) -> Option<Expr> {
    let digits = written.strip_prefix("\\x")?;
    Some(call("decode", vec![text(digits), text("hex")]))
}

fn span(written: &str) -> Option<Expr> {
    let span = crate::engine::interval::parse(written)?;
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

/// As many digits behind the point as are written.
fn exact(inner: &Expr) -> Option<ExactNumberInfo> {
    let written = match inner {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.as_str(),
            Value::SingleQuotedString(text) => text.trim(),
            _ => return None,
        },
        Expr::Nested(inner) => return exact(inner),
        Expr::UnaryOp { expr, .. } => return exact(expr),
        _ => return None,
    };
    let digits = written.strip_prefix(['-', '+']).unwrap_or(written);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || whole.len() + fraction.len() > WIDE_DIGITS {
        return None;
    }
    let precision = if whole.len() + fraction.len() > DIGITS { WIDE_DIGITS } else { DIGITS };
    let scale = i64::try_from(fraction.len()).ok()?;
    Some(ExactNumberInfo::PrecisionAndScale(u64::try_from(precision).ok()?, scale))
}
