//! Tables that find a row by its key without a scan.
//!
//! A statement that asks for nothing more is answered from here (see `engine::plan::key_lookup`): no plan is made for it.

use super::context::QueryContext;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::error::Result;

/// A table with at most one row per value of a text column.
#[async_trait]
pub trait KeyedTable: Send + Sync {
    /// Name of that column.
    fn key(&self) -> &'static str;

    /// The row of a key, or none; the columns are those at these places of the table's schema.
    ///
    /// # Errors
    /// What a scan of the table would fail with, freshness included.
    async fn row(&self, context: &QueryContext, key: &str, columns: &[usize]) -> Result<RecordBatch>;
}
