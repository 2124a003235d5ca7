//! The running of an as-of join: a merge of two inputs in the order of their keys and match values; or, where the left one
//! never ends, an answer to each of its rows as it comes.

use super::follow::{Follow, Right};
use super::merge::{Merge, Rule};
use super::piece::{Exprs, Form};
use crate::dialect::extension::FromLatest;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{JoinSide, JoinType, Result, Statistics, plan_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::equivalence::join_equivalence_properties;
use datafusion::physical_expr::{LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties, InputDistributionRequirements,
    Partitioning, PlanProperties,
};
use futures::stream;
use std::fmt;
use std::sync::Arc;

/// One side of the join: its rows and its expressions.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) input: Arc<dyn ExecutionPlan>,
    pub(super) exprs: Exprs,
    /// What orders rows of equal keys and match values; the last of them is matched.
    pub(super) ties: Vec<Arc<dyn PhysicalExpr>>,
}

/// The physical node of an as-of join, which runs in one partition.
#[derive(Debug, Clone)]
pub(crate) struct AsOfJoinExec {
    left: Side,
    right: Side,
    rule: Rule,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl AsOfJoinExec {
    /// A join whose rows have the columns of the left input and then those of the right one.
    ///
    /// # Errors
    /// Expressions that an input has no columns for.
    pub(super) fn try_new(left: Side, right: Side, rule: Rule, schema: SchemaRef) -> Result<Self> {
        let kind = if rule.keeps_left { JoinType::Left } else { JoinType::Inner };
        let equivalences = join_equivalence_properties(
            left.input.equivalence_properties().clone(),
            right.input.equivalence_properties().clone(),
            &kind,
            schema.clone(),
            &[true, false],
            Some(JoinSide::Left),
            &[],
        )?;
        let bounded = [&left, &right].iter().all(|side| matches!(side.input.boundedness(), Boundedness::Bounded));
        let boundedness = match bounded {
            true => Boundedness::Bounded,
            false => Boundedness::Unbounded { requires_infinite_memory: false },
        };
        let partitioning = Partitioning::UnknownPartitioning(1);
        let properties = PlanProperties::new(equivalences, partitioning, EmissionType::Incremental, boundedness);
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(Self { left, right, rule, schema, properties: Arc::new(properties), metrics })
    }

    /// Whether the left side never ends.
    fn is_live(&self) -> bool {
        self.left.input.boundedness().is_unbounded()
    }

    /// Whether left rows without a match stay.
    pub(crate) fn keeps_left(&self) -> bool {
        self.rule.keeps_left
    }

    /// The comparisons of the join: a value of the left side, the operator, and a value of the right side.
    pub(crate) fn comparisons(&self) -> impl Iterator<Item = (&dyn PhysicalExpr, String, &dyn PhysicalExpr)> {
        let (left, right) = (&self.left.exprs, &self.right.exprs);
        let keys = left.keys.iter().zip(&right.keys).map(|pair| (pair, "=".to_owned()));
        let values = left.values.iter().zip(&right.values).map(|pair| (pair, self.rule.to_string()));
        keys.chain(values).map(|((left, right), op)| (left.as_ref(), op, right.as_ref()))
    }

    /// Answers the rows of a left side that never ends. A right side that does not end either begins with what is there.
    fn follow(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let memory = MemoryConsumer::new("AsOfJoinExec").register(context.memory_pool());
        let left = (self.left.input.execute(partition, context.clone())?, self.left.exprs.clone());
        let right = Right {
            stream: self.right.input.execute(partition, FromLatest::marked(&context))?,
            exprs: self.right.exprs.clone(),
            ties: self.right.ties.clone(),
            live: self.right.input.boundedness().is_unbounded(),
        };
        let follow = Follow::try_new(self.form()?, self.rule, left, right, self.schema.clone(), memory)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = stream::try_unfold((follow, metrics), |(mut follow, metrics)| async move {
            let batch = follow.next().await?;
            Ok(batch.map(|batch| {
                metrics.record_output(batch.num_rows());
                (batch, (follow, metrics))
            }))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows)))
    }

