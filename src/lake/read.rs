//! Reads the rows of data files, for merges, exports and what is derived of them. Queries scan files themselves.

use super::stored_file::StoredFile;
use super::{DataFile, LakeError, LakeTable, file};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use std::collections::BTreeSet;

impl LakeTable {
    /// Reads the named columns of the rows of some items; of files that are sorted by item, little else is decoded. That is
    /// done on a thread that may block, so that several reads have several processors.
    pub async fn read_items(
        &self,
        files: &[DataFile],
        columns: &[&str],
        items: &BTreeSet<String>,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let Some(column) = self.dataset.item_column() else { return self.read_columns(files, Some(columns)).await };
        let mut rows = Vec::new();
        for file in files {
            let bytes = self.bytes_of(file).await?;
            let (wanted, items) = (columns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), items.clone());
            let decoded = tokio::task::spawn_blocking(move || {
                let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
                file::decode_items(bytes, &wanted, column, &items)
            });
            let decoded = decoded.await.map_err(|error| self.undecodable(file, &error))?;
            let decoded = decoded.map_err(|error| self.undecodable(file, &error))?;
            rows.extend(self.conformed(file, decoded, Some(columns))?);
        }
        Ok(rows)
    }

    /// Reads whole files. For merging, not for queries.
    pub async fn read(&self, files: &[DataFile]) -> Result<Vec<RecordBatch>, LakeError> {
        self.read_columns(files, None).await
    }

    /// Reads the named columns of whole files, in schema order; `None` is all columns.
    pub async fn read_columns(
        &self,
        files: &[DataFile],
        columns: Option<&[&str]>,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let mut rows = Vec::new();
        for file in files {
            let decoded = file::decode(self.bytes_of(file).await?, columns);
            rows.extend(self.conformed(file, decoded.map_err(|error| self.undecodable(file, &error))?, columns)?);
        }
        Ok(rows)
    }

    /// Rows of a file with the columns that the table has today.
    pub(super) fn conformed(
        &self,
        file: &DataFile,
        rows: Vec<RecordBatch>,
        columns: Option<&[&str]>,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let conformed = rows.into_iter().map(|rows| file::conform(&self.dataset, rows, columns));
        conformed.collect::<Result<_, _>>().map_err(|error| self.undecodable(file, &error))
    }

    /// The file as it was written.
    pub(super) async fn bytes_of(&self, file: &DataFile) -> Result<Bytes, LakeError> {
        StoredFile::new(self.dataset.name, file).read_whole(self.root.store.as_ref()).await
    }

    pub(super) fn undecodable(&self, file: &DataFile, reason: &dyn std::fmt::Display) -> LakeError {
        LakeError::file(self.dataset.name, self.root.name(&file.path), reason)
    }
}
