//! Whether rows stand in the order of a dataset's key, so that nobody sorts what is sorted.

use super::dataset::Dataset;
use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::kernels::cmp::{eq, lt, lt_eq};
use arrow::compute::{and, or};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Rows that are compared at once: rows that are in no order are seen to be so early.
const ROWS_AT_ONCE: usize = 64 * 1024;

/// How rows stand by their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RowOrder {
    /// Some row stands behind one of a greater key, or that is not known: a part of a key is NULL or cannot be compared.
    Unknown,
    /// No row stands behind one of a greater key.
    Sorted,
    /// The same, and no two rows have one key.
    Unique,
}

impl RowOrder {
    /// The order of rows of a dataset.
    pub(crate) fn of(dataset: &Dataset, rows: &RecordBatch) -> Self {
        let key: Option<Vec<&ArrayRef>> = dataset.key.iter().map(|name| rows.column_by_name(name)).collect();
        let Some(key) = key.filter(|key| !key.is_empty() && key.iter().all(|column| column.null_count() == 0)) else {
            return Self::Unknown;
        };
        let mut order = Self::Unique;
        let pairs = rows.num_rows().saturating_sub(1);
        for first in (0..pairs).step_by(ROWS_AT_ONCE) {
            let count = ROWS_AT_ONCE.min(pairs - first);
            order = order.min(of_pairs(&key, first, count).unwrap_or(Self::Unknown));
            if order == Self::Unknown {
                break;
            }
        }
        order
    }
}

/// The order of so many pairs of neighbours, from this row on.
fn of_pairs(key: &[&ArrayRef], first: usize, count: usize) -> Result<RowOrder, ArrowError> {
    let mut rising: Option<(BooleanArray, BooleanArray)> = None;
    // The last column decides where all before it are equal.
    for column in key.iter().rev() {
        let (one, next) = (column.slice(first, count), column.slice(first + 1, count));
        let less = lt(&one, &next)?;
        rising = Some(match rising {
            None => (lt_eq(&one, &next)?, less),
            Some((sorted, unique)) => {
                let same = eq(&one, &next)?;
                (or(&less, &and(&same, &sorted)?)?, or(&less, &and(&same, &unique)?)?)
            }
        });
    }
    Ok(match rising {
        Some((_, unique)) if unique.true_count() == count => RowOrder::Unique,
        Some((sorted, _)) if sorted.true_count() == count => RowOrder::Sorted,
        _ => RowOrder::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::dataset;
    use arrow::array::{Date32Array, StringArray, new_null_array};
    use std::sync::Arc;

    fn order(rows: &[(Option<&str>, i32)]) -> RowOrder {
        let eod = dataset::find(dataset::EOD).unwrap();
        let columns = eod.schema.fields().iter().map(|field| -> ArrayRef {
            match field.name().as_str() {
                "symbol" => Arc::new(rows.iter().map(|(symbol, _)| *symbol).collect::<StringArray>()),
                "date" => Arc::new(Date32Array::from_iter_values(rows.iter().map(|(_, date)| *date))),
                _ => new_null_array(field.data_type(), rows.len()),
            }
        });
        let fields: Vec<_> =
            eod.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        RowOrder::of(&eod, &RecordBatch::try_new(schema, columns.collect()).unwrap())
    }

    #[test]
    fn neighbours_tell_the_order() {
        use RowOrder::{Sorted, Unique, Unknown};
        for (rows, expected) in [
            (&[][..], Unique),
            (&[(Some("A"), 1)], Unique),
            (&[(Some("A"), 1), (Some("A"), 2), (Some("B"), 1), (Some("BA"), 0)], Unique),
            (&[(Some("A"), 1), (Some("A"), 1), (Some("B"), 1)], Sorted),
            (&[(Some("A"), 2), (Some("A"), 1)], Unknown),
            (&[(Some("B"), 1), (Some("A"), 2)], Unknown),
            (&[(None, 1), (Some("A"), 2)], Unknown),
        ] {
            assert_eq!(order(rows), expected, "{rows:?}");
        }
    }

    #[test]
    fn a_pair_across_two_looks_counts() {
        let names: Vec<String> = (0..ROWS_AT_ONCE + 10).map(|number| format!("S{number:06}")).collect();
        let mut rows: Vec<(Option<&str>, i32)> = names.iter().map(|name| (Some(name.as_str()), 1)).collect();
        assert_eq!(order(&rows), RowOrder::Unique);
        rows[ROWS_AT_ONCE].0 = rows[ROWS_AT_ONCE - 1].0;
        assert_eq!(order(&rows), RowOrder::Sorted);
        rows[ROWS_AT_ONCE].0 = Some("A");
        assert_eq!(order(&rows), RowOrder::Unknown);
    }
}
