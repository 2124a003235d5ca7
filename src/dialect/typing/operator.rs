//! Operators are resolved by the kinds of their sides, as PostgreSQL's `oper_select_candidate` does over its catalog of
//! operators: which operator it is, what each side is cast to, and what the result is.

use super::context::Typing;
use super::kind::{Kind, UNBOUND, refusal, widest};
use super::operand::Operand;
use super::symbol::{Deferral, Symbol};
use super::{literal, marked, numeric};
use crate::dialect::arithmetic::{date_days, interval_times};
use crate::error::{ErrorKind, QueryError};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, cast, lit};

/// The type of a deferred operator as far as its sides' types tell; `Null` where they do not.
pub(crate) fn provisional(stands_for: Deferral, types: &[DataType]) -> DataType {
    let kinds: Vec<Kind> = types.iter().map(Kind::of).collect();
    let first = || types.iter().find(|data_type| !data_type.is_null()).cloned().unwrap_or(DataType::Null);
    let symbol = match stands_for {
        Deferral::Operator(symbol) => symbol,
        Deferral::Array => return DataType::new_list(first(), true),
        Deferral::Function(marked::UNKNOWN) => return DataType::Null,
        Deferral::Function(marked::BEYOND) => return UNBOUND,
        Deferral::Function(marked::CAST) => return first(),
        Deferral::Function("array_has") => return DataType::Boolean,
        Deferral::Function(_) => {
            let kind = kinds.iter().try_fold(Kind::Unknown, |kind, other| kind.common(other));
            return kind.and_then(|kind| kind.data_type()).unwrap_or_else(first);
        }
    };
    let [left, right] = kinds.as_slice() else { return DataType::Null };
    match symbol {
        Symbol::Operator(operator) if compares(operator) => DataType::Boolean,
        Symbol::Operator(Operator::StringConcat) => DataType::Utf8,
        _ => match form(symbol, left, right) {
            Ok(Form::Numbers(Kind::Numeric)) => UNBOUND,
            Ok(Form::Numbers(kind)) => kind.data_type().unwrap_or(DataType::Null),
            Ok(Form::DateAndDays { .. }) => DataType::Date32,
            Ok(Form::DaysBetween) => DataType::Int32,
            Ok(Form::SpanTimes { .. } | Form::SpanShare) => Kind::Interval.data_type().unwrap_or(DataType::Null),
            Ok(Form::Moments(left, right)) => {
                let side = |kind: Kind| kind.data_type().unwrap_or(DataType::Null);
                moments(symbol, &side(left), &side(right)).unwrap_or(DataType::Null)
            }
            Err(_) => DataType::Null,
        },
    }
}

