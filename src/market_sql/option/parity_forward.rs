//! `parity_forward(strike, call, put)`, an aggregate: the forward and the discount factor of a chain by put-call parity.

use super::super::aggregate::{Aggregate, Distinct, Kept};
use super::super::argument::Taken;
use crate::market::option_model::parity::{Parity, fit};
use arrow::array::{ArrayRef, Float64Array, Int64Array, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use std::sync::Arc;

/// The aggregate by its declaration.
pub(super) fn aggregate() -> Aggregate {
    Aggregate {
        name: "parity_forward",
        doc: "The forward and the discount factor of a chain by put-call parity: the line of least squares through call \
              less put by strike.",
        taken: &[Taken::Number; 3],
        least: 3,
        distinct: Distinct::Refused,
        returns: |_| DataType::Struct(fields()),
        states: |_| Kept::<3>::states(),
        state: |_| Ok(Box::new(Kept::new(records))),
    }
}

fn fields() -> Fields {
    let double = |name| Field::new(name, DataType::Float64, true);
    let count = Field::new("n", DataType::Int64, true);
    vec![double("forward"), double("discount_factor"), count, double("rmse")].into()
}

/// A record for each group.
fn records(groups: &mut [Vec<[f64; 3]>]) -> Result<ArrayRef> {
    let found: Vec<Option<Parity>> = groups.iter().map(|rows| fit(&mut pairs(rows))).collect();
    let double = |value: fn(&Parity) -> f64| {
        Arc::new(found.iter().map(|found| found.as_ref().map(value)).collect::<Float64Array>()) as ArrayRef
    };
    let columns = vec![
        double(|parity| parity.forward),
        double(|parity| parity.discount_factor),
        Arc::new(found.iter().map(|found| found.map(|parity| parity.count as i64)).collect::<Int64Array>()),
        double(|parity| parity.rmse),
    ];
    let known: NullBuffer = found.iter().map(Option::is_some).collect::<Vec<_>>().into();
    Ok(Arc::new(StructArray::try_new(fields(), columns, Some(known))?))
}

/// Strikes, each with call less put. Rows in which a value is NULL or no number are left out.
fn pairs(rows: &[[f64; 3]]) -> Vec<(f64, f64)> {
    let pairs = rows.iter().map(|[strike, call, put]| (*strike, call - put));
    pairs.filter(|pair| pair.0.is_finite() && pair.1.is_finite()).collect()
}
