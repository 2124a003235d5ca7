//! What a select list computes stays above the filter below it, so that it is computed for the rows
//! alone that the filter leaves.
//!
//! DataFusion 55: `ProjectionPushdown` moves a projection below a filter that chooses columns itself, and takes the columns
//! that the filter gives for those that it gets. Filters choose none while the rule works, which has them choose again. Not
//! needed once `SELECT symbol, close FROM eod WHERE symbol = 'AAPL' ORDER BY date` plans without it.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::{ProjectionExec, try_embed_projection};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use std::fmt;
use std::sync::Arc;

/// A physical rule of DataFusion's, as a session state lists it.
type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// Operators through which DataFusion moves projections of any kind.
const PASSED_THROUGH: &[&str] = &[
    "BufferExec",
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "ProjectionExec",
    "RepartitionExec",
    "SortExec",
    "SortPreservingMergeExec",
    "UnionExec",
];

/// The rule itself, or DataFusion's `ProjectionPushdown` with filters that it cannot move projections
/// through.
pub(crate) fn above_filters(rule: Rule) -> Rule {
    if rule.name() == "ProjectionPushdown" { Arc::new(AboveFilters(rule)) } else { rule }
}

/// `ProjectionPushdown`, which leaves projections that compute above filters.
#[derive(Debug)]
struct AboveFilters(Rule);

impl PhysicalOptimizerRule for AboveFilters {
    /// Puts a [`Barrier`] around each filter below a projection that computes, applies the rule, and
    /// takes them away.
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let plan =
            plan.transform_up(spread).data()?.transform_down(raise).data()?.transform_down(super::join::seal).data()?;
        self.0.optimize(plan, config)?.transform_down(lower).data()
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Puts the columns that a filter chooses into a projection above it.
fn spread(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(filter) = plan.downcast_ref::<FilterExec>() else { return Ok(Transformed::no(plan)) };
    let Some(chosen) = filter.projection() else { return Ok(Transformed::no(plan)) };
    let schema = filter.input().schema();
    let columns = chosen.iter().map(|place| {
        let name = schema.field(*place).name();
        (Arc::new(Column::new(name, *place)) as Arc<dyn PhysicalExpr>, name.clone())
    });
    let whole = FilterExecBuilder::from(filter).apply_projection(None)?.build()?;
    Ok(Transformed::yes(Arc::new(ProjectionExec::try_new(columns, Arc::new(whole))?)))
}

/// Puts barriers below one projection that computes. The columns it needs are chosen by the filter, as
/// DataFusion's rule would have it.
fn raise(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(projection) = plan.downcast_ref::<ProjectionExec>() else { return Ok(Transformed::no(plan)) };
    let computes = |expr: &Arc<dyn PhysicalExpr>| {
        let expr: &dyn std::any::Any = expr.as_ref();
        !expr.is::<Column>() && !expr.is::<Literal>()
    };
    if !projection.expr().iter().any(|item| computes(&item.expr)) {
        return Ok(Transformed::no(plan));
    }
    let narrowed = match projection.input().downcast_ref::<FilterExec>() {
        Some(filter) => try_embed_projection(projection, filter)?.unwrap_or(plan),
        None => plan,
    };
    let inputs = narrowed.children().into_iter().cloned().map(behind).collect::<Result<Vec<_>>>()?;
    Ok(Transformed::yes(over(narrowed, inputs)?))
}

/// The plan with barriers around the filters that a projection would come to.
fn behind(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if plan.downcast_ref::<FilterExec>().is_some() {
        return Ok(Arc::new(Barrier { filter: plan }));
    }
    if !PASSED_THROUGH.contains(&plan.name()) {
        return Ok(plan);
    }
    let inputs = plan.children().into_iter().cloned().map(behind).collect::<Result<Vec<_>>>()?;
    over(plan, inputs)
}

/// An operator over other inputs.
fn over(plan: Arc<dyn ExecutionPlan>, inputs: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.replace_children(inputs, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// Takes a barrier away.
fn lower(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    Ok(match plan.downcast_ref::<Barrier>() {
        Some(barrier) => Transformed::yes(barrier.filter.clone()),
        None => Transformed::no(plan),
    })
}

/// A filter that no projection is moved through; it is in no plan that runs.
#[derive(Debug)]
struct Barrier {
    filter: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for Barrier {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BarrierExec")
    }
}

impl ExecutionPlan for Barrier {
    fn name(&self) -> &str {
        "BarrierExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.filter.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.filter]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(filter), true) => Ok(Arc::new(Self { filter })),
            _ => internal_err!("one child is wanted"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.filter.execute(partition, context)
    }
}
