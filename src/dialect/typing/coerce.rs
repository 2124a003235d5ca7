//! Operands are brought to types: what has none takes the one that is asked for, the rest is cast as PostgreSQL casts.

use super::context::Typing;
use super::kind::{Kind, UNBOUND, decimal, digits, refusal};
use super::operand::Operand;
use super::{deferred, literal};
use crate::dialect::arithmetic::{decimal_function, number_text};
use crate::dialect::moment;
use crate::error::ErrorKind;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::{Alias, Placeholder};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, cast, lit};

impl Typing<'_> {
    /// An operand as a value of an Arrow type. What has no type takes this one; numbers that are written out become it at
    /// once, so that no column is cast for the sake of a constant.
    ///
    /// # Errors
    /// A text that does not read as the type (22P02, 22003, 22007), a number outside of it.
    pub(super) fn coerce(&mut self, operand: Operand, to: &DataType) -> Result<Expr> {
        if operand.data_type == *to && !matches!(operand.expr, Expr::Placeholder(Placeholder { field: None, .. })) {
            return Ok(operand.expr);
        }
        match operand.expr {
            Expr::Alias(Alias { expr, relation, name, metadata }) => {
                let inner = self.coerce(Operand { expr: *expr, data_type: operand.data_type }, to)?;
                Ok(Expr::Alias(Alias { expr: Box::new(inner), relation, name, metadata }))
            }
            Expr::Placeholder(placeholder) if placeholder.field.is_none() => {
                let given = self.parameter(placeholder, to)?;
                if given.data_type == *to { Ok(given.expr) } else { self.coerce(given, to) }
            }
            Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => {
                if matches!(Kind::of(to), Kind::Text) {
                    return Ok(Expr::Literal(ScalarValue::Utf8(Some(text)), None));
                }
                literal::read(&text, to)
            }
            Expr::Literal(ScalarValue::Null, _) => Ok(Expr::Literal(ScalarValue::try_from(to)?, None)),
            Expr::Literal(value, metadata) => match literal::number_as(&value, to)? {
                Some(value) => Ok(Expr::Literal(value, metadata)),
                None => converted(Expr::Literal(value, metadata), &operand.data_type, to),
            },
            expr => converted(expr, &operand.data_type, to),
        }
    }

    /// An operand as a value of the same kind as a type, however it is held; its type is that of the result.
    pub(super) fn as_kind(&mut self, operand: Operand, to: &DataType) -> Result<Operand> {
        if operand.kind() == Kind::of(to) {
            return Ok(operand);
        }
        Ok(Operand { expr: self.coerce(operand, to)?, data_type: to.clone() })
    }

    /// A number, or what is taken for one, as a `numeric` of as many digits as it has.
    pub(super) fn numeric(&mut self, operand: Operand) -> Result<Operand> {
        match (operand.kind(), &operand.expr) {
            (Kind::Numeric, Expr::Literal(value, _)) => literal::trimmed(value),
            (Kind::Numeric, _) => Ok(operand),
            (Kind::Unknown, Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _)) => {
                let expr = literal::read(text, &UNBOUND)?;
                let data_type = match &expr {
                    Expr::Literal(value, _) => value.data_type(),
                    _ => UNBOUND,
                };
                Ok(Operand { expr, data_type })
            }
            (kind, Expr::Literal(value, _)) if kind.is_integer() => literal::whole_numeric(value),
            (kind, _) if kind.is_integer() => {
                let (places, _) = digits(&operand.data_type)?;
                let data_type = decimal(places, 0);
                Ok(Operand { expr: cast(operand.expr, data_type.clone()), data_type })
            }
            _ => Ok(Operand { expr: self.coerce(operand, &UNBOUND)?, data_type: UNBOUND }),
        }
    }

    /// A value as what a `WHERE`, an `AND` or a `FILTER` wants; `place` names it in the error.
    ///
    /// # Errors
    /// 42804 for a value that is no boolean.
    pub(super) fn condition(&mut self, operand: Operand, place: &str) -> Result<Expr> {
        match operand.kind() {
            Kind::Bool => Ok(operand.expr),
            Kind::Unknown => self.coerce(operand, &DataType::Boolean),
            other => {
                let text = format!("argument of {place} must be type boolean, not type {}", other.name());
                Err(refusal(ErrorKind::TypeMismatch, text))
            }
        }
    }
}

/// A cast, by a function of ours where Arrow's would lose digits.
pub(super) fn converted(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    Ok(match (Kind::of(from), Kind::of(to)) {
        (own, Kind::Numeric) if own.is_float() => {
            let exact = decimal_function::of_float(expr);
            if *to == UNBOUND { exact } else { cast(exact, to.clone()) }
        }
        (Kind::Numeric, float) if float.is_float() => match deferred::digits_beyond(&expr) {
            Some(digits) => Expr::Literal(number_text::value(digits, to)?, None),
            None => decimal_function::to_float(expr, to),
        },
        (Kind::Numeric, Kind::Numeric) if *to == UNBOUND && fits_unbound(from) => cast(expr, to.clone()),
        (Kind::Text, number) if number.is_number() || number == Kind::Oid => number_text::read(expr, to),
        (Kind::Int2 | Kind::Int4, Kind::Oid) => of_object(expr, to),
        (own, other) if refused(&own, &other) => {
            let text = format!("cannot cast type {} to {}", own.name(), other.name());
            return Err(refusal(ErrorKind::CannotCast, text));
        }
        _ => cast(expr, to.clone()),
    })
}

/// An integer as the number of an object: a negative one is taken modulo 2^32.
fn of_object(expr: Expr, to: &DataType) -> Expr {
    let is_plain = |value: &ScalarValue| {
        matches!(value, ScalarValue::Int16(Some(0..)) | ScalarValue::Int32(Some(0..)) | ScalarValue::Null)
    };
    if matches!(&expr, Expr::Literal(value, _) if is_plain(value)) {
        return cast(expr, to.clone());
    }
    let low = Expr::BinaryExpr(BinaryExpr {
        left: Box::new(cast(expr, DataType::Int64)),
        op: Operator::BitwiseAnd,
        right: Box::new(lit(i64::from(u32::MAX))),
    });
    cast(low, to.clone())
}

fn fits_unbound(from: &DataType) -> bool {
    digits(from).is_ok_and(|(digits, scale)| scale <= 38 && digits - scale <= 38)
}

/// Casts that Arrow makes and PostgreSQL does not have.
fn refused(from: &Kind, to: &Kind) -> bool {
    let number = |kind: &Kind| kind.is_number() || *kind == Kind::Oid;
    match (from, to) {
        (from, to) if let (Some(from), Some(to)) = (from.moment(), to.moment()) => !moment::convert::exists(from, to),
        (moment, other) | (other, moment) if moment.moment().is_some() => {
            number(other) || matches!(other, Kind::Bool | Kind::Bytea | Kind::Array(_))
        }
        (scalar, Kind::Array(_)) | (Kind::Array(_), scalar) => {
            !matches!(scalar, Kind::Text | Kind::Unknown | Kind::Other | Kind::Array(_))
        }
        (Kind::Numeric | Kind::Float4 | Kind::Float8, Kind::Oid)
        | (Kind::Oid, Kind::Int2 | Kind::Numeric | Kind::Float4 | Kind::Float8) => true,
        (Kind::Bool, other) => number(other) && *other != Kind::Int4,
        (other, Kind::Bool) => number(other) && *other != Kind::Int4,
        (Kind::Bytea, other) | (other, Kind::Bytea) => number(other),
        _ => false,
    }
}
