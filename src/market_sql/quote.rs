//! Functions of quotes and bars: the middle of bid and ask, their distance, the true range.

use super::argument::{Taken, coerced};
use crate::dialect::moment::function::{Call, Column, named};
use crate::market::indicator::true_range;
use crate::market::quote::{imbalance, mid, spread_in_basis_points, weighted_mid};
use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ScalarUDF, Volatility};

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    let named = |name, doc, resolve, body| named(name, doc, Volatility::Immutable, resolve, body);
    vec![
        named("mid", "The middle between bid and ask.", of_numbers::<2>, |call| {
            numbers(call, |[bid, ask]| Some(mid(bid?, ask?)))
        }),
        named(
            "wmid",
            "The middle between bid and ask by bid_size, bid, ask and ask_size, nearer to the side with the smaller size.",
            of_numbers::<4>,
            |call| numbers(call, |[bid_size, bid, ask, ask_size]| weighted_mid(bid_size?, bid?, ask?, ask_size?)),
        ),
        named(
            "spread_bps",
            "The distance of the ask from the bid in hundredths of a per cent of their middle.",
            of_numbers::<2>,
            |call| numbers(call, |[bid, ask]| spread_in_basis_points(bid?, ask?)),
        ),
        named(
            "imbalance",
            "How much more is bid for than is offered, by bid_size and ask_size, as a share of both from -1 to 1.",
            of_numbers::<2>,
            |call| numbers(call, |[bid_size, ask_size]| imbalance(bid_size?, ask_size?)),
        ),
        named(
            "true_range",
            "How far a price went since the close before: high, low, previous_close, which may be NULL.",
            of_numbers::<3>,
            |call| numbers(call, |[high, low, previous_close]| Some(true_range(high?, low?, previous_close))),
        ),
    ]
}

/// So many numbers give one.
fn of_numbers<const N: usize>(given: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let types = coerced("", &[Taken::Number; N], N, given).ok()?;
    Some((types, DataType::Float64))
}

/// The results of rows; a number that is not known is `None`, and so is NaN.
fn numbers<const N: usize>(call: &Call<'_>, result: impl Fn([Option<f64>; N]) -> Option<f64>) -> Result<ArrayRef> {
    let columns =
        (0..N).map(|place| call.column::<Float64Type>(place)).collect::<Result<Vec<Column<Float64Type>>>>()?;
    call.rows::<Float64Type>(|row| {
        let known = |place: usize| columns.get(place).and_then(|column| column.at(row)).filter(|value| !value.is_nan());
        Ok(result(std::array::from_fn(known)).filter(|value| !value.is_nan()))
    })
}
