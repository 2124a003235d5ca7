//! The history of live events as one DataFusion table: rows of the lake and rows of the spool's tail, each event once.
//!
//! A scan takes the blocks of the spool first and the lake's version after. What left the spool before was visible in
//! the lake by then; what is in both is taken from the lake, as the position in its version tells.

use super::context::QueryContext;
use super::lookup::RangedTable;
use crate::error::{ErrorKind, QueryError};
use crate::lake::{LakeTable, Scope, Snapshot};
use crate::live::spool::{Block, Uncommitted};
use crate::resident::{KeyRange, Residents, Wanted};
use crate::scan::key_lookup;
use crate::scan::lake_error::storage_error;
use crate::scan::parquet::{estimate, scan_snapshot};
use arrow::array::{Array, ArrayRef, AsArray, new_empty_array};
use arrow::compute::{SortColumn, concat_batches, interleave, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{Int64Type, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Statistics, internal_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use std::ops::RangeBounds;
use std::sync::Arc;

/// Events of the tail that a lookup goes through; of more, a scan is planned.
const TAIL_EVENTS_MAX: usize = 128 << 10;

/// The history of one kind of live event as a DataFusion table: the lake's rows and the tail of this process's spool.
#[derive(Debug)]
pub struct HistoryTable {
    table: Arc<LakeTable>,
    /// Where this process keeps it; `None` where another one does, and its newest events are not seen here.
    history: Option<Arc<dyn Uncommitted>>,
    store_url: ObjectStoreUrl,
    /// Columns in memory; `None` where nothing stays.
    residents: Option<Arc<Residents>>,
    schema: SchemaRef,
    /// The moment whose version is read, whatever the session reads.
    past: Option<DateTime<Utc>>,
}

impl HistoryTable {
    /// A table over a dataset; `store_url` is where its file paths are rooted.
    pub fn new(table: Arc<LakeTable>, history: Option<Arc<dyn Uncommitted>>, store_url: ObjectStoreUrl) -> Self {
        let schema = table.dataset().schema.clone();
        Self { table, history, store_url, residents: None, schema, past: None }
    }

    /// The same table, whose lookups look in memory first.
    pub fn with_residents(self, residents: Arc<Residents>) -> Self {
        Self { residents: Some(residents), ..self }
    }

    /// The dataset that it shows.
    pub(super) fn lake_table(&self) -> &Arc<LakeTable> {
        &self.table
    }

    /// The same table as it was at a moment.
    pub(super) fn at(&self, past: DateTime<Utc>) -> Self {
        let (table, store_url) = (self.table.clone(), self.store_url.clone());
        let (residents, schema) = (self.residents.clone(), self.schema.clone());
        Self { table, history: None, store_url, residents, schema, past: Some(past) }
    }
}

/// What a statement reads of a history.
struct HistoryParts {
    /// The blocks of the spool that the lake does not have, or not wholly.
    blocks: Vec<Arc<Block>>,
    /// The lake has the events up to this number.
    position: i64,
    /// The lake's version; `None` when it has none.
    snapshot: Option<Arc<Snapshot>>,
}

impl HistoryTable {
    /// The tail's blocks beyond the position in the lake's version, and that version. A moment of the past is a version of
    /// the lake alone; otherwise the tail is taken first: see above.
    async fn parts(&self, context: &QueryContext) -> Result<HistoryParts> {
        let as_of = self.past.or(context.as_of);
        let tail = self.history.as_ref().filter(|_| as_of.is_none()).and_then(|history| history.tail());
        let mut blocks = tail.as_ref().map(|tail| tail.blocks()).unwrap_or_default();
        let snapshot = match as_of {
            Some(at) => self.table.snapshot_at(at).await,
            None => self.table.latest().await,
        };
        let snapshot = snapshot.map_err(storage_error)?;
        let positions = snapshot.as_ref().map(|snapshot| &snapshot.positions);
        let position = tail.as_ref().and_then(|tail| positions?.get(tail.application()).copied()).unwrap_or(0);
        blocks.retain(|block| block.last() > position);
        let snapshot = snapshot.filter(|snapshot| !snapshot.files.is_empty());
        Ok(HistoryParts { blocks, position, snapshot })
    }

    /// Columns of the rows in some blocks that are within a key range and beyond a position; `None` where a block is on the
    /// disk alone.
    fn of_tail(
        &self,
        blocks: &[Arc<Block>],
        position: i64,
        range: &KeyRange<'_>,
        columns: &[usize],
    ) -> Result<Option<Vec<ArrayRef>>> {
        let (Ok(received_at), Ok(sequence)) = (self.schema.index_of("received_at"), self.schema.index_of("sequence"))
        else {
            return internal_err!("a history without received_at or sequence");
        };
        let (mut pieces, mut found) = (Vec::new(), Vec::new());
        for block in blocks {
            let piece = pieces.len();
            for symbol in range.first {
                let Some((rows, places)) = block.rows_of(symbol) else { return Ok(None) };
                if places.is_empty() {
                    continue;
                }
                let moments = rows.column(received_at).as_primitive::<TimestampMicrosecondType>().values();
                let numbers = rows.column(sequence).as_primitive::<Int64Type>().values();
                let within = |place: &usize| {
                    moments.get(*place).is_some_and(|moment| range.second.contains(moment))
                        && numbers.get(*place).is_some_and(|number| *number > position)
                };
                found.extend(places.iter().map(|place| *place as usize).filter(within).map(|place| (piece, place)));
                if pieces.len() == piece {
                    pieces.push(rows);
                }
            }
        }
        let gathered = |column: &usize| {
            let empty = || Ok(new_empty_array(self.schema.field(*column).data_type()));
            let pieces: Vec<&dyn Array> = pieces.iter().map(|rows| rows.column(*column).as_ref()).collect();
            if found.is_empty() { empty() } else { Ok(interleave(&pieces, &found)?) }
        };
        columns.iter().map(gathered).collect::<Result<_>>().map(Some)
    }
}

#[async_trait]
impl RangedTable for HistoryTable {
    fn key(&self) -> &[&'static str] {
        self.table.dataset().key
    }

    /// A history is as fresh as its feed.
    fn demand(&self, _: &[&str]) -> Option<(&'static str, Scope)> {
        None
    }

    async fn look_up(
        &self,
        context: &QueryContext,
        range: &KeyRange<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<RecordBatch>> {
        let Some(residents) = self.residents.as_ref().filter(|_| context.part.is_none()) else { return Ok(None) };
        let HistoryParts { blocks, position, snapshot } = self.parts(context).await?;
        let events: usize = blocks.iter().map(|block| block.count()).sum();
        if events > TAIL_EVENTS_MAX {
            return Ok(None);
        }
        if blocks.is_empty() {
            let Some(snapshot) = snapshot else { return Ok(Some(RecordBatch::new_empty(wanted.schema.clone()))) };
            return Ok(residents.rows_of(&snapshot, range, wanted).transpose()?);
        }
        // The columns of the key stand behind those that are wanted, to bring both parts into its order.
        let key = self.key().iter().map(|name| self.schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let columns = [wanted.columns, &key].concat();
        let schema = Arc::new(self.schema.project(&columns)?);
        let mut pieces = Vec::new();
        if let Some(snapshot) = snapshot {
            let wanted = Wanted { columns: &columns, schema: &schema, ..wanted.clone() };
            let Some(rows) = residents.rows_of(&snapshot, range, &wanted) else { return Ok(None) };
            pieces.push(rows?);
        }
        let Some(tail) = self.of_tail(&blocks, position, range, &columns)? else { return Ok(None) };
        pieces.push(RecordBatch::try_new(schema.clone(), tail)?);
        let rows = concat_batches(&schema, &pieces)?;
        if rows.num_rows() > wanted.most {
            return Ok(None);
        }
        let by = |place| SortColumn { values: rows.column(place).clone(), options: None };
        let order = lexsort_to_indices(&(wanted.columns.len()..columns.len()).map(by).collect::<Vec<_>>(), None)?;
        let places: Vec<usize> = (0..wanted.columns.len()).collect();
        let rows = take_record_batch(&rows.project(&places)?, &order)?;
        Ok(Some(rows.with_schema(wanted.schema.clone())?))
    }
}

#[async_trait]
impl TableProvider for HistoryTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Rows and bytes of the lake's latest version that this process knows, for the catalog.
    fn statistics(&self) -> Option<Statistics> {
        self.table.current().map(|snapshot| estimate(&snapshot, &self.schema))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    /// The tail's blocks beyond the position in the lake's version, and that version: a union of both. `as_of` reads
    /// the lake alone.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let HistoryParts { blocks, position, snapshot } = self.parts(&QueryContext::of(state)).await?;
        // A limit below an inexact filter would cut rows that pass it.
        let limit = limit.filter(|_| filters.is_empty());
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if let Some(snapshot) = snapshot {
            if filters.is_empty() {
                // Such a plan may be answered from the log alone.
                self.table.check_presence(&snapshot).await.map_err(storage_error)?;
            }
            let found = match &self.residents {
                Some(residents) => {
                    residents.follow(&snapshot);
                    key_lookup::scan(residents, &snapshot, projection, filters)?
                }
                None => None,
            };
            inputs.push(match found {
                Some(rows) => rows,
                None => scan_snapshot(state, &self.store_url, &snapshot, projection, limit)?,
            });
        }
        if !blocks.is_empty() {
            let tail = Arc::new(TailStream { blocks, position, schema: self.schema.clone() });
            let exec = StreamingTableExec::try_new(self.schema.clone(), vec![tail], projection, [], false, limit)?;
            inputs.push(Arc::new(exec));
        }
        match inputs.len() {
            0 => Ok(Arc::new(EmptyExec::new(datafusion::common::project_schema(&self.schema, projection)?))),
            1 => Ok(inputs.remove(0)),
            _ => UnionExec::try_new(inputs),
        }
    }
}

/// The rows of some blocks beyond a position, block by block.
#[derive(Debug)]
struct TailStream {
    blocks: Vec<Arc<Block>>,
    position: i64,
    schema: SchemaRef,
}

impl PartitionStream for TailStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Reads the blocks one by one, those that are not in memory from the disk, on the thread that polls the stream.
    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (blocks, position, schema) = (self.blocks.clone(), self.position, self.schema.clone());
        let batches = blocks.into_iter().map(move |block| block.rows_after(position, &schema).map_err(spool_error));
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(batches)))
    }
}

/// A failure of the spool as an error of the query, of kind Storage.
fn spool_error(error: crate::live::spool::SpoolError) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(ErrorKind::Storage, error.to_string())))
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
