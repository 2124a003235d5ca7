//! The operator that fills gaps: it reads groups in order, one at a time, and gives rows as they are asked for, so
//! that a gap takes no memory however long it is.

use super::fill::Filling;
use super::gaps::Gaps;
use super::group::Groups;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, plan_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexOrdering, LexRequirement, OrderingRequirements, PhysicalExpr,
    PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::EmissionType;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::stream;
use std::fmt;
use std::sync::Arc;

/// Gives the rows of its input, and one for each bucket of a group without.
#[derive(Debug)]
pub(super) struct GapFillExec {
    input: Arc<dyn ExecutionPlan>,
    gaps: Arc<Gaps>,
    schema: SchemaRef,
    order: Option<LexOrdering>,
    properties: Arc<PlanProperties>,
}

impl GapFillExec {
    /// The operator over groups, with these columns as its output.
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, gaps: Gaps, schema: SchemaRef) -> Result<Self> {
        let others = (0..gaps.keys).filter(|place| *place != gaps.time);
        let keys = others.chain([gaps.time]).map(|place| {
            let name = schema.field(place).name();
            let column = Arc::new(Column::new(name, place)) as Arc<dyn PhysicalExpr>;
            PhysicalSortExpr::new(column, SortOptions { descending: false, nulls_first: false })
        });
        let order = LexOrdering::new(keys);
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema.clone(), order.clone()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            input.boundedness(),
        );
        Ok(Self { input, gaps: Arc::new(gaps), schema, order, properties: Arc::new(properties) })
    }
}

impl DisplayAs for GapFillExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GapFillExec: {}", self.schema.field(self.gaps.time).name())
    }
}

impl ExecutionPlan for GapFillExec {
    fn name(&self) -> &'static str {
        "GapFillExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![self.order.clone().map(|order| OrderingRequirements::new(LexRequirement::from(order)))]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(input, self.gaps.as_ref().clone(), self.schema.clone())?)),
            _ => plan_err!("gaps are filled in one input"),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = context.session_config().batch_size();
        let memory = MemoryConsumer::new("GapFill").register(context.memory_pool());
        let others = (0..self.gaps.keys).filter(|place| *place != self.gaps.time).collect();
        let groups = Groups::of(self.input.execute(0, context)?, others, memory);
        let state = (groups, None::<Filling>, self.gaps.clone(), self.schema.clone());
        let batches = stream::try_unfold(state, move |(mut groups, mut filling, gaps, schema)| async move {
            loop {
                if let Some(group) = &mut filling
                    && let Some(batch) = group.next(rows, &schema)?
                {
                    return Ok(Some((batch, (groups, filling, gaps, schema))));
                }
                filling = match groups.next().await? {
                    Some(group) => Some(Filling::of(group, gaps.clone())?),
                    None => return Ok(None),
                };
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches)))
    }
}
