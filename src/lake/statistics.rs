//! Per-file column statistics: computed from rows, written to the log as JSON, read back for pruning.
//!
//! The JSON is Delta's own: `{"numRecords":2,"minValues":{"date":"2026-01-02"},"maxValues":{...},"nullCount":{...}}`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use serde_json::{Map, Value, json};

/// A bound of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum StatisticValue {
    /// A text, whole: cut texts are left out of the log.
    Text(String),
    /// An integer of 64 bits.
    Integer(i64),
    /// A double that is never NaN.
    Double(f64),
    /// A date as days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 UTC.
    Instant(i64),
}

/// What one file holds of one column. `None` is unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnStatistics {
    /// Smallest value of the column in the file; `None` when not known.
    pub min: Option<StatisticValue>,
    /// Largest value of the column in the file; `None` when not known.
    pub max: Option<StatisticValue>,
    /// Number of NULLs in the column; `None` when not known.
    pub nulls: Option<u64>,
}

/// Delta's statistics text for the rows of one file.
pub(super) fn to_json(rows: &RecordBatch) -> String {
    let (mut min, mut max, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        if matches!(field.data_type(), DataType::List(_)) {
            continue;
        }
        nulls.insert(field.name().clone(), json!(column.null_count()));
        if let Some((low, high)) = bounds(column) {
            min.insert(field.name().clone(), value_to_json(&low, false));
            max.insert(field.name().clone(), value_to_json(&high, true));
        }
    }
    json!({ "numRecords": rows.num_rows(), "minValues": min, "maxValues": max, "nullCount": nulls }).to_string()
}

fn bounds(column: &ArrayRef) -> Option<(StatisticValue, StatisticValue)> {
    use arrow::compute::{max, max_string, min, min_string};
    match column.data_type() {
        DataType::Utf8 => {
            let text = column.as_string::<i32>();
            Some((
                StatisticValue::Text(min_string(text)?.to_owned()),
                StatisticValue::Text(max_string(text)?.to_owned()),
            ))
        }
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            Some((StatisticValue::Integer(min(values)?), StatisticValue::Integer(max(values)?)))
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>();
            let (low, high) = (min(values)?, max(values)?);
            (low.is_finite() && high.is_finite()).then_some((StatisticValue::Double(low), StatisticValue::Double(high)))
        }
        DataType::Date32 => {
            let values = column.as_primitive::<Date32Type>();
            Some((StatisticValue::Date(min(values)?), StatisticValue::Date(max(values)?)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let values = column.as_primitive::<TimestampMicrosecondType>();
            Some((StatisticValue::Instant(min(values)?), StatisticValue::Instant(max(values)?)))
        }
        _ => None,
    }
}

/// Instants are written in milliseconds as Delta asks, the upper bound rounded up so that it stays a bound.
fn value_to_json(value: &StatisticValue, upper: bool) -> Value {
    match value {
        StatisticValue::Text(text) => json!(text),
        StatisticValue::Integer(number) => json!(number),
        StatisticValue::Double(number) => json!(number),
        StatisticValue::Date(days) => json!(date_from_days(*days).map(|date| date.to_string())),
        StatisticValue::Instant(micros) => {
            let millis = micros.div_euclid(1000) + i64::from(upper && micros.rem_euclid(1000) != 0);
            let instant = DateTime::from_timestamp_millis(millis);
            json!(instant.map(|instant| instant.to_rfc3339_opts(SecondsFormat::Millis, true)))
        }
    }
}

fn date_from_days(days: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::default();
    match u64::try_from(days) {
        Ok(days) => epoch.checked_add_days(Days::new(days)),
        Err(_) => epoch.checked_sub_days(Days::new(u64::from(days.unsigned_abs()))),
    }
}

/// Statistics of one file: its rows, and per column in schema order. Unreadable parts are unknown.
pub(super) fn from_json(text: Option<&str>, schema: &SchemaRef) -> (Option<u64>, Vec<ColumnStatistics>) {
    let parsed: Value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let columns = schema
        .fields()
        .iter()
        .map(|field| ColumnStatistics {
            min: value_from_json(&parsed["minValues"][field.name()], field.data_type()),
            max: value_from_json(&parsed["maxValues"][field.name()], field.data_type()),
            nulls: parsed["nullCount"][field.name()].as_u64(),
        })
        .collect();
    (parsed["numRecords"].as_u64(), columns)
}

fn value_from_json(value: &Value, data_type: &DataType) -> Option<StatisticValue> {
    match data_type {
        DataType::Utf8 => value.as_str().map(|text| StatisticValue::Text(text.to_owned())),
        DataType::Int64 => value.as_i64().map(StatisticValue::Integer),
        DataType::Float64 => value.as_f64().map(StatisticValue::Double),
        DataType::Date32 => {
            let date: NaiveDate = value.as_str()?.parse().ok()?;
            let days = date.signed_duration_since(NaiveDate::default()).num_days();
            i32::try_from(days).ok().map(StatisticValue::Date)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let instant = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
            Some(StatisticValue::Instant(instant.timestamp_micros()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::dataset;
    use arrow::array::{Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use std::sync::Arc;

    #[test]
    fn statistics_survive_the_log() {
        let schema = dataset::find("eod").expect("the eod dataset").schema;
        let price = || -> ArrayRef { Arc::new(Float64Array::from(vec![Some(1.5), None])) };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["A", "B"])),
            Arc::new(Date32Array::from(vec![-1, 20_000])),
            price(),
            price(),
            price(),
            price(),
            Arc::new(Int64Array::from(vec![Some(7), None])),
            Arc::new(Int64Array::from(vec![None, None])),
            Arc::new(StringArray::from(vec!["dxlink", "dxlink"])),
            Arc::new(TimestampMicrosecondArray::from(vec![1_001, 2_001]).with_timezone("UTC")),
        ];
        let rows = RecordBatch::try_new(schema.clone(), columns).expect("rows that fit");
        let (count, columns) = from_json(Some(&to_json(&rows)), &schema);
        assert_eq!(count, Some(2));
        assert_eq!(columns[0].max, Some(StatisticValue::Text("B".to_owned())));
        assert_eq!(columns[1].min, Some(StatisticValue::Date(-1)));
        assert_eq!(columns[2].nulls, Some(1));
        assert_eq!(columns[7].min, None);
        assert_eq!(columns[9].min, Some(StatisticValue::Instant(1_000)));
        assert_eq!(columns[9].max, Some(StatisticValue::Instant(3_000)));
    }

    #[test]
    fn unreadable_statistics_are_unknown() {
        let schema = dataset::find("calendar").expect("the calendar dataset").schema;
        let (count, columns) = from_json(Some("{\"numRecords\":"), &schema);
        assert_eq!(count, None);
        assert!(columns.iter().all(|column| *column == ColumnStatistics::default()));
    }
}
