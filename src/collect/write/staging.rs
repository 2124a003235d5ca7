//! Files of one commit, a few of which are encoded while the rows of the next are merged.

use crate::lake::{Encoding, LakeError, LakeTable, StagedFile};
use arrow::record_batch::RecordBatch;
use std::collections::VecDeque;

/// Files that are encoded at once while further rows are merged.
const ENCODING_MAX: usize = 2;

/// The files so far. Dropping it leaves files that no version names.
pub(super) struct Staging<'a> {
    table: &'a LakeTable,
    encoding: VecDeque<Encoding>,
    staged: Vec<StagedFile>,
}

impl<'a> Staging<'a> {
    pub(super) fn new(table: &'a LakeTable) -> Self {
        Self { table, encoding: VecDeque::new(), staged: Vec::new() }
    }

    /// Begins a file of these rows.
    pub(super) async fn begin(&mut self, rows: RecordBatch) -> Result<(), LakeError> {
        self.finish_beyond(ENCODING_MAX - 1).await?;
        self.encoding.push_back(self.table.encoding(rows)?);
        Ok(())
    }

    /// All files, once they are written.
    pub(super) async fn finish(mut self) -> Result<Vec<StagedFile>, LakeError> {
        self.finish_beyond(0).await?;
        Ok(self.staged)
    }

    async fn finish_beyond(&mut self, most: usize) -> Result<(), LakeError> {
        while self.encoding.len() > most
            && let Some(encoding) = self.encoding.pop_front()
        {
            self.staged.push(self.table.stage_encoding(encoding).await?);
        }
        Ok(())
    }
}
