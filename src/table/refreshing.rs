//! The cached table: a dataset of the lake and a freshness contract behind one provider.
//!
//! A scan first settles freshness (serve, nudge, wait, warn or refuse), then reads one snapshot of the dataset as plain
//! Parquet. It never talks to a source.

use super::context::{OnStale, QueryContext};
use crate::engine::{ErrorKind, QueryError};
use crate::lake::freshness::{Freshness, Policy};
use crate::lake::refresh::{NO_SCHEDULER, RefreshHandle};
use crate::lake::{ColumnStatistics, DataFile, LakeError, LakeTable, Snapshot, StatisticValue};
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics as PlanColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::expressions::Column;
use object_store::ObjectMeta;
use std::sync::Arc;

/// A dataset as a table.
#[derive(Debug)]
pub struct RefreshingTable {
    table: Arc<LakeTable>,
    freshness: Arc<Freshness>,
    refresh: RefreshHandle,
    store_url: ObjectStoreUrl,
    schema: SchemaRef,
}

impl RefreshingTable {
    /// A table over a dataset; `store_url` is where its file paths are rooted.
    pub fn new(
        table: Arc<LakeTable>,
        freshness: Arc<Freshness>,
        refresh: RefreshHandle,
        store_url: ObjectStoreUrl,
    ) -> Self {
        let schema = table.dataset().schema.clone();
        Self { table, freshness, refresh, store_url, schema }
    }

    /// The dataset's freshness, and its table in the lake.
    pub fn parts(&self) -> (&Arc<Freshness>, &Arc<LakeTable>) {
        (&self.freshness, &self.table)
    }

    /// Where fresher rows are asked for.
    pub fn refresh(&self) -> &RefreshHandle {
        &self.refresh
    }

    /// The version to read: that of a moment of the past, which cannot be stale, or the latest once it may be served.
    async fn snapshot(&self, context: &QueryContext) -> Result<Option<Arc<Snapshot>>> {
        let snapshot = match context.as_of {
            Some(at) => self.table.snapshot_at(at).await,
            None => {
                self.settle(context).await?;
                self.table.latest().await
            }
        };
        snapshot.map_err(storage_error)
    }

    /// Returns once the rows may be served, or refuses.
    async fn settle(&self, context: &QueryContext) -> Result<()> {
        let Some(policy) = self.freshness.policy else { return Ok(()) };
        let freshness = &self.freshness;
        // Before the look at the rows: a run that ends in between then counts as an answer.
        let seen = freshness.runs_ended();
        let overdue = freshness.overdue();
        let too_old = match context.max_staleness {
            None => overdue.is_some(),
            Some(limit) => freshness.older_than(limit),
        };
        if !too_old {
            if overdue.is_some() {
                self.refresh.nudge(freshness.dataset, "query", seen);
            }
            return Ok(());
        }
        let loaded = freshness.loaded_at().is_some();
        let within = |limit: std::time::Duration| {
            loaded && overdue.is_none_or(|overdue| overdue.to_std().is_ok_and(|overdue| overdue <= limit))
        };
        match context.on_stale {
            OnStale::Fail => {
                self.refresh.nudge(freshness.dataset, "query", seen);
                return Err(self.stale_error("the session takes no stale rows"));
            }
            OnStale::Serve if freshness.age().is_some() => {
                self.refresh.nudge(freshness.dataset, "query", seen);
                context.notices.add(self.stale_notice("the session takes stale rows"));
                return Ok(());
            }
            OnStale::Wait if context.max_staleness.is_none() && within(policy.stale_while_revalidate) => {
                if !self.refresh.nudge(freshness.dataset, "query", seen) {
                    context.notices.add(self.stale_notice(NO_SCHEDULER));
                }
                return Ok(());
            }
            OnStale::Serve | OnStale::Wait => {}
        }
        let Err(reason) = self.wait(&policy, seen).await else { return Ok(()) };
        if within(policy.stale_if_error) {
            context.notices.add(self.stale_notice(&reason));
            return Ok(());
        }
        Err(self.stale_error(&reason))
    }

