//! The running of the order of live events.

use super::held::Held;
use super::node::InTimeOrder;
use crate::dialect::session::SessionFacts;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, plan_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties, InputDistributionRequirements,
    Partitioning, PlanProperties,
};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use futures::{StreamExt, stream};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Rows of one batch of the result at most.
const ROWS_MAX: usize = 8192;

/// The planner of [`InTimeOrder`].
#[derive(Debug)]
pub(super) struct Planner;

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<InTimeOrder>() else { return Ok(None) };
        let [input] = inputs else { return plan_err!("events are put in order in one input") };
        let facts = session.config().get_extension::<SessionFacts>();
        let lateness = facts.map_or(Duration::ZERO, |facts| facts.variables.live_lateness());
        Ok(Some(Arc::new(InTimeOrderExec::try_new(input.clone(), node.place()?, lateness)?)))
    }
}

/// The physical node, which runs in one partition.
#[derive(Debug, Clone)]
struct InTimeOrderExec {
    input: Arc<dyn ExecutionPlan>,
    /// The place of the column that orders the rows.
    time: usize,
    lateness: Duration,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl InTimeOrderExec {
    /// The rows of an input in the order of a column, each held back for a lateness.
    ///
    /// # Errors
    /// An input without that column.
    fn try_new(input: Arc<dyn ExecutionPlan>, time: usize, lateness: Duration) -> Result<Self> {
        let schema = input.schema();
        let Some(field) = schema.fields().get(time) else { return plan_err!("there is no column {time}") };
        let by_time = PhysicalSortExpr::new_default(Arc::new(Column::new(field.name(), time)));
        let equivalences = EquivalenceProperties::new_with_orderings(schema.clone(), [vec![by_time]]);
        let boundedness = match input.boundedness() {
            Boundedness::Bounded => Boundedness::Bounded,
            Boundedness::Unbounded { .. } => Boundedness::Unbounded { requires_infinite_memory: false },
        };
        let partitioning = Partitioning::UnknownPartitioning(1);
        let properties = PlanProperties::new(equivalences, partitioning, EmissionType::Incremental, boundedness);
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(Self { input, time, lateness, properties: Arc::new(properties), metrics })
    }
}

/// The order of one execution.
struct Ordering {
    input: SendableRecordBatchStream,
    time: usize,
    /// How long rows are held back, in microseconds.
    lateness: i64,
    held: Held,
    ended: bool,
    /// Events that came too late.
    late: Count,
    memory: MemoryReservation,
}

impl Ordering {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let rows = match self.ended {
                true => return self.held.give_all(ROWS_MAX),
                false => self.held.give(self.lateness, ROWS_MAX)?,
            };
            if rows.is_some() {
                self.memory.try_resize(self.held.size())?;
                return Ok(rows);
            }
            match self.input.next().await.transpose()? {
                Some(batch) => {
                    self.late.add(self.held.take(batch, self.time)?);
                    self.memory.try_resize(self.held.size())?;
                }
                None => self.ended = true,
            }
        }
    }
}

impl DisplayAs for InTimeOrderExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InTimeOrderExec: by={}, lateness={:?}", self.input.schema().field(self.time).name(), self.lateness)
    }
}

impl ExecutionPlan for InTimeOrderExec {
    fn name(&self) -> &'static str {
        "InTimeOrderExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(Self::try_new(input, self.time, self.lateness)?)),
            None => plan_err!("events are put in order in one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let memory = MemoryConsumer::new("InTimeOrderExec").register(context.memory_pool());
        let ordering = Ordering {
            input: self.input.execute(partition, context)?,
            time: self.time,
            lateness: i64::try_from(self.lateness.as_micros()).unwrap_or(i64::MAX),
            held: Held::new(),
            ended: false,
            late: MetricBuilder::new(&self.metrics).counter("late", partition),
            memory,
        };
        let rows = stream::try_unfold(ordering, |mut ordering| async move {
            Ok(ordering.next().await?.map(|batch| (batch, ordering)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn partition_statistics(&self, _: Option<usize>) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.input.schema())))
    }
}
