//! Reads columns of a data file for good: decoded as the dataset's schema has them, checked as every read of the lake.

use super::column::Column;
use super::file::ResidentFile;
use super::loaded::{Loaded, Part};
use crate::lake::{FileReader, StoredFile};
use arrow::array::ArrayRef;
use arrow::compute::concat;
use arrow::datatypes::{DataType, Schema};
use futures::StreamExt;
use object_store::ObjectStore;
use parquet::arrow::ProjectionMask;
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use std::sync::Arc;

/// Rows of a file above which nothing of it stays: no writer of ours makes one as long.
const ROWS_MAX: usize = 1 << 26;

/// Rows that are decoded at once.
const DECODED_ROWS: usize = 128 * 1024;

/// A file whose footer was read.
pub(super) struct Opened {
    builder: ParquetRecordBatchStreamBuilder<FileReader>,
    /// Places of the columns in the dataset's schema, with those in the file.
    columns: Vec<(usize, usize)>,
    rows: usize,
}

impl Opened {
    /// Reads the footer; `None` when the file has not these columns in these types.
    ///
    /// # Errors
    /// What a scan of the file would fail with.
    pub(super) async fn of(
        store: &Arc<dyn ObjectStore>,
        file: &ResidentFile,
        columns: &[usize],
    ) -> Result<Option<Self>, ParquetError> {
        let stored: StoredFile = file.stored().clone();
        let reader = FileReader::new(store.clone(), stored, None);
        let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
        let found = |place: &usize| Some((*place, same_column(&file.dataset().schema, *place, builder.schema())?));
        let columns = columns.iter().map(found).collect::<Option<Vec<_>>>();
        let rows = usize::try_from(builder.metadata().file_metadata().num_rows())
            .ok()
            .filter(|rows| (1..=ROWS_MAX).contains(rows));
        let (Some(columns), Some(rows)) = (columns, rows) else { return Ok(None) };
        Ok(Some(Self { builder, columns, rows }))
    }

    /// About the bytes that the columns will take.
    pub(super) fn bytes(&self) -> usize {
        let groups = self.builder.metadata().row_groups();
        let plain = |column: usize| -> i64 {
            groups.iter().filter_map(|group| group.columns().get(column)).map(|chunk| chunk.uncompressed_size()).sum()
        };
        let schema = self.builder.schema();
        let each = self.columns.iter().map(|(_, column)| {
            let plain = usize::try_from(plain(*column)).unwrap_or(0);
            match schema.field(*column).data_type() {
                // Texts may stand in a dictionary: four bytes of place and some letters for each row.
                DataType::Utf8 => plain.max(self.rows.saturating_mul(12)),
                other => other.primitive_width().map_or(plain, |width| self.rows.saturating_mul(width)),
            }
        });
        each.sum()
    }

    /// Decodes the columns.
    ///
    /// # Errors
    /// What a scan of the file would fail with, or texts of more than two gigabytes.
    pub(super) async fn load(self) -> Result<Loaded, ParquetError> {
        let parts = parts(self.builder.metadata());
        let mut in_file: Vec<usize> = self.columns.iter().map(|(_, column)| *column).collect();
        in_file.sort_unstable();
        let mask = ProjectionMask::roots(self.builder.parquet_schema(), in_file.iter().copied());
        let stream = self.builder.with_projection(mask).with_batch_size(DECODED_ROWS).build()?;
        let decoded = decoded(stream, in_file.len()).await?;
        let mut columns = Vec::with_capacity(self.columns.len());
        for (pieces, column) in decoded.into_iter().zip(in_file) {
            let Some((place, _)) = self.columns.iter().find(|(_, in_file)| *in_file == column) else { continue };
            columns.push((*place, Column::new(joined(pieces)?)));
        }
        Ok(Loaded { columns, parts })
    }
}

/// The place in a file of a column of the dataset, when it is of the same type there.
fn same_column(dataset: &Schema, place: usize, file: &Schema) -> Option<usize> {
    let wanted = dataset.fields().get(place)?;
    let found = file.index_of(wanted.name()).ok()?;
    (file.field(found).data_type() == wanted.data_type()).then_some(found)
}

/// Values of each column, piece by piece.
async fn decoded(
    mut stream: ParquetRecordBatchStream<FileReader>,
    columns: usize,
) -> Result<Vec<Vec<ArrayRef>>, ParquetError> {
    let mut pieces: Vec<Vec<ArrayRef>> = vec![Vec::new(); columns];
    while let Some(batch) = stream.next().await {
        for (pieces, column) in pieces.iter_mut().zip(batch?.columns()) {
            pieces.push(column.clone());
        }
    }
    Ok(pieces)
}

fn joined(pieces: Vec<ArrayRef>) -> Result<ArrayRef, ParquetError> {
    let all: Vec<_> = pieces.iter().map(AsRef::as_ref).collect();
    Ok(concat(&all)?)
}

/// The row groups of a file, each with the offset that DataFusion knows it by.
fn parts(footer: &ParquetMetaData) -> Vec<Part> {
    let mut begin = 0;
    let part = |group: &RowGroupMetaData| {
        let end = begin + usize::try_from(group.num_rows()).unwrap_or(0);
        let rows = begin..end;
        begin = end;
        let first = group.columns().first();
        let offset =
            first.map_or(0, |first| first.dictionary_page_offset().unwrap_or_else(|| first.data_page_offset()));
        Part { offset: u64::try_from(offset).unwrap_or(0), rows }
    };
    footer.row_groups().iter().map(part).collect()
}
