//! Scans from memory in the order of the key, in parts that are ranges of keys.
//!
//! Rows of one key lie in the files of many years. Here they come one after the other, and each key in one part alone, so
//! that what groups by the key or looks at its rows in their order is planned without a sort and without an exchange
//! between threads. Files that are not wholly in memory are scanned as Parquet, file by file.

use super::bounds::ALL;
use super::parquet::statistics_of;
use super::resident_scan::{RunEnds, bounds_of, keeps_ends, values_of};
use crate::lake::Snapshot;
use crate::lake::dataset::Dataset;
use crate::resident::{KeyOrder, Keys, OfEachKey, Piece, Residents, RunEnd};
use arrow::array::UInt32Array;
use arrow::compute::{SortOptions, take};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::Session;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, ScalarValue, Statistics};
use datafusion::datasource::source::{DataSource, DataSourceExec};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::utils::conjunction;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr, RangePartitioning, SplitPoint,
    expressions,
};
use datafusion::physical_expr_common::physical_expr::snapshot_physical_expr;
use datafusion::physical_plan::filter_pushdown::{FilterPushdownPropagation, PushedDown};
use datafusion::physical_plan::metrics::{BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, SortOrderPushdownResult};
use std::fmt;
use std::sync::Arc;

/// Rows for which one more part is worth a thread.
const PART_ROWS_MIN: usize = 1 << 13;

/// The metric that counts parts which were read to their end.
const PARTS_READ: &str = "parts_read";

/// A scan of the snapshot's rows in the order of its key; `None` where the key's first column is not wanted, or something
/// is not in memory.
///
/// # Errors
/// Columns that are not the dataset's.
pub(crate) fn scan(
    residents: &Residents,
    snapshot: &Snapshot,
    state: &dyn Session,
    projection: Option<&Vec<usize>>,
    limit: Option<usize>,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let dataset = &snapshot.dataset;
    let columns: Vec<usize> = match projection {
        Some(columns) => columns.clone(),
        None => (0..dataset.schema.fields().len()).collect(),
    };
    let first = dataset.key.first().and_then(|key| dataset.schema.index_of(key).ok());
    if !first.is_some_and(|first| columns.contains(&first)) {
        return Ok(None);
    }
    let Some(order) = residents.in_key_order(snapshot, &columns) else { return Ok(None) };
    let schema = Arc::new(dataset.schema.project(&columns)?);
    let parts = (order.rows() / PART_ROWS_MIN).clamp(1, state.config().target_partitions().max(1));
    let statistics = statistics_of(snapshot, &dataset.schema).project(Some(&columns));
    let source = OrderedSource::new(dataset.clone(), order, parts, schema, statistics)?;
    Ok(Some(DataSourceExec::from_data_source(OrderedSource { fetch: limit, ..source })))
}

/// The scan that gives no more than the ends of each key's rows, where it can tell them; `None` where the plan is no such
/// scan, or its filter tells rows of one key apart.
pub(super) fn with_run_ends(
    scan: &Arc<dyn ExecutionPlan>,
    first: usize,
    second: Option<usize>,
    ends: RunEnds,
) -> Option<Arc<dyn ExecutionPlan>> {
    let exec = scan.downcast_ref::<DataSourceExec>()?;
    let source = exec.data_source().downcast_ref::<OrderedSource>()?;
    let is_key = |place: usize, key: usize| {
        source.schema.fields().get(place).map(|field| field.name().as_str()) == source.key(key)
    };
    let in_order = ends.end == RunEnd::Any && ends.bounds == ALL || source.order.knows_second();
    if !is_key(first, 0) || second.is_some_and(|second| !is_key(second, 1)) || !in_order || source.fetch.is_some() {
        return None;
    }
    if !keeps_ends(source.filter.as_ref(), (first, second), &ends, &source.schema) {
        return None;
    }
    let source = OrderedSource { ends: Some(ends), ..source.clone() };
    Some(Arc::new(exec.clone().with_data_source(Arc::new(source))))
}

/// Rows of a version in memory, in the order of its key.
#[derive(Debug, Clone)]
pub(crate) struct OrderedSource {
    dataset: Arc<Dataset>,
    order: Arc<KeyOrder>,
    /// The first key of each part but the first.
    splits: Vec<String>,
    schema: SchemaRef,
    statistics: Statistics,
    properties: EquivalenceProperties,
    partitioning: Partitioning,
    /// Conditions on the rows, which are used to leave out keys and what is beyond their bounds; whoever set them looks at
    /// each row.
    filter: Option<Arc<dyn PhysicalExpr>>,
    /// The rows of each key that are wanted; `None` for all.
    ends: Option<RunEnds>,
    /// Whether the last key comes first.
    last_key_first: bool,
    /// Whether the last row of each key comes first.
    last_row_first: bool,
    fetch: Option<usize>,
    metrics: ExecutionPlanMetricsSet,
}

