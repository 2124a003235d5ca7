//! The filter of a join without equal keys stays whole where it has a branch, so that nothing in the
//! branch is computed over one side of the join by itself.

use datafusion::arrow::datatypes::{FieldRef, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::expressions::{CaseExpr, Column};
use datafusion::physical_expr::{PhysicalExpr, utils::collect_columns};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Seals the filter of a join whose expression has a branch.
pub(super) fn seal(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() else { return Ok(Transformed::no(plan)) };
    let Some(filter) = join.filter().filter(|filter| branches(filter.expression())) else {
        return Ok(Transformed::no(plan));
    };
    let mut columns: Vec<Column> = collect_columns(filter.expression()).into_iter().collect();
    columns.sort_by_key(Column::index);
    let columns = columns.into_iter().map(|column| Arc::new(column) as Arc<dyn PhysicalExpr>).collect();
    let sealed = Arc::new(Sealed { whole: filter.expression().clone(), columns });
    let filter = JoinFilter::new(sealed, filter.column_indices().to_vec(), filter.schema().clone());
    let join = NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build()?;
    Ok(Transformed::yes(Arc::new(join)))
}

/// Whether an expression has a branch that is not sealed yet.
fn branches(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let mut found = false;
    let _ = expr.apply(|part| {
        let part: &dyn Any = part.as_ref();
        found |= part.is::<CaseExpr>();
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found
}

/// An expression whose parts are its columns alone, for who walks it.
#[derive(Debug)]
struct Sealed {
    whole: Arc<dyn PhysicalExpr>,
    columns: Vec<Arc<dyn PhysicalExpr>>,
}

impl PartialEq for Sealed {
    fn eq(&self, other: &Self) -> bool {
        self.whole.eq(&other.whole)
    }
}

impl Eq for Sealed {}

impl Hash for Sealed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.whole.hash(state);
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whole.fmt(f)
    }
}

impl PhysicalExpr for Sealed {
    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.whole.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.whole.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.columns.iter().collect()
    }

    /// Puts the new columns in the place of the old ones, all through the expression.
    fn with_new_children(self: Arc<Self>, columns: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        if columns.len() != self.columns.len() {
            return internal_err!("as many columns are wanted as there were");
        }
        let replace = |part: Arc<dyn PhysicalExpr>| {
            let old = self.columns.iter().position(|column| column.eq(&part));
            Ok(old.map_or_else(|| Transformed::no(part), |at| Transformed::yes(columns[at].clone())))
        };
        let whole = self.whole.clone().transform_up(replace).data()?;
        Ok(Arc::new(Self { whole, columns }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whole.fmt_sql(f)
    }
}
