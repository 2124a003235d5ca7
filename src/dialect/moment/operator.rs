//! `+`, `-`, `*` and `/` of days, moments, times and spans become calls with PostgreSQL's result types: a difference of
//! dates is an `integer`, of timestamps an interval of days and time, and a date and an interval make a `timestamp`.
//!
//! Operators are planned where DataFusion plans them, so that the types of a statement are right from the start, and
//! once more before types are coerced, for operands that were not known then.

use super::arithmetic as of;
use super::fault::unknown;
use super::function::{Call, call, internal};
use super::types::{DATE, INTERVAL, Kind, TIME, TIMESTAMP, TIMESTAMPTZ, is_untyped};
use crate::dialect::catalog::types;
use crate::error::{ErrorKind, QueryError};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, ScalarUDF, Volatility, cast};
use std::sync::{Arc, LazyLock};

/// The function rewrite; it has no state.
#[derive(Debug)]
pub(crate) struct Operators;

impl FunctionRewrite for Operators {
    fn name(&self) -> &str {
        "operators of moments"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match &expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match plan(*op, left, right, schema)? {
                Some(planned) => Ok(Transformed::yes(planned)),
                None => Ok(Transformed::no(expr)),
            },
            Expr::Negative(inner) if matches!(inner.get_type(schema), Ok(of) if Kind::of(&of) == Some(Kind::Interval)) =>
            {
                let span = cast(inner.as_ref().clone(), INTERVAL);
                Ok(Transformed::yes(call(&NEGATED, vec![span])))
            }
            _ => Ok(Transformed::no(expr)),
        }
    }
}

/// What stands on one side of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Of(Kind),
    /// A text or NULL without a type.
    Untyped,
    /// A whole number that a date can be moved by.
    Integer,
    /// Any other number.
    Number,
    Other,
}

fn side(expr: &Expr, schema: &DFSchema) -> Option<Side> {
    if is_untyped(expr) {
        return Some(Side::Untyped);
    }
    let data_type = expr.get_type(schema).ok()?;
    Some(match Kind::of(&data_type) {
        Some(kind) => Side::Of(kind),
        None => match data_type {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => Side::Integer,
            // Whole numbers that are written out are `integer` in PostgreSQL.
            DataType::Int64 if is_constant(expr) => Side::Integer,
            number if number.is_numeric() => Side::Number,
            DataType::Null => Side::Untyped,
            _ => Side::Other,
        },
    })
}

/// Whether an expression is made of numbers that are written out alone.
fn is_constant(expr: &Expr) -> bool {
    let only = |expr: &Expr| {
        matches!(expr, Expr::Literal(..) | Expr::Negative(_) | Expr::BinaryExpr(_) | Expr::Placeholder(_))
            || matches!(expr, Expr::ScalarFunction(call) if matches!(call.func.name(), "add" | "subtract" | "multiply"))
    };
    !expr.exists(|expr| Ok(!only(expr))).unwrap_or(true)
}

