//! The condition of a filter, evaluated whole; and when that fails, one condition after the other, each
//! over the rows that those before it leave.
//!
//! A condition that fails waits until the others have had their turn, because the optimiser joins the
//! conditions of nested queries in any order. The common case, in which nothing fails, costs nothing.
//!
//! Conditions that cannot fail stay in front as they are: DataFusion reads in them which columns are
//! constant or equal, and a plan that was sorted for what it knew fails when it no longer knows it.

use arrow::array::{AsArray, BooleanArray, UInt32Array};
use arrow::compute::{filter, filter_record_batch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::expressions::{
    BinaryExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, Literal, NotExpr,
};
use datafusion::physical_expr::{PhysicalExpr, conjunction, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The rule that puts a [`Conjunction`] into filters of several conditions, some of which may fail. It
/// runs after DataFusion's rules, which read the condition.
#[derive(Debug)]
pub(crate) struct Conjunctions;

impl PhysicalOptimizerRule for Conjunctions {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let replace = |node: Arc<dyn ExecutionPlan>| {
            let Some(filter) = node.downcast_ref::<FilterExec>() else { return Ok(Transformed::no(node)) };
            let parts: Vec<_> = split_conjunction(filter.predicate()).into_iter().cloned().collect();
            let several = parts.len() > 1;
            let schema = filter.input().schema();
            let (plain, others): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| is_plain(part, &schema));
            if !several || others.is_empty() {
                return Ok(Transformed::no(node));
            }
            let guarded = Conjunction { others: conjunction(others), whole: filter.predicate().clone() };
            let predicate = conjunction(plain.into_iter().chain([Arc::new(guarded) as _]));
            let filter = FilterExecBuilder::from(filter).with_predicate(predicate).build()?;
            Ok(Transformed::yes(Arc::new(filter) as Arc<dyn ExecutionPlan>))
        };
        plan.transform_up(replace).data()
    }

    fn name(&self) -> &str {
        "guard"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether a condition only compares columns and constants, which cannot fail.
fn is_plain(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    let mut plain = true;
    let _ = expr.apply(|part| {
        let part: &dyn std::any::Any = part.as_ref();
        let compares = part.downcast_ref::<BinaryExpr>().is_some_and(|binary| {
            let op = binary.op();
            op.supports_propagation() || matches!(op, Operator::And | Operator::Or | Operator::NotEq)
        });
        let widened = part.downcast_ref::<CastExpr>().is_some_and(|cast| {
            cast.expr().data_type(schema).is_ok_and(|from| super::widening::widens(&from, cast.cast_type()))
        });
        plain &= compares
            || widened
            || part.is::<Column>()
            || part.is::<Literal>()
            || part.is::<NotExpr>()
            || part.is::<IsNullExpr>()
            || part.is::<IsNotNullExpr>()
            || part.is::<InListExpr>();
        Ok(if plain { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    plain
}

/// The conditions of a filter that may fail, joined by AND; they are evaluated behind those that cannot.
#[derive(Debug)]
struct Conjunction {
    others: Arc<dyn PhysicalExpr>,
    /// All conditions of the filter: which of them are evaluated first when one of the others fails.
    whole: Arc<dyn PhysicalExpr>,
}

impl PartialEq for Conjunction {
    fn eq(&self, other: &Self) -> bool {
        self.whole.eq(&other.whole)
    }
}

impl Eq for Conjunction {}

impl Hash for Conjunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.whole.hash(state);
    }
}

impl fmt::Display for Conjunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.others.fmt(f)
    }
}

impl Conjunction {
    /// Where all conditions of the filter are true, each evaluated over the rows that are left when its turn comes.
    ///
    /// # Errors
    /// What a condition fails with over the rows that all others leave, and `first` when none got on.
    fn one_by_one(&self, batch: &RecordBatch, first: DataFusionError) -> Result<BooleanArray> {
        let mut waiting = split_conjunction(&self.whole);
        let mut rows = UInt32Array::from_iter_values(0..u32::try_from(batch.num_rows()).unwrap_or(u32::MAX));
        let (mut left, mut failure) = (batch.clone(), first);
        loop {
            let before = waiting.len();
            let mut failed = Vec::new();
            for condition in waiting {
                if left.num_rows() == 0 {
                    break;
                }
                match condition.evaluate(&left).and_then(|value| value.into_array(left.num_rows())) {
                    Ok(holds) => {
                        let holds = holds.as_boolean();
                        rows = filter(&rows, holds)?.as_primitive::<UInt32Type>().clone();
                        left = filter_record_batch(&left, holds)?;
                    }
                    Err(error) => {
                        failure = error;
                        failed.push(condition);
                    }
                }
            }
            if failed.is_empty() || left.num_rows() == 0 {
                break;
            }
            if failed.len() == before {
                return Err(failure);
            }
            waiting = failed;
        }
        let mut all = vec![false; batch.num_rows()];
        rows.values().iter().for_each(|row| all[*row as usize] = true);
        Ok(BooleanArray::from(all))
    }
}

impl PhysicalExpr for Conjunction {
    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        Ok(Arc::new(Field::new("conjunction", DataType::Boolean, true)))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        match self.others.evaluate(batch) {
            Err(error) => Ok(ColumnarValue::Array(Arc::new(self.one_by_one(batch, error)?))),
            known => known,
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.others, &self.whole]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match (children.pop(), children.pop(), children.is_empty()) {
            (Some(whole), Some(others), true) => Ok(Arc::new(Self { others, whole })),
            _ => internal_err!("two conditions are wanted"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.others.fmt_sql(f)
    }
}
