//! Scans whose columns are in memory: the last local step of physical planning.
//!
//! A scan of the lake is planned as plain Parquet, with its files, ranges, order and filters. [`seated`] then has the
//! scan look for the columns of each file in memory before it opens it. What is planned stays as it was; a file of
//! which something is missing is read as before.

use super::bounds::{ALL, Bounds, narrow, number};
use crate::lake::StoredFile;
use crate::resident::{KeyIndex, Residents, Rows, RunEnd, copied};
use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileOpener, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::projection::{ProjectionExprs, Projector};
use datafusion::physical_expr::utils::{Guarantee, LiteralGuarantee, collect_columns, split_conjunction};
use datafusion::physical_expr::{PhysicalExpr, expressions};
use datafusion::physical_expr_common::physical_expr::snapshot_physical_expr;
use datafusion::physical_optimizer::pruning::FilePruner;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet};
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan};
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::ObjectStore;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The scan with its columns from memory where they are there, if it is one of the lake's.
pub(super) fn seated(plan: &Arc<dyn ExecutionPlan>, residents: &Arc<Residents>) -> Option<Arc<dyn ExecutionPlan>> {
    let exec = plan.downcast_ref::<DataSourceExec>()?;
    let config = exec.data_source().downcast_ref::<FileScanConfig>()?;
    config.file_source.downcast_ref::<ParquetSource>()?;
    let source = ResidentSource {
        inner: config.file_source.clone(),
        residents: residents.clone(),
        ends: None,
        batch_rows: ROWS_MIN,
    };
    let config = FileScanConfigBuilder::from(config.clone()).with_source(Arc::new(source)).build();
    Some(Arc::new(exec.clone().with_data_source(Arc::new(config))))
}

/// A scan from memory that gives no more than the ends of each key's rows, where it can tell them; `None` where the plan
/// is no such scan, or its filter tells rows of one key apart.
pub(super) fn with_run_ends(
    scan: &Arc<dyn ExecutionPlan>,
    first: usize,
    second: Option<usize>,
    ends: RunEnds,
) -> Option<Arc<dyn ExecutionPlan>> {
    let exec = scan.downcast_ref::<DataSourceExec>()?;
    let config = exec.data_source().downcast_ref::<FileScanConfig>()?;
    let source = config.file_source.downcast_ref::<ResidentSource>()?;
    let stored = config.file_groups.iter().flat_map(|group| group.iter()).next()?.extension::<StoredFile>()?.clone();
    let dataset = crate::lake::dataset::find(stored.table())?;
    let projection = source.projection()?;
    let in_table = |place: usize| {
        let expr = projection.expr_iter().nth(place)?;
        expr.downcast_ref::<expressions::Column>().map(expressions::Column::index)
    };
    let is_key = |place: usize, key: usize| {
        let name = dataset.key.get(key)?;
        (dataset.schema.index_of(name).ok()? == in_table(place)?).then_some(())
    };
    is_key(first, 0)?;
    let second_in_table = match second {
        Some(second) => {
            is_key(second, 1)?;
            in_table(second)
        }
        None => None,
    };
    let first_in_table = in_table(first)?;
    let key = (first_in_table, second_in_table);
    if config.limit.is_some() || !keeps_ends(source.filter().as_ref(), key, &ends, &dataset.schema) {
        return None;
    }
    let source = ResidentSource { ends: Some(ends), ..source.clone() };
    let config = FileScanConfigBuilder::from(config.clone()).with_source(Arc::new(source)).build();
    Some(Arc::new(exec.clone().with_data_source(Arc::new(config))))
}

/// Whether a filter leaves the ends of each key's rows what they are: it tells no rows of one key apart, but for the bounds
/// that the ends keep to. `key` has the places of the key's first and second column.
pub(super) fn keeps_ends(
    filter: Option<&Arc<dyn PhysicalExpr>>,
    key: (usize, Option<usize>),
    ends: &RunEnds,
    schema: &Schema,
) -> bool {
    let harmless = |part: &Arc<dyn PhysicalExpr>| {
        let by_key_alone = collect_columns(part).iter().all(|column| column.index() == key.0);
        let within = |place| ends.bounds != ALL && compared(part, place, schema).is_some();
        by_key_alone || key.1.is_some_and(within)
    };
    filter.into_iter().flat_map(split_conjunction).all(harmless)
}

