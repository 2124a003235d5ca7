//! Asks the memory pool for the rows that an operator makes by repeating others, before it makes them: a join, UNNEST,
//! and an expression that holds the value of a subquery.
//!
//! DataFusion 55: joins cut their output by rows and not by bytes, and so does everything that writes a constant out
//! for each row of a batch: eight thousand rows beside an array of a million numbers are 64 GB at once, an allocation
//! that fails ends the process. Not needed once batches are cut by bytes: `hostile.rs` then passes without this file.

use super::value_size::{self, largest_row};
use super::wrapper::{OperatorWrapper, WrappedExec, with_each};
use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::scalar_subquery::ScalarSubqueryExpr;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a batch that are not worth asking for.
const SMALL_BYTES: usize = 32 << 20;

/// Bytes that the values of subqueries may take in one batch.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// The same plan, whose operators ask before they repeat rows.
pub(crate) fn with_requests(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let keep = || ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
    let ask = |node: Arc<dyn ExecutionPlan>| {
        let name = node.name().to_owned();
        let children: Vec<_> = node.children().into_iter().cloned().collect();
        if let ([left, right], true) = (children.as_slice(), joins(node.as_ref())) {
            let cut = node.downcast_ref::<CrossJoinExec>().is_none();
            let sides = Arc::new(Sides::default());
            let side = |input: &Arc<dyn ExecutionPlan>, of: Of| {
                let makes = Makes::Pairs(Side { of, cut, sides: sides.clone() });
                WrappedExec::node(input.clone(), Asking { operator: name.clone(), makes })
            };
            let inputs = vec![side(left, Of::Left), side(right, Of::Right)];
            return Ok(Transformed::yes(node.replace_children(inputs, keep())?));
        }
        if let (Some(unnest), [input]) = (node.downcast_ref::<UnnestExec>(), children.as_slice()) {
            let lists = unnest.list_column_indices().iter().map(|list| list.index_in_input_schema).collect();
            let input = WrappedExec::node(input.clone(), Asking { operator: name, makes: Makes::Elements(lists) });
            return Ok(Transformed::yes(node.replace_children(vec![input], keep())?));
        }
        let subqueries = subqueries(node.as_ref())?;
        if let (false, [input]) = (subqueries.is_empty(), children.as_slice()) {
            let input = WrappedExec::node(input.clone(), Sliced { subqueries });
            return Ok(Transformed::yes(node.replace_children(vec![input], keep())?));
        }
        Ok(Transformed::no(node))
    };
    plan.transform_up(ask).data()
}

fn joins(node: &dyn ExecutionPlan) -> bool {
    node.downcast_ref::<CrossJoinExec>().is_some()
        || node.downcast_ref::<HashJoinExec>().is_some()
        || node.downcast_ref::<NestedLoopJoinExec>().is_some()
        || node.downcast_ref::<SortMergeJoinExec>().is_some()
}

/// What is known of the two inputs of a join so far.
#[derive(Debug, Default)]
struct Sides {
    left: Rows,
    right: Rows,
}

