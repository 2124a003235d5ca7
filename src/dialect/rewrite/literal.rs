//! The rewriter reads literals with a type as PostgreSQL reads them: bytes, spans of time, and
//! numbers as exact as written.
//!
//! DataFusion 55: a number with a point or an exponent is a Float64 unless `parse_float_as_decimal`
//! is set, and `numeric` without precision is `Decimal128(38, 10)`, so that `0.1::numeric` and
//! `'1.50'::numeric` would lose or gain digits. Not needed once a decimal literal keeps its digits
//! and its scale: `literals_read_as_in_postgres` shows today's forms.

use super::build::{call, cast, literal, text};
use super::moment;
use datafusion::sql::sqlparser::ast::{CastKind, DataType, ExactNumberInfo, Expr, Value};

/// Digits a Decimal128 has room for; a literal with more needs a Decimal256.
const DIGITS: usize = 38;
/// Digits a Decimal256 has room for; a literal with more stays as DataFusion reads it.
const WIDE_DIGITS: usize = 76;

/// A literal cast to bytes, interval, numeric or integer as PostgreSQL reads it; `None` leaves the
/// cast alone.
///
/// - `'\x00ff'::bytea` is `decode('00ff', 'hex')`.
/// - `'1 day 02:00'::interval` is an interval of months, days and seconds.
/// - `1.50::numeric` gets the digits that are written, through a text, since the number itself may
///   become a float first.
/// - `2.5::int` goes through a decimal, whose halves are rounded away from zero: 3, not 2.
pub(crate) fn typed(inner: &Expr, data_type: &mut DataType) -> Option<Expr> {
    match data_type {
        DataType::Bytea => bytes(literal(inner)?),
        DataType::Interval { fields: None, .. } => moment::span(literal(inner)?, None),
        DataType::Numeric(info) | DataType::Decimal(info) => {
            let written = number(inner);
            if *info == ExactNumberInfo::None
                && let Some(exact) = written.as_deref().map_or_else(|| exact(inner), digits)
            {
                *info = exact;
            }
            // As text, since a number that is written out may become a float first.
            let (written, data_type) = (written.filter(|_| *info != ExactNumberInfo::None)?, data_type.clone());
            Some(cast(text(&written), data_type))
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

/// `\x00ff` as a call that decodes it; `None` for a text without `\x`, which is cast byte by byte.
fn bytes(written: &str) -> Option<Expr> {
    let digits = written.strip_prefix("\\x")?;
    Some(call("decode", vec![text(digits), text("hex")]))
}

/// The digits of a number that is written out, without its exponent: `1.5e3` is `1500`, `5e-2` is
/// `0.05`. `None` for any other expression, and for exponents beyond the widest decimal.
fn number(inner: &Expr) -> Option<String> {
    let written = match inner {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.as_str(),
            _ => return None,
        },
        Expr::Nested(inner) => return number(inner),
        _ => return None,
    };
    let (mantissa, exponent) = written.split_once(['e', 'E']).unwrap_or((written, "0"));
    let exponent: i32 = exponent.parse().ok().filter(|exponent| i32::abs(*exponent) <= WIDE_DIGITS as i32)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let digits = format!("{whole}{fraction}");
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let length = i32::try_from(digits.len()).ok()?;
    Some(match point {
        ..=0 => format!("0.{}{digits}", zeros(-point)),
        _ if point >= length => format!("{digits}{}", zeros(point - length)),
        _ => {
            let (whole, fraction) = digits.split_at(usize::try_from(point).ok()?);
            format!("{whole}.{fraction}")
        }
    })
}

/// Precision and scale for as many digits behind the point as a literal has, signs and parentheses
/// aside.
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
    digits(written)
}

/// Precision and scale with room for the digits of a number: 38 digits, or 76 when it has more;
/// `None` beyond that, and for a text that is no plain number.
fn digits(written: &str) -> Option<ExactNumberInfo> {
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