    fn types(exprs: &[Arc<dyn PhysicalExpr>], schema: &Schema) -> Result<Vec<DataType>> {
        exprs.iter().map(|expr| expr.data_type(schema)).collect()
    }

    /// How both sides compare.
    fn form(&self) -> Result<Form> {
        let of = |side: &Side| {
            let schema = side.input.schema();
            Ok::<_, datafusion::error::DataFusionError>((
                Self::types(&side.exprs.keys, &schema)?,
                Self::types(&side.exprs.values, &schema)?,
            ))
        };
        let (keys, values) = of(&self.left)?;
        if (&keys, &values) != (&of(&self.right)?.0, &of(&self.right)?.1) {
            return plan_err!("the sides of an as-of join have different types");
        }
        Form::of(&keys, &values)
    }
}

impl Side {
    /// The order in which the merge reads the input; `None` for one group of rows that nothing orders.
    fn order(&self) -> Option<LexOrdering> {
        let all = self.exprs.keys.iter().chain(&self.exprs.values).chain(&self.ties);
        LexOrdering::new(all.map(|expr| PhysicalSortExpr::new(expr.clone(), SortOptions::default())))
    }
}

impl DisplayAs for AsOfJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |exprs: &[Arc<dyn PhysicalExpr>]| exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (left, right) = (&self.left.exprs, &self.right.exprs);
        let kind = if self.rule.keeps_left { "Left" } else { "Inner" };
        let (keys, values) = (list(&left.keys), list(&left.values));
        let (right_keys, right_values) = (list(&right.keys), list(&right.values));
        write!(f, "AsOfJoinExec: type={kind}, on=[({keys}) = ({right_keys})], ")?;
        write!(f, "match=[({values}) {} ({right_values})]", self.rule)?;
        match &left.bound {
            Some(bound) => write!(f, ", within={bound}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for AsOfJoinExec {
    fn name(&self) -> &'static str {
        "AsOfJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition; 2])
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition; 2]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        if self.is_live() {
            return vec![None, None];
        }
        [&self.left, &self.right].into_iter().map(|side| side.order().map(OrderingRequirements::from)).collect()
    }

    /// DataFusion 55: `pushdown_sorts` puts the order that a parent asks for in the place of the one that this node asks
    /// of its left input, where the node says that it keeps that input's order. Its properties say so; this does not. Not
    /// needed once two as-of joins by different times of one left table plan with `true`.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left.input, &self.right.input]
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for side in [&self.left, &self.right] {
            let all = side.exprs.keys.iter().chain(&side.exprs.values).chain(&side.exprs.bound).chain(&side.ties);
            for expr in all {
                if visit(expr)? == TreeNodeRecursion::Stop {
                    return Ok(TreeNodeRecursion::Stop);
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([left, right]) = <[_; 2]>::try_from(children) else {
            return plan_err!("an as-of join has two inputs");
        };
        let left = Side { input: left, ..self.left.clone() };
        let right = Side { input: right, ..self.right.clone() };
        Ok(Arc::new(Self::try_new(left, right, self.rule, self.schema.clone())?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if self.is_live() {
            return self.follow(partition, context);
        }
        let memory = MemoryConsumer::new("AsOfJoinExec").register(context.memory_pool());
        let input = |side: &Side| {
            let stream = side.input.execute(partition, context.clone())?;
            Ok::<_, datafusion::error::DataFusionError>((stream, side.exprs.clone()))
        };
        let (left, right) = (input(&self.left)?, input(&self.right)?);
        let merge = Merge::new(self.form()?, self.rule, left, right, self.schema.clone(), memory);
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = stream::try_unfold((merge, metrics), |(mut merge, metrics)| async move {
            let batch = merge.next().await?;
            Ok(batch.map(|batch| {
                metrics.record_output(batch.num_rows());
                (batch, (merge, metrics))
            }))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let _ = partition;
        Ok(Arc::new(Statistics::new_unknown(&self.schema)))
    }
}

#[cfg(test)]
#[path = "exec_tests.rs"]
mod tests;
