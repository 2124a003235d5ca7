//! Bounds that comparisons with constants set to a column of a key.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use std::ops::Bound;

/// A lower and an upper bound, as the column's type counts: days, numbers or microseconds.
pub(crate) type Bounds = (Bound<i64>, Bound<i64>);

/// Bounds that leave out no value.
pub(crate) const ALL: Bounds = (Bound::Unbounded, Bound::Unbounded);

/// Takes a comparison into account.
pub(crate) fn narrow(bounds: &mut Bounds, operator: Option<Operator>, value: i64) {
    match operator {
        Some(Operator::Eq) => {
            raise(&mut bounds.0, Bound::Included(value));
            lower(&mut bounds.1, Bound::Included(value));
        }
        Some(Operator::Gt) => raise(&mut bounds.0, Bound::Excluded(value)),
        Some(Operator::GtEq) => raise(&mut bounds.0, Bound::Included(value)),
        Some(Operator::Lt) => lower(&mut bounds.1, Bound::Excluded(value)),
        Some(Operator::LtEq) => lower(&mut bounds.1, Bound::Included(value)),
        _ => {}
    }
}

/// A lower bound and another: the stricter.
fn raise(bound: &mut Bound<i64>, other: Bound<i64>) {
    let first = |bound: &Bound<i64>| match bound {
        Bound::Unbounded => i128::MIN,
        Bound::Included(value) => i128::from(*value),
        Bound::Excluded(value) => i128::from(*value) + 1,
    };
    if first(&other) > first(bound) {
        *bound = other;
    }
}

/// An upper bound and another: the stricter.
fn lower(bound: &mut Bound<i64>, other: Bound<i64>) {
    let last = |bound: &Bound<i64>| match bound {
        Bound::Unbounded => i128::MAX,
        Bound::Included(value) => i128::from(*value),
        Bound::Excluded(value) => i128::from(*value) - 1,
    };
    if last(&other) < last(bound) {
        *bound = other;
    }
}

/// A value as the number that a column of this type is ordered by; `None` for a value of another type.
pub(crate) fn number(value: &ScalarValue, data_type: &DataType) -> Option<i64> {
    match (value, data_type) {
        (ScalarValue::Date32(days), DataType::Date32) => days.map(i64::from),
        (ScalarValue::Int64(number), DataType::Int64) => *number,
        (ScalarValue::TimestampMicrosecond(micros, _), DataType::Timestamp(TimeUnit::Microsecond, Some(_))) => *micros,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_strictest() {
        let mut bounds = ALL;
        for (operator, value) in [(Operator::Gt, 3), (Operator::GtEq, 3), (Operator::LtEq, 9), (Operator::Lt, 9)] {
            narrow(&mut bounds, Some(operator), value);
        }
        assert_eq!(bounds, (Bound::Excluded(3), Bound::Excluded(9)));
        narrow(&mut bounds, Some(Operator::Eq), 5);
        assert_eq!(bounds, (Bound::Included(5), Bound::Included(5)));
        assert_eq!(number(&ScalarValue::Int32(Some(1)), &DataType::Int64), None);
    }
}