/// How many rows of each key are wanted, and from which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunEnds {
    /// Rows of each key.
    pub(super) count: usize,
    /// From which end of its rows.
    pub(super) end: RunEnd,
    /// Bounds of the key's second column, beyond which no row is wanted.
    pub(super) bounds: Bounds,
}

/// A Parquet source that opens no file whose columns are in memory.
#[derive(Clone)]
struct ResidentSource {
    /// The Parquet source that was planned.
    inner: Arc<dyn FileSource>,
    residents: Arc<Residents>,
    /// The rows of each key that are wanted; `None` for all.
    ends: Option<RunEnds>,
    batch_rows: usize,
}

impl fmt::Debug for ResidentSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResidentSource").field("of", &self.inner.file_type()).finish_non_exhaustive()
    }
}

impl FileSource for ResidentSource {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        self.inner.create_file_opener(store, config, partition)
    }

    fn create_morselizer(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        let parquet = self.inner.create_morselizer(store, config, partition)?;
        let schema = self.table_schema().table_schema();
        let Some(projection) = self.projection() else { return Ok(parquet) };
        let projection = Projection::of(projection, schema)?;
        let filter = self.filter();
        let (residents, schema) = (self.residents.clone(), schema.clone());
        let (projection, ends, batch_rows) = (Arc::new(projection), self.ends, self.batch_rows);
        Ok(Box::new(ResidentMorselizer { parquet, residents, schema, projection, filter, ends, batch_rows }))
    }

    fn table_schema(&self) -> &TableSchema {
        self.inner.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Arc::new(Self {
            inner: self.inner.with_batch_size(batch_size),
            batch_rows: batch_size.max(ROWS_MIN),
            ..self.clone()
        })
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.inner.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.inner.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.inner.metrics()
    }

    fn file_type(&self) -> &str {
        self.inner.file_type()
    }

    fn fmt_extra(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_extra(t, f)
    }

    fn supports_repartitioning(&self) -> bool {
        self.inner.supports_repartitioning()
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.inner.reorder_files(files)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.inner.apply_expressions(f)
    }
}

/// What a scan makes of the columns of its table.
#[derive(Debug)]
struct Projection {
    /// Places of the columns that are read, in the table's schema.
    columns: Vec<usize>,
    /// The columns that are read, as the projector takes them.
    input: SchemaRef,
    /// Makes the scan's columns of those; `None` where they are those.
    projector: Option<Projector>,
}

impl Projection {
    fn of(wanted: &ProjectionExprs, schema: &SchemaRef) -> Result<Self> {
        let plain = wanted.expr_iter().map(|expr| {
            let column = expr.downcast_ref::<expressions::Column>()?;
            Some(column.index())
        });
        if let Some(columns) = plain.collect::<Option<Vec<_>>>() {
            return Ok(Self { columns, input: Arc::new(wanted.project_schema(schema)?), projector: None });
        }
        let columns = wanted.column_indices();
        let input: SchemaRef = Arc::new(schema.project(&columns)?);
        let moved = wanted.clone().try_map_exprs(|expr| {
            let moved = |expr: Arc<dyn PhysicalExpr>| match expr.downcast_ref::<expressions::Column>() {
                Some(column) => Ok(Transformed::yes(expressions::col(column.name(), &input)?)),
                None => Ok(Transformed::no(expr)),
            };
            expr.transform_up(moved).data()
        })?;
        let projector = moved.make_projector(&input)?;
        Ok(Self { columns, input, projector: Some(projector) })
    }

    /// Some rows of a file as the scan gives them.
    fn batch(&self, columns: &[ArrayRef], piece: &Piece) -> Result<RecordBatch> {
        let (columns, count) = match piece {
            Piece::Range(rows) => {
                (columns.iter().map(|column| copied(column, rows)).collect::<Result<_, _>>()?, rows.len())
            }
            Piece::Rows(rows) => {
                let places = UInt32Array::from(rows.clone());
                let taken = columns.iter().map(|column| take(column, &places, None)).collect::<Result<_, _>>()?;
                (taken, rows.len())
            }
        };
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(self.input.clone(), columns, &options)?;
        match &self.projector {
            Some(projector) => projector.project_batch(&batch),
            None => Ok(batch),
        }
    }
}

