//! Operators are resolved by the kinds of their sides, as PostgreSQL's `oper_select_candidate` does over its catalog of
//! operators: which operator it is, what each side is cast to, and what the result is.

use super::context::Typing;
use super::kind::{Kind, UNBOUND, refusal, widest};
use super::operand::Operand;
use super::symbol::{Deferral, Symbol};
use super::{literal, marked, numeric};
use crate::dialect::moment;
use crate::dialect::moment::operator::{Plan, Side};
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
        Symbol::Operator(Operator::StringConcat) => {
            let arrays = types.iter().find(|data_type| matches!(Kind::of(data_type), Kind::Array(_)));
            arrays.cloned().unwrap_or(DataType::Utf8)
        }
        _ => match form(symbol, left, right) {
            Ok(Form::Numbers(Kind::Numeric)) => UNBOUND,
            Ok(Form::Numbers(kind)) => kind.data_type().unwrap_or(DataType::Null),
            Ok(Form::Moments(plan)) => plan.result,
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
    /// An operator over a date, a time, a moment or a span.
    Moments(Plan),
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

/// The arithmetic operator for two kinds. What is unknown beside a number is taken for one of its kind.
///
/// # Errors
/// 42883 when there is none, 42725 when several fit.
fn form(symbol: Symbol, left: &Kind, right: &Kind) -> Result<Form> {
    use Operator::{Divide, Minus, Modulo, Multiply, Plus};
    let none = || missing(symbol, left, right);
    let (left, right) = match (left, right) {
        (Kind::Unknown, Kind::Unknown) => return Err(ambiguous(symbol, left, right)),
        (Kind::Date, Kind::Unknown) | (Kind::Unknown, Kind::Date) | (Kind::Time, Kind::Time)
            if symbol == Symbol::Operator(Plus) =>
        {
            return Err(ambiguous(symbol, left, right));
        }
        (Kind::Unknown, number) | (number, Kind::Unknown) if number.is_number() => (number, number),
        _ => (left, right),
    };
    if let Some(kind) = left.arithmetic(right) {
        return match symbol {
            Symbol::Power if kind == Kind::Numeric => Ok(Form::Numbers(kind)),
            Symbol::Power => Ok(Form::Numbers(Kind::Float8)),
            Symbol::Operator(Modulo) if kind.is_float() => Err(none()),
            Symbol::Operator(Plus | Minus | Multiply | Divide | Modulo) => Ok(Form::Numbers(kind)),
            _ => Err(none()),
        };
    }
    let Symbol::Operator(operator) = symbol else { return Err(none()) };
    moment::operator::plan(operator, side(left), side(right)).map(Form::Moments).ok_or_else(none)
}

/// A kind as one side of an operator of moments.
fn side(kind: &Kind) -> Side {
    match kind {
        Kind::Unknown => Side::Untyped,
        Kind::Int2 | Kind::Int4 => Side::Integer,
        number if number.is_number() => Side::Number,
        kind => kind.moment().map_or(Side::Other, Side::Of),
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
            Form::Moments(plan) => {
                let (of_left, of_right) = plan.sides();
                let (left, right) = (self.coerce(left, of_left)?, self.coerce(right, of_right)?);
                Ok(Operand { expr: plan.call(left, right), data_type: plan.result })
            }
        }
    }

    /// `||` of texts, of which one may be anything; arrays are DataFusion's.
    fn joined(&mut self, left: Operand, right: Operand) -> Result<Operand> {
        let (of_left, of_right) = (left.kind(), right.kind());
        let symbol = Symbol::Operator(Operator::StringConcat);
        match (&of_left, &of_right) {
            (Kind::Array(_), Kind::Unknown) | (Kind::Unknown, Kind::Array(_)) => {
                let of = if of_left == Kind::Unknown { &right } else { &left };
                let data_type = of.data_type.clone();
                let (left, right) = (self.coerce(left, &data_type)?, self.coerce(right, &data_type)?);
                return Ok(Operand { expr: self.function("array_cat", vec![left, right])?, data_type });
            }
            (Kind::Bytea, Kind::Unknown) | (Kind::Unknown, Kind::Bytea) => {
                let data_type = DataType::Binary;
                let (left, right) = (self.coerce(left, &data_type)?, self.coerce(right, &data_type)?);
                return Ok(Operand { expr: binary(left, Operator::StringConcat, right), data_type });
            }
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
        let by_day = match (&of_left, &of_right) {
            (Kind::Date, Kind::Timestamp | Kind::Timestamptz) => self.by_day(&left, operator, &right)?,
            (Kind::Timestamp | Kind::Timestamptz, Kind::Date) => match operator.swap() {
                Some(swapped) => self.by_day(&right, swapped, &left)?,
                None => None,
            },
            _ => None,
        };
        if let Some(expr) = by_day {
            return Ok(Operand { expr, data_type: DataType::Boolean });
        }
        let (left, right) = self.compared(left, right, || missing(symbol, &of_left, &of_right))?;
        Ok(Operand { expr: binary(left, operator, right), data_type: DataType::Boolean })
    }

    /// A date and a moment as two days; `None` where days do not tell.
    fn by_day(&mut self, date: &Operand, operator: Operator, moment: &Operand) -> Result<Option<Expr>> {
        let to = |kind: Kind, operand: &Operand| kind.data_type().unwrap_or_else(|| operand.data_type.clone());
        let (of_date, of_moment) = (to(Kind::Date, date), to(moment.kind(), moment));
        let (date, moment) = (self.coerce(date.clone(), &of_date)?, self.coerce(moment.clone(), &of_moment)?);
        Ok(moment::compare::by_day(&date, operator, &moment))
    }

    /// Two values in the type in which they are compared.
    pub(super) fn compared(
        &mut self,
        left: Operand,
        right: Operand,
        missing: impl Fn() -> datafusion::error::DataFusionError,
    ) -> Result<(Expr, Expr)> {
        let (of_left, of_right) = (left.kind(), right.kind());
        if of_left.has_spans() || of_right.has_spans() {
            return Err(refusal(ErrorKind::NotSupported, "arrays of intervals are not compared"));
        }
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
