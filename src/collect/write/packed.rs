//! A batch without the columns that have one value throughout, as source, load time and what is never known have in the rows
//! of an import: a third of their bytes.

use arrow::array::{Array, ArrayRef, Scalar, UInt32Array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

/// One batch in two parts.
#[derive(Debug)]
pub(super) struct Packed {
    /// The columns that have one value, in one row.
    pub(super) once: RecordBatch,
    /// The other columns, in all rows.
    pub(super) rows: RecordBatch,
}

impl Packed {
    pub(super) fn of(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let columns = 0..batch.num_columns();
        let (once, rows): (Vec<usize>, Vec<usize>) = columns.partition(|place| has_one_value(batch.column(*place)));
        let row = batch.slice(0, batch.num_rows().min(1));
        Ok(Self { once: row.project(&once)?, rows: batch.project(&rows)? })
    }

    /// The batch again, whose columns are those of `schema`.
    pub(super) fn unpacked(&self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let count = self.rows.num_rows();
        let first = UInt32Array::from(vec![0; count]);
        let column = |name: &str| match (self.rows.column_by_name(name), self.once.column_by_name(name)) {
            (Some(rows), _) => Ok(rows.clone()),
            (None, Some(once)) => take(once, &first, None),
            (None, None) => Err(ArrowError::SchemaError(format!("a part without {name}"))),
        };
        let columns = schema.fields().iter().map(|field| column(field.name())).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(schema.clone(), columns, &options)
    }
}

/// Whether all rows have the same value, or none. What cannot be compared has several.
fn has_one_value(column: &ArrayRef) -> bool {
    let Some(last) = column.len().checked_sub(1) else { return false };
    let first = column.slice(0, 1);
    if *first != *column.slice(last, 1) {
        return false;
    }
    not_distinct(column, &Scalar::new(first)).is_ok_and(|same| same.true_count() == column.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray, new_null_array};
    use arrow::datatypes::DataType;
    use std::sync::Arc;

    fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
        let names = ["a", "b", "c", "d", "e"];
        RecordBatch::try_from_iter_with_nullable(
            names.into_iter().zip(columns).map(|(name, column)| (name, column, true)),
        )
        .unwrap()
    }

    #[test]
    fn a_batch_is_what_it_was_and_has_one_value_once() {
        let whole = batch(vec![
            Arc::new(StringArray::from(vec!["x", "x", "x"])),
            Arc::new(Int64Array::from(vec![Some(1), None, Some(1)])),
            new_null_array(&DataType::Float64, 3),
            Arc::new(Float64Array::from(vec![f64::NAN, f64::NAN, f64::NAN])),
            Arc::new(Float64Array::from(vec![0.0, -0.0, 0.0])),
        ]);
        for (rows, once) in
            [(whole.slice(0, 3), 3), (whole.slice(1, 2), 3), (whole.slice(2, 1), 5), (whole.slice(0, 0), 0)]
        {
            let packed = Packed::of(&rows).unwrap();
            assert_eq!((packed.once.num_columns(), packed.rows.num_columns()), (once, 5 - once));
            let again = packed.unpacked(&rows.schema()).unwrap();
            assert_eq!(format!("{again:?}"), format!("{rows:?}"));
            assert_eq!(again.num_rows(), rows.num_rows());
        }
    }
}