/// The call for an operator with a day, a moment, a time or a span on a side; `None` for all other operators, and for
/// operands that are not known yet.
///
/// # Errors
/// 42883 and 42725 for an operator that PostgreSQL does not have for such operands, or not for one of them.
pub(crate) fn plan(op: Operator, left: &Expr, right: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    use Kind::{Date, Interval, Time, Timestamp, Timestamptz};
    use Side::{Integer, Number, Of, Untyped};
    if !matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide) {
        return Ok(None);
    }
    let (Some(one), Some(other)) = (side(left, schema), side(right, schema)) else { return Ok(None) };
    if !matches!(one, Of(_)) && !matches!(other, Of(_)) {
        return Ok(None);
    }
    let to = |expr: &Expr, kind: Kind| cast_to(expr, kind.data_type(), schema);
    let number = |expr: &Expr| cast_to(expr, DataType::Float64, schema);
    let integer = |expr: &Expr| cast_to(expr, DataType::Int32, schema);
    let planned = match (op, one, other) {
        (Operator::Plus, Of(Date), Integer) => call(&DAY_PLUS, vec![to(left, Date), integer(right)]),
        (Operator::Plus, Integer, Of(Date)) => call(&DAY_PLUS, vec![to(right, Date), integer(left)]),
        (Operator::Minus, Of(Date), Integer) => call(&DAY_MINUS, vec![to(left, Date), integer(right)]),
        (Operator::Minus, Of(Date), Of(Date) | Untyped) | (Operator::Minus, Untyped, Of(Date)) => {
            call(&DAYS_BETWEEN, vec![to(left, Date), to(right, Date)])
        }
        (Operator::Plus, Of(Date), Of(Time)) => call(&DAY_AT, vec![to(left, Date), to(right, Time)]),
        (Operator::Plus, Of(Time), Of(Date)) => call(&DAY_AT, vec![to(right, Date), to(left, Time)]),
        (Operator::Plus, Of(Timestamp | Timestamptz), Of(Time)) => plus(left, &to(right, Interval), one, schema),
        (Operator::Plus, Of(Time), Of(Timestamp | Timestamptz)) => plus(right, &to(left, Interval), other, schema),
        (Operator::Minus, Of(Timestamp | Timestamptz), Of(Time)) => minus(left, &to(right, Interval), one, schema),
        (Operator::Minus, Of(Date), Of(Time)) => minus(left, &to(right, Interval), Of(Timestamp), schema),
        (Operator::Plus, Of(Date), Of(Interval)) => plus(left, right, Of(Timestamp), schema),
        (Operator::Plus, Of(Interval), Of(Date)) => plus(right, left, Of(Timestamp), schema),
        (Operator::Minus, Of(Date), Of(Interval)) => minus(left, right, Of(Timestamp), schema),
        (Operator::Plus, Of(Timestamp | Timestamptz), Of(Interval) | Untyped) => plus(left, right, one, schema),
        (Operator::Plus, Of(Interval) | Untyped, Of(Timestamp | Timestamptz)) => plus(right, left, other, schema),
        (Operator::Minus, Of(Timestamp | Timestamptz), Of(Interval)) => minus(left, right, one, schema),
        (Operator::Minus, Of(kind), Untyped) | (Operator::Minus, Untyped, Of(kind)) if kind.is_moment() => {
            call(&DIFFERENCE, vec![to(left, kind), to(right, kind)])
        }
        (Operator::Minus, Of(first), Of(second)) if first.is_moment() && second.is_moment() => {
            let kind = first.common(second).unwrap_or(Timestamp);
            call(&DIFFERENCE, vec![to(left, kind), to(right, kind)])
        }
        (Operator::Plus, Of(Time), Of(Interval) | Untyped) => {
            call(&TIME_PLUS, vec![to(left, Time), to(right, Interval)])
        }
        (Operator::Plus, Of(Interval) | Untyped, Of(Time)) => {
            call(&TIME_PLUS, vec![to(right, Time), to(left, Interval)])
        }
        (Operator::Minus, Of(Time), Of(Interval)) => {
            call(&TIME_PLUS, vec![to(left, Time), call(&NEGATED, vec![to(right, Interval)])])
        }
        (Operator::Minus, Of(Time), Of(Time) | Untyped) | (Operator::Minus, Untyped, Of(Time)) => {
            call(&TIME_BETWEEN, vec![to(left, Time), to(right, Time)])
        }
        (Operator::Plus, Of(Interval), Of(Interval) | Untyped) | (Operator::Plus, Untyped, Of(Interval)) => {
            call(&SPAN_PLUS, vec![to(left, Interval), to(right, Interval)])
        }
        (Operator::Minus, Of(Interval), Of(Interval | Time) | Untyped) | (Operator::Minus, Untyped, Of(Interval)) => {
            call(&SPAN_MINUS, vec![to(left, Interval), to(right, Interval)])
        }
        (Operator::Multiply, Of(Interval), Integer | Number | Untyped) => {
            call(&SPAN_TIMES, vec![to(left, Interval), number(right)])
        }
        (Operator::Multiply, Integer | Number | Untyped, Of(Interval)) => {
            call(&SPAN_TIMES, vec![to(right, Interval), number(left)])
        }
        (Operator::Divide, Of(Interval), Integer | Number | Untyped) => {
            call(&SPAN_OVER, vec![to(left, Interval), number(right)])
        }
        // An operator of lists, texts or objects of the server's own.
        (_, Side::Other, _) | (_, _, Side::Other) => return Ok(None),
        (Operator::Plus, Of(Date), Untyped)
        | (Operator::Plus, Untyped, Of(Date))
        | (Operator::Plus, Of(Time), Of(Time)) => {
            let message = format!("operator is not unique: {}", written(op, left, right, schema));
            return Err(super::fault::external(QueryError::new(ErrorKind::AmbiguousFunction, message)));
        }
        _ => return Err(unknown(format!("operator does not exist: {}", written(op, left, right, schema)))),
    };
    Ok(Some(planned))
}

