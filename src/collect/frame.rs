//! The hand-off between polars frames and arrow record batches, by the Arrow C data interface.
//!
//! Collectors merge and derive with polars; the lake and the engine speak arrow. Both keep columns in the same memory
//! layout, so a column crosses by handing over its pointers; only text is laid out anew, since polars keeps views and
//! the lake keeps offsets. polars has no time zones here: instants cross as naive UTC microseconds.
//!
//! This is the one file with `unsafe` code.

#![allow(unsafe_code)]

use arrow::array::{Array, ArrayRef, AsArray, make_array};
use arrow::compute::CastOptions;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use polars::prelude::{Column, CompatLevel, DataFrame, PlSmallStr, PolarsError, Series};
use polars_arrow::datatypes::Field as PolarsField;
use polars_arrow::ffi as polars_ffi;
use std::mem::{align_of, size_of, transmute};
use std::sync::Arc;

/// A frame and a batch that cannot be made of one another.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The frame lacks a column of the schema.
    #[error("the frame has no column {0}")]
    MissingColumn(String),
    /// A column cannot cross.
    #[error("column {column}: {reason}")]
    Column {
        /// Its name, as the configuration or the schema spells it.
        column: String,
        /// Why not, in one clear sentence.
        reason: String,
    },
    /// Arrow refuses the columns as a batch.
    #[error("build the batch: {0}")]
    Batch(#[from] ArrowError),
    /// polars refuses the columns as a frame.
    #[error("build the frame: {0}")]
    Frame(#[from] PolarsError),
}

// Both libraries declare the structures of the C data interface; these lines stop the build if one ever differs.
const _: () = assert!(size_of::<polars_ffi::ArrowArray>() == size_of::<FFI_ArrowArray>());
const _: () = assert!(align_of::<polars_ffi::ArrowArray>() == align_of::<FFI_ArrowArray>());
const _: () = assert!(size_of::<polars_ffi::ArrowSchema>() == size_of::<FFI_ArrowSchema>());
const _: () = assert!(align_of::<polars_ffi::ArrowSchema>() == align_of::<FFI_ArrowSchema>());

/// The frame as one batch of exactly `schema`: columns are taken by name and cast to the schema's types.
/// Columns of the frame that the schema does not name are left out. Naive datetimes are taken as UTC.
pub fn to_arrow(frame: &DataFrame, schema: &SchemaRef) -> Result<RecordBatch, FrameError> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = frame.column(field.name()).map_err(|_| FrameError::MissingColumn(field.name().clone()))?;
        columns.push(column_to_arrow(column, field.data_type())?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(frame.height()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// The batch as a frame. Instants become naive UTC datetimes.
pub fn from_arrow(batch: &RecordBatch) -> Result<DataFrame, FrameError> {
    let schema = batch.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| column_from_arrow(field.name(), array))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(DataFrame::new(batch.num_rows(), columns)?)
}

fn column_to_arrow(column: &Column, data_type: &DataType) -> Result<ArrayRef, FrameError> {
    let refused = |reason: &dyn std::fmt::Display| FrameError::Column {
        column: column.name().to_string(),
        reason: reason.to_string(),
    };
    let exported = column.clone().rechunk_to_arrow(CompatLevel::newest());
    let field = PolarsField::new(column.name().clone(), exported.dtype().clone(), true);
    // SAFETY: both types are the `#[repr(C)]` structure that the C data interface prescribes, with equal size and
    // alignment (asserted above). Ownership moves with the value: the source is consumed, so its release callback runs
    // once, from the arrow side.
    let (array, schema) = unsafe {
        (
            transmute::<polars_ffi::ArrowArray, FFI_ArrowArray>(polars_ffi::export_array_to_c(exported)),
            transmute::<polars_ffi::ArrowSchema, FFI_ArrowSchema>(polars_ffi::export_field_to_c(&field)),
        )
    };
    // SAFETY: polars filled `array` and `schema` from one live column, so they describe each other, and the buffers
    // live until the release callback that `array` carries.
    let data = unsafe { arrow::ffi::from_ffi(array, &schema) }.map_err(|error| refused(&error))?;
    cast(make_array(data), data_type).map_err(|error| refused(&error))
}

/// Casts to `data_type`, refusing values that do not fit. A naive instant becomes a UTC one without touching values.
fn cast(array: ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if let (DataType::Timestamp(TimeUnit::Microsecond, None), DataType::Timestamp(TimeUnit::Microsecond, zone)) =
        (array.data_type(), data_type)
    {
        let instants = array.as_primitive::<TimestampMicrosecondType>().clone();
        return Ok(Arc::new(instants.with_timezone_opt(zone.clone())));
    }
    arrow::compute::cast_with_options(&array, data_type, &CastOptions { safe: false, ..CastOptions::default() })
}

fn column_from_arrow(name: &str, array: &ArrayRef) -> Result<Column, FrameError> {
    let refused =
        |reason: &dyn std::fmt::Display| FrameError::Column { column: name.to_owned(), reason: reason.to_string() };
    let array = match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let instants = array.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(instants.with_timezone_opt(None::<Arc<str>>)) as ArrayRef
        }
        _ => array.clone(),
    };
    let (array, schema) = arrow::ffi::to_ffi(&array.to_data()).map_err(|error| refused(&error))?;
    // SAFETY: as in `column_to_arrow`: one layout, and the source is consumed.
    let (array, schema) = unsafe {
        (
            transmute::<FFI_ArrowArray, polars_ffi::ArrowArray>(array),
            transmute::<FFI_ArrowSchema, polars_ffi::ArrowSchema>(schema),
        )
    };
    // SAFETY: arrow filled `schema`, which is valid and lives until the end of this function.
    let field = unsafe { polars_ffi::import_field_from_c(&schema) }.map_err(|error| refused(&error))?;
    // SAFETY: arrow filled `array` from the same data as `schema`, so the type is that of its buffers, and the buffers
    // live until the release callback that `array` carries.
    let imported = unsafe { polars_ffi::import_array_from_c(array, field.dtype) }.map_err(|error| refused(&error))?;
    let series = Series::from_arrow(PlSmallStr::from_str(name), imported).map_err(|error| refused(&error))?;
    Ok(series.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};

    fn bars() -> RecordBatch {
        let schema = crate::lake::dataset::find("eod").unwrap().schema;
        let symbols = StringArray::from(vec!["AAPL", "a symbol of more than twelve bytes", "é"]);
        let dates = Date32Array::from(vec![-1, 0, 20_000]);
        let prices = Float64Array::from(vec![Some(1.25), None, Some(f64::MIN_POSITIVE)]);
        let volumes = Int64Array::from(vec![Some(i64::MAX), None, Some(0)]);
        let sources = StringArray::from(vec![Some("metastock"), None, Some("dxlink")]);
        let fetched = TimestampMicrosecondArray::from(vec![-1, 0, 1_700_000_000_123_456]).with_timezone("UTC");
        let price: ArrayRef = Arc::new(prices);
        let volume: ArrayRef = Arc::new(volumes);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(symbols),
            Arc::new(dates),
            price.clone(),
            price.clone(),
            price.clone(),
            price,
            volume.clone(),
            volume,
            Arc::new(sources),
            Arc::new(fetched),
        ];
        RecordBatch::try_new(schema, columns).unwrap()
    }

    #[test]
    fn bars_cross_both_ways_unchanged() {
        let batch = bars();
        let frame = from_arrow(&batch).unwrap();
        assert_eq!(to_arrow(&frame, &batch.schema()).unwrap(), batch);
    }

    #[test]
    fn slices_and_empty_batches_cross() {
        let batch = bars();
        for slice in [batch.slice(1, 2), batch.slice(2, 1), batch.slice(0, 0)] {
            assert_eq!(to_arrow(&from_arrow(&slice).unwrap(), &batch.schema()).unwrap(), slice);
        }
    }

    #[test]
    fn every_dataset_crosses_with_nulls() {
        for dataset in crate::lake::dataset::all() {
            let fields: Vec<_> =
                dataset.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
            let schema: SchemaRef = Arc::new(arrow::datatypes::Schema::new(fields));
            let columns =
                schema.fields().iter().map(|field| arrow::array::new_null_array(field.data_type(), 3)).collect();
            let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
            assert_eq!(to_arrow(&from_arrow(&batch).unwrap(), &schema).unwrap(), batch, "{}", dataset.name);
        }
    }

    #[test]
    fn a_missing_column_is_named() {
        let batch = bars();
        let frame = from_arrow(&batch.project(&[0, 1]).unwrap()).unwrap();
        assert_eq!(to_arrow(&frame, &batch.schema()).unwrap_err().to_string(), "the frame has no column open");
    }
}
