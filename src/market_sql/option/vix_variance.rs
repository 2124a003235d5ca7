//! `vix_variance(strike, call_bid, call_ask, put_bid, put_ask, ttm, rate)`, an aggregate: the variance that the options of one
//! expiration imply, by the method of Cboe's VIX.

use super::super::aggregate::{Aggregate, Distinct, Kept};
use super::super::argument::Taken;
use crate::dialect::moment::fault::invalid;
use crate::market::option_model::variance_strip::{BidAsk, StrikeQuotes, VarianceStrip, implied_variance};
use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use std::sync::Arc;

/// The name that statements call it by.
const NAME: &str = "vix_variance";
/// A row: strike, bid and ask of the call, those of the put, time to expiration, rate.
type Row = [f64; 7];

/// The aggregate by its declaration.
pub(super) fn aggregate() -> Aggregate {
    Aggregate {
        name: NAME,
        doc: "The variance per year that the options of one expiration imply, by the method of Cboe's VIX.",
        taken: &[Taken::Number; 7],
        least: 7,
        distinct: Distinct::Refused,
        returns: |_| DataType::Struct(fields()),
        states: |_| Kept::<7>::states(),
        state: |_| Ok(Box::new(Kept::new(records))),
    }
}

fn fields() -> Fields {
    let double = |name| Field::new(name, DataType::Float64, true);
    let (count, complete) = (Field::new("n", DataType::Int64, true), Field::new("complete", DataType::Boolean, true));
    let doubles = ["variance", "forward", "k0", "lowest", "highest"].map(double);
    doubles.into_iter().chain([count, complete]).collect()
}

/// A record for each group.
fn records(groups: &mut [Vec<Row>]) -> Result<ArrayRef> {
    let found = groups.iter().map(|rows| strip(rows)).collect::<Result<Vec<_>>>()?;
    let double = |value: fn(&VarianceStrip) -> f64| {
        Arc::new(found.iter().map(|found| found.as_ref().map(value)).collect::<Float64Array>()) as ArrayRef
    };
    let columns = vec![
        double(|strip| strip.variance),
        double(|strip| strip.forward),
        double(|strip| strip.k0),
        double(|strip| strip.lowest),
        double(|strip| strip.highest),
        Arc::new(found.iter().map(|found| found.map(|strip| strip.count as i64)).collect::<Int64Array>()),
        Arc::new(found.iter().map(|found| found.map(|strip| strip.complete)).collect::<BooleanArray>()),
    ];
    let known: NullBuffer = found.iter().map(Option::is_some).collect::<Vec<_>>().into();
    Ok(Arc::new(StructArray::try_new(fields(), columns, Some(known))?))
}

/// What the rows of a group imply. Time and rate are those of the expiration, and the same in all of them.
fn strip(rows: &[Row]) -> Result<Option<VarianceStrip>> {
    let Some([.., ttm, rate]) = rows.first().copied() else { return Ok(None) };
    let differ = |row: &Row| row[5].total_cmp(&ttm).is_ne() || row[6].total_cmp(&rate).is_ne();
    if rows.iter().any(differ) {
        return Err(invalid(format!("ttm and rate of {NAME} must be the same in all rows of a group")));
    }
    let mut quotes: Vec<StrikeQuotes> = rows.iter().filter_map(quotes).collect();
    Ok(implied_variance(&mut quotes, ttm, rate))
}

/// The quotes of a row; none where the strike is not above 0.
fn quotes(row: &Row) -> Option<StrikeQuotes> {
    let [strike, call_bid, call_ask, put_bid, put_ask, ..] = *row;
    // NULL is NaN here: a bid that is not known is none.
    let of = |bid: f64, ask: f64| BidAsk { bid: bid.max(0.0), ask: Some(ask).filter(|ask| ask.is_finite()) };
    let quotes = StrikeQuotes { strike, call: of(call_bid, call_ask), put: of(put_bid, put_ask) };
    (strike > 0.0 && strike.is_finite()).then_some(quotes)
}
