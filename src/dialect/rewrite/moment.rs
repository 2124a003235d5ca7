//! The rewriter gives spellings of moments and spans a form that can be planned: `timestamp(0)`, `current_timestamp(3)`,
//! `'today'::date`, `INTERVAL '5' DAY`, `make_interval(days => 10)`.
//!
//! DataFusion 55: types have no precision, `INTERVAL` texts are read by Arrow, and functions without parameter names
//! take no named arguments. Not needed once `timestamp(0) '2026-01-01 00:00:00.5'` is rounded by DataFusion.

use super::build::{self, call, cast, instant, literal, text};
use crate::text::interval::{self, Range, Unit};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, DateTimeField, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Interval,
    TimezoneInfo, Value,
};

/// Takes the precision out of a type: 3 of `timestamp(3)`; `None` when it has none that counts.
pub(crate) fn take_precision(data_type: &mut DataType) -> Option<u64> {
    let precision = match data_type {
        DataType::Timestamp(precision, _) => precision.replace(6),
        DataType::Time(precision, _) | DataType::Interval { precision, .. } => precision.take(),
        _ => None,
    };
    precision.filter(|digits| *digits < 6)
}

/// A value rounded to so many digits of a second.
pub(crate) fn with_precision(value: Expr, digits: u64) -> Expr {
    call("with_precision", vec![value, number(&digits.to_string())])
}

/// A moment with a name, written out for a type of time: `'now'::timestamptz`, `date 'today'`.
pub(crate) fn named(written: &Expr, data_type: &DataType) -> Option<Expr> {
    let word = literal(written)?.trim().to_ascii_lowercase();
    let now = cast(call("now", Vec::new()), instant());
    let day = |days: &str| {
        let today = cast(now.clone(), DataType::Date);
        let (left, right) = (Box::new(today), Box::new(number(days)));
        Expr::Nested(Box::new(Expr::BinaryOp { left, op: BinaryOperator::Plus, right }))
    };
    let moment = match (word.as_str(), data_type) {
        ("now", DataType::Date | DataType::Timestamp(..) | DataType::Time(..)) => now,
        ("today", DataType::Date | DataType::Timestamp(..)) => day("0"),
        ("tomorrow", DataType::Date | DataType::Timestamp(..)) => day("1"),
        ("yesterday", DataType::Date | DataType::Timestamp(..)) => day("-1"),
        _ => return None,
    };
    Some(cast(moment, data_type.clone()))
}

fn number(digits: &str) -> Expr {
    Expr::Value(Value::Number(digits.to_owned(), false).into())
}

/// The part of now that a call asks for, with the digits of a second that it may ask for: `current_date`,
/// `localtimestamp`, `current_timestamp(0)`.
///
/// DataFusion 55: `current_date` is the day in UTC, or in the zone of `datafusion.execution.time_zone`, which is no
/// session's here. Not needed once its zone can be given.
pub(crate) fn current(expr: &Expr) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let now = cast(call("now", Vec::new()), instant());
    let part = match build::called(function)?.as_str() {
        "current_date" => cast(now, DataType::Date),
        "localtime" => cast(now, DataType::Time(None, TimezoneInfo::None)),
        "localtimestamp" => cast(now, DataType::Timestamp(Some(6), TimezoneInfo::None)),
        "current_timestamp" => now,
        // Which is refused by its name: there is no `time with time zone`.
        "current_time" => call("current_time", Vec::new()),
        _ => return None,
    };
    match (&function.args, build::call_arguments(function).as_deref()) {
        (FunctionArguments::None, _) | (_, Some([])) => Some(part),
        (_, Some([Expr::Value(digits)])) => {
            let digits: u64 = digits.to_string().parse().ok()?;
            Some(if digits < 6 { with_precision(part, digits) } else { part })
        }
        _ => None,
    }
}

