//! The rows that a statement has computed to be shared, by name.
//!
//! The rows are computed by a task of their own, since nobody knows which of the places that read them
//! goes on when another waits. The statement's configuration owns the buffers; the task holds them
//! weakly, so that a statement that is dropped ends it.

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{Result, exec_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::future::{BoxFuture, FutureExt, Shared};
use futures::stream::StreamExt;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Rows in memory, which count against the statement's limit while they are held.
pub(super) struct Buffer {
    pub(super) batches: Vec<RecordBatch>,
    _memory: MemoryReservation,
}

/// Rows that are being computed, or are there.
pub(super) type Rows = Shared<BoxFuture<'static, Result<Arc<Buffer>, Arc<DataFusionError>>>>;

/// Held for a few instructions, never across an await.
type Cells = Mutex<HashMap<String, Rows>>;

/// The shared rows of one statement. Travels in the configuration of the statement.
pub(crate) struct Buffers {
    /// `None` in the context of a task that computes rows.
    owned: Option<Arc<Cells>>,
    cells: Weak<Cells>,
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers").field("owned", &self.owned.is_some()).finish()
    }
}

impl Buffers {
    /// The buffers of a statement that begins, with no rows in them.
    pub(crate) fn begin() -> Self {
        let cells = Arc::default();
        Self { cells: Arc::downgrade(&cells), owned: Some(cells) }
    }

    /// The rows of a name; the first that asks has its plan run.
    pub(super) fn rows(context: &Arc<TaskContext>, name: &str, plan: &Arc<dyn ExecutionPlan>) -> Result<Rows> {
        let buffers = context.session_config().get_extension::<Self>();
        let Some(cells) = buffers.and_then(|buffers| buffers.cells.upgrade()) else {
            return exec_err!("rows are shared within a running statement only");
        };
        let mut cells = cells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = cells.get(name) {
            return Ok(rows.clone());
        }
        let task = SpawnedTask::spawn(collect(plan.clone(), within(context)));
        let rows = async move {
            match task.await {
                Ok(Ok(buffer)) => Ok(Arc::new(buffer)),
                Ok(Err(error)) => Err(Arc::new(error)),
                Err(error) => Err(Arc::new(DataFusionError::ExecutionJoin(Box::new(error)))),
            }
        };
        let rows = rows.boxed().shared();
        cells.insert(name.to_owned(), rows.clone());
        Ok(rows)
    }
}

/// The context of a task that computes rows, which may themselves be made of shared rows.
fn within(context: &Arc<TaskContext>) -> Arc<TaskContext> {
    let mut config = context.session_config().clone();
    if let Some(buffers) = config.get_extension::<Buffers>() {
        config.set_extension(Arc::new(Buffers { owned: None, cells: buffers.cells.clone() }));
    }
    Arc::new(TaskContext::new(
        context.task_id(),
        context.session_id(),
        config,
        context.scalar_functions().clone(),
        HashMap::new(),
        context.aggregate_functions().clone(),
        context.window_functions().clone(),
        context.runtime_env(),
    ))
}

/// Reads all rows of a plan.
async fn collect(plan: Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> Result<Buffer> {
    let memory = MemoryConsumer::new("SharedRows").register(context.memory_pool());
    let mut rows = execute_stream(plan, context)?;
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        memory.try_grow(batch.get_array_memory_size())?;
        batches.push(batch);
    }
    Ok(Buffer { batches, _memory: memory })
}