/// Gives the rows of files from memory, and leaves the others to Parquet.
struct ResidentMorselizer {
    parquet: Box<dyn Morselizer>,
    residents: Arc<Residents>,
    schema: SchemaRef,
    projection: Arc<Projection>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    ends: Option<RunEnds>,
    batch_rows: usize,
}

impl fmt::Debug for ResidentMorselizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResidentMorselizer").field("parquet", &self.parquet).finish_non_exhaustive()
    }
}

impl ResidentMorselizer {
    /// Whether the filter says that no row of a file is wanted.
    fn is_pruned(&self, file: &PartitionedFile) -> Result<bool> {
        let Some(filter) = &self.filter else { return Ok(false) };
        match FilePruner::try_new(filter.clone(), &self.schema, file, Count::new()) {
            Some(mut pruner) => pruner.should_prune(),
            None => Ok(false),
        }
    }

    /// The rows of a file that the scan wants, when all columns of them are in memory.
    fn in_memory(&self, file: &PartitionedFile) -> Result<Option<RowsInMemory>> {
        let Some(stored) = file.extension::<StoredFile>() else { return Ok(None) };
        if self.is_pruned(file)? {
            return Ok(None);
        }
        let Some(rows) = self.residents.file(stored, &self.projection.columns) else { return Ok(None) };
        let mut ranges: Vec<Range<usize>> = match &file.range {
            None => std::iter::once(0..rows.count).collect(),
            Some(bytes) => {
                let within = |offset: u64| i64::try_from(offset).is_ok_and(|at| bytes.start <= at && at < bytes.end);
                joined(rows.parts.iter().filter(|part| within(part.offset)).map(|part| part.rows.clone()))
            }
        };
        if let (Some(filter), Some(index)) = (&self.filter, &rows.index)
            && let Some(wanted) = wanted_rows(filter, stored, index)?
        {
            ranges = common(&ranges, &wanted);
        }
        let ends = self
            .ends
            .zip(rows.index.as_ref())
            .and_then(|(ends, index)| index.run_ends(ends.count, ends.end, ends.bounds));
        if let Some(ends) = ends {
            ranges = common(&ranges, &ends);
        }
        let (projection, batch_rows) = (self.projection.clone(), self.batch_rows);
        Ok(Some(RowsInMemory { rows, ranges, projection, batch_rows }))
    }
}

impl Morselizer for ResidentMorselizer {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        match self.in_memory(&file)? {
            Some(rows) => Ok(Box::new(rows)),
            None => self.parquet.plan_file(file),
        }
    }
}

/// Ranges of a file's rows, in memory.
struct RowsInMemory {
    rows: Rows,
    ranges: Vec<Range<usize>>,
    projection: Arc<Projection>,
    /// Rows of a batch.
    batch_rows: usize,
}

impl fmt::Debug for RowsInMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowsInMemory").field("ranges", &self.ranges.len()).finish_non_exhaustive()
    }
}

impl MorselPlanner for RowsInMemory {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        Ok(Some(MorselPlan::new().with_morsels(vec![self])))
    }
}

/// Rows that are copied at once at least; DataFusion cuts them where a statement wants them one by one.
const ROWS_MIN: usize = 1024;

/// Neighbours that are too few for a batch of their own.
const SHORT_ROWS: usize = 256;

impl Morsel for RowsInMemory {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let Self { rows, ranges, projection, batch_rows } = *self;
        futures::stream::iter(
            pieces(ranges, batch_rows).into_iter().map(move |piece| projection.batch(&rows.columns, &piece)),
        )
        .boxed()
    }
}

/// Rows of a file that make one batch.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// Rows one after the other.
    Range(Range<usize>),
    /// Rows from many places.
    Rows(Vec<u32>),
}

/// Ranges of rows as batches: long ones cut, many short ones together.
fn pieces(ranges: Vec<Range<usize>>, batch_rows: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for range in ranges {
        if range.len() < SHORT_ROWS {
            let rows = range.filter_map(|row| u32::try_from(row).ok());
            match pieces.last_mut() {
                Some(Piece::Rows(together)) if together.len() + SHORT_ROWS <= batch_rows => together.extend(rows),
                _ => pieces.push(Piece::Rows(rows.collect())),
            }
            continue;
        }
        let starts = range.clone().step_by(batch_rows);
        pieces.extend(starts.map(|start| Piece::Range(start..range.end.min(start + batch_rows))));
    }
    pieces
}

