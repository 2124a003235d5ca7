//! How many digits a `numeric` may be declared with.

use super::refuse::Checked;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, DataType, ExactNumberInfo, Expr};

/// Digits that PostgreSQL declares, at most.
const DIGITS_MAX: u64 = 1_000;

/// Digits behind the point that are kept here, at most, of a type with more digits than the decimals beneath.
const SCALE_MAX: i64 = 38;

/// Digits of the decimals beneath.
pub(crate) const DIGITS: u64 = 76;

/// Checks the type that an expression names.
///
/// # Errors
/// 22023 for digits beyond PostgreSQL's own bounds, 0A000 for those that are not kept.
pub(super) fn check(expr: &Expr) -> Checked {
    match expr {
        Expr::Cast { data_type, .. } => check_type(data_type),
        Expr::TypedString(typed) => check_type(&typed.data_type),
        _ => Ok(()),
    }
}

fn check_type(data_type: &DataType) -> Checked {
    let (digits, scale) = match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => return check_type(element),
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => match info {
            ExactNumberInfo::None => return Ok(()),
            ExactNumberInfo::Precision(digits) => (*digits, 0),
            ExactNumberInfo::PrecisionAndScale(digits, scale) => (*digits, *scale),
        },
        _ => return Ok(()),
    };
    let wrong = |what: &str, given: i64, least: i64| {
        let message = format!("NUMERIC {what} {given} must be between {least} and {DIGITS_MAX}");
        Err(QueryError::new(ErrorKind::InvalidParameter, message))
    };
    if !(1..=DIGITS_MAX).contains(&digits) {
        return wrong("precision", i64::try_from(digits).unwrap_or(i64::MAX), 1);
    }
    if scale.unsigned_abs() > DIGITS_MAX {
        return wrong("scale", scale, -1_000);
    }
    if scale < 0 || scale > i64::try_from(digits).unwrap_or(i64::MAX) {
        let message = format!("numeric({digits},{scale}) is not supported: its scale is not among its digits");
        return Err(QueryError::new(ErrorKind::NotSupported, message));
    }
    if digits > DIGITS && scale > SCALE_MAX {
        let message = format!(
            "numeric({digits},{scale}) is not supported: of more than {DIGITS} digits at most {SCALE_MAX} are behind the \
             point"
        );
        return Err(QueryError::new(ErrorKind::NotSupported, message));
    }
    Ok(())
}