/// The operator with its sides' types, as PostgreSQL's errors have it.
fn written(op: Operator, left: &Expr, right: &Expr, schema: &DFSchema) -> String {
    let name = |expr: &Expr| match expr.get_type(schema) {
        Ok(data_type) if !is_untyped(expr) => types::display(types::of_arrow(&data_type).0, None),
        _ => "unknown".to_owned(),
    };
    format!("{} {op} {}", name(left), name(right))
}

/// A moment of a kind and a span later.
fn plus(moment: &Expr, span: &Expr, kind: Side, schema: &DFSchema) -> Expr {
    let kind = if let Side::Of(kind) = kind { kind } else { Kind::Timestamp };
    let function = if kind == Kind::Timestamptz { &TIMESTAMPTZ_PLUS } else { &TIMESTAMP_PLUS };
    call(function, vec![cast_to(moment, kind.data_type(), schema), cast_to(span, INTERVAL, schema)])
}

/// A moment of a kind and a span earlier.
fn minus(moment: &Expr, span: &Expr, kind: Side, schema: &DFSchema) -> Expr {
    let kind = if let Side::Of(kind) = kind { kind } else { Kind::Timestamp };
    let function = if kind == Kind::Timestamptz { &TIMESTAMPTZ_MINUS } else { &TIMESTAMP_MINUS };
    call(function, vec![cast_to(moment, kind.data_type(), schema), cast_to(span, INTERVAL, schema)])
}

/// An expression of a type, cast where it is of another.
pub(crate) fn cast_to(expr: &Expr, data_type: DataType, schema: &DFSchema) -> Expr {
    match expr.get_type(schema) {
        Ok(own) if own == data_type => expr.clone(),
        _ => cast(expr.clone(), data_type),
    }
}

/// A function of an operator, made once: equal expressions must share one function to be recognised as equal.
type Function = LazyLock<Arc<ScalarUDF>>;

static DAY_PLUS: Function = LazyLock::new(|| {
    internal(
        "date_plus",
        Volatility::Immutable,
        |_| Some((vec![DATE, DataType::Int32], DATE)),
        |call| call.map2::<Date32Type, Int32Type, Date32Type>(|day, days| of::day_plus(day, days.into())),
    )
});

static DAY_MINUS: Function = LazyLock::new(|| {
    internal(
        "date_minus",
        Volatility::Immutable,
        |_| Some((vec![DATE, DataType::Int32], DATE)),
        |call| call.map2::<Date32Type, Int32Type, Date32Type>(|day, days| of::day_plus(day, -i64::from(days))),
    )
});

static DAYS_BETWEEN: Function = LazyLock::new(|| {
    internal(
        "date_difference",
        Volatility::Immutable,
        |_| Some((vec![DATE, DATE], DataType::Int32)),
        |call| call.map2::<Date32Type, Date32Type, Int32Type>(of::day_difference),
    )
});

static DAY_AT: Function = LazyLock::new(|| {
    internal(
        "date_at",
        Volatility::Immutable,
        |_| Some((vec![DATE, TIME], TIMESTAMP)),
        |call| call.map2::<Date32Type, Time64MicrosecondType, TimestampMicrosecondType>(of::day_at),
    )
});

static TIMESTAMP_PLUS: Function = LazyLock::new(|| {
    internal(
        "timestamp_plus",
        Volatility::Immutable,
        |_| Some((vec![TIMESTAMP, INTERVAL], TIMESTAMP)),
        |call| moved(call, of::timestamp_plus),
    )
});

static TIMESTAMP_MINUS: Function = LazyLock::new(|| {
    internal(
        "timestamp_minus",
        Volatility::Immutable,
        |_| Some((vec![TIMESTAMP, INTERVAL], TIMESTAMP)),
        |call| moved(call, |us, span| of::timestamp_plus(us, of::span_negated(span)?)),
    )
});

