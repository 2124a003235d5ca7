//! A date is compared with a moment as one day with another, so that scans can prune by a column of dates.

use super::arithmetic::day_plus;
use super::convert::{day, midnight};
use super::function::{Call, call, internal};
use crate::text::calendar::{FIRST_US, LAST_US};
use crate::text::zone::Zone;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, ScalarUDF, Volatility};
use std::sync::{Arc, LazyLock};

/// A comparison of a date with a moment as one of dates: `date >= moment` is `date >= day_from(moment)`, the first day
/// that does not begin before the moment. `None` for operators that ask for the same moment.
pub(crate) fn by_day(date: &Expr, op: Operator, moment: &Expr) -> Option<Expr> {
    let function = match op {
        Operator::Gt | Operator::LtEq => &LAST_DAY_UNTIL,
        Operator::GtEq | Operator::Lt => &FIRST_DAY_FROM,
        _ => return None,
    };
    let day = Box::new(call(function, vec![moment.clone()]));
    Some(Expr::BinaryExpr(BinaryExpr { left: Box::new(date.clone()), op, right: day }))
}

/// The last day that does not begin after a moment.
static LAST_DAY_UNTIL: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    internal(
        "day_until",
        Volatility::Stable,
        |given| Some((given.to_vec(), DataType::Date32)),
        |call| days(call, |begins, us| if begins(0) > us { -1 } else { 0 }),
    )
});

/// The first day that does not begin before a moment.
static FIRST_DAY_FROM: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    internal(
        "day_from",
        Volatility::Stable,
        |given| Some((given.to_vec(), DataType::Date32)),
        |call| {
            days(call, |begins, us| match begins(0) {
                begins if begins < us => 1,
                // A day that a zone skipped begins with the next.
                own if own == us && begins(-1) == us => -1,
                _ => 0,
            })
        },
    )
});

/// The day of each moment, moved by what the beginnings of it and of the days around it say. At the ends of what there is
/// of moments it is an infinite one, so that no comparison fails.
fn days(call: &Call<'_>, further: impl Fn(&dyn Fn(i64) -> i64, i64) -> i64) -> Result<ArrayRef> {
    let zoned = matches!(call.argument(0)?.data_type(), DataType::Timestamp(_, Some(_)));
    let zone = if zoned { call.zone().clone() } else { Zone::UTC };
    call.map::<TimestampMicrosecondType, Date32Type>(|us| {
        let end = if us > 0 { LAST_US } else { FIRST_US };
        let date = day(zone.local(us).unwrap_or(end))?;
        let begins = |days: i64| {
            let midnight = day_plus(date, days).and_then(midnight);
            midnight.ok().and_then(|local| zone.moment(local)).unwrap_or(end)
        };
        day_plus(date, further(&begins, us))
    })
}
