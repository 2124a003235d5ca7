//! Rows to the bytes of one Parquet file and back.

use super::dataset::{Dataset, Earlier};
use super::row_order::RowOrder;
use super::{LakeError, statistics};
use arrow::array::{AsArray, BooleanArray, Int64Array, StringArray, new_null_array};
use arrow::compute::{SortColumn, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use serde::Deserialize;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Bytes of files that are merged into one. Merging holds their rows in memory, at several times their bytes here.
pub(super) const TARGET_BYTES: u64 = 32 << 20;

/// Rows per row group: small enough that a lookup of one symbol reads little, large enough to compress well.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// The bytes of a file, and what the log tells of them.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) bytes: Bytes,
    /// Statistics of the rows as the text that Delta keeps.
    pub(super) statistics: String,
}

impl Encoded {
    /// Sorts and encodes rows, which are let go of on the way. It takes its time, and no I/O.
    pub(super) fn of(dataset: &Dataset, rows: RecordBatch, compression: FileCompression) -> Result<Self, LakeError> {
        let sorted = sort(dataset, &rows)?;
        drop(rows);
        Ok(Self { bytes: encode(dataset, &sorted, compression)?, statistics: statistics::to_json(&sorted) })
    }
}

/// Sorts rows by the dataset's key, if they are not.
pub(super) fn sort(dataset: &Dataset, rows: &RecordBatch) -> Result<RecordBatch, LakeError> {
    if RowOrder::of(dataset, rows) >= RowOrder::Sorted {
        return Ok(rows.clone());
    }
    let columns = dataset
        .key
        .iter()
        .filter_map(|key| rows.column_by_name(key))
        .map(|column| SortColumn { values: column.clone(), options: None })
        .collect::<Vec<_>>();
    let sorted = lexsort_to_indices(&columns, None).and_then(|order| take_record_batch(rows, &order));
    sorted.map_err(|error| LakeError::rows(dataset.name, error))
}

/// How files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileCompression {
    /// LZ4_RAW: a large table is read 10 to 20 % faster.
    #[default]
    Lz4,
    /// Zstandard: two thirds of the bytes, and known to every reader.
    Zstd,
}

impl From<FileCompression> for Compression {
    fn from(compression: FileCompression) -> Self {
        match compression {
            FileCompression::Lz4 => Self::LZ4_RAW,
            FileCompression::Zstd => Self::ZSTD(ZstdLevel::default()),
        }
    }
}

/// Whether values of a type hardly repeat, as prices and volumes: a dictionary of them takes more room than it saves, and
/// time to look each up.
fn hardly_repeats(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float64 | DataType::Int64)
}

/// Encodes sorted rows: statistics per page, a bloom filter on `symbol`, the sort order declared.
pub(super) fn encode(dataset: &Dataset, rows: &RecordBatch, compression: FileCompression) -> Result<Bytes, LakeError> {
    let sorting = dataset
        .key
        .iter()
        .filter_map(|key| dataset.schema.index_of(key).ok())
        .filter_map(|index| i32::try_from(index).ok())
        .map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: true })
        .collect();
    let mut properties = WriterProperties::builder()
        .set_compression(compression.into())
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_sorting_columns(Some(sorting));
    for field in dataset.schema.fields().iter().filter(|field| hardly_repeats(field.data_type())) {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false);
    }
    if let Some(symbols) = distinct_symbols(rows) {
        let column = ColumnPath::from("symbol");
        properties = properties
            .set_column_bloom_filter_enabled(column.clone(), true)
            .set_column_bloom_filter_max_ndv(column, symbols.max(1));
    }
    let fail = |error: parquet::errors::ParquetError| LakeError::rows(dataset.name, error);
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, dataset.schema.clone(), Some(properties.build())).map_err(fail)?;
    writer.write(rows).map_err(fail)?;
    writer.close().map_err(fail)?;
    Ok(bytes.into())
}

fn distinct_symbols(rows: &RecordBatch) -> Option<u64> {
    let column = rows.column_by_name("symbol")?;
    let (DataType::Utf8, text) = (column.data_type(), column.as_string_opt::<i32>()?) else { return None };
    let mut last = None;
    let mut seen = HashSet::new();
    for value in text.iter().flatten() {
        if last != Some(value) {
            seen.insert(value);
            last = Some(value);
        }
    }
    u64::try_from(seen.len()).ok()
}

