//! What every way of writing asks of a table: its files, its rows as one batch, its rows merged.

use crate::collect::merge::{self, Merged};
use crate::lake::{DataFile, LakeError, LakeTable, Snapshot};
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// What a write did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Version of the table afterwards; `None` when there is no table yet.
    pub version: Option<u64>,
    /// Rows whose key was new.
    pub added: u64,
    /// Rows that replaced one of the same key.
    pub changed: u64,
}

pub(super) fn files_of(snapshot: Option<&Arc<Snapshot>>) -> Vec<DataFile> {
    snapshot.map(|snapshot| snapshot.files.clone()).unwrap_or_default()
}

pub(super) fn rows_error(dataset: &str, error: impl std::fmt::Display) -> LakeError {
    LakeError::Rows { table: dataset.to_owned(), reason: error.to_string() }
}

pub(super) fn one_batch(table: &LakeTable, rows: &[RecordBatch]) -> Result<RecordBatch, LakeError> {
    concat_batches(&table.dataset().schema, rows).map_err(|error| rows_error(table.dataset().name, error))
}

pub(super) fn merged_rows(table: &LakeTable, held: &[RecordBatch], new: &[RecordBatch]) -> Result<Merged, LakeError> {
    merge::merge_by(table.dataset(), &table.precedence(), held, new)
        .map_err(|error| rows_error(table.dataset().name, error))
}
