//! The CSV twin of a table: the same rows for people and spreadsheets.

use super::dataset::Dataset;
use super::{DataFile, LakeError, LakeTable};
use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use object_store::path::Path;
use object_store::{ObjectStoreExt, WriteMultipart};
use std::sync::Arc;

/// Parts of a twin that may be on their way to the store at once.
const PARTS_IN_FLIGHT: usize = 4;

/// A version as CSV: the header, then its rows in the order of its files. Lists become `{a,b}`; NULL is empty.
pub struct CsvParts<'a> {
    table: &'a LakeTable,
    header: bool,
    files: std::vec::IntoIter<DataFile>,
    /// What is left of the file that was read last.
    batches: std::vec::IntoIter<RecordBatch>,
    rows: u64,
}

impl CsvParts<'_> {
    /// The next part of the text; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LakeError> {
        let dataset = self.table.dataset();
        if self.header {
            self.header = false;
            return encode(dataset, &RecordBatch::new_empty(dataset.schema.clone()), true).map(Some);
        }
        loop {
            if let Some(batch) = self.batches.next() {
                self.rows += batch.num_rows() as u64;
                return encode(dataset, &batch, false).map(Some);
            }
            let Some(file) = self.files.next() else { return Ok(None) };
            self.batches = self.table.read(&[file]).await?.into_iter();
        }
    }

    /// Rows given so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

impl LakeTable {
    /// The latest version as CSV; the header alone when there is none.
    pub async fn csv_parts(&self) -> Result<CsvParts<'_>, LakeError> {
        let files = self.update().await?.map(|snapshot| snapshot.files.clone()).unwrap_or_default();
        Ok(CsvParts { table: self, header: true, files: files.into_iter(), batches: Vec::new().into_iter(), rows: 0 })
    }

    /// Writes the CSV twin of the latest version; gives its path in the store and its rows. The older twin stays until
    /// the new one is whole.
    pub async fn write_csv_twin(&self) -> Result<(Path, u64), LakeError> {
        let path = self.root.path(&["csv", &format!("{}.csv", self.dataset().name)]);
        let fail = |error: object_store::Error| LakeError::file(self.dataset().name, &path, error);
        let mut parts = self.csv_parts().await?;
        let mut twin = WriteMultipart::new(self.root.store.put_multipart(&path).await.map_err(fail)?);
        loop {
            match parts.next().await {
                Ok(Some(part)) => {
                    twin.write(&part);
                    twin.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(fail)?;
                }
                Ok(None) => break,
                Err(error) => {
                    // What was written of it is of no use.
                    let _ = twin.abort().await;
                    return Err(error);
                }
            }
        }
        twin.finish().await.map_err(fail)?;
        Ok((path, parts.rows()))
    }
}

/// Rows as CSV text, with a header line when asked for.
fn encode(dataset: &Dataset, rows: &RecordBatch, header: bool) -> Result<Vec<u8>, LakeError> {
    let fail = |error: ArrowError| LakeError::rows(dataset.name, error);
    let mut writer = arrow::csv::WriterBuilder::new().with_header(header).build(Vec::new());
    writer.write(&flat(rows).map_err(fail)?).map_err(fail)?;
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