/// Decodes the named columns of the rows whose `item` column holds one of `items`. Row groups whose statistics say that
/// they hold none are left out.
pub(super) fn decode_items(
    bytes: Bytes,
    columns: &[&str],
    item: &str,
    items: &BTreeSet<String>,
) -> Result<Vec<RecordBatch>, Box<dyn std::error::Error + Send + Sync>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?.with_batch_size(64 * 1024);
    let schema = builder.parquet_schema();
    let place = schema.columns().iter().position(|column| column.name() == item).ok_or("no column of items")?;
    let groups = builder.metadata().row_groups().iter().enumerate();
    let groups = groups.filter(|(_, group)| may_hold(group.column(place).statistics(), items));
    let groups: Vec<usize> = groups.map(|(number, _)| number).collect();
    let mask = ProjectionMask::columns(schema, columns.iter().copied());
    let by_item = ProjectionMask::columns(schema, [item]);
    let wanted = items.clone();
    let filter = ArrowPredicateFn::new(by_item, move |rows| {
        let names = rows.column(0).as_string_opt::<i32>();
        let names = names.ok_or_else(|| ArrowError::SchemaError("items are not text".to_owned()))?;
        Ok(chosen(names, &wanted))
    });
    let filter = RowFilter::new(vec![Box::new(filter)]);
    let reader = builder.with_row_groups(groups).with_projection(mask).with_row_filter(filter).build()?;
    Ok(reader.collect::<Result<_, _>>()?)
}

/// Which of some names are wanted. Those of one item stand together, and are looked up once.
fn chosen(names: &StringArray, wanted: &BTreeSet<String>) -> BooleanArray {
    let mut last = (None, false);
    let is_wanted = |name: Option<&str>| name.is_some_and(|name| wanted.contains(name));
    names
        .iter()
        .map(|name| {
            if last.0 != name {
                last = (name, is_wanted(name));
            }
            Some(last.1)
        })
        .collect()
}

/// Whether a column with these statistics may hold one of the values. Bounds may be cut short by the writer: the lower one
/// is then below, the upper one above every value.
fn may_hold(statistics: Option<&Statistics>, values: &BTreeSet<String>) -> bool {
    let bounds = statistics.and_then(|statistics| Some((statistics.min_bytes_opt()?, statistics.max_bytes_opt()?)));
    let Some((least, most)) = bounds else { return true };
    values.iter().any(|value| (least..=most).contains(&value.as_bytes()))
}

/// Gives rows of earlier releases the columns that the table has since: all, or those of the named ones.
pub(super) fn conform(
    dataset: &Dataset,
    rows: RecordBatch,
    columns: Option<&[&str]>,
) -> Result<RecordBatch, ArrowError> {
    if !dataset.has_added_columns() {
        return Ok(rows);
    }
    let wanted = |name: &str| columns.is_none_or(|columns| columns.contains(&name));
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (column, field) in dataset.columns().zip(dataset.schema.fields()).filter(|(column, _)| wanted(column.name)) {
        match (rows.schema().index_of(column.name), column.earlier) {
            (Ok(index), _) => {
                fields.push(rows.schema().field(index).clone());
                arrays.push(rows.column(index).clone());
            }
            (Err(_), Earlier::Never) => return Ok(rows),
            (Err(_), Earlier::Unknown) => {
                fields.push(field.as_ref().clone());
                arrays.push(new_null_array(field.data_type(), rows.num_rows()));
            }
            (Err(_), Earlier::One) => {
                fields.push(field.as_ref().clone());
                arrays.push(Arc::new(Int64Array::from_value(1, rows.num_rows())));
            }
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}

/// Decodes a file: all columns, or the named ones in schema order.
pub(super) fn decode(
    bytes: Bytes,
    columns: Option<&[&str]>,
) -> Result<Vec<RecordBatch>, Box<dyn std::error::Error + Send + Sync>> {
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?.with_batch_size(64 * 1024);
    if let Some(columns) = columns {
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    Ok(builder.build()?.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::dataset;
    use arrow::array::{ArrayRef, Date32Array, Float64Array, TimestampMicrosecondArray};
    use parquet::basic::Encoding;

    #[test]
    fn files_come_back_as_they_were_and_numbers_have_no_dictionary() {
        let dataset = dataset::find("dividends").unwrap();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["A", "A", "B"])),
            Arc::new(Date32Array::from(vec![1, 2, 1])),
            Arc::new(Int64Array::from(vec![1, 1, 1])),
            Arc::new(Float64Array::from(vec![Some(0.25), None, Some(1.5)])),
            Arc::new(TimestampMicrosecondArray::from(vec![7, 7, 7]).with_timezone("UTC")),
        ];
        let rows = RecordBatch::try_new(dataset.schema.clone(), columns).unwrap();
        let codecs =
            [(FileCompression::Lz4, Compression::LZ4_RAW), (FileCompression::Zstd, FileCompression::Zstd.into())];
        for (compression, codec) in codecs {
            let bytes = encode(&dataset, &rows, compression).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
            for column in reader.metadata().row_group(0).columns() {
                assert_eq!(column.compression(), codec);
                let dictionary = column.encodings().any(|encoding| encoding == Encoding::RLE_DICTIONARY);
                let name = column.column_descr().name();
                assert_eq!(dictionary, !["amount", "number"].contains(&name), "{name}");
            }
            assert_eq!(decode(bytes, None).unwrap(), std::slice::from_ref(&rows));
        }
    }
}
