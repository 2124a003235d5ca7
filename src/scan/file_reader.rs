//! How scans read the files of the lake: through its own reader, which checks what it reads, with footers kept in the
//! runtime's cache and bytes counted for the plan's metrics.

use super::lake_error::query_error;
use crate::lake::{FileReader, LakeError, StoredFile};
use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetMetaData;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;
use std::ops::Range;
use std::sync::Arc;

/// Makes the readers of one scan. Its files must carry a [`StoredFile`] as their extension.
#[derive(Debug)]
pub(super) struct FileReaders {
    store: Arc<dyn ObjectStore>,
    footers: Arc<FileMetadataCache>,
}

impl FileReaders {
    /// Readers of files in a store, with a cache for their footers.
    pub(super) fn new(store: Arc<dyn ObjectStore>, footers: Arc<FileMetadataCache>) -> Self {
        Self { store, footers }
    }

    /// The footer of a file, when it was read before.
    fn known_footer(&self, file: &ObjectMeta) -> Option<Arc<ParquetMetaData>> {
        let entry = self.footers.get(&file.location).filter(|entry| entry.is_valid_for(file))?;
        let known = entry.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()?;
        Some(known.parquet_metadata().clone())
    }
}

impl ParquetFileReaderFactory for FileReaders {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let object = file.object_meta.clone();
        let stored = file.extension::<StoredFile>().cloned();
        let stored = stored.ok_or_else(|| DataFusionError::Internal(format!("no record of {}", object.location)))?;
        let metrics = ParquetFileMetrics::new(partition_index, object.location.as_ref(), metrics);
        let footer = self.known_footer(&object);
        let unknown = footer.is_none().then(|| (object.clone(), self.footers.clone()));
        let reader = FileReader::new(self.store.clone(), stored, footer);
        Ok(Box::new(CountingReader { reader, unknown, size: object.size, metrics }))
    }
}

/// A reader that counts what it was asked for and keeps the footer that it has read.
struct CountingReader {
    reader: FileReader,
    /// Where the footer goes once it was read; `None` when it is there.
    unknown: Option<(ObjectMeta, Arc<FileMetadataCache>)>,
    size: u64,
    metrics: ParquetFileMetrics,
}

impl CountingReader {
    fn count(&self, ranges: &[Range<u64>]) {
        let bytes: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        self.metrics.bytes_scanned.add(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
}

impl AsyncFileReader for CountingReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.count(std::slice::from_ref(&range));
        self.reader.get_bytes(range).map_err(for_query).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.count(&ranges);
        self.reader.get_byte_ranges(ranges).map_err(for_query).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let footer = self.reader.get_metadata(options).await.map_err(for_query)?;
            if let Some((object, footers)) = self.unknown.take() {
                let kept = Arc::new(CachedParquetMetaData::new(footer.clone()));
                let location = object.location.clone();
                footers.put(&location, CachedFileMetadataEntry::new(object, kept));
            }
            Ok(footer)
        }
        .boxed()
    }
}

impl Drop for CountingReader {
    fn drop(&mut self) {
        self.metrics.scan_efficiency_ratio.add_part(self.metrics.bytes_scanned.value());
        self.metrics.scan_efficiency_ratio.set_total(usize::try_from(self.size).unwrap_or(usize::MAX));
    }
}

/// The lake's errors travel through DataFusion as the query's.
fn for_query(error: ParquetError) -> ParquetError {
    match error {
        ParquetError::External(error) => match error.downcast::<LakeError>() {
            Ok(error) => ParquetError::External(Box::new(query_error(*error))),
            Err(error) => ParquetError::External(error),
        },
        error => error,
    }
}

#[cfg(test)]
#[path = "damage_tests.rs"]
mod tests;