    async fn wait(&self, policy: &Policy, seen: u64) -> Result<(), String> {
        let refreshed = self.refresh.refresh_since(self.freshness.dataset, "query", seen);
        match tokio::time::timeout(policy.wait_timeout, refreshed).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("the refresh takes longer than {:?}", policy.wait_timeout)),
        }
    }

    fn stale_notice(&self, reason: &str) -> String {
        format!("table \"{}\" is stale: {}; {}", self.freshness.dataset, self.age_text(), self.cause(reason))
    }

    /// The reason, and what the last refresh failed with when the reason is another one.
    fn cause(&self, reason: &str) -> String {
        match &self.freshness.remembered().last_error {
            Some(error) if error != reason => format!("{reason}; the last refresh failed: {error}"),
            _ => reason.to_owned(),
        }
    }

    fn age_text(&self) -> String {
        match self.freshness.age().and_then(|age| age.to_std().ok()) {
            Some(age) => format!("its rows are {} old", in_words(age.as_secs())),
            None => "it was never loaded".to_owned(),
        }
    }

    fn stale_error(&self, reason: &str) -> DataFusionError {
        let (dataset, cause) = (self.freshness.dataset, self.cause(reason));
        let message = format!("table \"{dataset}\" is not fresh: {}; {cause}", self.age_text());
        let hint = match self.freshness.loaded_at() {
            Some(_) => "SET freshness = 'serve' takes the old rows; system.freshness tells more",
            None => "system.freshness tells more",
        };
        let error = QueryError::new(ErrorKind::Stale, message).with_hint(hint);
        DataFusionError::External(Box::new(error))
    }

    fn scan_snapshot(
        &self,
        state: &dyn Session,
        snapshot: &Snapshot,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let store = state.runtime_env().object_store(&self.store_url)?;
        let metadata_cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let source = ParquetSource::new(self.schema.clone())
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, metadata_cache)))
            .with_bloom_filter_on_read(true)
            .with_enable_page_index(true)
            .with_metadata_size_hint(64 * 1024);
        let ordering = self.ordering();
        // Files keep their own order; one group each as far as partitions reach, so that a group is sorted.
        let groups = snapshot.files.iter().map(|file| FileGroup::new(vec![self.partitioned_file(file, &ordering)]));
        let mut config = FileScanConfigBuilder::new(self.store_url.clone(), Arc::new(source))
            .with_file_groups(groups.collect())
            .with_statistics(self.statistics_of(snapshot))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit);
        if let Some(ordering) = ordering {
            config = config.with_output_ordering(vec![ordering]);
        }
        Ok(DataSourceExec::from_data_source(config.build()))
    }

    fn partitioned_file(&self, file: &DataFile, ordering: &Option<LexOrdering>) -> PartitionedFile {
        PartitionedFile::new_from_meta(ObjectMeta {
            location: file.path.clone(),
            last_modified: file.modified_at,
            size: file.size,
            e_tag: None,
            version: None,
        })
        .with_statistics(Arc::new(file_statistics(file)))
        .with_ordering(ordering.clone())
    }

    /// Every file is sorted by the dataset's key.
    fn ordering(&self) -> Option<LexOrdering> {
        let keys = self.table.dataset().key.iter().filter_map(|key| {
            let column = Column::new_with_schema(key, &self.schema).ok()?;
            Some(PhysicalSortExpr::new(Arc::new(column), SortOptions::default()))
        });
        LexOrdering::new(keys)
    }

    fn statistics_of(&self, snapshot: &Snapshot) -> Statistics {
        let files: Vec<Statistics> = snapshot.files.iter().map(file_statistics).collect();
        Statistics::try_merge_iter(files.iter(), &self.schema).unwrap_or_else(|_| Statistics::new_unknown(&self.schema))
    }
}

/// `31 d`, `1 d 3 h`, `20 m 5 s`: days at most, since months have no length.
fn in_words(seconds: u64) -> String {
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let first = parts.iter().position(|(number, _)| *number > 0).unwrap_or(parts.len() - 1);
    // The two largest units; the next smaller ones say nothing of interest.
    let shown = parts.iter().skip(first).take(2).enumerate().filter(|(place, (number, _))| *place == 0 || *number > 0);
    shown.map(|(_, (number, unit))| format!("{number} {unit}")).collect::<Vec<_>>().join(" ")
}

/// Rows and NULLs are exact. Bounds of dates and integers are exact; others may be rounded by whoever wrote the log.
fn file_statistics(file: &DataFile) -> Statistics {
    let rows = file.rows.and_then(|rows| usize::try_from(rows).ok());
    Statistics {
        num_rows: rows.map_or(Precision::Absent, Precision::Exact),
        total_byte_size: usize::try_from(file.size).map_or(Precision::Absent, Precision::Inexact),
        column_statistics: file.columns.iter().map(column_statistics).collect(),
    }
}

fn column_statistics(column: &ColumnStatistics) -> PlanColumnStatistics {
    let nulls = column.nulls.and_then(|nulls| usize::try_from(nulls).ok());
    PlanColumnStatistics {
        null_count: nulls.map_or(Precision::Absent, Precision::Exact),
        min_value: bound(column.min.as_ref()),
        max_value: bound(column.max.as_ref()),
        ..PlanColumnStatistics::new_unknown()
    }
}

fn bound(value: Option<&StatisticValue>) -> Precision<ScalarValue> {
    match value {
        None => Precision::Absent,
        Some(StatisticValue::Integer(number)) => Precision::Exact(ScalarValue::Int64(Some(*number))),
        Some(StatisticValue::Date(days)) => Precision::Exact(ScalarValue::Date32(Some(*days))),
        Some(StatisticValue::Text(text)) => Precision::Inexact(ScalarValue::Utf8(Some(text.clone()))),
        Some(StatisticValue::Double(number)) => Precision::Inexact(ScalarValue::Float64(Some(*number))),
        Some(StatisticValue::Instant(micros)) => {
            Precision::Inexact(ScalarValue::TimestampMicrosecond(Some(*micros), Some("UTC".into())))
        }
    }
}

#[async_trait]
impl TableProvider for RefreshingTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let context = QueryContext::of(state);
        let taken = context.snapshots.once(self.freshness.dataset, context.as_of, self.snapshot(&context));
        let snapshot = taken.await?.filter(|snapshot| !snapshot.files.is_empty());
        let Some(snapshot) = snapshot else {
            let schema = datafusion::common::project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        // A limit below an inexact filter would cut rows that pass it.
        let limit = limit.filter(|_| filters.is_empty());
        self.scan_snapshot(state, &snapshot, projection, limit)
    }
}

fn storage_error(error: LakeError) -> DataFusionError {
    let kind =
        if matches!(error, LakeError::Forgotten { .. }) { ErrorKind::InvalidParameter } else { ErrorKind::Storage };
    DataFusionError::External(Box::new(QueryError::new(kind, error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_days_at_most() {
        let cases =
            [(0, "0 s"), (59, "59 s"), (1_205, "20 m 5 s"), (3_600, "1 h"), (3_605, "1 h"), (97_200, "1 d 3 h")];
        for (seconds, words) in cases {
            assert_eq!(in_words(seconds), words);
        }
        assert_eq!(in_words(31 * 86_400), "31 d");
    }
}
