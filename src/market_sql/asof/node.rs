//! An as-of join in DataFusion's logical plans.

use super::merge::{Direction, Rule};
use arrow::datatypes::SchemaRef;
use datafusion::common::{DFSchemaRef, JoinType, Result, plan_err};
use datafusion::logical_expr::logical_plan::builder::build_join_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Each row of the left input beside the row of the right input that it is matched with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct AsOfJoin {
    pub(super) left: LogicalPlan,
    pub(super) right: LogicalPlan,
    /// What is equal on both sides.
    pub(super) keys: Vec<(Expr, Expr)>,
    /// What rows are matched by; the first pair decides, and each further one where those before it are equal.
    pub(super) values: Vec<(Expr, Expr)>,
    /// Of the left side: what the right side's value must not lie beyond.
    pub(super) bound: Option<Expr>,
    /// Of the right side: what orders rows of equal keys and values; the last of them is matched.
    pub(super) ties: Vec<Expr>,
    pub(super) rule: Rule,
    schema: DFSchemaRef,
}

impl AsOfJoin {
    /// A join of two inputs by expressions over them.
    ///
    /// # Errors
    /// Two columns of one name.
    pub(super) fn try_new(
        (left, right): (LogicalPlan, LogicalPlan),
        keys: Vec<(Expr, Expr)>,
        values: Vec<(Expr, Expr)>,
        bound: Option<Expr>,
        ties: Vec<Expr>,
        rule: Rule,
    ) -> Result<Self> {
        let kind = if rule.keeps_left { JoinType::Left } else { JoinType::Inner };
        let schema = Arc::new(build_join_schema(left.schema(), right.schema(), &kind)?);
        Ok(Self { left, right, keys, values, bound, ties, rule, schema })
    }

    /// The same join over other inputs.
    ///
    /// # Errors
    /// As [`AsOfJoin::try_new`].
    pub(super) fn over(&self, left: LogicalPlan, right: LogicalPlan) -> Result<Self> {
        let (bound, ties) = (self.bound.clone(), self.ties.clone());
        Self::try_new((left, right), self.keys.clone(), self.values.clone(), bound, ties, self.rule)
    }

    /// The columns of the result as Arrow has them.
    pub(super) fn result_schema(&self) -> SchemaRef {
        self.schema.inner().clone()
    }

    /// How many columns of the result are the left side's.
    pub(super) fn left_columns(&self) -> usize {
        self.left.schema().fields().len()
    }
}

/// Nodes have no order; DataFusion wants one to be asked for.
impl PartialOrd for AsOfJoin {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for AsOfJoin {
    fn name(&self) -> &'static str {
        "AsOfJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.left, &self.right]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    /// The pairs of keys, those of values, the bound and the ties, in this order.
    fn expressions(&self) -> Vec<Expr> {
        let pairs = self.keys.iter().chain(&self.values).flat_map(|(left, right)| [left, right]);
        pairs.chain(&self.bound).chain(&self.ties).cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.rule.keeps_left { "Left" } else { "Inner" };
        let pairs = |pairs: &[(Expr, Expr)], op: &str| {
            pairs.iter().map(|(left, right)| format!("{left} {op} {right}")).collect::<Vec<_>>().join(", ")
        };
        let (keys, values) = (pairs(&self.keys, "="), pairs(&self.values, &self.rule.to_string()));
        write!(f, "AsOfJoin: type={kind}, on=[{keys}], match=[{values}]")?;
        match &self.bound {
            Some(bound) if self.rule.direction == Direction::Backward => write!(f, ", from={bound}"),
            Some(bound) => write!(f, ", to={bound}"),
            None => Ok(()),
        }
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Ok([left, right]) = <[LogicalPlan; 2]>::try_from(inputs) else {
            return plan_err!("an as-of join has two inputs");
        };
        let mut exprs = exprs.into_iter();
        let mut pairs = |count: usize| -> Vec<(Expr, Expr)> {
            (0..count).filter_map(|_| Some((exprs.next()?, exprs.next()?))).collect()
        };
        let (keys, values) = (pairs(self.keys.len()), pairs(self.values.len()));
        let bound = self.bound.as_ref().and_then(|_| exprs.next());
        Self::try_new((left, right), keys, values, bound, exprs.collect(), self.rule)
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let count = self.left_columns();
        let (left, right): (Vec<usize>, Vec<usize>) = output_columns.iter().partition(|column| **column < count);
        Some(vec![left, right.into_iter().map(|column| column - count).collect()])
    }
}
