//! `interp(at, x, y)`, an aggregate: the value at a place of the line through points.

use super::aggregate::{Aggregate, Distinct, Kept};
use super::argument::Taken;
use crate::dialect::moment::fault::invalid;
use crate::market::curve;
use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use std::sync::Arc;

/// The aggregate by its declaration.
pub(super) fn aggregate() -> Aggregate {
    Aggregate {
        name: "interp",
        doc: "The value at a place of the line through points (x, y); NULL outside of them.",
        taken: &[Taken::Number; 3],
        least: 3,
        distinct: Distinct::Refused,
        returns: |_| DataType::Float64,
        states: |_| Kept::<3>::states(),
        state: |_| Ok(Box::new(Kept::new(values))),
    }
}

fn values(groups: &mut [Vec<[f64; 3]>]) -> Result<ArrayRef> {
    let values = groups.iter().map(|rows| value(rows)).collect::<Result<Float64Array>>()?;
    Ok(Arc::new(values))
}

/// The value of a group, whose rows are sorted by place, x and y.
fn value(rows: &[[f64; 3]]) -> Result<Option<f64>> {
    let mut places = rows.iter().map(|row| row[0]).filter(|place| !place.is_nan());
    let Some(at) = places.next() else { return Ok(None) };
    if places.any(|other| other != at) {
        return Err(invalid("the place of interp must be the same in all rows of a group".to_owned()));
    }
    // Rows without a place stand behind or before the others, so the points are sorted again.
    let mut points: Vec<(f64, f64)> =
        rows.iter().map(|row| (row[1], row[2])).filter(|point| point.0.is_finite() && point.1.is_finite()).collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    Ok(curve::value_at(&points, at).filter(|value| value.is_finite()))
}
