//! A data file as its readers see it: whatever they read of it is checked against its digests first.
//!
//! Every reader of data files comes through here: the scans of queries, merges, exports and checks.

use super::digest::Digests;
use super::{DataFile, LakeError};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use std::collections::BTreeSet;
use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

/// Bytes from the end of a file that are read first: most often the footer and the indexes of pages are among them.
const FOOTER_BYTES: usize = 64 << 10;

/// Columns of a damaged block that are named.
const COLUMNS_NAMED: usize = 3;

/// What has to be known of a data file to read it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoredFile {
    table: &'static str,
    path: Path,
    size: u64,
    digests: Option<Digests>,
}

impl StoredFile {
    /// A file of a dataset's table.
    pub fn new(table: &'static str, file: &DataFile) -> Self {
        Self::logged(table, file.path.clone(), file.size, file.digests.clone())
    }

    /// One that the log tells of: where it is, how long, and its digests where it has any.
    pub(super) fn logged(table: &'static str, path: Path, size: u64, digests: Option<Digests>) -> Self {
        Self { table, path, size, digests }
    }

    /// Name of the dataset whose table it is of.
    pub fn table(&self) -> &'static str {
        self.table
    }

    /// Where it is in the lake's store.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long its log says it is.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether there is anything to check it against: files of other writers and of older versions of this program have no
    /// digests.
    pub(super) fn is_checkable(&self) -> bool {
        self.digests.is_some()
    }

    /// Reads parts of it. Of a file with digests whole blocks are read, and each is checked. The footer, where it is known,
    /// gives errors the names of columns.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] where the file is gone, has another length, or is not what was written.
    pub(super) async fn read(
        &self,
        store: &dyn ObjectStore,
        ranges: &[Range<u64>],
        footer: Option<&ParquetMetaData>,
    ) -> Result<Vec<Bytes>, LakeError> {
        if ranges.iter().any(|range| range.start > range.end || range.end > self.size) {
            return Err(self.damaged("its footer names places beyond its end"));
        }
        let Some(digests) = &self.digests else { return self.fetch(store, ranges).await };
        let blocks = joined(ranges.iter().map(|range| digests.widened(range)).collect());
        let read = self.fetch(store, &blocks).await?;
        for (blocks, bytes) in blocks.iter().zip(&read) {
            digests.check(blocks.start, bytes).map_err(|block| self.not_as_written(&block, footer))?;
        }
        let part = |range: &Range<u64>| {
            let place = blocks.partition_point(|blocks| blocks.end < range.end);
            let (blocks, bytes) = (blocks.get(place)?, read.get(place)?);
            let start = usize::try_from(range.start.checked_sub(blocks.start)?).ok()?;
            let end = usize::try_from(range.end - blocks.start).ok()?;
            (end <= bytes.len()).then(|| bytes.slice(start..end))
        };
        ranges.iter().map(|range| part(range).ok_or_else(|| self.damaged("it is cut short"))).collect()
    }

    /// Reads all of it.
    pub(super) async fn read_whole(&self, store: &dyn ObjectStore) -> Result<Bytes, LakeError> {
        let read = self.read(store, std::slice::from_ref(&(0..self.size)), None).await?;
        Ok(read.into_iter().next().unwrap_or_default())
    }

    async fn fetch(&self, store: &dyn ObjectStore, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, LakeError> {
        match store.get_ranges(&self.path, ranges).await {
            Ok(read) => Ok(read),
            // Stores tell in words of their own that a file ends early, or is gone.
            Err(error) => Err(self.look(store).await.err().unwrap_or_else(|| self.unreadable(&error))),
        }
    }

    /// Looks whether the file is there, and as long as its log says.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] where it is not; [`LakeError::File`] where the store does not tell.
    pub(super) async fn look(&self, store: &dyn ObjectStore) -> Result<(), LakeError> {
        let found = store.head(&self.path).await;
        match found {
            Ok(found) => self.check_size(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => self.check_size(None),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    /// The same for a size that is known; `None` where there is no such file.
    pub(super) fn check_size(&self, size: Option<u64>) -> Result<(), LakeError> {
        match size {
            Some(size) if size == self.size => Ok(()),
            Some(size) => Err(self.damaged(&format!("it has {size} bytes, and {} were written", self.size))),
            None => Err(self.damaged("it is gone")),
        }
    }

    /// An error about its contents.
    pub(super) fn damaged(&self, reason: &str) -> LakeError {
        LakeError::Damaged { table: self.table.to_owned(), file: name_in_lake(&self.path), reason: reason.to_owned() }
    }

    /// The error for a block; it names the columns that the block holds something of, where the footer is known.
    fn not_as_written(&self, block: &Range<u64>, footer: Option<&ParquetMetaData>) -> LakeError {
        let Range { start, end } = block;
        let columns = footer.map(|footer| columns_in(footer, block)).filter(|columns| !columns.is_empty());
        let columns = columns.map(|columns| format!(" ({columns})")).unwrap_or_default();
        self.damaged(&format!("bytes {start} to {end}{columns} are not what was written"))
    }

    /// A store's errors name files as the server sees them; the innermost cause does not.
    fn unreadable(&self, error: &object_store::Error) -> LakeError {
        let mut cause: &dyn Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        LakeError::file(self.table, name_in_lake(&self.path), cause)
    }
}

/// A data file's path in its lake: `lake/eod/part-1.parquet`. Where the lake stands is not for clients.
pub fn name_in_lake(path: &Path) -> String {
    let parts: Vec<_> = path.parts().collect();
    let last = parts.get(parts.len().saturating_sub(3)..).unwrap_or_default();
    last.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("/")
}

/// Ranges in their order, those that touch as one.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// The first of the columns that have something in a range of the file, in words.
fn columns_in(footer: &ParquetMetaData, range: &Range<u64>) -> String {
    let chunks = footer.row_groups().iter().flat_map(|group| group.columns());
    let touched = chunks.filter(|chunk| {
        let (start, bytes) = chunk.byte_range();
        start < range.end && start.saturating_add(bytes) > range.start
    });
    let names: BTreeSet<&str> = touched.map(|chunk| chunk.column_descr().name()).collect();
    let more = if names.len() > COLUMNS_NAMED { " and others" } else { "" };
    let named: Vec<&str> = names.into_iter().take(COLUMNS_NAMED).collect();
    if named.is_empty() { String::new() } else { format!("of {}{more}", named.join(", ")) }
}

/// A file of the lake for the Parquet decoder. Its errors carry a [`LakeError`].
pub struct FileReader {
    store: Arc<dyn ObjectStore>,
    file: StoredFile,
    /// Once it was read, for the names of columns.
    footer: Option<Arc<ParquetMetaData>>,
}

impl FileReader {
    /// A reader of a file in the lake's store, whose footer is perhaps known already.
    pub fn new(store: Arc<dyn ObjectStore>, file: StoredFile, footer: Option<Arc<ParquetMetaData>>) -> Self {
        Self { store, file, footer }
    }

    async fn read(&self, ranges: &[Range<u64>]) -> ParquetResult<Vec<Bytes>> {
        let read = self.file.read(self.store.as_ref(), ranges, self.footer.as_deref()).await;
        read.map_err(|error| ParquetError::External(Box::new(error)))
    }
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move { Ok(self.read(&[range]).await?.into_iter().next().unwrap_or_default()) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move { self.read(&ranges).await }.boxed()
    }

    /// The footer with the indexes of pages, whatever of them is asked for.
    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            if let Some(footer) = &self.footer {
                return Ok(footer.clone());
            }
            let reader = ParquetMetaDataReader::new()
                .with_page_index_policy(PageIndexPolicy::Optional)
                .with_prefetch_hint(Some(FOOTER_BYTES));
            let size = self.file.size;
            let footer = Arc::new(reader.load_and_finish(&mut *self, size).await?);
            self.footer = Some(footer.clone());
            Ok(footer)
        }
        .boxed()
    }
}