/// Ranges in ascending order, those that touch as one.
fn joined(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges.filter(|range| !range.is_empty()) {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

/// Rows that are in both of two lists of ascending ranges.
fn common(one: &[Range<usize>], other: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut common = Vec::new();
    let (mut left, mut right) = (one.iter().peekable(), other.iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let both = a.start.max(b.start)..a.end.min(b.end);
        if !both.is_empty() {
            common.push(both);
        }
        if a.end <= b.end {
            left.next()
        } else {
            right.next()
        };
    }
    common
}

/// The rows of a file that can pass a filter, by the keys that it names; `None` where it names none.
fn wanted_rows(
    filter: &Arc<dyn PhysicalExpr>,
    stored: &StoredFile,
    index: &KeyIndex,
) -> Result<Option<Vec<Range<usize>>>> {
    let Some(dataset) = crate::lake::dataset::find(stored.table()) else { return Ok(None) };
    let Some(first) = dataset.key.first() else { return Ok(None) };
    let filter = snapshot_physical_expr(filter.clone())?;
    let Some(values) = values_of(&filter, first) else { return Ok(None) };
    let bounds = match dataset.key.get(1).and_then(|second| dataset.schema.index_of(second).ok()) {
        Some(second) => bounds_of(&filter, second, &dataset.schema),
        None => ALL,
    };
    let rows = values.iter().map(|value| index.within(index.rows_of(value), bounds));
    Ok(Some(joined(rows)))
}

/// The values that a text column has where a filter is true; `None` where the filter does not tell.
pub(super) fn values_of(filter: &Arc<dyn PhysicalExpr>, column: &str) -> Option<BTreeSet<String>> {
    let named = LiteralGuarantee::analyze(filter);
    let named = named.iter().filter(|one| one.column.name() == column && one.guarantee == Guarantee::In);
    let sets = named.map(|one| one.literals.iter().filter_map(|value| value.try_as_str()?.map(str::to_owned)));
    sets.map(|values| values.collect::<BTreeSet<_>>()).min_by_key(BTreeSet::len)
}

/// Bounds that a filter sets to a column, where both are written as numbers of the column's own type.
pub(super) fn bounds_of(filter: &Arc<dyn PhysicalExpr>, column: usize, schema: &Schema) -> Bounds {
    let mut bounds = ALL;
    for (operator, value) in split_conjunction(filter).into_iter().filter_map(|part| compared(part, column, schema)) {
        narrow(&mut bounds, Some(operator), value);
    }
    bounds
}

/// The comparison of a column with a constant of its type that a condition is.
pub(super) fn compared(part: &Arc<dyn PhysicalExpr>, column: usize, schema: &Schema) -> Option<(Operator, i64)> {
    let comparison = part.downcast_ref::<expressions::BinaryExpr>()?;
    let is_column = |expr: &Arc<dyn PhysicalExpr>| {
        expr.downcast_ref::<expressions::Column>().is_some_and(|found| found.index() == column)
    };
    let (operator, value) = match (is_column(comparison.left()), is_column(comparison.right())) {
        (true, false) => (*comparison.op(), comparison.right()),
        (false, true) => (comparison.op().swap()?, comparison.left()),
        _ => return None,
    };
    let orders = [Operator::Eq, Operator::Lt, Operator::LtEq, Operator::Gt, Operator::GtEq].contains(&operator);
    let value = value.downcast_ref::<expressions::Literal>().filter(|_| orders)?;
    Some((operator, number(value.value(), schema.field(column).data_type())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ranges_are_one_batch() {
        assert_eq!(
            pieces(vec![0..2, 7..8, 1_000..5_005, 100_000..100_001], 4_000),
            [
                Piece::Rows(vec![0, 1, 7]),
                Piece::Range(1_000..5_000),
                Piece::Range(5_000..5_005),
                Piece::Rows(vec![100_000]),
            ]
        );
    }

    #[test]
    fn ranges_are_joined_and_cut() {
        assert_eq!(joined([0..3, 3..5, 7..7, 8..9].into_iter()), [0..5, 8..9]);
        assert_eq!(common(&[0..4, 6..10], &[2..7, 9..20]), [2..4, 6..7, 9..10]);
        assert!(common(&[0..4, 5..6], &[]).is_empty());
    }
}
