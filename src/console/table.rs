//! Rows for people and for pipes: an aligned table, CSV, or JSON. `tt query`, `tt status` and `tt lake history` print
//! by this; front ends have encoders of their own.

use crate::text::column::{texts, times_as_text};
use crate::text::decimal::is_unbound;
use crate::text::style::Style;
use crate::text::{json, tid, uuid};
use arrow::array::{ArrayRef, StringArray};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, WriterBuilder as JsonWriterBuilder};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches_with_options;
use std::io::Write;
use std::sync::Arc;

/// How rows are written. Instants are in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns in a frame, for reading; NULL is empty, times and spans of time are as psql shows them.
    #[default]
    Table,
    /// A header and one line per row; NULL is empty, lists are text, instants ISO 8601, spans of time as psql shows
    /// them.
    Csv,
    /// One array of objects; NULL is `null`, instants are ISO 8601.
    Json,
    /// One JSON object per line; values as in `json`.
    #[value(alias = "ndjson")]
    Jsonl,
}

/// Writes all rows with their column names. No rows still give the names (table, CSV), `[]` (JSON) or nothing (JSON
/// lines).
///
/// # Errors
/// `out` fails, or a value has no text (a date far outside the calendar).
pub fn write_batches(
    format: Format,
    schema: &SchemaRef,
    batches: &[RecordBatch],
    out: &mut impl Write,
) -> Result<(), ArrowError> {
    let batches = batches.iter().map(as_told).collect::<Result<Vec<_>, _>>()?;
    let schema = &batches.first().map_or_else(|| schema.clone(), RecordBatch::schema);
    let batches = batches.as_slice();
    match format {
        Format::Table => write_table(schema, batches, out),
        Format::Csv => write_csv(schema, batches, out),
        Format::Json => write_json::<JsonArray>(batches, out).and_then(|()| Ok(writeln!(out)?)),
        Format::Jsonl => write_json::<LineDelimited>(batches, out),
    }
}

/// The batch with JSON and UUIDs as texts, which are types of the engine's own.
fn as_told(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let told = |column: &ArrayRef| match uuid::is_uuid(column.data_type()) || tid::is_tid(column.data_type()) {
        true => texts(column, &Style::DEFAULT),
        false => Ok(json::unwrapped(column)),
    };
    let columns = batch.columns().iter().map(told).collect::<Result<Vec<_>, _>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns);
    let fields = fields.map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns, &options)
}

