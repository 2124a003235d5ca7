//! Unions: a column may be NULL where it may be in one of their branches, also after the branches were rewritten.
//!
//! DataFusion 55: the optimizer writes `CASE WHEN x > 0 THEN true ELSE false END` as `(x > 0) IS NOT DISTINCT FROM true`,
//! which it takes for a value that may be NULL; the union above keeps what it said of its columns before, and an
//! aggregation over it fails ("Physical input schema should be the same"). Not needed once `SELECT count(*) FROM (SELECT
//! CASE WHEN x > 0 THEN true ELSE false END FROM (VALUES (1), (NULL)) t(x) UNION SELECT false) u` is 2 without this rule.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef, Result};
use datafusion::logical_expr::{LogicalPlan, Union};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use std::sync::Arc;

/// The optimizer rule; it comes after all that simplify expressions.
#[derive(Debug)]
pub(super) struct UnionNulls;

impl OptimizerRule for UnionNulls {
    fn name(&self) -> &'static str {
        "union_nulls"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        None
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if !has_union(&plan)? {
            return Ok(Transformed::no(plan));
        }
        // From the first union that changed on, whatever stands above one tells what it has from it.
        let mut changed = false;
        plan.transform_up(|node| {
            if let LogicalPlan::Union(union) = node {
                let Some(schema) = with_nulls_of_branches(&union)? else {
                    return Ok(Transformed::no(LogicalPlan::Union(union)));
                };
                changed = true;
                return Ok(Transformed::yes(LogicalPlan::Union(Union { schema, ..union })));
            }
            if changed { Ok(Transformed::yes(node.recompute_schema()?)) } else { Ok(Transformed::no(node)) }
        })
    }
}

fn has_union(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        found = matches!(node, LogicalPlan::Union(_));
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// The schema of a union whose branches have NULLs that it does not tell of.
fn with_nulls_of_branches(union: &Union) -> Result<Option<DFSchemaRef>> {
    let nullable = |index: usize| union.inputs.iter().any(|input| input.schema().field(index).is_nullable());
    let fields = union.schema.fields();
    if union.inputs.iter().any(|input| input.schema().fields().len() != fields.len())
        || !fields.iter().enumerate().any(|(index, field)| !field.is_nullable() && nullable(index))
    {
        return Ok(None);
    }
    let columns = union.schema.iter().enumerate().map(|(index, (qualifier, field))| {
        let told = field.is_nullable() || nullable(index);
        (qualifier.cloned(), Arc::new(field.as_ref().clone().with_nullable(told)))
    });
    let schema = DFSchema::new_with_metadata(columns.collect(), union.schema.metadata().clone())?;
    Ok(Some(Arc::new(schema)))
}