/// Whether an operator compares two values.
fn compares(operator: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(operator, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// What an arithmetic operator is over two kinds.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    /// Arithmetic in one kind of number.
    Numbers(Kind),
    /// A date, so many days later or earlier.
    DateAndDays { date_is_left: bool },
    /// A date less a date.
    DaysBetween,
    /// Moments and spans, cast to these kinds and computed by DataFusion.
    Moments(Kind, Kind),
    /// A span times a double.
    SpanTimes { span_is_left: bool },
    /// A span divided by a double.
    SpanShare,
}

/// 42883: PostgreSQL has no such operator.
fn missing(symbol: Symbol, left: &Kind, right: &Kind) -> datafusion::error::DataFusionError {
    let text = format!("operator does not exist: {} {} {}", left.name(), symbol.text(), right.name());
    let error = QueryError::new(ErrorKind::UnknownFunction, text);
    DataFusionError::External(Box::new(error.with_hint(
        "No operator matches the given name and argument types. You might need to add explicit type casts.",
    )))
}

/// 42725: PostgreSQL has several that fit equally.
fn ambiguous(symbol: Symbol, left: &Kind, right: &Kind) -> datafusion::error::DataFusionError {
    let text = format!("operator is not unique: {} {} {}", left.name(), symbol.text(), right.name());
    refusal(ErrorKind::AmbiguousFunction, text)
}

/// The kind that an unknown side is taken for beside a known one.
fn assumed(symbol: Symbol, known: &Kind, unknown_is_left: bool) -> Option<Kind> {
    use Operator::{Divide, Minus, Multiply, Plus};
    let Symbol::Operator(operator) = symbol else { return known.is_number().then(|| known.clone()) };
    Some(match (known, operator) {
        (number, _) if number.is_number() => number.clone(),
        (Kind::Timestamp | Kind::Timestamptz | Kind::Time, Plus) => Kind::Interval,
        (Kind::Date | Kind::Timestamp | Kind::Timestamptz | Kind::Time, Minus) => known.clone(),
        (Kind::Interval, Plus | Minus) => Kind::Interval,
        (Kind::Interval, Multiply) => Kind::Float8,
        (Kind::Interval, Divide) if !unknown_is_left => Kind::Float8,
        _ => return None,
    })
}

/// The arithmetic operator for two kinds.
///
/// # Errors
/// 42883 when there is none, 42725 when several fit.
fn form(symbol: Symbol, left: &Kind, right: &Kind) -> Result<Form> {
    use Operator::{Divide, Minus, Modulo, Multiply, Plus};
    let none = || missing(symbol, left, right);
    let (left, right) = match (left, right) {
        (Kind::Unknown, Kind::Unknown) => return Err(ambiguous(symbol, left, right)),
        (Kind::Date, Kind::Unknown) | (Kind::Unknown, Kind::Date) if symbol == Symbol::Operator(Plus) => {
            return Err(ambiguous(symbol, left, right));
        }
        (Kind::Unknown, known) => (assumed(symbol, known, true).ok_or_else(none)?, known.clone()),
        (known, Kind::Unknown) => (known.clone(), assumed(symbol, known, false).ok_or_else(none)?),
        _ => (left.clone(), right.clone()),
    };
    if let Some(kind) = left.arithmetic(&right) {
        return match symbol {
            Symbol::Power if kind == Kind::Numeric => Ok(Form::Numbers(kind)),
            Symbol::Power => Ok(Form::Numbers(Kind::Float8)),
            Symbol::Operator(Modulo) if kind.is_float() => Err(none()),
            Symbol::Operator(Plus | Minus | Multiply | Divide | Modulo) => Ok(Form::Numbers(kind)),
            _ => Err(none()),
        };
    }
    let Symbol::Operator(operator) = symbol else { return Err(none()) };
    let days = |kind: &Kind| matches!(kind, Kind::Int2 | Kind::Int4);
    Ok(match (&left, operator, &right) {
        (Kind::Date, Plus | Minus, whole) if days(whole) => Form::DateAndDays { date_is_left: true },
        (whole, Plus, Kind::Date) if days(whole) => Form::DateAndDays { date_is_left: false },
        (Kind::Date, Minus, Kind::Date) => Form::DaysBetween,
        (Kind::Date, Plus | Minus, Kind::Interval) => Form::Moments(Kind::Timestamp, Kind::Interval),
        (Kind::Interval, Plus, Kind::Date) => Form::Moments(Kind::Interval, Kind::Timestamp),
        (Kind::Date, Plus, Kind::Time) | (Kind::Time, Plus, Kind::Date) => Form::Moments(left, right),
        (Kind::Timestamp | Kind::Timestamptz | Kind::Time, Plus | Minus, Kind::Interval) => Form::Moments(left, right),
        (Kind::Interval, Plus, Kind::Timestamp | Kind::Timestamptz | Kind::Time) => Form::Moments(left, right),
        (Kind::Interval, Plus | Minus, Kind::Interval) | (Kind::Time, Minus, Kind::Time) => Form::Moments(left, right),
        (Kind::Date | Kind::Timestamp | Kind::Timestamptz, Minus, Kind::Date | Kind::Timestamp | Kind::Timestamptz) => {
            match left.common(&right) {
                Some(kind) => Form::Moments(kind.clone(), kind),
                None => return Err(none()),
            }
        }
        (Kind::Interval, Multiply, number) if number.is_number() => Form::SpanTimes { span_is_left: true },
        (number, Multiply, Kind::Interval) if number.is_number() => Form::SpanTimes { span_is_left: false },
        (Kind::Interval, Divide, number) if number.is_number() => Form::SpanShare,
        _ => return Err(none()),
    })
}

/// DataFusion's type for moments and spans.
fn moments(symbol: Symbol, left: &DataType, right: &DataType) -> Result<DataType> {
    match symbol {
        Symbol::Operator(operator) => BinaryTypeCoercer::new(left, &operator, right).get_result_type(),
        _ => Ok(DataType::Null),
    }
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })
}

