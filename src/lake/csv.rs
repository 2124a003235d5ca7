//! The CSV twin of a table: the same rows for people and spreadsheets.

use super::LakeError;
use super::dataset::Dataset;
use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::sync::Arc;

/// Rows as CSV with a header. Lists become `{a,b}`; NULL is empty.
pub(super) fn encode(dataset: &Dataset, rows: &[RecordBatch]) -> Result<Vec<u8>, LakeError> {
    let fail = |error: ArrowError| LakeError::rows(dataset.name, error);
    let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(Vec::new());
    if rows.is_empty() {
        writer.write(&flat(&RecordBatch::new_empty(dataset.schema.clone())).map_err(fail)?).map_err(fail)?;
    }
    for batch in rows {
        writer.write(&flat(batch).map_err(fail)?).map_err(fail)?;
    }
    Ok(writer.into_inner())
}

fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::List(_) => list_text(column),
        DataType::Utf8View => cast(column, &DataType::Utf8),
        _ => Ok(column.clone()),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let schema = batch.schema();
    RecordBatch::try_from_iter_with_nullable(
        schema.fields().iter().zip(columns).map(|(field, column)| (field.name(), column, true)),
    )
}

fn list_text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let text = column
        .as_list::<i32>()
        .iter()
        .map(|values| {
            let Some(values) = values else { return Ok(None) };
            let format = ArrayFormatter::try_new(&values, &options)?;
            let parts: Vec<String> = (0..values.len()).map(|index| format.value(index).to_string()).collect();
            Ok(Some(format!("{{{}}}", parts.join(","))))
        })
        .collect::<Result<StringArray, ArrowError>>()?;
    Ok(Arc::new(text))
}