static TIMESTAMPTZ_PLUS: Function = LazyLock::new(|| {
    internal(
        "timestamptz_plus",
        Volatility::Stable,
        |_| Some((vec![TIMESTAMPTZ.clone(), INTERVAL], TIMESTAMPTZ.clone())),
        |call| {
            let zone = call.zone();
            moved(call, |us, span| of::timestamptz_plus(us, span, zone))
        },
    )
});

static TIMESTAMPTZ_MINUS: Function = LazyLock::new(|| {
    internal(
        "timestamptz_minus",
        Volatility::Stable,
        |_| Some((vec![TIMESTAMPTZ.clone(), INTERVAL], TIMESTAMPTZ.clone())),
        |call| {
            let zone = call.zone();
            moved(call, |us, span| of::timestamptz_plus(us, of::span_negated(span)?, zone))
        },
    )
});

static DIFFERENCE: Function = LazyLock::new(|| {
    internal(
        "timestamp_difference",
        Volatility::Immutable,
        |given| Some((given.to_vec(), INTERVAL)),
        |call| {
            call.map2::<TimestampMicrosecondType, TimestampMicrosecondType, IntervalMonthDayNanoType>(of::difference)
        },
    )
});

static TIME_PLUS: Function = LazyLock::new(|| {
    internal(
        "time_plus",
        Volatility::Immutable,
        |_| Some((vec![TIME, INTERVAL], TIME)),
        |call| {
            call.map2::<Time64MicrosecondType, IntervalMonthDayNanoType, Time64MicrosecondType>(|us, span| {
                Ok(of::time_plus(us, span))
            })
        },
    )
});

static TIME_BETWEEN: Function = LazyLock::new(|| {
    internal(
        "time_difference",
        Volatility::Immutable,
        |_| Some((vec![TIME, TIME], INTERVAL)),
        |call| {
            call.map2::<Time64MicrosecondType, Time64MicrosecondType, IntervalMonthDayNanoType>(|later, earlier| {
                Ok(IntervalMonthDayNano::new(0, 0, (later - earlier) * 1_000))
            })
        },
    )
});

static SPAN_PLUS: Function = LazyLock::new(|| {
    internal(
        "interval_plus",
        Volatility::Immutable,
        |_| Some((vec![INTERVAL, INTERVAL], INTERVAL)),
        |call| spans(call, of::span_plus),
    )
});

static SPAN_MINUS: Function = LazyLock::new(|| {
    internal(
        "interval_minus",
        Volatility::Immutable,
        |_| Some((vec![INTERVAL, INTERVAL], INTERVAL)),
        |call| spans(call, |left, right| of::span_plus(left, of::span_negated(right)?)),
    )
});

static NEGATED: Function = LazyLock::new(|| {
    internal(
        "interval_negated",
        Volatility::Immutable,
        |_| Some((vec![INTERVAL], INTERVAL)),
        |call| call.map::<IntervalMonthDayNanoType, IntervalMonthDayNanoType>(of::span_negated),
    )
});

static SPAN_TIMES: Function = LazyLock::new(|| {
    internal(
        "interval_times",
        Volatility::Immutable,
        |_| Some((vec![INTERVAL, DataType::Float64], INTERVAL)),
        |call| call.map2::<IntervalMonthDayNanoType, Float64Type, IntervalMonthDayNanoType>(of::span_times),
    )
});

static SPAN_OVER: Function = LazyLock::new(|| {
    internal(
        "interval_over",
        Volatility::Immutable,
        |_| Some((vec![INTERVAL, DataType::Float64], INTERVAL)),
        |call| call.map2::<IntervalMonthDayNanoType, Float64Type, IntervalMonthDayNanoType>(of::span_over),
    )
});

/// Moments moved by spans.
fn moved(call: &Call<'_>, body: impl FnMut(i64, IntervalMonthDayNano) -> Result<i64>) -> Result<ArrayRef> {
    call.map2::<TimestampMicrosecondType, IntervalMonthDayNanoType, TimestampMicrosecondType>(body)
}

/// Spans of two spans.
fn spans(
    call: &Call<'_>,
    body: impl FnMut(IntervalMonthDayNano, IntervalMonthDayNano) -> Result<IntervalMonthDayNano>,
) -> Result<ArrayRef> {
    call.map2::<IntervalMonthDayNanoType, IntervalMonthDayNanoType, IntervalMonthDayNanoType>(body)
}
