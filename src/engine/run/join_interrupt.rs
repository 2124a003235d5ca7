//! Has a join end that goes on and on without finding a row.
//!
//! A join compares all pairs of the rows at hand before it gives back control, unless rows come of it. Its filter is asked
//! about every few thousand pairs. So each filter, and one that lets everything through where a join has none, also looks
//! whether anybody still wants the rows: when not, it fails, and the join with it.

use super::{cpu, time_slice};
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::{JoinType, Result, exec_err, internal_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::lit;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a join may keep a thread to itself. After that the other work of the thread goes to another one.
const ALONE: Duration = Duration::from_millis(50);

/// How long another one may take to begin with it. If that was too short, the next one comes after [`ALONE`] again.
const TAKE_OVER: Duration = Duration::from_micros(500);

/// The same join, which fails once `stop` is cancelled; `None` when the node is none that needs it.
pub(crate) fn join(node: &dyn ExecutionPlan, stop: &CancellationToken) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        let filter = filter(join.filter(), *join.join_type(), stop);
        return Ok(Some(Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(filter).build()?)));
    }
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        let filter = filter(join.filter(), *join.join_type(), stop);
        return join.builder().with_filter(filter).build_exec().map(Some);
    }
    Ok(None)
}

fn filter(filter: Option<&JoinFilter>, join_type: JoinType, stop: &CancellationToken) -> Option<JoinFilter> {
    let stoppable = |inner: Arc<dyn PhysicalExpr>| Arc::new(Stoppable { inner, stop: stop.clone() }) as _;
    match filter {
        Some(filter) => Some(JoinFilter::new(
            stoppable(filter.expression().clone()),
            filter.column_indices().to_vec(),
            filter.schema().clone(),
        )),
        // Every pair is a row, and control is given back with each batch of them.
        None if matches!(join_type, JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full) => None,
        None => Some(JoinFilter::new(stoppable(lit(true)), Vec::new(), Arc::new(Schema::empty()))),
    }
}

/// An expression that fails when nobody wants its value any more.
#[derive(Debug)]
struct Stoppable {
    inner: Arc<dyn PhysicalExpr>,
    stop: CancellationToken,
}

// A statement has one token.
impl PartialEq for Stoppable {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for Stoppable {}

impl Hash for Stoppable {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Stoppable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PhysicalExpr for Stoppable {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.stop.is_cancelled() {
            return exec_err!("nobody waits for the rows any more");
        }
        if time_slice::elapsed() > ALONE {
            time_slice::restart();
            // The thread that takes over has to begin before this one takes its work back.
            cpu::beside_other_work(|| std::thread::sleep(TAKE_OVER));
        }
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match (children.pop(), children.is_empty()) {
            (Some(inner), true) => Ok(Arc::new(Self { inner, stop: self.stop.clone() })),
            _ => internal_err!("one child is wanted"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}
