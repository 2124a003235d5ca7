//! A temporary table as DataFusion sees it: it reads the rows that its session has when a statement begins to run.

use super::contents::{Column, Contents, Table};
use super::rows::Rows;
use crate::error::{ErrorKind, QueryError};
use arrow::array::{ArrayRef, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::stream;
use std::fmt;
use std::sync::Arc;

/// The contents that a session has now, as an extension of its configuration: plans outlive what they were made of.
pub(crate) struct Current(pub(crate) Box<dyn Fn() -> Contents + Send + Sync>);

/// Name of the column that numbers the rows of a table that a statement changes.
pub(crate) const ROW: &str = "\u{2}row";

/// A temporary table, by name and number.
#[derive(Debug)]
pub(crate) struct TemporaryTable {
    name: String,
    id: u64,
    /// Its columns, and at last [`ROW`] where rows are numbered.
    schema: SchemaRef,
    numbered: bool,
}

impl TemporaryTable {
    /// The table of a name; `numbered` adds the numbers of its rows as a column.
    pub(crate) fn new(name: &str, table: &Table, numbered: bool) -> Self {
        let field =
            |(column, field): (&Column, &Arc<Field>)| Arc::new(field.as_ref().clone().with_nullable(!column.required));
        let mut fields: Vec<Arc<Field>> = table.columns.iter().zip(table.schema.fields()).map(field).collect();
        if numbered {
            fields.push(Arc::new(Field::new(ROW, DataType::UInt64, false)));
        }
        Self { name: name.to_owned(), id: table.id, schema: Arc::new(Schema::new(fields)), numbered }
    }

    /// The name that its session knows it by.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The table as the session of a statement has it now.
    fn current(&self, session: &dyn Session) -> Result<Arc<Table>> {
        let current = session.config().get_extension::<Current>();
        let found = current.and_then(|current| (current.0)().table_of_id(self.id).cloned());
        found.ok_or_else(|| {
            let message = format!("relation \"{}\" does not exist", self.name);
            DataFusionError::External(Box::new(QueryError::new(ErrorKind::UnknownTable, message)))
        })
    }
}

#[async_trait]
impl TableProvider for TemporaryTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let table = self.current(session)?;
        let columns = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = Arc::new(self.schema.project(&columns)?);
        Ok(Arc::new(RowsExec::new(self.name.clone(), table.rows.clone(), columns, schema, self.numbered)))
    }
}

/// Gives the rows of a temporary table, in one partition and in order.
#[derive(Debug)]
struct RowsExec {
    name: String,
    rows: Rows,
    columns: Vec<usize>,
    schema: SchemaRef,
    numbered: bool,
    properties: Arc<PlanProperties>,
}

impl RowsExec {
    fn new(name: String, rows: Rows, columns: Vec<usize>, schema: SchemaRef, numbered: bool) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { name, rows, columns, schema, numbered, properties: Arc::new(properties) }
    }
}

impl DisplayAs for RowsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowsExec: {}", self.name)
    }
}

impl ExecutionPlan for RowsExec {
    fn name(&self) -> &'static str {
        "RowsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a temporary table has no inputs") }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn partition_statistics(&self, _: Option<usize>) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Exact(self.rows.count());
        statistics.total_byte_size = Precision::Inexact(self.rows.bytes());
        Ok(Arc::new(statistics))
    }

    /// The stream holds the rows, which stay counted until it ends.
    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let most = context.session_config().batch_size().max(1);
        let (rows, columns, schema, numbered) =
            (self.rows.clone(), self.columns.clone(), self.schema.clone(), self.numbered);
        let begin = (0, 0, 0_u64);
        let batches = stream::iter(std::iter::successors(Some((begin, None)), move |(place, _)| {
            let (mut index, mut offset, first) = *place;
            let mut batch = rows.batch(index)?;
            while offset >= batch.num_rows() {
                (index, offset) = (index + 1, 0);
                batch = rows.batch(index)?;
            }
            let many = most.min(batch.num_rows() - offset);
            let given = projected(&batch.slice(offset, many), &columns, &schema, numbered.then_some(first));
            Some(((index, offset + many, first + many as u64), Some(given)))
        }));
        let batches = futures::StreamExt::filter_map(batches, |(_, given)| futures::future::ready(given));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches)))
    }
}

/// Some columns of a batch; `first` is the number of its first row where rows are numbered.
fn projected(batch: &RecordBatch, columns: &[usize], schema: &SchemaRef, first: Option<u64>) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let column = |place: &usize| match (batch.columns().get(*place), first) {
        (Some(column), _) => column.clone(),
        (None, first) => {
            let first = first.unwrap_or_default();
            Arc::new(UInt64Array::from_iter_values(first..first + rows as u64)) as ArrayRef
        }
    };
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let columns = columns.iter().map(column).collect();
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
