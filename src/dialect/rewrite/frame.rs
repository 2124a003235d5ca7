//! What a window function may be called with: the bounds of its frame, its arguments, no DISTINCT.
//!
//! DataFusion 55: offsets of frames are numbers that are written out, those of RANGE may be negative,
//! `nth_value` counts negative rows from the end, and DISTINCT is passed over beside OVER. Not needed
//! once `count(DISTINCT x) OVER ()` is refused and `nth_value(x, 0) OVER ()` fails: `frames.slt` tells.

use super::build::{call_arguments, called, ident, literal};
use super::function::by_known_name;
use crate::dialect::aggregate::excluding::{self, Excluded};
use crate::dialect::parse::exclusion::MARK;
use crate::dialect::parse::walk::Walk;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArguments, NamedWindowExpr, OrderByExpr, Select,
    Statement, UnaryOperator, Value, Visitor, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};
use std::ops::ControlFlow;

/// Functions over windows that are no aggregates, for which DISTINCT is another error.
const RANKS: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// Functions over windows that do not look at the frame.
const FRAMELESS: &[&str] = &["cume_dist", "dense_rank", "lag", "lead", "ntile", "percent_rank", "rank", "row_number"];

/// Refuses what PostgreSQL refuses of window functions.
///
/// # Errors
/// `Windowing` (SQLSTATE 42P20) for bounds that do not go together, `FrameOffset` (22013) and
/// `NullNotAllowed` (22004) for offsets, `Ntile` (22014) and `NthValue` (22016) for arguments.
pub(crate) fn check(statement: &Statement) -> Result<(), QueryError> {
    struct Check;
    impl Visitor for Check {
        type Break = QueryError;

        fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
            let specs = select.named_window.iter().filter_map(|window| match &window.1 {
                NamedWindowExpr::WindowSpec(spec) => Some(spec),
                NamedWindowExpr::NamedWindow(_) => None,
            });
            broken(specs.map(window).find(Result::is_err).unwrap_or(Ok(())))
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<QueryError> {
            match expr {
                Expr::Function(function) => broken(function_over(function)),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    match statement.walk(&mut Check) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// A result as a walk goes on by it.
fn broken(result: Result<(), QueryError>) -> ControlFlow<QueryError> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

/// The mark of EXCLUDE behind the ORDER BY of a window.
fn mark(order: &OrderByExpr) -> Option<Excluded> {
    let words = literal(&order.expr)?.strip_prefix(MARK)?;
    Excluded::ALL.into_iter().find(|excluded| excluded.words() == words)
}

/// Takes the mark of EXCLUDE from a call's window, and calls the function over frames that lose rows in its
/// place. Ranks have no use for a frame.
pub(super) fn exclude(function: &mut Function) {
    let Some(WindowType::WindowSpec(spec)) = &mut function.over else { return };
    let Some(excluded) = spec.order_by.last().and_then(mark) else { return };
    spec.order_by.pop();
    by_known_name(function);
    let Some(name) = called(function).filter(|name| !FRAMELESS.contains(&name.as_str())) else { return };
    function.name = vec![ident(&excluding::name(&name, excluded))].into();
}

/// Checks one call over a window.
fn function_over(function: &Function) -> Result<(), QueryError> {
    let Some(over) = &function.over else { return Ok(()) };
    let name = called(function).unwrap_or_default();
    let refused = |kind, message: &str| Err(QueryError::new(kind, message));
    if let FunctionArguments::List(list) = &function.args
        && list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
        && !RANKS.contains(&name.as_str())
    {
        return refused(ErrorKind::NotSupported, "DISTINCT is not implemented for window functions");
    }
    let argument = |at: usize| call_arguments(function).and_then(|arguments| constant(arguments.get(at)?));
    match name.as_str() {
        "ntile" if argument(0).is_some_and(|groups| groups <= 0) => {
            return refused(ErrorKind::Ntile, "argument of ntile must be greater than zero");
        }
        "nth_value" if argument(1).is_some_and(|row| row <= 0) => {
            return refused(ErrorKind::NthValue, "argument of nth_value must be greater than zero");
        }
        _ => {}
    }
    match over {
        WindowType::WindowSpec(spec) => window(spec),
        WindowType::NamedWindow(_) => Ok(()),
    }
}

/// Checks the frame of one window.
fn window(spec: &WindowSpec) -> Result<(), QueryError> {
    let Some(frame) = &spec.window_frame else { return Ok(()) };
    bounds(frame)?;
    let windowing = |message: &str| Err(QueryError::new(ErrorKind::Windowing, message));
    let own = spec.window_name.is_none();
    let sides = [Some(&frame.start_bound), frame.end_bound.as_ref()];
    let offset = |bound: &WindowFrameBound| {
        matches!(bound, WindowFrameBound::Preceding(Some(_)) | WindowFrameBound::Following(Some(_)))
    };
    match frame.units {
        WindowFrameUnits::Range
            if own
                && spec.order_by.iter().filter(|order| mark(order).is_none()).count() != 1
                && sides.iter().flatten().any(|side| offset(side)) =>
        {
            windowing("RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column")
        }
        WindowFrameUnits::Groups if own && spec.order_by.iter().all(|order| mark(order).is_some()) => {
            windowing("GROUPS mode requires an ORDER BY clause")
        }
        units => {
            let named = sides.into_iter().zip(["starting", "ending"]);
            named
                .filter_map(|(side, name)| Some((side?, name)))
                .try_for_each(|(side, name)| offset_of(side, units, name))
        }
    }
}

/// Checks how the two bounds of a frame go together.
fn bounds(frame: &WindowFrame) -> Result<(), QueryError> {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    let end = frame.end_bound.as_ref();
    let message = match (&frame.start_bound, end) {
        (Following(None), _) => "frame start cannot be UNBOUNDED FOLLOWING",
        (Following(Some(_)), None) => "frame starting from following row cannot end with current row",
        (_, Some(Preceding(None))) => "frame end cannot be UNBOUNDED PRECEDING",
        (CurrentRow, Some(Preceding(_))) => "frame starting from current row cannot have preceding rows",
        (Following(_), Some(Preceding(_) | CurrentRow)) => {
            "frame starting from following row cannot have preceding rows"
        }
        _ => return Ok(()),
    };
    Err(QueryError::new(ErrorKind::Windowing, message))
}

/// Checks the offset of one bound.
fn offset_of(bound: &WindowFrameBound, units: WindowFrameUnits, name: &str) -> Result<(), QueryError> {
    let (WindowFrameBound::Preceding(Some(offset)) | WindowFrameBound::Following(Some(offset))) = bound else {
        return Ok(());
    };
    let range = units == WindowFrameUnits::Range;
    let negative = match offset.as_ref() {
        Expr::Interval(interval) => {
            literal(&interval.value).and_then(|text| crate::text::interval::parse(text).ok()).is_some_and(|span| {
                const MONTH_NS: i128 = 30 * DAY_NS;
                const DAY_NS: i128 = 86_400_000_000_000;
                let length = i128::from(span.months) * MONTH_NS + i128::from(span.days) * DAY_NS;
                length + i128::from(span.nanoseconds) < 0
            })
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_positive(expr),
        other => constant(other).is_some_and(|offset| offset < 0),
    };
    if matches!(offset.as_ref(), Expr::Value(value) if value.value == Value::Null) {
        return Err(QueryError::new(ErrorKind::NullNotAllowed, format!("frame {name} offset must not be null")));
    }
    if !range && leaves_bigint(offset) {
        return Err(QueryError::new(ErrorKind::OutOfRange, "bigint out of range"));
    }
    match (negative, range) {
        (false, _) => Ok(()),
        (true, true) => {
            let message = "invalid preceding or following size in window function";
            Err(QueryError::new(ErrorKind::FrameOffset, message))
        }
        (true, false) => {
            Err(QueryError::new(ErrorKind::FrameOffset, format!("frame {name} offset must not be negative")))
        }
    }
}

/// Whether a number that is written out is beyond the rows that can be counted.
fn leaves_bigint(expr: &Expr) -> bool {
    const ROWS: f64 = 9_223_372_036_854_775_808.0;
    let beyond = |digits: &str| digits.parse::<f64>().is_ok_and(|number| number >= ROWS);
    written(expr).is_some_and(|digits| beyond(digits) && digits.parse::<i64>().is_err())
}

/// Whether a number that is written out is above zero.
fn is_positive(expr: &Expr) -> bool {
    written(expr).is_some_and(|digits| digits.parse::<f64>().is_ok_and(|number| number > 0.0))
}

/// The digits of a number that is written out, without a sign.
fn written(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Nested(inner) => written(inner),
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => Some(digits),
            _ => None,
        },
        _ => None,
    }
}

/// An offset that leads behind the last row of any table.
const BEYOND: i64 = 1 << 40;

/// Whether a frame ends before it begins, as `2 FOLLOWING AND 1 FOLLOWING` does: it has no rows, whatever
/// the table.
fn is_empty(frame: &WindowFrame) -> bool {
    use WindowFrameBound::{Following, Preceding};
    let both = |start: &Expr, end: &Expr| constant(start).zip(constant(end));
    match (&frame.start_bound, &frame.end_bound) {
        (Following(Some(start)), Some(Following(Some(end)))) => {
            both(start, end).is_some_and(|(start, end)| start > end)
        }
        (Preceding(Some(start)), Some(Preceding(Some(end)))) => {
            both(start, end).is_some_and(|(start, end)| start < end)
        }
        _ => false,
    }
}

/// Puts numbers in the place of the constant expressions that bound a frame, `1 + 1 PRECEDING`.
pub(super) fn fold_bounds(function: &mut Function) {
    let Some(WindowType::WindowSpec(spec)) = &mut function.over else { return };
    let Some(frame) = &mut spec.window_frame else { return };
    if is_empty(frame) {
        let beyond = || Some(Box::new(Expr::Value(Value::Number(BEYOND.to_string(), false).into())));
        frame.units = WindowFrameUnits::Rows;
        frame.start_bound = WindowFrameBound::Following(beyond());
        frame.end_bound = Some(WindowFrameBound::Following(beyond()));
        return;
    }
    if frame.units == WindowFrameUnits::Range {
        return;
    }
    for bound in [Some(&mut frame.start_bound), frame.end_bound.as_mut()].into_iter().flatten() {
        if let WindowFrameBound::Preceding(Some(offset)) | WindowFrameBound::Following(Some(offset)) = bound
            && let Some(number) = constant(offset)
        {
            **offset = Expr::Value(Value::Number(number.to_string(), false).into());
        }
    }
}

/// The whole number that an expression of constants is; `None` for any other.
fn constant(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        Expr::Cast { expr, .. } => constant(expr).or_else(|| literal(expr)?.trim().parse().ok()),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => constant(expr)?.checked_neg(),
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => constant(expr),
        Expr::BinaryOp { left, op, right } => {
            let (left, right) = (constant(left)?, constant(right)?);
            match op {
                BinaryOperator::Plus => left.checked_add(right),
                BinaryOperator::Minus => left.checked_sub(right),
                BinaryOperator::Multiply => left.checked_mul(right),
                _ => None,
            }
        }
        _ => None,
    }
}