impl OrderedSource {
    fn new(
        dataset: Arc<Dataset>,
        order: KeyOrder,
        parts: usize,
        schema: SchemaRef,
        statistics: Statistics,
    ) -> Result<Self> {
        let splits = order.splits(parts);
        let known = if order.is_whole() { dataset.key.len() } else { 1 };
        let column = |name: &&str| expressions::col(name, &schema).ok();
        let ascending = |column| PhysicalSortExpr::new(column, SortOptions::default());
        let by_key =
            |columns: usize| LexOrdering::new(dataset.key.iter().take(columns).map_while(column).map(ascending));
        let properties = EquivalenceProperties::new_with_orderings(schema.clone(), by_key(known));
        let partitioning = match by_key(1).filter(|_| !splits.is_empty()) {
            Some(first) => {
                let point = |split: &String| SplitPoint::new(vec![ScalarValue::Utf8(Some(split.clone()))]);
                Partitioning::Range(RangePartitioning::try_new(first, splits.iter().map(point).collect())?)
            }
            None => Partitioning::UnknownPartitioning(splits.len() + 1),
        };
        let (order, filter, ends, fetch, metrics) = (Arc::new(order), None, None, None, Default::default());
        let (last_key_first, last_row_first) = (false, false);
        Ok(Self {
            dataset,
            order,
            splits,
            schema,
            statistics,
            properties,
            partitioning,
            filter,
            ends,
            last_key_first,
            last_row_first,
            fetch,
            metrics,
        })
    }

    /// The dataset whose rows they are.
    pub(crate) fn dataset(&self) -> &'static str {
        self.dataset.name
    }

    /// The parts that were read to their end, and all of them.
    pub(super) fn parts_read(&self) -> (usize, usize) {
        let read = self.metrics.clone_inner().sum_by_name(PARTS_READ);
        (read.map_or(0, |parts| parts.as_usize()), self.splits.len() + 1)
    }

    /// The name of a column of the key, by its place there.
    fn key(&self, place: usize) -> Option<&'static str> {
        self.dataset.key.get(place).copied()
    }

    /// The keys of a part, of which the filter as it now is leaves out none.
    fn keys(&self, part: usize) -> Result<Keys> {
        let split = |place: Option<usize>| place.and_then(|place| self.splits.get(place)).map(String::as_str);
        let filter = self.filter.clone().map(snapshot_physical_expr).transpose()?;
        let named = filter.as_ref().zip(self.key(0)).and_then(|(filter, first)| values_of(filter, first));
        let second = self.key(1).and_then(|second| self.schema.index_of(second).ok());
        let by_filter = filter.as_ref().zip(second).map(|(filter, second)| bounds_of(filter, second, &self.schema));
        let bounds = match &self.ends {
            Some(ends) if ends.bounds != ALL => ends.bounds,
            // What the filter leaves out may not change which row is the last of a key.
            Some(_) => ALL,
            None => by_filter.unwrap_or(ALL),
        };
        let ends = self.ends.map(|ends| (ends.count, ends.end));
        let between = (split(part.checked_sub(1)), split(Some(part)));
        let (last_key_first, last_row_first) = (self.last_key_first, self.last_row_first);
        let wanted = OfEachKey { last_key_first, last_row_first, bounds, ends };
        Ok(self.order.keys(between, named.map(|named| named.into_iter().collect()), wanted))
    }
}

impl fmt::Display for OrderedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in the order of its key, parts={}", self.dataset.name, self.splits.len() + 1)?;
        if let Some(filter) = &self.filter {
            write!(f, ", bounded by {filter}")?;
        }
        if let Some(ends) = &self.ends {
            write!(f, ", {} rows of each key", ends.count)?;
        }
        if self.last_key_first {
            write!(f, ", last key first")?;
        }
        if self.last_row_first {
            write!(f, ", last row first")?;
        }
        Ok(())
    }
}