/// How many rows came of an input, and bytes of the largest.
#[derive(Debug, Default)]
struct Rows {
    count: AtomicUsize,
    largest: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
enum Of {
    Left,
    Right,
}

/// One input of a join.
#[derive(Debug, Clone)]
struct Side {
    of: Of,
    /// Whether the join cuts its output to batches; a cross join repeats a row of the left for each of a batch.
    cut: bool,
    sides: Arc<Sides>,
}

impl Side {
    /// Bytes of the largest batch that the join can make, now that these rows have come.
    fn bytes(&self, batch: &RecordBatch, batch_size: usize) -> usize {
        let (this, other) = match self.of {
            Of::Left => (&self.sides.left, &self.sides.right),
            Of::Right => (&self.sides.right, &self.sides.left),
        };
        this.count.fetch_add(batch.num_rows(), Ordering::Relaxed);
        this.largest.fetch_max(largest_row(batch), Ordering::Relaxed);
        let count = |rows: &Rows| rows.count.load(Ordering::Relaxed);
        let rows = match (self.cut, self.of) {
            (true, _) => count(this).saturating_mul(count(other)).min(batch_size),
            // The left is all there before the right begins.
            (false, Of::Left) => 0,
            (false, Of::Right) => batch.num_rows(),
        };
        let row = this.largest.load(Ordering::Relaxed).saturating_add(other.largest.load(Ordering::Relaxed));
        rows.saturating_mul(row)
    }
}

/// What an operator makes of the rows of an input.
#[derive(Debug, Clone)]
enum Makes {
    /// A join: a row for each pair.
    Pairs(Side),
    /// UNNEST: a row for each element of the lists at these places, beside which every other value is repeated.
    Elements(Vec<usize>),
}

impl Makes {
    /// Bytes of the largest batch that the operator can make, now that these rows have come.
    fn bytes(&self, batch: &RecordBatch, batch_size: usize) -> usize {
        match self {
            Self::Pairs(side) => side.bytes(batch, batch_size),
            Self::Elements(lists) => {
                let elements = |place: &usize| batch.columns().get(*place).map_or(0, |list| elements(list));
                let rows = lists.iter().map(elements).max().unwrap_or(0);
                let beside: Vec<usize> = (0..batch.num_columns()).filter(|place| !lists.contains(place)).collect();
                rows.saturating_mul(batch.project(&beside).map_or(0, |beside| largest_row(&beside)))
            }
        }
    }
}

/// Passes on the rows of an input; for each batch, memory for what the operator may make of it is reserved first, and kept
/// until the end.
#[derive(Debug, Clone)]
struct Asking {
    /// Name of the operator, for the pool.
    operator: String,
    makes: Makes,
}

impl OperatorWrapper for Asking {
    const NAME: &'static str = "AskingExec";

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let reservation = MemoryConsumer::new(&self.operator).register(context.memory_pool());
        let batch_size = context.session_config().batch_size();
        let makes = self.makes.clone();
        Ok(with_each(input.execute(partition, context)?, move |batch| {
            let wanted = makes.bytes(&batch, batch_size);
            if wanted > SMALL_BYTES && wanted > reservation.size() {
                reservation.try_resize(wanted)?;
            }
            Ok(batch)
        }))
    }
}

/// Elements of all lists of a column.
fn elements(lists: &dyn Array) -> usize {
    match lists.data_type() {
        DataType::List(_) => lists.as_list::<i32>().offsets().lengths().sum(),
        DataType::LargeList(_) => lists.as_list::<i64>().offsets().lengths().sum(),
        _ => lists.len(),
    }
}

/// The subqueries whose values stand in a node's own expressions.
fn subqueries(node: &dyn ExecutionPlan) -> Result<Vec<Arc<dyn PhysicalExpr>>> {
    let mut found = Vec::new();
    node.apply_expressions(&mut |expr: &Arc<dyn PhysicalExpr>| {
        expr.apply(|part| {
            if part.downcast_ref::<ScalarSubqueryExpr>().is_some() {
                found.push(part.clone());
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// Cuts the rows, so that a value of a subquery beside each of them stays within [`BATCH_BYTES_MAX`].
#[derive(Debug, Clone)]
struct Sliced {
    subqueries: Vec<Arc<dyn PhysicalExpr>>,
}

impl Sliced {
    /// Rows of a batch; the values are known once the first rows come.
    fn rows(&self, batch: &RecordBatch) -> Result<usize> {
        let mut bytes = 0_usize;
        for subquery in &self.subqueries {
            if let ColumnarValue::Scalar(value) = subquery.evaluate(batch)? {
                bytes = bytes.saturating_add(value_size::of_constant(&value));
            }
        }
        Ok((BATCH_BYTES_MAX / bytes.max(1)).max(1))
    }
}

impl OperatorWrapper for Sliced {
    const NAME: &'static str = "SlicedExec";

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = input.execute(partition, context)?;
        let (schema, sliced, mut known) = (rows.schema(), self.clone(), None);
        let slices = rows.map(move |batch| {
            let batch = batch?;
            let most = match known {
                Some(most) => most,
                None => *known.insert(sliced.rows(&batch)?),
            };
            let count = batch.num_rows();
            let starts = (0..count.max(1)).step_by(most);
            let slices = starts.map(|start| Ok(batch.slice(start, most.min(count - start)))).collect::<Vec<_>>();
            Ok::<_, DataFusionError>(stream::iter(slices))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, slices.try_flatten())))
    }
}
