//! `+`, `-`, `*` and `/` of days, moments, times and spans are calls with PostgreSQL's result types: a difference of
//! dates is an `integer`, of timestamps an interval of days and time, and a date and an interval make a `timestamp`.
//!
//! DataFusion 55: date + interval is a date (apache/datafusion#19527, open), and intervals cannot be multiplied or
//! divided (apache/datafusion#13850, open). Not needed once `date '2026-01-01' + interval '1 month' * 1.5` is a
//! timestamp in the middle of February.

use super::arithmetic as of;
use super::function::{Call, call, internal};
use super::types::{DATE, INTERVAL, Kind, TIME, TIMESTAMP, TIMESTAMPTZ};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, Operator, ScalarUDF, Volatility};
use std::sync::{Arc, LazyLock};

/// What stands on one side of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// A date, a time, a moment or a span.
    Of(Kind),
    /// What has no type of its own: a text or NULL that is written out, a parameter.
    Untyped,
    /// A whole number that a date can be moved by.
    Integer,
    /// A number of any other kind.
    Number,
    /// Everything else, which no such operator takes.
    Other,
}

/// What an operator is over two sides: a function, and the types in which it takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    function: Arc<ScalarUDF>,
    first: DataType,
    second: DataType,
    /// Whether the right side is the function's first argument.
    swapped: bool,
    /// The type of the result.
    pub(crate) result: DataType,
}

impl Plan {
    fn of(function: &Function, first: DataType, second: DataType, result: DataType) -> Self {
        Self { function: Arc::clone(function), first, second, swapped: false, result }
    }

    /// The types of the left and the right side.
    pub(crate) fn sides(&self) -> (&DataType, &DataType) {
        if self.swapped { (&self.second, &self.first) } else { (&self.first, &self.second) }
    }

    /// The call over sides of these types.
    pub(crate) fn call(&self, left: Expr, right: Expr) -> Expr {
        call(&self.function, if self.swapped { vec![right, left] } else { vec![left, right] })
    }
}

/// The plan of an operator with a day, a moment, a time or a span on a side; `None` for operators that PostgreSQL does
/// not have for such sides.
pub(crate) fn plan(op: Operator, left: Side, right: Side) -> Option<Plan> {
    match op {
        Operator::Plus => sum(left, right).or_else(|| Some(Plan { swapped: true, ..sum(right, left)? })),
        Operator::Minus => less(left, right),
        Operator::Multiply => product(left, right).or_else(|| Some(Plan { swapped: true, ..product(right, left)? })),
        Operator::Divide => share(left, right),
        _ => None,
    }
}

/// An interval with the signs of its parts turned.
pub(crate) fn negated(span: Expr) -> Expr {
    call(&NEGATED, vec![span])
}

/// A sum whose sides are in this order.
fn sum(left: Side, right: Side) -> Option<Plan> {
    use Kind::{Date, Interval, Time, Timestamp, Timestamptz};
    use Side::{Integer, Of, Untyped};
    Some(match (left, right) {
        (Of(Date), Integer) => Plan::of(&DAY_PLUS, DATE, DataType::Int32, DATE),
        (Of(Date), Of(Time)) => Plan::of(&DAY_AT, DATE, TIME, TIMESTAMP),
        (Of(Date), Of(Interval)) | (Of(Timestamp), Of(Interval | Time) | Untyped) => {
            Plan::of(&TIMESTAMP_PLUS, TIMESTAMP, INTERVAL, TIMESTAMP)
        }
        (Of(Timestamptz), Of(Interval | Time) | Untyped) => {
            Plan::of(&TIMESTAMPTZ_PLUS, TIMESTAMPTZ.clone(), INTERVAL, TIMESTAMPTZ.clone())
        }
        (Of(Time), Of(Interval) | Untyped) => Plan::of(&TIME_PLUS, TIME, INTERVAL, TIME),
        (Of(Interval), Of(Interval) | Untyped) => Plan::of(&SPAN_PLUS, INTERVAL, INTERVAL, INTERVAL),
        _ => return None,
    })
}

/// A difference, whose sides cannot change places.
fn less(left: Side, right: Side) -> Option<Plan> {
    use Kind::{Date, Interval, Time, Timestamp, Timestamptz};
    use Side::{Integer, Of, Untyped};
    Some(match (left, right) {
        (Of(Date), Integer) => Plan::of(&DAY_MINUS, DATE, DataType::Int32, DATE),
        (Of(Date), Of(Date) | Untyped) | (Untyped, Of(Date)) => Plan::of(&DAYS_BETWEEN, DATE, DATE, DataType::Int32),
        (Of(Date | Timestamp), Of(Time | Interval)) => Plan::of(&TIMESTAMP_MINUS, TIMESTAMP, INTERVAL, TIMESTAMP),
        (Of(Timestamptz), Of(Time | Interval)) => {
            Plan::of(&TIMESTAMPTZ_MINUS, TIMESTAMPTZ.clone(), INTERVAL, TIMESTAMPTZ.clone())
        }
        (Of(Time), Of(Interval)) => Plan::of(&TIME_MINUS, TIME, INTERVAL, TIME),
        (Of(Time), Of(Time) | Untyped) | (Untyped, Of(Time)) => Plan::of(&TIME_BETWEEN, TIME, TIME, INTERVAL),
        (Of(Interval), Of(Interval | Time) | Untyped) | (Untyped, Of(Interval)) => {
            Plan::of(&SPAN_MINUS, INTERVAL, INTERVAL, INTERVAL)
        }
        (Of(kind), Untyped) | (Untyped, Of(kind)) => {
            Plan::of(&DIFFERENCE, kind.data_type(), kind.data_type(), INTERVAL)
        }
        (Of(first), Of(second)) if first.is_moment() && second.is_moment() => {
            let common = first.common(second)?.data_type();
            Plan::of(&DIFFERENCE, common.clone(), common, INTERVAL)
        }
        _ => return None,
    })
}

/// A product whose sides are in this order; a time is a span since midnight.
fn product(left: Side, right: Side) -> Option<Plan> {
    use Side::{Integer, Number, Untyped};
    matches!((left, right), (Side::Of(Kind::Interval | Kind::Time), Integer | Number | Untyped))
        .then(|| Plan::of(&SPAN_TIMES, INTERVAL, DataType::Float64, INTERVAL))
}

/// A quotient, which there is of spans.
fn share(left: Side, right: Side) -> Option<Plan> {
    use Side::{Integer, Number, Untyped};
    matches!((left, right), (Side::Of(Kind::Interval | Kind::Time), Integer | Number | Untyped))
        .then(|| Plan::of(&SPAN_OVER, INTERVAL, DataType::Float64, INTERVAL))
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

static TIME_MINUS: Function = LazyLock::new(|| {
    internal(
        "time_minus",
        Volatility::Immutable,
        |_| Some((vec![TIME, INTERVAL], TIME)),
        |call| {
            call.map2::<Time64MicrosecondType, IntervalMonthDayNanoType, Time64MicrosecondType>(|us, span| {
                Ok(of::time_plus(us, of::span_negated(span)?))
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
