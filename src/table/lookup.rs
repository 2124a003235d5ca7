//! Tables that give the rows of a key without a scan.
//!
//! A statement that asks for nothing more is answered from here (see `engine::plan::key_lookup` and
//! `engine::plan::range_lookup`): no physical plan is made for it.

use super::context::QueryContext;
use crate::lake::Scope;
use crate::resident::{KeyRange, Wanted};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::error::Result;

/// A table with at most one row per value of a text column.
#[async_trait]
pub trait KeyedTable: Send + Sync {
    /// Name of the text column that rows are found by.
    fn key(&self) -> &'static str;

    /// The row of a key, or none; the columns are those at these places of the table's schema.
    ///
    /// # Errors
    /// What a scan of the table would fail with, freshness included.
    async fn row(&self, context: &QueryContext, key: &str, columns: &[usize]) -> Result<RecordBatch>;
}

/// A table whose rows are found by the first columns of their key.
#[async_trait]
pub(crate) trait RangedTable: Send + Sync {
    /// Names of the columns of its key.
    fn key(&self) -> &[&'static str];

    /// The dataset whose freshness such rows need, and its items; `None` where freshness was settled before.
    fn demand(&self, first: &[&str]) -> Option<(&'static str, Scope)>;

    /// The rows of a key range from memory, in the order of the key, as a scan planned now would find them; `None` where a
    /// scan has to.
    ///
    /// # Errors
    /// Those of a scan.
    async fn look_up(
        &self,
        context: &QueryContext,
        range: &KeyRange<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<RecordBatch>>;
}
