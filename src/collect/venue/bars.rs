//! Daily bars as rows of the dataset `eod`. Every source of bars hands them over in this shape.

use crate::lake::dataset;
use crate::market::bar::Bar;
use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, NaiveDate, Utc};
use std::sync::Arc;

/// The bars as one batch. `source` is what stands in the column of that name.
pub(crate) fn eod_batch(bars: &[Bar], source: &str, fetched_at: DateTime<Utc>) -> RecordBatch {
    let days = |date: NaiveDate| i32::try_from((date - NaiveDate::default()).num_days()).ok();
    let numbers = |of: fn(&Bar) -> Option<f64>| Arc::new(bars.iter().map(of).collect::<Float64Array>()) as ArrayRef;
    let integers = |of: fn(&Bar) -> Option<i64>| Arc::new(bars.iter().map(of).collect::<Int64Array>()) as ArrayRef;
    let fetched_at = TimestampMicrosecondArray::from_value(fetched_at.timestamp_micros(), bars.len());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(bars.iter().map(|bar| &bar.symbol))),
        Arc::new(bars.iter().map(|bar| days(bar.date)).collect::<Date32Array>()),
        numbers(|bar| bar.open),
        numbers(|bar| bar.high),
        numbers(|bar| bar.low),
        numbers(|bar| bar.close),
        integers(|bar| bar.volume),
        integers(|bar| bar.open_interest),
        Arc::new(StringArray::from_iter_values(bars.iter().map(|_| source))),
        Arc::new(fetched_at.with_timezone("UTC")),
    ];
    let schema = dataset::find(dataset::EOD).expect("the dataset is in the list").schema;
    RecordBatch::try_new(schema, columns).expect("the columns follow the dataset's schema")
}