/// A frame around aligned columns. Times are text before they are aligned, as psql shows them.
fn write_table(schema: &SchemaRef, batches: &[RecordBatch], out: &mut impl Write) -> Result<(), ArrowError> {
    let options = FormatOptions::new().with_null("");
    let empty = [RecordBatch::new_empty(schema.clone())];
    let batches = if batches.is_empty() { &empty } else { batches };
    let shown = batches
        .iter()
        .map(|batch| with_text(batch, |data_type| data_type.is_temporal() || is_unbound(data_type)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(writeln!(out, "{}", pretty_format_batches_with_options(&shown, &options)?)?)
}

/// A header and a line per row.
fn write_csv(schema: &SchemaRef, batches: &[RecordBatch], out: &mut impl Write) -> Result<(), ArrowError> {
    let mut writer = WriterBuilder::new().with_header(true).build(&mut *out);
    if batches.is_empty() {
        return writer.write(&with_text(&RecordBatch::new_empty(schema.clone()), in_csv)?);
    }
    batches.iter().try_for_each(|batch| writer.write(&with_text(batch, in_csv)?))
}

/// Objects with every column, NULLs too, so that each row has the same keys.
fn write_json<F: JsonFormat>(batches: &[RecordBatch], out: &mut impl Write) -> Result<(), ArrowError> {
    let mut writer = JsonWriterBuilder::new().with_explicit_nulls(true).build::<_, F>(&mut *out);
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.finish()
}

/// What CSV has no form for.
fn in_csv(data_type: &DataType) -> bool {
    data_type.is_nested() || is_unbound(data_type) || matches!(data_type, DataType::Interval(_) | DataType::Duration(_))
}

/// The batch with columns of some types as text.
fn with_text(batch: &RecordBatch, is_text: impl Fn(&DataType) -> bool) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if is_text(field.data_type()) {
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
            columns.push(if field.data_type().is_nested() { as_text(column)? } else { times_as_text(column)? });
        } else {
            fields.push(field.clone());
            columns.push(column.clone());
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// Lists, structs and maps as one text per value, as the table shows them.
fn as_text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let text = (0..column.len())
        .map(|row| if column.is_null(row) { Ok(None) } else { formatter.value(row).try_to_string().map(Some) })
        .collect::<Result<StringArray, ArrowError>>()?;
    Ok(Arc::new(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{
        Float64Array, IntervalMonthDayNanoArray, ListBuilder, StringBuilder, TimestampMicrosecondArray,
    };
    use arrow::datatypes::IntervalMonthDayNano;

    fn rows() -> RecordBatch {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("dow30"), Some("sp500")]);
        lists.append_null();
        let age = IntervalMonthDayNano::new(0, 0, 2_120_000_000);
        let columns: [(&str, ArrayRef); 5] = [
            ("symbol", Arc::new(StringArray::from(vec!["AAPL", "BRK/B"]))),
            ("close", Arc::new(Float64Array::from(vec![Some(430.47), None]))),
            ("lists", Arc::new(lists.finish())),
            (
                "fetched_at",
                Arc::new(TimestampMicrosecondArray::from(vec![1_362_096_000_000_000, 1]).with_timezone("UTC")),
            ),
            ("age", Arc::new(IntervalMonthDayNanoArray::from(vec![Some(age), None]))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }

    #[track_caller]
    fn check(format: Format, batches: &[RecordBatch], expected: &str) {
        let mut out = Vec::new();
        write_batches(format, &rows().schema(), batches, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_table() {
        check(
            Format::Table,
            &[rows()],
            "\
+--------+--------+----------------+-------------------------------+-------------+
| symbol | close  | lists          | fetched_at                    | age         |
+--------+--------+----------------+-------------------------------+-------------+
| AAPL   | 430.47 | [dow30, sp500] | 2013-03-01 00:00:00+00        | 00:00:02.12 |
| BRK/B  |        |                | 1970-01-01 00:00:00.000001+00 |             |
+--------+--------+----------------+-------------------------------+-------------+
",
        );
    }

    #[test]
    fn csv() {
        check(
            Format::Csv,
            &[rows().slice(0, 1), rows().slice(1, 1)],
            "symbol,close,lists,fetched_at,age\n\
             AAPL,430.47,\"[dow30, sp500]\",2013-03-01T00:00:00Z,00:00:02.12\n\
             BRK/B,,,1970-01-01T00:00:00.000001Z,\n",
        );
    }

    #[test]
    fn json() {
        check(
            Format::Json,
            &[rows()],
            "[{\"symbol\":\"AAPL\",\"close\":430.47,\"lists\":[\"dow30\",\"sp500\"],\"fetched_at\":\"2013-03-01T00:00:00Z\",\"age\":\"2.120000000 secs\"},\
             {\"symbol\":\"BRK/B\",\"close\":null,\"lists\":null,\"fetched_at\":\"1970-01-01T00:00:00.000001Z\",\"age\":null}]\n",
        );
    }

    #[test]
    fn json_lines() {
        check(
            Format::Jsonl,
            &[rows().slice(0, 1), rows().slice(1, 1)],
            "{\"symbol\":\"AAPL\",\"close\":430.47,\"lists\":[\"dow30\",\"sp500\"],\"fetched_at\":\"2013-03-01T00:00:00Z\",\"age\":\"2.120000000 secs\"}\n\
             {\"symbol\":\"BRK/B\",\"close\":null,\"lists\":null,\"fetched_at\":\"1970-01-01T00:00:00.000001Z\",\"age\":null}\n",
        );
    }

    #[test]
    fn no_rows() {
        let header = "+--------+-------+-------+------------+-----+\n";
        check(Format::Table, &[], &format!("{header}| symbol | close | lists | fetched_at | age |\n{header}{header}"));
        check(Format::Csv, &[], "symbol,close,lists,fetched_at,age\n");
        check(Format::Json, &[], "[]\n");
        check(Format::Jsonl, &[], "");
    }
}