impl Typing<'_> {
    /// The operator over two operands, which are resolved already.
    pub(super) fn operator(&mut self, symbol: Symbol, left: Operand, right: Operand) -> Result<Operand> {
        let (of_left, of_right) = (left.kind(), right.kind());
        if of_left == Kind::Other || of_right == Kind::Other {
            return self.left_to_engine(symbol, left, right);
        }
        match symbol {
            Symbol::Operator(operator) if compares(operator) => self.comparison(operator, left, right),
            Symbol::Operator(Operator::StringConcat) => self.joined(left, right),
            Symbol::Xor | Symbol::Operator(Operator::BitwiseAnd | Operator::BitwiseOr) => {
                let kind = match (&of_left, &of_right) {
                    (Kind::Unknown, whole) | (whole, Kind::Unknown) if whole.is_integer() => whole.clone(),
                    (own, other) if own.is_integer() && other.is_integer() => {
                        own.arithmetic(other).unwrap_or(Kind::Int8)
                    }
                    (Kind::Unknown, Kind::Unknown) => return Err(ambiguous(symbol, &of_left, &of_right)),
                    _ => return Err(missing(symbol, &of_left, &of_right)),
                };
                self.bits(symbol, left, right, &kind)
            }
            Symbol::Operator(Operator::BitwiseShiftLeft | Operator::BitwiseShiftRight) => {
                let places = matches!(of_right, Kind::Int2 | Kind::Int4 | Kind::Unknown);
                match &of_left {
                    kind if kind.is_integer() && places => self.bits(symbol, left, right, kind),
                    Kind::Unknown if of_right == Kind::Int4 => self.bits(symbol, left, right, &Kind::Int4),
                    _ => Err(missing(symbol, &of_left, &of_right)),
                }
            }
            _ => self.arithmetic(symbol, left, right),
        }
    }

    /// Bits of two integers of one kind.
    fn bits(&mut self, symbol: Symbol, left: Operand, right: Operand, kind: &Kind) -> Result<Operand> {
        let data_type = kind.data_type().unwrap_or(DataType::Int64);
        let (left, right) = (self.coerce(left, &data_type)?, self.coerce(right, &data_type)?);
        let operator = match symbol {
            Symbol::Operator(operator) => operator,
            _ => Operator::BitwiseXor,
        };
        Ok(Operand { expr: binary(left, operator, right), data_type })
    }

    /// What has kinds that PostgreSQL does not: DataFusion types it, or refuses it.
    fn left_to_engine(&mut self, symbol: Symbol, left: Operand, right: Operand) -> Result<Operand> {
        let operator = match symbol {
            Symbol::Operator(operator) => operator,
            Symbol::Xor => Operator::BitwiseXor,
            Symbol::Power => return Err(missing(symbol, &left.kind(), &right.kind())),
        };
        let data_type = BinaryTypeCoercer::new(&left.data_type, &operator, &right.data_type).get_result_type()?;
        Ok(Operand { expr: binary(left.expr, operator, right.expr), data_type })
    }

    fn arithmetic(&mut self, symbol: Symbol, left: Operand, right: Operand) -> Result<Operand> {
        let operator = match symbol {
            Symbol::Operator(operator) => operator,
            _ => Operator::Multiply,
        };
        match form(symbol, &left.kind(), &right.kind())? {
            Form::Numbers(Kind::Numeric) => {
                let (left, right) = (self.numeric(left)?, self.numeric(right)?);
                numeric::operator(symbol, left, right)
            }
            Form::Numbers(kind) => {
                let data_type = kind.data_type().unwrap_or(DataType::Float64);
                let (left, right) = (self.coerce(left, &data_type)?, self.coerce(right, &data_type)?);
                if symbol == Symbol::Power {
                    return Ok(Operand { expr: self.function("power", vec![left, right])?, data_type });
                }
                Ok(Operand { expr: binary(left, operator, right), data_type })
            }
            Form::DateAndDays { date_is_left } => {
                let (date, days) = if date_is_left { (left, right) } else { (right, left) };
                let days = self.coerce(days, &DataType::Int32)?;
                let expr = date_days::shifted(date.expr, days, operator == Operator::Minus);
                Ok(Operand { expr, data_type: DataType::Date32 })
            }
            Form::DaysBetween => {
                let (left, right) = (self.coerce(left, &DataType::Date32)?, self.coerce(right, &DataType::Date32)?);
                Ok(Operand { expr: date_days::between(left, right), data_type: DataType::Int32 })
            }
            Form::Moments(of_left, of_right) => {
                let (of_left, of_right) = (of_left.data_type(), of_right.data_type());
                let (Some(of_left), Some(of_right)) = (of_left, of_right) else {
                    return self.left_to_engine(symbol, left, right);
                };
                let left = self.as_kind(left, &of_left)?;
                let right = self.as_kind(right, &of_right)?;
                let data_type = moments(symbol, &left.data_type, &right.data_type)?;
                Ok(Operand { expr: binary(left.expr, operator, right.expr), data_type })
            }
            Form::SpanTimes { span_is_left } => {
                let (span, factor) = if span_is_left { (left, right) } else { (right, left) };
                self.times(span, factor, false)
            }
            Form::SpanShare => self.times(left, right, true),
        }
    }

    /// A span times a number, or divided by it.
    fn times(&mut self, span: Operand, number: Operand, divided: bool) -> Result<Operand> {
        let data_type = Kind::Interval.data_type().unwrap_or(DataType::Null);
        let span = self.coerce(span, &data_type)?;
        let number = self.coerce(number, &DataType::Float64)?;
        let factor = if divided { lit(1.0) / number } else { number };
        Ok(Operand { expr: interval_times(span, factor), data_type })
    }

    /// `||` of texts, of which one may be anything; arrays are DataFusion's.
    fn joined(&mut self, left: Operand, right: Operand) -> Result<Operand> {
        let (of_left, of_right) = (left.kind(), right.kind());
        let symbol = Symbol::Operator(Operator::StringConcat);
        match (&of_left, &of_right) {
            (Kind::Array(_), _) | (_, Kind::Array(_)) | (Kind::Bytea, _) | (_, Kind::Bytea) => {
                return self.left_to_engine(symbol, left, right);
            }
            (Kind::Text | Kind::Unknown, _) | (_, Kind::Text | Kind::Unknown) => {}
            _ => return Err(missing(symbol, &of_left, &of_right)),
        }
        let mut side = |operand: Operand| match operand.kind() {
            Kind::Unknown => self.coerce(operand, &DataType::Utf8),
            _ => Ok(operand.expr),
        };
        let (left, right) = (side(left)?, side(right)?);
        Ok(Operand { expr: binary(left, Operator::StringConcat, right), data_type: DataType::Utf8 })
    }

    /// A comparison, whose sides are brought to one type.
    pub(super) fn comparison(&mut self, operator: Operator, left: Operand, right: Operand) -> Result<Operand> {
        let symbol = Symbol::Operator(operator);
        let (of_left, of_right) = (left.kind(), right.kind());
        let (left, right) = self.compared(left, right, || missing(symbol, &of_left, &of_right))?;
        Ok(Operand { expr: binary(left, operator, right), data_type: DataType::Boolean })
    }

    /// Two values in the type in which they are compared.
    pub(super) fn compared(
        &mut self,
        left: Operand,
        right: Operand,
        missing: impl Fn() -> datafusion::error::DataFusionError,
    ) -> Result<(Expr, Expr)> {
        let (of_left, of_right) = (left.kind(), right.kind());
        let data_type = match (&of_left, &of_right) {
            (Kind::Other, _) | (_, Kind::Other) => return Ok((left.expr, right.expr)),
            (Kind::Unknown, Kind::Unknown) => DataType::Utf8,
            (Kind::Unknown, Kind::Numeric) | (Kind::Numeric, Kind::Unknown) => {
                return self.compared_numerics(left, right);
            }
            (Kind::Unknown, _) => self.own_type(&right),
            (_, Kind::Unknown) => self.own_type(&left),
            // DataFusion compares texts however each is held, and arrays.
            (Kind::Text, Kind::Text) => return Ok((left.expr, right.expr)),
            (own, other) if own == other && *own != Kind::Numeric => {
                if left.data_type == right.data_type || matches!(own, Kind::Array(_)) {
                    return Ok((left.expr, right.expr));
                }
                self.own_type(&left)
            }
            (own, other) => match own.comparable(other).ok_or_else(&missing)? {
                Kind::Numeric => match (whole_literal(&left), whole_literal(&right)) {
                    (None, Some(number)) if of_left.is_integer() => return Ok((in_integer(left), lit(number))),
                    (Some(number), None) if of_right.is_integer() => return Ok((lit(number), in_integer(right))),
                    _ => return self.compared_numerics(left, right),
                },
                _ if of_left == Kind::Oid && literal::is_object(&right.expr) => DataType::UInt32,
                _ if of_right == Kind::Oid && literal::is_object(&left.expr) => DataType::UInt32,
                kind => kind.data_type().ok_or_else(missing)?,
            },
        };
        // Texts go together however each is held.
        let mut side = |operand: Operand| match operand.kind() {
            Kind::Text if Kind::of(&data_type) == Kind::Text => Ok(operand.expr),
            _ => self.coerce(operand, &data_type),
        };
        Ok((side(left)?, side(right)?))
    }

    /// Two numerics with the digits of both.
    pub(super) fn compared_numerics(&mut self, left: Operand, right: Operand) -> Result<(Expr, Expr)> {
        let (left, right) = (self.numeric(left)?, self.numeric(right)?);
        let data_type = widest(&left.data_type, &right.data_type)?;
        Ok((self.coerce(left, &data_type)?, self.coerce(right, &data_type)?))
    }

    /// The type that an unknown value takes beside a known one: the plain type of its kind, or for `numeric` one with
    /// room for all digits.
    pub(super) fn own_type(&self, known: &Operand) -> DataType {
        match known.kind() {
            Kind::Numeric => UNBOUND,
            Kind::Array(_) => known.data_type.clone(),
            kind => kind.data_type().unwrap_or_else(|| known.data_type.clone()),
        }
    }
}

/// The whole number that a numeric literal is, when a `bigint` holds it: it is compared with integers as one of them.
pub(super) fn whole_literal(operand: &Operand) -> Option<i64> {
    let (value, scale) = match &operand.expr {
        Expr::Literal(ScalarValue::Decimal128(Some(value), _, scale), _) => (*value, *scale),
        _ => return None,
    };
    let unit = 10_i128.checked_pow(u32::from(scale.unsigned_abs()))?;
    match scale {
        ..0 => i64::try_from(value.checked_mul(unit)?).ok(),
        _ => (value % unit == 0).then(|| i64::try_from(value / unit).ok()).flatten(),
    }
}

/// An integer as a `bigint`.
fn in_integer(operand: Operand) -> Expr {
    if operand.data_type == DataType::Int64 { operand.expr } else { cast(operand.expr, DataType::Int64) }
}