impl DataSource for OrderedSource {
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = Batches {
            source: self.clone(),
            part: partition,
            keys: None,
            waiting: Vec::new(),
            batch_rows: context.session_config().batch_size().max(1),
            left: self.fetch.unwrap_or(usize::MAX),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            parts_read: MetricBuilder::new(&self.metrics).counter(PARTS_READ, partition),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(batches))))
    }

    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn output_partitioning(&self) -> Partitioning {
        self.partitioning.clone()
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        self.properties.clone()
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let cut = self.filter.is_some() || self.ends.is_some() || self.fetch.is_some();
        let whole = if cut { self.statistics.clone().to_inexact() } else { self.statistics.clone() };
        if partition.is_none() || self.splits.is_empty() {
            return Ok(Arc::new(whole));
        }
        let share = |number: Precision<usize>| match number.get_value() {
            Some(number) => Precision::Inexact(number / (self.splits.len() + 1)),
            None => Precision::Absent,
        };
        Ok(Arc::new(Statistics {
            num_rows: share(whole.num_rows),
            total_byte_size: share(whole.total_byte_size),
            ..Statistics::new_unknown(&self.schema)
        }))
    }

    fn with_fetch(&self, fetch: Option<usize>) -> Option<Arc<dyn DataSource>> {
        Some(Arc::new(Self { fetch, ..self.clone() }))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    fn metrics(&self) -> ExecutionPlanMetricsSet {
        self.metrics.clone()
    }

    fn try_swapping_with_projection(&self, _: &ProjectionExprs) -> Result<Option<Arc<dyn DataSource>>> {
        Ok(None)
    }

    /// Keys from the last to the first, and rows of each from the last to the first, where the rows of a key are in the
    /// order of all of it. A key's columns have no NULLs.
    fn try_pushdown_sort(&self, order: &[PhysicalSortExpr]) -> Result<SortOrderPushdownResult<Arc<dyn DataSource>>> {
        let is_key = |(place, part): (usize, &PhysicalSortExpr)| {
            let column = part.expr.downcast_ref::<expressions::Column>();
            column.map(expressions::Column::name).is_some_and(|name| self.key(place) == Some(name))
        };
        let known = if self.order.is_whole() && self.order.knows_second() { 2 } else { 1 };
        let (Some(ordering), true) = (LexOrdering::new(order.to_vec()), order.len() <= known) else {
            return Ok(SortOrderPushdownResult::Unsupported);
        };
        if self.fetch.is_some() || !order.iter().enumerate().all(is_key) {
            return Ok(SortOrderPushdownResult::Unsupported);
        }
        let descends = |place: usize| order.get(place).is_some_and(|part| part.options.descending);
        let properties = EquivalenceProperties::new_with_orderings(self.schema.clone(), [ordering]);
        let (last_key_first, last_row_first) = (descends(0), descends(1));
        let inner: Arc<dyn DataSource> = Arc::new(Self { last_key_first, last_row_first, properties, ..self.clone() });
        Ok(SortOrderPushdownResult::Exact { inner })
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn DataSource>>> {
        let answers = vec![PushedDown::No; filters.len()];
        // Rows that are counted already may not be chosen by conditions of those above.
        if filters.is_empty() || self.fetch.is_some() {
            return Ok(FilterPushdownPropagation::with_parent_pushdown_result(answers));
        }
        let filter = conjunction(self.filter.iter().cloned().chain(filters));
        let source: Arc<dyn DataSource> = Arc::new(Self { filter: Some(filter), ..self.clone() });
        Ok(FilterPushdownPropagation::with_parent_pushdown_result(answers).with_updated_node(source))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.filter.as_ref().map_or(Ok(TreeNodeRecursion::Continue), f)
    }
}

/// The rows of a part, a batch at a time. Its filter is looked at when the first is asked for: what a join or a Top-K
/// has learned of it by then counts.
struct Batches {
    source: OrderedSource,
    part: usize,
    keys: Option<Keys>,
    /// Pieces that are still to be copied.
    waiting: Vec<Piece>,
    batch_rows: usize,
    /// Rows that are still wanted.
    left: usize,
    metrics: BaselineMetrics,
    parts_read: Count,
}

impl Batches {
    /// Pieces of the next batch, none at the end.
    fn pieces(&mut self) -> Result<Vec<Piece>> {
        let keys = match &mut self.keys {
            Some(keys) => keys,
            None => self.keys.insert(self.source.keys(self.part)?),
        };
        let backwards = self.source.last_row_first;
        let wanted = self.batch_rows.min(self.left);
        let (mut pieces, mut rows): (Vec<Piece>, usize) = (Vec::new(), 0);
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        while rows < wanted {
            let Some(mut piece) = waiting.next() else {
                let mut of_key = Vec::new();
                if !keys.next_into(&mut of_key) {
                    break;
                }
                waiting = of_key.into_iter();
                continue;
            };
            let taken = piece.take(wanted - rows, backwards);
            rows += taken.len();
            if backwards || !pieces.last_mut().is_some_and(|last| last.join(&taken)) {
                pieces.push(taken);
            }
            if !piece.is_empty() {
                self.waiting.push(piece);
            }
        }
        self.waiting.extend(waiting);
        self.left -= rows;
        Ok(pieces)
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        let pieces = self.pieces()?;
        if pieces.is_empty() {
            return Ok(None);
        }
        let rows = pieces.iter().map(Piece::len).sum();
        let turned = self.source.last_row_first.then(|| turned_round(&pieces));
        let column = |place: usize| {
            let values = self.source.order.column(place, &pieces)?;
            turned.as_ref().map_or(Ok(values.clone()), |rows| take(&values, rows, None))
        };
        let columns = (0..self.source.schema.fields().len()).map(column).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(Some(RecordBatch::try_new_with_options(self.source.schema.clone(), columns, &options)?))
    }
}

/// The places of rows that turn each piece round.
fn turned_round(pieces: &[Piece]) -> UInt32Array {
    let mut places = Vec::new();
    let mut begin = 0;
    for piece in pieces {
        let end = begin + u32::try_from(piece.len()).unwrap_or(u32::MAX);
        places.extend((begin..end).rev());
        begin = end;
    }
    UInt32Array::from(places)
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let computing = self.metrics.elapsed_compute().clone();
        let _timer = computing.timer();
        let Some(batch) = self.batch().transpose() else {
            self.parts_read.add(1);
            return None;
        };
        if let Ok(batch) = &batch {
            self.metrics.output_rows().add(batch.num_rows());
        }
        Some(batch)
    }
}
