//! One version of a dataset as a plain Parquet scan: with statistics, and with the files' order where it holds.

use super::file_reader::FileReaders;
use crate::lake::{ColumnStatistics, DataFile, Snapshot, StatisticValue, StoredFile};
use arrow::compute::SortOptions;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics as PlanColumnStatistics, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileGroupPartitioner, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::expressions::Column;
use object_store::ObjectMeta;
use std::sync::Arc;

/// Files that are still read one per group, which keeps their order. A history has more: each group is a task.
const ORDERED_FILES_MAX: usize = 64;

/// A part of one version of a dataset. The parts of a version are disjoint and together whole, whoever reads them and
/// when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPart {
    /// Name of the dataset.
    pub dataset: String,
    /// Version of its Delta table that the part is of.
    pub version: u64,
    /// Number of the part, from 0.
    pub index: u32,
    /// Number of parts that the version is divided into.
    pub count: u32,
}

/// A scan of the snapshot's files, which must not be none.
pub(crate) fn scan_snapshot(
    state: &dyn Session,
    store_url: &ObjectStoreUrl,
    snapshot: &Snapshot,
    projection: Option<&Vec<usize>>,
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = &snapshot.dataset.schema;
    let source = source(state, store_url, schema)?;
    let ordering = ordering(snapshot).filter(|_| snapshot.files.len() <= ORDERED_FILES_MAX);
    let files = snapshot.files.iter().map(|file| partitioned_file(snapshot, file, &ordering));
    let groups = match ordering {
        Some(_) => files.map(|file| FileGroup::new(vec![file])).collect(),
        None => FileGroup::new(files.collect()).split_files(state.config().target_partitions().max(1)),
    };
    let mut config = FileScanConfigBuilder::new(store_url.clone(), Arc::new(source))
        .with_file_groups(groups)
        .with_statistics(statistics_of(snapshot, schema))
        .with_projection_indices(projection.cloned())?
        .with_limit(limit);
    if let Some(ordering) = ordering {
        config = config.with_output_ordering(vec![ordering]);
    }
    Ok(DataSourceExec::from_data_source(config.build()))
}

/// A scan of one part of a snapshot. Parts are ranges of bytes over all files in their order, so that they depend on
/// the version alone.
pub(crate) fn scan_part(
    state: &dyn Session,
    store_url: &ObjectStoreUrl,
    snapshot: &Snapshot,
    projection: Option<&Vec<usize>>,
    part: &ScanPart,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = &snapshot.dataset.schema;
    let files = FileGroup::new(snapshot.files.iter().map(|file| partitioned_file(snapshot, file, &None)).collect());
    let count = usize::try_from(part.count.max(1)).unwrap_or(usize::MAX);
    let parts = FileGroupPartitioner::new()
        .with_target_partitions(count)
        .with_repartition_file_min_size(1)
        .repartition_file_groups(std::slice::from_ref(&files))
        .unwrap_or_else(|| vec![files]);
    let Some(group) = usize::try_from(part.index).ok().and_then(|index| parts.into_iter().nth(index)) else {
        return Ok(Arc::new(EmptyExec::new(datafusion::common::project_schema(schema, projection)?)));
    };
    let config = FileScanConfigBuilder::new(store_url.clone(), Arc::new(source(state, store_url, schema)?))
        .with_file_groups(vec![group])
        .with_projection_indices(projection.cloned())?;
    Ok(DataSourceExec::from_data_source(config.build()))
}

/// The Parquet source of all scans: with bloom filters, page indexes, footers cached in the runtime, and every byte that is
/// read checked against the digests of its file.
fn source(state: &dyn Session, store_url: &ObjectStoreUrl, schema: &SchemaRef) -> Result<ParquetSource> {
    let store = state.runtime_env().object_store(store_url)?;
    let footers = state.runtime_env().cache_manager.get_file_metadata_cache();
    Ok(ParquetSource::new(schema.clone())
        .with_parquet_file_reader_factory(Arc::new(FileReaders::new(store, footers)))
        .with_bloom_filter_on_read(true)
        .with_enable_page_index(true))
}

/// A file of the snapshot for DataFusion's scan, with its statistics and, where it holds, its order.
fn partitioned_file(snapshot: &Snapshot, file: &DataFile, ordering: &Option<LexOrdering>) -> PartitionedFile {
    PartitionedFile::new_from_meta(ObjectMeta {
        location: file.path.clone(),
        last_modified: file.modified_at,
        size: file.size,
        e_tag: None,
        version: None,
    })
    .with_statistics(Arc::new(file_statistics(file)))
    .with_ordering(ordering.clone())
    .with_extension(StoredFile::new(snapshot.dataset.name, file))
}

/// Every file is sorted by the dataset's key.
fn ordering(snapshot: &Snapshot) -> Option<LexOrdering> {
    let keys = snapshot.dataset.key.iter().filter_map(|key| {
        let column = Column::new_with_schema(key, &snapshot.dataset.schema).ok()?;
        Some(PhysicalSortExpr::new(Arc::new(column), SortOptions::default()))
    });
    LexOrdering::new(keys)
}

/// Statistics of all files together; unknown when they cannot be merged.
pub(super) fn statistics_of(snapshot: &Snapshot, schema: &Schema) -> Statistics {
    let files: Vec<Statistics> = snapshot.files.iter().map(file_statistics).collect();
    Statistics::try_merge_iter(files.iter(), schema).unwrap_or_else(|_| Statistics::new_unknown(schema))
}

/// Rows and bytes of a version, as an estimate of another one.
pub(crate) fn estimate(snapshot: &Snapshot, schema: &Schema) -> Statistics {
    let size = |number: Option<u64>| match number.and_then(|number| usize::try_from(number).ok()) {
        Some(number) => Precision::Inexact(number),
        None => Precision::Absent,
    };
    Statistics {
        num_rows: size(snapshot.rows()),
        total_byte_size: size(Some(snapshot.bytes())),
        ..Statistics::new_unknown(schema)
    }
}

/// Rows and NULLs are exact. Bounds of dates and integers are exact; others may have been rounded by the writer of the
/// Delta log.
fn file_statistics(file: &DataFile) -> Statistics {
    let rows = file.rows.and_then(|rows| usize::try_from(rows).ok());
    Statistics {
        num_rows: rows.map_or(Precision::Absent, Precision::Exact),
        total_byte_size: usize::try_from(file.size).map_or(Precision::Absent, Precision::Inexact),
        column_statistics: file.columns.iter().map(column_statistics).collect(),
    }
}

/// NULLs and bounds of one column of a file, as DataFusion wants them.
fn column_statistics(column: &ColumnStatistics) -> PlanColumnStatistics {
    let nulls = column.nulls.and_then(|nulls| usize::try_from(nulls).ok());
    PlanColumnStatistics {
        null_count: nulls.map_or(Precision::Absent, Precision::Exact),
        min_value: bound(column.min.as_ref()),
        max_value: bound(column.max.as_ref()),
        ..PlanColumnStatistics::new_unknown()
    }
}

/// A bound from the Delta log: exact for integers and dates, inexact for text, doubles and instants, which may have
/// been rounded or cut off.
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
