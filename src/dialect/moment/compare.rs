//! The rule `Comparisons` compares days and moments in the larger of their types, in the session's zone where one has a
//! zone, and with texts that are written out in their own.
//!
//! DataFusion 55: a date beside a moment is compared in nanoseconds without a zone, whose range ends in 2262, and a text
//! beside a moment in nanoseconds too. Not needed once both are compared in the moment's own type.

use super::arithmetic::day_plus;
use super::convert::{day, midnight};
use super::fault::out_of_range;
use super::function::{Call, call, internal};
use super::operator;
use super::types::{Kind, is_untyped};
use crate::text::zone::Zone;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, ScalarUDF, Volatility, cast};
use std::sync::{Arc, LazyLock};

/// The function rewrite; it has no state.
#[derive(Debug)]
pub(crate) struct Comparisons;

/// Functions that choose among their arguments by comparing them, or by what is NULL.
const CHOOSING: [&str; 4] = ["coalesce", "greatest", "least", "nullif"];

impl FunctionRewrite for Comparisons {
    fn name(&self) -> &str {
        "comparisons of moments"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let common = |parts: &[&Expr]| common(parts, schema);
        Ok(match expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(op) => {
                if let Some(by_day) = by_day(&left, op, &right, schema) {
                    return Ok(Transformed::yes(by_day));
                }
                match common(&[left.as_ref(), right.as_ref()]) {
                    Some(kind) => {
                        let [left, right] = [left, right].map(|side| Box::new(as_kind(*side, kind, schema)));
                        Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
                    }
                    None => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
                }
            }
            Expr::Between(Between { expr, negated, low, high }) => {
                match common(&[expr.as_ref(), low.as_ref(), high.as_ref()]) {
                    Some(kind) => {
                        let [expr, low, high] = [expr, low, high].map(|side| Box::new(as_kind(*side, kind, schema)));
                        Transformed::yes(Expr::Between(Between { expr, negated, low, high }))
                    }
                    None => Transformed::no(Expr::Between(Between { expr, negated, low, high })),
                }
            }
            Expr::InList(InList { expr, list, negated }) => {
                let parts: Vec<&Expr> = std::iter::once(expr.as_ref()).chain(&list).collect();
                match common(&parts) {
                    Some(kind) => {
                        let list = list.into_iter().map(|part| as_kind(part, kind, schema)).collect();
                        let expr = Box::new(as_kind(*expr, kind, schema));
                        Transformed::yes(Expr::InList(InList { expr, list, negated }))
                    }
                    None => Transformed::no(Expr::InList(InList { expr, list, negated })),
                }
            }
            Expr::ScalarFunction(mut call) if CHOOSING.contains(&call.func.name()) => {
                let kind = common(&call.args.iter().collect::<Vec<_>>());
                match kind {
                    Some(kind) => {
                        call.args = call.args.into_iter().map(|part| as_kind(part, kind, schema)).collect();
                        Transformed::yes(Expr::ScalarFunction(call))
                    }
                    None => Transformed::no(Expr::ScalarFunction(call)),
                }
            }
            other => Transformed::no(other),
        })
    }
}

/// A comparison of a date with a moment as one of dates: `date >= moment` is `date >= day_from(moment)`, the first day
/// that does not begin before the moment. So a scan can prune by the column, as it can by a date.
fn by_day(left: &Expr, op: Operator, right: &Expr, schema: &DFSchema) -> Option<Expr> {
    let kind = |expr: &Expr| expr.get_type(schema).ok().and_then(|data_type| Kind::of(&data_type));
    let (date, moment, op) = match (kind(left)?, kind(right)?) {
        (Kind::Date, Kind::Timestamp | Kind::Timestamptz) => (left, right, op),
        (Kind::Timestamp | Kind::Timestamptz, Kind::Date) => (right, left, op.swap()?),
        _ => return None,
    };
    let function = match op {
        Operator::Gt | Operator::LtEq => &LAST_DAY_UNTIL,
        Operator::GtEq | Operator::Lt => &FIRST_DAY_FROM,
        _ => return None,
    };
    let kind = kind(moment)?.data_type();
    let day = call(function, vec![operator::cast_to(moment, kind, schema)]);
    let date = operator::cast_to(date, Kind::Date.data_type(), schema);
    Some(Expr::BinaryExpr(BinaryExpr { left: Box::new(date), op, right: Box::new(day) }))
}

/// The last day that does not begin after a moment.
static LAST_DAY_UNTIL: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    internal(
        "day_until",
        Volatility::Stable,
        |given| Some((given.to_vec(), DataType::Date32)),
        |call| days(call, |begins, us| if begins > us { -1 } else { 0 }),
    )
});

/// The first day that does not begin before a moment.
static FIRST_DAY_FROM: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    internal(
        "day_from",
        Volatility::Stable,
        |given| Some((given.to_vec(), DataType::Date32)),
        |call| days(call, |begins, us| if begins < us { 1 } else { 0 }),
    )
});

/// The day of each moment, moved by what its beginning and the moment say.
fn days(call: &Call<'_>, further: impl Fn(i64, i64) -> i64) -> Result<ArrayRef> {
    let zoned = matches!(call.argument(0)?.data_type(), DataType::Timestamp(_, Some(_)));
    let zone = if zoned { call.zone().clone() } else { Zone::UTC };
    call.map::<TimestampMicrosecondType, Date32Type>(|us| {
        let failed = || out_of_range("timestamp");
        let date = day(zone.local(us).ok_or_else(failed)?)?;
        let begins = zone.moment(midnight(date)?).ok_or_else(failed)?;
        day_plus(date, further(begins, us))
    })
}

/// Whether an operator compares two values.
fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// The kind in which values are compared, when they are of kinds that differ, or some are texts that are written out;
/// `None` when nothing is to be done.
fn common(parts: &[&Expr], schema: &DFSchema) -> Option<Kind> {
    let mut kind: Option<Kind> = None;
    let mut differ = false;
    for part in parts {
        if is_untyped(part) {
            differ = true;
            continue;
        }
        let of = part.get_type(schema).ok()?;
        let own = Kind::of(&of)?;
        differ |= kind.is_some_and(|kind| kind != own) || of != own.data_type();
        kind = Some(match kind {
            Some(kind) => kind.common(own)?,
            None => own,
        });
    }
    kind.filter(|_| differ)
}

/// A value cast to a kind, unless it is of it.
fn as_kind(expr: Expr, kind: Kind, schema: &DFSchema) -> Expr {
    let wanted: DataType = kind.data_type();
    match expr.get_type(schema) {
        Ok(own) if own == wanted => expr,
        _ => cast(expr, wanted),
    }
}