/// `INTERVAL '1 day 02:00'`, with the fields of its type or without, as months, days and seconds. A text that is no
/// span becomes a cast, which says so; `None` for what is no text.
pub(crate) fn interval(given: &Interval) -> Option<Expr> {
    let written = literal(&given.value)?;
    let digits = given.fractional_seconds_precision.or(given.leading_precision).filter(|digits| *digits < 6);
    let span = span(written, range(given)?).unwrap_or_else(|| cast(text(written), plain()));
    Some(match digits {
        Some(digits) => with_precision(span, digits),
        None => span,
    })
}

/// The type `interval` without fields.
fn plain() -> DataType {
    DataType::Interval { fields: None, precision: None }
}

/// The fields of an interval's type; `None` outside for one that PostgreSQL does not have.
#[allow(clippy::option_option, reason = "no fields, and fields that there are not, are two answers")]
fn range(given: &Interval) -> Option<Option<Range>> {
    let unit = |field: &DateTimeField| Unit::named(&field.to_string().to_ascii_lowercase());
    Some(match (&given.leading_field, &given.last_field) {
        (None, _) => None,
        (Some(only), None) => Some((unit(only)?, unit(only)?)),
        (Some(first), Some(last)) => {
            let (first, last) = (unit(first)?, unit(last)?);
            let days = [Unit::Day, Unit::Hour, Unit::Minute, Unit::Second];
            let place = |unit| days.iter().position(|known| *known == unit);
            let narrows = match (place(first), place(last)) {
                (Some(first), Some(last)) => first < last,
                _ => (first, last) == (Unit::Year, Unit::Month),
            };
            narrows.then_some(Some((first, last)))?
        }
    })
}

/// A span of time in the one spelling that DataFusion reads without loss: `0 months 1 days 7200.000000 seconds`; `None`
/// for a text that is no span.
pub(crate) fn span(written: &str, range: Option<Range>) -> Option<Expr> {
    let span = interval::parse_within(written, range).ok()?;
    let (seconds, micros) = (span.nanoseconds / 1_000_000_000, span.nanoseconds % 1_000_000_000 / 1_000);
    let sign = if span.nanoseconds < 0 { "-" } else { "" };
    let time = format!("{sign}{}.{:06}", seconds.abs(), micros.abs());
    let spelled = format!("{} months {} days {time} seconds", span.months, span.days);
    Some(Expr::Interval(Interval {
        value: Box::new(text(&spelled)),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }))
}

/// `(a, b) OVERLAPS (c, d)` as `overlaps(a, b, c, d)`; `None` for what is not of two pairs.
pub(crate) fn overlaps(left: &Expr, right: &Expr) -> Option<Expr> {
    let (Expr::Tuple(one), Expr::Tuple(other)) = (left, right) else { return None };
    let pairs = one.len() == 2 && other.len() == 2;
    pairs.then(|| call("overlaps", one.iter().chain(other).cloned().collect()))
}

/// The parameters of `make_interval`, in order.
const PARTS: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];

/// Gives `make_interval` all of its arguments in order, 0 where one is not given. A name that it does not have is left
/// to DataFusion, which refuses it.
pub(crate) fn make_interval(expr: &mut Expr) {
    let Expr::Function(function) = expr else { return };
    let FunctionArguments::List(list) = &function.args else { return };
    let mut parts: [Option<Expr>; 7] = Default::default();
    for (place, argument) in list.args.iter().enumerate() {
        let (place, value) = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(place), value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                (PARTS.iter().position(|part| name.value.eq_ignore_ascii_case(part)), value)
            }
            FunctionArg::ExprNamed { name, arg: FunctionArgExpr::Expr(value), .. } => {
                let name = name.to_string();
                (PARTS.iter().position(|part| name.eq_ignore_ascii_case(part)), value)
            }
            _ => return,
        };
        let Some(part) = place.and_then(|place| parts.get_mut(place)) else { return };
        if part.replace(value.clone()).is_some() {
            return;
        }
    }
    let parts = parts.into_iter().map(|part| part.unwrap_or_else(|| number("0"))).collect();
    *expr = call("make_interval", parts);
}
